#include "iqgate/measure/nps_boxes.hpp"

#include <algorithm>
#include <cmath>
#include <tuple>

#include "iqgate/measure/region_mask.hpp"

namespace iqgate::measure {
namespace {

bool box_inside(const Region& region, const Grid& grid, Size3 corner, Size3 box) {
  const bool sphere = region.shape == RegionShape::sphere;
  const double half = half_length_mm(region);
  for (const double x : {double(corner.x) - 0.5, double(corner.x + box.x) - 0.5})
    for (const double y : {double(corner.y) - 0.5, double(corner.y + box.y) - 0.5})
      for (const std::size_t z : {corner.z, corner.z + box.z - 1}) {
        const Vec3 mm = grid.to_mm({x, y, double(z)});
        const double h = dot(mm - region.center_mm, region.normal);
        if (!sphere && half > 0 && std::abs(h) > half + 1e-9) return false;
        if (!inside_cross_section(region, sphere ? mm : mm - h * region.normal)) return false;
      }
  return true;
}

double reach_of(const Region& region) {
  double reach = 0;
  for (const Vec3 c : corners_mm(region)) reach = std::max(reach, norm(c - region.center_mm));
  return reach;
}

// Half-overlapping boxes on a lattice through the region's centre, symmetric along the slices.
Boxes lattice(const Region& region, const Grid& grid, Size3 box, double reach_mm, std::size_t first_slice,
              std::size_t slices) {
  Boxes boxes;
  boxes.box = box;
  if (box.z > slices) return boxes;
  const Vec3 centre = grid.to_index(region.center_mm);
  const long side = long(box.x), step = side / 2;
  const long nx = long(reach_mm / grid.spacing_mm.x / double(step)) + 2,
             ny = long(reach_mm / grid.spacing_mm.y / double(step)) + 2;
  const std::size_t z_step = std::max<std::size_t>(1, box.z / 2), start = first_slice + (slices - box.z) % z_step / 2;
  for (std::size_t z = start; z + box.z <= first_slice + slices; z += z_step)
    for (long j = -ny; j <= ny; ++j)
      for (long i = -nx; i <= nx; ++i) {
        const long x = std::lround(centre.x) + i * step - side / 2, y = std::lround(centre.y) + j * step - side / 2;
        if (x < 0 || y < 0 || x + side > long(grid.size.x) || y + side > long(grid.size.y)) continue;
        const Size3 corner{std::size_t(x), std::size_t(y), z};
        if (box_inside(region, grid, corner, box)) boxes.corners.push_back(corner);
      }
  return boxes;
}

}  // namespace

Boxes boxes_of_side(const Region& region, const Grid& grid, std::size_t first_slice, std::size_t last_slice,
                    std::size_t side) {
  return lattice(region, grid, {side, side, 1}, reach_of(region), first_slice, last_slice - first_slice + 1);
}

Boxes place_boxes(const Region& region, const Grid& grid, std::size_t first_slice, std::size_t last_slice,
                  bool three_dimensional) {
  const double reach = reach_of(region);
  const std::size_t slices = last_slice - first_slice + 1;
  const std::vector<std::size_t> depths =
      three_dimensional ? std::vector<std::size_t>{64, 32, 16} : std::vector<std::size_t>{1};
  Boxes few;
  for (const std::size_t depth : depths)
    for (const std::size_t side : {std::size_t{64}, std::size_t{48}, std::size_t{32}, std::size_t{24}}) {
      Boxes boxes = lattice(region, grid, {side, side, depth}, reach, first_slice, slices);
      if (boxes.corners.size() >= 4) return boxes;
      if (few.corners.empty() && side == 24) few = std::move(boxes);
    }
  return few;
}

Boxes given_boxes(const std::vector<Region>& regions, const Grid& grid, std::string& reason) {
  Boxes boxes;
  for (const Region& region : regions) {
    const RegionVoxels voxels = region_voxels(region, grid);
    if (!voxels.good()) {
      reason = "region " + region.name + ": " + voxels.reason;
      return {};
    }
    const Vec3 centre = grid.to_index(region.center_mm);
    const auto along = [&](Vec3 direction, int column) {
      return std::abs(dot(direction, grid.direction.column(column))) > 1 - 1e-6;
    };
    const bool turned = along(region.in_plane, 1);
    if (!along(region.normal, 2) || !(turned || along(region.in_plane, 0))) {
      reason = "region " + region.name + " does not lie along the rows and columns of the scan";
      return {};
    }
    const double wide = turned ? region.size_mm.y : region.size_mm.x,
                 high = turned ? region.size_mm.x : region.size_mm.y;
    const std::size_t nx = std::size_t(std::lround(wide / grid.spacing_mm.x)),
                      ny = std::size_t(std::lround(high / grid.spacing_mm.y));
    if (boxes.box.x == 0) boxes.box = {nx, ny, 1};
    if (nx != boxes.box.x || ny != boxes.box.y || nx < 16 || ny < 16) {
      reason = "the boxes are not of one size of at least 16 pixels";
      return {};
    }
    const long x = std::lround(centre.x - 0.5 * (double(nx) - 1)), y = std::lround(centre.y - 0.5 * (double(ny) - 1));
    if (x < 0 || y < 0 || x + long(nx) > long(grid.size.x) || y + long(ny) > long(grid.size.y)) {
      reason = "region " + region.name + " reaches outside the scan";
      return {};
    }
    for (std::size_t z = voxels.first_slice; z <= voxels.last_slice; ++z)
      boxes.corners.push_back({std::size_t(x), std::size_t(y), z});
  }
  return boxes;
}

double effective_boxes(const Boxes& boxes) {
  double sum = 0;
  for (const Size3 a : boxes.corners)
    for (const Size3 b : boxes.corners) {
      double shared = 1;
      for (const auto& [p, q, side] :
           {std::tuple{a.x, b.x, boxes.box.x}, {a.y, b.y, boxes.box.y}, {a.z, b.z, boxes.box.z}})
        shared *= std::max(0.0, 1 - std::abs(double(p) - double(q)) / double(side));
      sum += shared * shared;
    }
  return double(boxes.corners.size()) * double(boxes.corners.size()) / sum;
}

}  // namespace iqgate::measure
