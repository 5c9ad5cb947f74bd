#include "iqgate/pipeline/pictures.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <numbers>

#include "iqgate/measure/region_mask.hpp"

namespace iqgate::pipeline {
namespace {

constexpr std::size_t most_pictures = 8;

// The boundary of a region's cross-section, as pixel coordinates.
std::vector<std::pair<double, double>> boundary(const Region& r, const Grid& grid) {
  std::vector<Vec3> points;
  if (r.shape == RegionShape::polygon) {
    points = r.points_mm;
  } else if (r.shape == RegionShape::box) {
    for (const auto& [a, b] : {std::pair{-1, -1}, {1, -1}, {1, 1}, {-1, 1}})
      points.push_back(r.center_mm + (0.5 * a * r.size_mm.x) * r.in_plane + (0.5 * b * r.size_mm.y) * r.second_axis());
  } else {
    const bool ellipse = r.shape == RegionShape::ellipse;
    const double a = ellipse ? 0.5 * r.size_mm.x : r.radius_mm, b = ellipse ? 0.5 * r.size_mm.y : r.radius_mm;
    for (int k = 0; k < 72; ++k) {
      const double angle = 2 * std::numbers::pi * k / 72;
      points.push_back(r.center_mm + (a * std::cos(angle)) * r.in_plane + (b * std::sin(angle)) * r.second_axis());
    }
  }
  std::vector<std::pair<double, double>> pixels;
  for (const Vec3 p : points) {
    const Vec3 i = grid.to_index(p);
    pixels.emplace_back(i.x, i.y);
  }
  return pixels;
}

// Where the located cylinder cuts this slice, or the sphere.
report::Outline body_outline(const Placement& p, const Grid& grid, std::size_t slice) {
  report::Outline outline{0, "body", {}};
  const Vec3 axis = p.rotation.column(2), normal = grid.direction.column(2);
  const double along = dot(axis, normal);
  const Vec3 middle = grid.to_mm({0, 0, double(slice)});
  Region disc;
  disc.normal = normal;
  disc.in_plane = grid.direction.column(0);
  disc.radius_mm = *p.radius_mm;
  const double h = dot(middle - p.translation_mm, normal);
  if (p.method == "sphere_fit") {
    if (std::abs(h) >= *p.radius_mm) return outline;
    disc.center_mm = p.translation_mm + h * normal;
    disc.radius_mm = std::sqrt(*p.radius_mm * *p.radius_mm - h * h);
  } else if (std::abs(along) > 0.8) {
    disc.center_mm = p.translation_mm + (h / along) * axis;
  } else {
    return outline;
  }
  outline.points = boundary(disc, grid);
  return outline;
}

}  // namespace

std::vector<report::Picture> make_pictures(const Scan& scan, const std::vector<Region>& regions,
                                           const std::optional<Placement>& placement) {
  const Grid& grid = scan.volume.grid;
  std::map<std::size_t, std::vector<std::size_t>> by_slice;
  for (std::size_t k = 0; k < regions.size(); ++k) {
    const auto slice = measure::centre_slice(regions[k], grid);
    if (!slice) continue;
    // A region of several slices goes into a picture that is there already, if it was measured in that slice too.
    const measure::RegionVoxels voxels = measure::region_voxels(regions[k], grid);
    const auto shared = by_slice.lower_bound(voxels.first_slice);
    const bool covered = voxels.good() && shared != by_slice.end() && shared->first <= voxels.last_slice;
    by_slice[covered ? shared->first : *slice].push_back(k);
  }
  std::vector<report::Picture> pictures;
  const std::size_t plane = grid.size.x * grid.size.y;
  for (const auto& [slice, members] : by_slice) {
    if (pictures.size() == most_pictures) break;
    report::Picture p;
    p.title = "slice " + std::to_string(slice + 1) + " of " + std::to_string(grid.size.z);
    p.width = grid.size.x;
    p.height = grid.size.y;
    p.spacing_x_mm = grid.spacing_mm.x;
    p.spacing_y_mm = grid.spacing_mm.y;
    p.unit = scan.value_unit;
    p.values.assign(scan.volume.values.begin() + static_cast<std::ptrdiff_t>(slice * plane),
                    scan.volume.values.begin() + static_cast<std::ptrdiff_t>((slice + 1) * plane));
    std::vector<float> sorted = p.values;
    std::sort(sorted.begin(), sorted.end());
    p.window_low = sorted[sorted.size() / 100];
    p.window_high = sorted[sorted.size() - 1 - sorted.size() / 200];
    if (scan.value_unit == "HU" && p.window_low < -200) {
      // Around the body, so that non-uniformity can be seen.
      const double body = sorted[sorted.size() * 3 / 4];
      p.window_low = body - 200;
      p.window_high = body + 200;
    }
    if (!(p.window_high > p.window_low)) p.window_high = p.window_low + 1;
    if (placement && placement->radius_mm) p.outlines.push_back(body_outline(*placement, grid, slice));
    for (const std::size_t k : members)
      p.outlines.push_back({static_cast<int>(k + 1), regions[k].name, boundary(regions[k], grid)});
    pictures.push_back(std::move(p));
  }
  return pictures;
}

}  // namespace iqgate::pipeline
