#pragma once
// The entries of the catalogue, one function a family; each is defined in the .cpp named beside it.
#include "iqgate/measure/metric.hpp"

namespace iqgate::measure {

Metric region_statistics_metric();  // region_statistics.cpp  A1
Metric snr_metric();                // snr.cpp                A2
Metric ct_noise_metric();           // ct_noise.cpp           A3
Metric local_noise_metric();        // local_noise.cpp        A4
Metric piu_metric();                // uniformity_mr.cpp      A5
Metric nema_uniformity_metric();    // uniformity_mr.cpp      A5
Metric ct_uniformity_metric();      // uniformity_ct.cpp      A5
Metric ghosting_metric();           // ghosting.cpp           A6
Metric distances_metric();          // distances.cpp          A7
Metric diameters_metric();          // diameters.cpp          A7
Metric end_to_end_metric();         // end_to_end.cpp         A7
Metric distortion_metric();         // distortion.cpp         A7
Metric slice_thickness_metric();    // slice_thickness.cpp    A8, A9
Metric slice_profile_metric();      // slice_profile.cpp      A8
Metric ramps_metric();              // ramps.cpp              A8
Metric plates_metric();             // plates.cpp             A8
Metric wedges_metric();             // wedges.cpp             A9
Metric angled_rods_metric();        // angled_rods.cpp        A9
Metric cnr_metric();                // cnr.cpp                A11
Metric lcd_metric();                // low_contrast_statistics.cpp  A11
Metric hole_arrays_metric();        // hole_arrays.cpp        A10
Metric spokes_metric();             // spokes.cpp             A11
Metric low_contrast_metric();       // low_contrast.cpp       A11
Metric ct_number_metric();          // ct_number.cpp          A12
Metric detectability_metric();      // detectability.cpp      C3, D1, D2
Metric hotelling_metric();          // detectability.cpp      D3
Metric artefacts_metric();          // artefacts.cpp          A13
Metric line_pairs_metric();         // line_pairs.cpp         B5
Metric relaxometry_metric();        // relaxometry.cpp        A14
Metric ipem_uniformity_metric();    // uniformity_mr.cpp      A5
Metric point_mtf_metric();          // point_mtf.cpp          B1
Metric slanted_edge_metric();       // slanted_edge.cpp       B2
Metric disc_ttf_metric();           // disc_ttf.cpp           B3
Metric ball_ttf_metric();           // ball_ttf.cpp           B4
Metric nps_metric();                // nps.cpp                C1, C2
Metric image_similarity_metric();   // image_similarity.cpp   G1
Metric stability_metric();          // stability.cpp          E1 to E3

}  // namespace iqgate::measure
