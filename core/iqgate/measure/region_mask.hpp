#pragma once
#include <optional>
#include <string>
#include <vector>

#include "iqgate/base/region.hpp"
#include "iqgate/base/volume.hpp"
#include "iqgate/compute/operations.hpp"

namespace iqgate::measure {

/// The voxels of a region. `reason` says why there are none.
struct RegionVoxels {
  compute::Mask mask;
  std::size_t first_slice = 0, last_slice = 0;
  double area_mm2 = 0;             ///< rule area: of the cross-section
  std::vector<std::string> flags;  ///< clipped_axially
  std::string reason;
  bool good() const { return reason.empty(); }
};

/// Rule `center`: in if the voxel centre is inside. A region that reaches outside the scan in the slice plane is
/// refused; along the axis it is clipped, with a flag.
RegionVoxels region_voxels(const Region& region, const Grid& grid);

/// Rule `area`: every voxel that the region touches, weighted by the share of it that lies inside: in the plane of the
/// region exact (polygons against polygons or circles), along its normal that of the voxel's middle line (exact where
/// it stands upright on the slices). Not for spheres, nor for a region more than 10 degrees aslant: `reason` says so.
RegionVoxels region_coverage(const Region& region, const Grid& grid);

/// The voxels that may belong to a region: both ends inclusive. A flat region in the slice plane has one slice.
struct VoxelBox {
  std::size_t low[3] = {0, 0, 0}, high[3] = {0, 0, 0};
  bool one_slice = false;
  std::vector<std::string> flags;
  std::string reason;
};
VoxelBox voxel_box(const Region& region, const Grid& grid);
/// First and last slice from the mask, or the reason that it holds no voxel.
void set_slices(RegionVoxels& voxels, const Grid& grid);

inline constexpr double cos_10_deg = 0.985;
/// The region's normal lies within 10 degrees of the slice normal.
bool lies_in_slice(const Region& region, const Grid& grid);

/// The index of the slice nearest to the region's centre, if it lies in the scan.
std::optional<std::size_t> centre_slice(const Region& region, const Grid& grid);

/// Unit vectors and origin of the volume frame (mm along i, j, k from voxel 0), in which operations work.
Vec3 to_volume_frame(const Grid& grid, Vec3 patient_mm);
Vec3 direction_in_volume(const Grid& grid, Vec3 patient_direction);

}  // namespace iqgate::measure
