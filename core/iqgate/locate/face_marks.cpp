#include <algorithm>
#include <cmath>
#include <optional>

#include "iqgate/compute/resample.hpp"
#include "iqgate/locate/marks.hpp"
#include "iqgate/locate/rings.hpp"

namespace iqgate::locate {
namespace {

constexpr double least_length_mm = 15, least_height_mm = 8, least_contrast = 0.33;
constexpr double reach_mm = 5, plateau_mm = 1.5, corner_mm = 5, step_mm = 2;

// Where the profile along the normal through a point crosses half its levels, beyond the nominal place; none unless it
// steps the right way by at least half of what it should.
std::optional<double> crossing(const Scan& scan, Vec3 at, Vec3 normal, double step_wanted) {
  constexpr int n = 41;
  double profile[n];
  for (int k = 0; k < n; ++k) {
    const double t = reach_mm * (2.0 * k / (n - 1) - 1);
    Vec3 index = scan.volume.grid.to_index(at + t * normal);
    index.z = std::round(index.z);  // faces are looked at in their own slice
    profile[k] = compute::linear_value(scan.volume.view(), index, NAN);
    if (std::isnan(profile[k])) return std::nullopt;
  }
  const int edge = static_cast<int>(plateau_mm / (2 * reach_mm) * (n - 1));
  double inside = 0, outside = 0;
  for (int k = 0; k <= edge; ++k) inside += profile[k] / (edge + 1), outside += profile[n - 1 - k] / (edge + 1);
  if ((inside - outside) * step_wanted < 0.5 * step_wanted * step_wanted) return std::nullopt;
  const double level = 0.5 * (inside + outside);
  std::optional<double> found;
  for (int k = 1; k < n; ++k)
    if ((profile[k - 1] - level) * (profile[k] - level) <= 0 && profile[k] != profile[k - 1]) {
      const double t =
          reach_mm * (2 * (k - 1 + (level - profile[k - 1]) / (profile[k] - profile[k - 1])) / (n - 1) - 1);
      if (found) return std::nullopt;  // no plain edge
      found = t;
    }
  return found;
}

}  // namespace

std::vector<Face> faces_of(const phantom::Model& model, const std::string& modality) {
  const std::string key = quantity_of(modality);
  const double body = std::max(body_contrast(model, key), 1e-9);
  std::vector<Face> faces;
  for (const phantom::Shape& s : model.shapes) {
    if (s.kind != phantom::ShapeKind::box || std::abs(s.axis.z) < 1 - 1e-9 || s.size_mm.z < least_height_mm) continue;
    const double contrast = model.contrast_of(s, key).value_or(0) / body;
    if (std::abs(contrast) < least_contrast) continue;
    const Vec3 u = s.in_plane, v = cross(s.axis, s.in_plane);
    for (const double side : {-1.0, 1.0}) {
      if (s.size_mm.y >= least_length_mm)
        faces.push_back({s.center_mm + (0.5 * side * s.size_mm.x) * u, side * u, v, 0.5 * s.size_mm.y,
                         0.5 * s.size_mm.z, contrast});
      if (s.size_mm.x >= least_length_mm)
        faces.push_back({s.center_mm + (0.5 * side * s.size_mm.y) * v, side * v, u, 0.5 * s.size_mm.x,
                         0.5 * s.size_mm.z, contrast});
    }
  }
  return faces;
}

void look_at_face(const Scan& scan, const Placement& pose, const Face& face, std::size_t index, double body_contrast,
                  std::vector<Shift>& shifts) {
  const Grid& grid = scan.volume.grid;
  const Vec3 axis = turned(pose, {0, 0, 1}), normal = turned(pose, face.normal), slice = grid.direction.column(2);
  if (std::abs(dot(axis, slice)) < 0.96) return;  // slices cross it aslant
  double thickness = grid.spacing_mm.z;
  scan.tag_number("SliceThickness", thickness);
  const double margin = 0.5 * std::min(thickness, grid.spacing_mm.z), reach = face.half_length_mm - corner_mm;
  for (std::size_t z = 0; z < grid.size.z; ++z) {
    const Vec3 d = grid.to_mm({0, 0, double(z)}) - to_patient(pose, face.center_mm);
    const double height = dot(d, slice) / dot(axis, slice);
    if (std::abs(height) > face.half_height_mm - margin) continue;
    const int pieces = std::max(1, static_cast<int>(2 * reach / 20));
    for (int p = 0; p < pieces; ++p) {
      std::vector<double> found;
      const double low = -reach + 2 * reach * p / pieces, high = low + 2 * reach / pieces;
      for (double t = low + 0.5 * step_mm; t < high; t += step_mm) {
        const Vec3 at = face.center_mm + t * face.along + Vec3{0, 0, height};
        if (const auto shift = crossing(scan, to_patient(pose, at), normal, face.contrast * body_contrast))
          found.push_back(*shift);
      }
      if (found.size() < 4) continue;
      std::sort(found.begin(), found.end());
      const double middle = found[found.size() / 2],
                   spread = found[found.size() * 3 / 4] - found[found.size() / 4];  // 1.35 SD
      const double se = std::hypot(spread / 1.35 * 1.25 / std::sqrt(double(found.size())), 0.1);
      shifts.push_back(
          {face.center_mm + (0.5 * (low + high)) * face.along + Vec3{0, 0, height}, face.normal, middle, se, index});
    }
  }
}

}  // namespace iqgate::locate
