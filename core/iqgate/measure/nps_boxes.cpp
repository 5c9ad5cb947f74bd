#include "iqgate/measure/nps_boxes.hpp"

#include <algorithm>
#include <cmath>
#include <tuple>

#include "iqgate/measure/region_mask.hpp"

namespace iqgate::measure {
namespace {

bool box_inside(const Region& region, const Grid& grid, Size3 corner, Size3 box) {
  for (const double x : {double(corner.x) - 0.5, double(corner.x + box.x) - 0.5})
    for (const double y : {double(corner.y) - 0.5, double(corner.y + box.y) - 0.5}) {
      const Vec3 mm = grid.to_mm({x, y, double(corner.z)});
      const double h = dot(mm - region.center_mm, region.normal);
      if (!inside_cross_section(region, mm - (region.shape == RegionShape::sphere ? 0 : h) * region.normal))
        return false;
    }
  return true;
}

}  // namespace

Boxes place_boxes(const Region& region, const Grid& grid, std::size_t first_slice, std::size_t last_slice,
                  bool three_dimensional) {
  const Vec3 centre = grid.to_index(region.center_mm);
  double reach = 0;
  for (const Vec3 c : corners_mm(region)) reach = std::max(reach, norm(c - region.center_mm));
  const std::size_t slices = last_slice - first_slice + 1;
  for (const std::size_t side : {std::size_t{64}, std::size_t{48}, std::size_t{32}, std::size_t{24}}) {
    Boxes boxes;
    boxes.box = {side, side, 1};
    if (three_dimensional) {
      std::size_t depth = 64;
      while (depth > slices) depth /= 2;
      boxes.box.z = depth;
      if (depth < 16) return {};
    }
    const long step = long(side) / 2;
    const long nx = long(reach / grid.spacing_mm.x / double(step)) + 2,
               ny = long(reach / grid.spacing_mm.y / double(step)) + 2;
    const std::size_t z_step = three_dimensional ? std::max<std::size_t>(1, boxes.box.z / 2) : 1;
    for (std::size_t z = first_slice; z + boxes.box.z <= last_slice + 1; z += z_step)
      for (long j = -ny; j <= ny; ++j)
        for (long i = -nx; i <= nx; ++i) {
          const long x = std::lround(centre.x) + i * step - long(side) / 2,
                     y = std::lround(centre.y) + j * step - long(side) / 2;
          if (x < 0 || y < 0 || x + long(side) > long(grid.size.x) || y + long(side) > long(grid.size.y)) continue;
          const Size3 corner{std::size_t(x), std::size_t(y), z};
          if (!box_inside(region, grid, corner, boxes.box)) continue;
          boxes.corners.push_back(corner);
        }
    if (boxes.corners.size() < 4 && side > 24) continue;
    if (boxes.corners.empty()) return {};
    return boxes;
  }
  return {};
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
    const std::size_t nx = std::size_t(std::lround(region.size_mm.x / grid.spacing_mm.x)),
                      ny = std::size_t(std::lround(region.size_mm.y / grid.spacing_mm.y));
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
