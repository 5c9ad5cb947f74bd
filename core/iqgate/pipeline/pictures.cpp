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

// Grey from the values inside an outline (the body, low contrast discs), so that what is faint there can be seen; else
// from all.
void set_window(report::Picture& p, bool hounsfield, const report::Outline* inside) {
  std::vector<float> sorted = p.values;
  const bool has_body = inside && !inside->points.empty();
  if (has_body) {
    double cx = 0, cy = 0, radius = 0;
    const auto& body = inside->points;
    for (const auto& [x, y] : body) cx += x / double(body.size()), cy += y / double(body.size());
    for (const auto& [x, y] : body) radius = std::max(radius, std::hypot(x - cx, y - cy));
    sorted.clear();
    for (std::size_t k = 0; k < p.values.size(); ++k)
      if (std::hypot(double(k % p.width) - cx, double(k / p.width) - cy) < 0.9 * radius) sorted.push_back(p.values[k]);
  }
  if (sorted.empty()) sorted = p.values;
  std::sort(sorted.begin(), sorted.end());
  p.window_low = sorted[sorted.size() / 100];
  p.window_high = sorted[sorted.size() - 1 - sorted.size() / 200];
  if (hounsfield && p.window_high - p.window_low > 400) {
    const double middle = sorted[has_body ? sorted.size() / 2 : sorted.size() * 3 / 4];
    p.window_low = middle - 200;
    p.window_high = middle + 200;
  }
  if (!(p.window_high > p.window_low)) p.window_high = p.window_low + 1;
}

// What lies more than a tenth of the body beside it is cut off: it only makes the phantom small.
void crop_to_body(report::Picture& p) {
  if (p.outlines.front().points.empty()) return;
  double low_x = 1e9, low_y = 1e9, high_x = -1e9, high_y = -1e9;
  for (const report::Outline& o : p.outlines)
    for (const auto& [x, y] : o.points) {
      low_x = std::min(low_x, x), high_x = std::max(high_x, x);
      low_y = std::min(low_y, y), high_y = std::max(high_y, y);
    }
  const double margin = 0.05 * std::max(high_x - low_x, high_y - low_y);
  const auto bound = [](double at, std::size_t n) {
    return static_cast<std::size_t>(std::clamp(at, 0.0, double(n - 1)));
  };
  const std::size_t x0 = bound(low_x - margin, p.width), x1 = bound(high_x + margin + 1, p.width),
                    y0 = bound(low_y - margin, p.height), y1 = bound(high_y + margin + 1, p.height);
  if (x1 <= x0 || y1 <= y0) return;
  std::vector<float> kept;
  for (std::size_t y = y0; y <= y1; ++y)
    kept.insert(kept.end(), p.values.begin() + std::ptrdiff_t(y * p.width + x0),
                p.values.begin() + std::ptrdiff_t(y * p.width + x1 + 1));
  p.values = std::move(kept);
  p.width = x1 - x0 + 1;
  p.height = y1 - y0 + 1;
  for (report::Outline& o : p.outlines)
    for (auto& [x, y] : o.points) x -= double(x0), y -= double(y0);
}

// The fitted phantom where it cuts this slice: rods, beads, bars, and small rings where wires cross.
void add_phantom(const phantom::Model& model, const Placement& placement, const Grid& grid, std::size_t slice,
                 std::vector<report::Outline>& outlines) {
  const Vec3 normal = grid.direction.column(2), in_slice = grid.to_mm({0, 0, double(slice)});
  for (const phantom::Shape& s : model.shapes) {
    if (s.kind == phantom::ShapeKind::half_space || s.inside == "background") continue;
    Region r;
    r.center_mm = s.center_mm;
    r.normal = s.axis;
    r.in_plane = s.in_plane;
    r.radius_mm = s.radius_mm;
    r.size_mm = s.size_mm;
    r.shape = s.kind == phantom::ShapeKind::box ? RegionShape::box : RegionShape::disc;
    if (placement.mirrored) r = mirrored(std::move(r));
    r = moved(std::move(r), placement.rotation, placement.translation_mm);
    const double along = dot(r.normal, normal), off = dot(in_slice - r.center_mm, normal);
    if (s.kind == phantom::ShapeKind::sphere) {
      if (std::abs(off) > std::max(s.radius_mm, 0.5 * grid.spacing_mm.z)) continue;
      r.normal = normal;
      r.in_plane = grid.direction.column(0);
      r.radius_mm = std::max(s.radius_mm, 1.5);
    } else {
      if (std::abs(along) < 0.05) continue;  // lies in the slice
      const double height = off / along, half = 0.5 * (r.shape == RegionShape::box ? s.size_mm.z : s.length_mm);
      if (half > 0 && std::abs(height) > std::max(half, 0.5 * grid.spacing_mm.z)) continue;
      r.center_mm = r.center_mm + height * r.normal;
      if (r.shape == RegionShape::disc && (std::abs(along) < 0.8 || s.radius_mm < 0.5)) {
        r.normal = normal;
        r.in_plane = grid.direction.column(0);
        r.radius_mm = 1.5;
      }
    }
    outlines.push_back({-1, s.name, boundary(r, grid)});
  }
}

}  // namespace

std::vector<report::Picture> make_pictures(const Scan& scan, const std::vector<Region>& regions,
                                           const std::optional<Placement>& placement,
                                           const std::optional<phantom::Model>& model) {
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
    if (placement && placement->radius_mm) p.outlines.push_back(body_outline(*placement, grid, slice));
    if (placement && model) add_phantom(*model, *placement, grid, slice, p.outlines);
    for (const std::size_t k : members)
      p.outlines.push_back({static_cast<int>(k + 1), regions[k].name, boundary(regions[k], grid)});
    const bool has_body = placement && placement->radius_mm;
    const report::Outline* inside = has_body ? &p.outlines.front() : nullptr;
    for (const report::Outline& o : p.outlines)
      if (o.number > 0 && regions[std::size_t(o.number) - 1].kind == "spokes") inside = &o;
    set_window(p, scan.value_unit == "HU", inside);
    if (has_body) crop_to_body(p);
    pictures.push_back(std::move(p));
  }
  return pictures;
}

}  // namespace iqgate::pipeline
