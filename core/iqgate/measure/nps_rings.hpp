#pragma once
// C2: how the noise of a uniform region changes from its middle outwards.
#include "iqgate/measure/metric.hpp"
#include "iqgate/measure/nps_spectrum.hpp"

namespace iqgate::measure {

/// Spectra of the boxes (32 pixels a side, or 24) whose centres lie in the inner, middle and outer third of the way
/// from the region's axis to the outermost box: variants poly2_inner, poly2_middle, poly2_outer of the noise, the mean
/// frequency, the radial curve, and nps_ring_radius_mm, the root mean square distance of the boxes' centres; and
/// noise_outer_over_inner. Refused where a third holds fewer than four places.
void measure_nps_rings(const Job& job, std::size_t scan, const Region& region, const RegionVoxels& voxels,
                       const NpsSet& set, Results& results);

}  // namespace iqgate::measure
