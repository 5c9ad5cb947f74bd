#pragma once
// C2: how the noise of a uniform region changes from its middle outwards.
#include "iqgate/measure/metric.hpp"
#include "iqgate/measure/nps_spectrum.hpp"

namespace iqgate::measure {

/// Spectra of the boxes whose centres lie in the inner, middle and outer third of the way out from the axis of a disc
/// or cylinder: variants poly2_inner, poly2_middle, poly2_outer of noise_ring, nps_ring_avg_per_mm, nps_ring_radius_mm
/// (root mean square distance of the boxes' centres) and the curve nps_ring; and noise_outer_over_inner. The way ends
/// where a box's corner would leave the region. Boxes of 32 pixels a side where that is 3.5 of their steps away, else
/// of 24: by the region and the pixels alone, so that another set-up takes the same. Refused in smaller regions, and
/// in those of a placed phantom that do not lie about its axis.
void measure_nps_rings(const Job& job, std::size_t scan, const Region& region, const RegionVoxels& voxels,
                       const NpsSet& set, Results& results);

}  // namespace iqgate::measure
