#pragma once
#include <vector>

#include "iqgate/measure/metric.hpp"

namespace iqgate::measure {

/// The slices of a region less a second-order surface fitted to its voxels in each slice (one fit to the whole field).
/// Values outside the region's bounding box are 0. Slice 0 is `first_slice` of the scan.
Volume minus_field(const VolumeView& volume, const Grid& grid, const RegionVoxels& voxels);

/// The slices of a region in each scan less the mean of the scans, one scan after the other along z.
Volume minus_ensemble_mean(const Job& job, const std::vector<std::size_t>& scans, const RegionVoxels& voxels);

}  // namespace iqgate::measure
