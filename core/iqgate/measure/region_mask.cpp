#include "iqgate/measure/region_mask.hpp"

#include <algorithm>
#include <cmath>

namespace iqgate::measure {
namespace {

// Half the extent of the region along a unit direction.
double half_extent_mm(const Region& r, Vec3 direction) {
  const double along = std::abs(dot(r.normal, direction)), half = half_length_mm(r);
  switch (r.shape) {
    case RegionShape::sphere: return r.radius_mm;
    case RegionShape::disc:
    case RegionShape::cylinder: return r.radius_mm * std::sqrt(std::max(0.0, 1 - along * along)) + half * along;
    case RegionShape::box:
      return 0.5 * r.size_mm.x * std::abs(dot(r.in_plane, direction)) +
             0.5 * r.size_mm.y * std::abs(dot(r.second_axis(), direction)) + half * along;
    case RegionShape::ellipse: {
      const double a = 0.5 * r.size_mm.x * dot(r.in_plane, direction),
                   b = 0.5 * r.size_mm.y * dot(r.second_axis(), direction);
      return std::sqrt(a * a + b * b) + half * along;
    }
    case RegionShape::polygon: {
      double extent = 0;
      for (const Vec3 p : r.points_mm) extent = std::max(extent, std::abs(dot(p - r.center_mm, direction)));
      return extent + half * along;
    }
  }
  return 0;
}

}  // namespace

void set_slices(RegionVoxels& voxels, const Grid& grid) {
  if (voxels.mask.empty()) {
    voxels.reason = "the region holds no voxel";
    return;
  }
  const std::size_t plane = grid.size.x * grid.size.y;
  voxels.first_slice = voxels.mask.offsets.front() / plane;
  voxels.last_slice = voxels.mask.offsets.back() / plane;
}

Vec3 direction_in_volume(const Grid& grid, Vec3 patient_direction) {
  return grid.direction.transposed() * patient_direction;
}
Vec3 to_volume_frame(const Grid& grid, Vec3 patient_mm) {
  return direction_in_volume(grid, patient_mm - grid.origin_mm);
}

bool lies_in_slice(const Region& region, const Grid& grid) {
  return std::abs(dot(region.normal, grid.direction.column(2))) > cos_10_deg;
}

std::optional<std::size_t> centre_slice(const Region& region, const Grid& grid) {
  const double z = grid.to_index(region.center_mm).z;
  // Halfway between two slices the lower one, however the last digit falls.
  const double nearest = std::floor(z + 0.5 - 1e-6);
  if (nearest < 0 || nearest > double(grid.size.z - 1)) return std::nullopt;
  return static_cast<std::size_t>(nearest);
}

VoxelBox voxel_box(const Region& region, const Grid& grid) {
  VoxelBox box;
  const Vec3 centre = grid.to_index(region.center_mm);
  const bool flat = half_length_mm(region) == 0;
  const std::size_t size[3] = {grid.size.x, grid.size.y, grid.size.z};
  for (int d = 0; d < 3; ++d) {
    const double half = half_extent_mm(region, grid.direction.column(d)) / grid.spacing_mm[d];
    const double first = centre[d] - half, last = centre[d] + half;
    if (d < 2 && (first < -0.5 - 1e-6 || last > double(size[d]) - 0.5 + 1e-6)) {
      box.reason = "the region reaches outside the scan";
      return box;
    }
    if (d == 2 && (last < -0.5 || first > double(size[2]) - 0.5)) {
      box.reason = "not scanned: the region lies outside the scan";
      return box;
    }
    if (d == 2 && !flat && (first < -0.5 - 1e-6 || last > double(size[2]) - 0.5 + 1e-6))
      box.flags.push_back("clipped_axially");
    box.low[d] = static_cast<std::size_t>(std::clamp(std::floor(first), 0.0, double(size[d] - 1)));
    box.high[d] = static_cast<std::size_t>(std::clamp(std::ceil(last), 0.0, double(size[d] - 1)));
  }
  box.one_slice = flat && lies_in_slice(region, grid);
  if (!box.one_slice) return box;
  if (const auto slice = centre_slice(region, grid)) box.low[2] = box.high[2] = *slice;
  else box.reason = "not scanned: the region lies outside the scan";
  return box;
}

RegionVoxels region_voxels(const Region& region, const Grid& grid) {
  const VoxelBox box = voxel_box(region, grid);
  RegionVoxels result{.mask = {}, .flags = box.flags, .reason = box.reason};
  if (!result.good()) return result;
  const double half = half_length_mm(region);
  const double half_thickness = box.one_slice ? 1e300 : half == 0 ? 0.5 * grid.spacing_mm.z : half + 1e-9;
  for (std::size_t z = box.low[2]; z <= box.high[2]; ++z)
    for (std::size_t y = box.low[1]; y <= box.high[1]; ++y)
      for (std::size_t x = box.low[0]; x <= box.high[0]; ++x) {
        Vec3 mm = grid.to_mm({double(x), double(y), double(z)});
        const double h = dot(mm - region.center_mm, region.normal);
        if (std::abs(h) > half_thickness) continue;
        if (box.one_slice) mm = mm - h * region.normal;
        if (inside_cross_section(region, mm)) result.mask.offsets.push_back((z * grid.size.y + y) * grid.size.x + x);
      }
  set_slices(result, grid);
  return result;
}

}  // namespace iqgate::measure
