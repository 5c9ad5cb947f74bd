#pragma once
#include <optional>
#include <string>
#include <vector>

#include "iqgate/base/region.hpp"
#include "iqgate/base/volume.hpp"
#include "iqgate/compute/operations.hpp"

namespace iqgate::measure {

/// The voxels of a region (rule `center`: in if the voxel centre is inside). `reason` says why there are none.
struct RegionVoxels {
  compute::Mask mask;
  std::size_t first_slice = 0, last_slice = 0;
  std::vector<std::string> flags;  ///< clipped_axially
  std::string reason;
  bool good() const { return reason.empty(); }
};

/// A region that reaches outside the scan in the slice plane is refused; along the axis it is clipped, with a flag.
RegionVoxels region_voxels(const Region& region, const Grid& grid);

inline constexpr double cos_10_deg = 0.985;
/// The region's normal lies within 10 degrees of the slice normal.
bool lies_in_slice(const Region& region, const Grid& grid);

/// The index of the slice nearest to the region's centre, if it lies in the scan.
std::optional<std::size_t> centre_slice(const Region& region, const Grid& grid);

/// Unit vectors and origin of the volume frame (mm along i, j, k from voxel 0), in which operations work.
Vec3 to_volume_frame(const Grid& grid, Vec3 patient_mm);
Vec3 direction_in_volume(const Grid& grid, Vec3 patient_direction);

}  // namespace iqgate::measure
