// Exact shares of voxels inside a region: the pixel, seen along the region's normal, is a parallelogram in the plane
// of the region, and its overlap with a circle or a polygon has a closed form.
#include <algorithm>
#include <array>
#include <cmath>

#include "iqgate/measure/region_mask.hpp"

namespace iqgate::measure {
namespace {

struct Point {
  double x = 0, y = 0;
};
using Polygon = std::vector<Point>;

double cross(Point a, Point b) { return a.x * b.y - a.y * b.x; }

double signed_area(const Polygon& polygon) {
  double twice = 0;
  for (std::size_t a = 0, b = polygon.size() - 1; a < polygon.size(); b = a++) twice += cross(polygon[b], polygon[a]);
  return 0.5 * twice;
}

// Signed area of the triangle (origin, a, b) inside the unit circle: triangles within, sectors without.
double triangle_in_unit_circle(Point a, Point b) {
  const auto sector = [](Point p, Point q) { return 0.5 * std::atan2(cross(p, q), p.x * q.x + p.y * q.y); };
  const Point step{b.x - a.x, b.y - a.y};
  const double squared = step.x * step.x + step.y * step.y;
  if (squared == 0) return 0;
  // |a + t step|^2 = 1
  const double half = (a.x * step.x + a.y * step.y) / squared, rest = (a.x * a.x + a.y * a.y - 1) / squared;
  const double under = half * half - rest;
  if (under <= 0) return sector(a, b);
  const double root = std::sqrt(under), in = std::clamp(-half - root, 0.0, 1.0),
               out = std::clamp(-half + root, 0.0, 1.0);
  if (in >= out) return sector(a, b);
  const Point p{a.x + in * step.x, a.y + in * step.y}, q{a.x + out * step.x, a.y + out * step.y};
  return (in > 0 ? sector(a, p) : 0) + 0.5 * cross(p, q) + (out < 1 ? sector(q, b) : 0);
}

double area_in_unit_circle(const std::array<Point, 4>& pixel) {
  double area = 0;
  for (std::size_t k = 0; k < 4; ++k) area += triangle_in_unit_circle(pixel[k], pixel[(k + 1) % 4]);
  return std::abs(area);
}

// The part of a polygon on the left of the line from a to b. Pieces of a polygon with hollows stay joined by edges of
// no width, which hold no area.
Polygon left_of(const Polygon& polygon, Point a, Point b) {
  Polygon kept;
  const auto side = [&](Point p) { return cross({b.x - a.x, b.y - a.y}, {p.x - a.x, p.y - a.y}); };
  for (std::size_t k = 0; k < polygon.size(); ++k) {
    const Point p = polygon[k], q = polygon[(k + 1) % polygon.size()];
    const double sp = side(p), sq = side(q);
    if (sp >= 0) kept.push_back(p);
    if ((sp > 0 && sq < 0) || (sp < 0 && sq > 0))
      kept.push_back({p.x + (q.x - p.x) * sp / (sp - sq), p.y + (q.y - p.y) * sp / (sp - sq)});
  }
  return kept;
}

double area_in_polygon(const std::array<Point, 4>& pixel, const Polygon& region) {
  Polygon rest = region;
  for (std::size_t k = 0; k < 4 && rest.size() > 2; ++k) rest = left_of(rest, pixel[k], pixel[(k + 1) % 4]);
  return rest.size() > 2 ? std::abs(signed_area(rest)) : 0;
}

bool is_round(const Region& region) {
  return region.shape == RegionShape::disc || region.shape == RegionShape::cylinder ||
         region.shape == RegionShape::ellipse;
}

// Radii that scale a round region to the unit circle.
Point radii(const Region& region) {
  if (region.shape == RegionShape::ellipse) return {0.5 * region.size_mm.x, 0.5 * region.size_mm.y};
  return {region.radius_mm, region.radius_mm};
}

Polygon outline(const Region& region) {
  Polygon polygon;
  if (region.shape == RegionShape::box) {
    const double x = 0.5 * region.size_mm.x, y = 0.5 * region.size_mm.y;
    polygon = {{-x, -y}, {x, -y}, {x, y}, {-x, y}};
  }
  for (const Vec3 corner : region.points_mm) {
    const Vec3 p = region.local(corner);
    polygon.push_back({p.x, p.y});
  }
  return polygon;
}

}  // namespace

RegionVoxels region_coverage(const Region& region, const Grid& grid) {
  RegionVoxels result;
  if (region.shape == RegionShape::sphere) {
    result.reason = "a sphere has no shares in closed form: rule center only";
    return result;
  }
  const VoxelBox box = voxel_box(region, grid);
  result.flags = box.flags;
  result.reason = box.reason;
  if (!result.good()) return result;
  if (!lies_in_slice(region, grid)) {
    result.reason = "the region stands aslant to the slices by more than 10 degrees: rule center only";
    return result;
  }
  const bool round = is_round(region);
  const Point scale = round ? radii(region) : Point{1, 1};
  const Polygon shape = round ? Polygon{} : outline(region);
  const double half = half_length_mm(region);
  const double upright = std::abs(dot(region.normal, grid.direction.column(2))), slab = grid.spacing_mm.z * upright,
               pixel_mm2 = grid.pixel_area_mm2() * upright;
  // Share of a voxel's height between the ends of the region, along its middle.
  const auto share_along = [&](double x, double y, double z) {
    if (box.one_slice) return 1.0;
    const double h = dot(grid.to_mm({x, y, z}) - region.center_mm, region.normal);
    return std::max(0.0, std::min(half, h + 0.5 * slab) - std::max(-half, h - 0.5 * slab)) / slab;
  };
  for (std::size_t z = box.low[2]; z <= box.high[2]; ++z) {
    double in_slice = 0;
    for (std::size_t y = box.low[1] - (box.low[1] > 0); y <= std::min(box.high[1] + 1, grid.size.y - 1); ++y)
      for (std::size_t x = box.low[0] - (box.low[0] > 0); x <= std::min(box.high[0] + 1, grid.size.x - 1); ++x) {
        constexpr double corner_x[4] = {-0.5, 0.5, 0.5, -0.5}, corner_y[4] = {-0.5, -0.5, 0.5, 0.5};
        std::array<Point, 4> pixel;
        double area = 0;
        for (std::size_t k = 0; k < 4; ++k) {
          const Vec3 p = region.local(grid.to_mm({double(x) + corner_x[k], double(y) + corner_y[k], double(z)}));
          pixel[k] = {p.x / scale.x, p.y / scale.y};
        }
        for (std::size_t k = 0; k < 4; ++k) area += 0.5 * cross(pixel[k], pixel[(k + 1) % 4]);
        if (area < 0) std::reverse(pixel.begin(), pixel.end());
        const double inside = round ? area_in_unit_circle(pixel) : area_in_polygon(pixel, shape);
        const double share = std::min(1.0, inside / std::abs(area)),
                     along = share_along(double(x), double(y), double(z)), weight = share * along;
        in_slice += share;
        if (weight < 1e-9 || along < 1e-5) continue;  // a slice is not taken for a hair's breadth
        result.mask.offsets.push_back((z * grid.size.y + y) * grid.size.x + x);
        result.mask.weights.push_back(static_cast<float>(weight));
      }
    result.area_mm2 = in_slice * pixel_mm2;  // of every slice alike
  }
  set_slices(result, grid);
  return result;
}

}  // namespace iqgate::measure
