#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <optional>

#include "iqgate/compute/resample.hpp"
#include "iqgate/locate/marks.hpp"
#include "iqgate/locate/rings.hpp"
#include "iqgate/phantom/closed_form.hpp"

namespace iqgate::locate {
namespace {

constexpr double least_contrast = 0.02;      // of the body's contrast, for a rod
constexpr double least_end_contrast = 0.04;  // across a rod's end
constexpr double widest_slices_mm = 5.5;     // beyond it the end of a rod lies anywhere between two slices
constexpr double rim_mm = 3;                 // background that is looked at around a rod

struct AxisShift {
  double x = 0, y = 0, se = 0, contrast = 0;
};

// The shift of a rod's axis between two heights about its centre: values = c0 + g . q + c1 u(|q - d|), u the share of
// a disc blurred by about a pixel, solved for d by Gauss-Newton. The blur need not be right: an error is symmetric.
std::optional<AxisShift> axis_shift(const Scan& scan, const Placement& pose, const Rod& rod, double low_mm,
                                    double high_mm) {
  const Grid& grid = scan.volume.grid;
  const VolumeView v = scan.volume.view();
  const Vec3 centre = to_patient(pose, rod.center_mm), axis = turned(pose, {0, 0, 1}), e1 = turned(pose, {1, 0, 0}),
             e2 = turned(pose, {0, 1, 0});
  const double pixel = std::max(grid.spacing_mm.x, grid.spacing_mm.y), sigma = 0.4 + 0.5 * pixel;
  const double reach = rod.radius_mm + std::max(rim_mm, 2 * pixel);
  struct Point {
    double x, y, value;
  };
  std::vector<Point> points;
  double low[3] = {INFINITY, INFINITY, INFINITY}, high[3] = {-INFINITY, -INFINITY, -INFINITY};
  for (int c = 0; c < 8; ++c) {
    const Vec3 at = grid.to_index(centre + (c & 1 ? high_mm : low_mm) * axis + ((c & 2 ? 1 : -1) * reach) * e1 +
                                  ((c & 4 ? 1 : -1) * reach) * e2);
    for (int d = 0; d < 3; ++d) low[d] = std::min(low[d], at[d]), high[d] = std::max(high[d], at[d]);
  }
  const std::size_t n[3] = {grid.size.x, grid.size.y, grid.size.z};
  for (int d = 0; d < 2; ++d)
    if (low[d] < 0 || high[d] > double(n[d]) - 1) return std::nullopt;
  const long z0 = std::max(0L, long(std::ceil(low[2] - 0.5))), z1 = std::min(long(n[2]) - 1, long(high[2] + 0.5));
  for (long z = z0; z <= z1; ++z)
    for (long y = long(std::ceil(low[1])); y <= long(high[1]); ++y)
      for (long x = long(std::ceil(low[0])); x <= long(high[0]); ++x) {
        const Vec3 d = grid.to_mm({double(x), double(y), double(z)}) - centre;
        const double h = dot(d, axis), a = dot(d, e1), b = dot(d, e2);
        if (h < low_mm || h > high_mm || a * a + b * b > reach * reach) continue;
        points.push_back({a, b, v(std::size_t(x), std::size_t(y), std::size_t(z))});
      }
  if (points.size() < 20) return std::nullopt;
  AxisShift shift;
  for (int iteration = 0; iteration < 8; ++iteration) {
    Eigen::Matrix<double, 6, 6> normal = Eigen::Matrix<double, 6, 6>::Zero();
    Eigen::Matrix<double, 6, 1> right = Eigen::Matrix<double, 6, 1>::Zero();
    double squares = 0;
    for (const Point& p : points) {
      const double x = p.x - shift.x, y = p.y - shift.y, r = std::max(std::hypot(x, y), 1e-6);
      const double t = (rod.radius_mm - r) / sigma;
      const double u = phantom::normal_cdf(t),
                   slope = std::exp(-0.5 * t * t) / (sigma * std::sqrt(2 * std::numbers::pi));
      Eigen::Matrix<double, 6, 1> basis;
      basis << 1, p.x, p.y, u, slope * x / r, slope * y / r;
      normal += basis * basis.transpose();
      right += p.value * basis;
      squares += p.value * p.value;
    }
    const Eigen::Matrix<double, 6, 6> inverse = normal.inverse();
    const Eigen::Matrix<double, 6, 1> fit = inverse * right;
    if (!fit.allFinite() || fit[3] == 0) return std::nullopt;
    const double dx = fit[4] / fit[3], dy = fit[5] / fit[3];
    const double step = std::hypot(dx, dy), most = 0.5 * rod.radius_mm, scale = step > most ? most / step : 1;
    shift.x += scale * dx;
    shift.y += scale * dy;
    shift.contrast = fit[3];
    const double rest = std::max(0.0, squares - fit.dot(right)) / double(points.size() - 6);
    shift.se = std::sqrt(rest * 0.5 * (inverse(4, 4) + inverse(5, 5))) / std::abs(fit[3]);
    if (std::hypot(shift.x, shift.y) > rod.radius_mm + 2) return std::nullopt;
    if (step < 1e-4) break;
  }
  return shift;
}

// Mean over the inner part of the rod's cross-section at a height, NaN outside the scan.
double core_value(const Scan& scan, const Placement& pose, const Rod& rod, double height_mm) {
  const Grid& grid = scan.volume.grid;
  const Vec3 centre = to_patient(pose, rod.center_mm), axis = turned(pose, {0, 0, 1}), e1 = turned(pose, {1, 0, 0}),
             e2 = turned(pose, {0, 1, 0});
  double sum = 0, count = 0;
  for (int j = -3; j <= 3; ++j)
    for (int i = -3; i <= 3; ++i) {
      if (i * i + j * j > 10) continue;
      const double step = 0.19 * rod.radius_mm;
      sum += compute::linear_value(scan.volume.view(),
                                   grid.to_index(centre + height_mm * axis + (i * step) * e1 + (j * step) * e2), NAN);
      count += 1;
    }
  return sum / count;
}

// Where an end of a rod lies beyond its nominal place, along the phantom's z.
std::optional<double> end_shift(const Scan& scan, const Placement& pose, const Rod& rod, int side, double slice_mm,
                                double body_contrast) {
  const double end = side * rod.half_length_mm, plateau = std::max(3.0, 1.5 * slice_mm);
  if (rod.half_length_mm < 1.5 * plateau) return std::nullopt;
  const auto mean = [&](double from, double to) {
    double sum = 0;
    for (int k = 0; k < 5; ++k) sum += 0.2 * core_value(scan, pose, rod, from + (to - from) * k / 4);
    return sum;
  };
  const double inside = mean(end - side * plateau, end - side * 2 * plateau),
               outside = mean(end + side * plateau, end + side * 2 * plateau);
  if (!std::isfinite(inside) || !std::isfinite(outside)) return std::nullopt;
  if (std::abs(inside - outside) < least_end_contrast * body_contrast) return std::nullopt;
  const double level = 0.5 * (inside + outside), step = 0.125 * slice_mm;
  double before = core_value(scan, pose, rod, end - side * plateau), found = NAN;
  for (double t = step; t <= 2 * plateau; t += step) {
    const double now = core_value(scan, pose, rod, end - side * (plateau - t));
    if ((before - level) * (now - level) <= 0 && before != now) {
      const double at = t - step + step * (before - level) / (before - now) - plateau;
      if (std::isnan(found) || std::abs(at) < std::abs(found)) found = at;
    }
    before = now;
  }
  if (std::isnan(found)) return std::nullopt;
  return side * found;
}

}  // namespace

std::vector<Rod> rods_of(const phantom::Model& model, const std::string& modality) {
  const std::string key = quantity_of(modality);
  const double body = std::max(body_contrast(model, key), 1e-9);
  std::vector<Rod> rods;
  for (const phantom::Shape& s : model.shapes) {
    const bool upright = s.kind == phantom::ShapeKind::cylinder && std::abs(s.axis.z) > 1 - 1e-9 && s.length_mm > 0;
    if (!upright || s.radius_mm < 1 || s.radius_mm > 20 || std::hypot(s.center_mm.x, s.center_mm.y) < 10) continue;
    const double contrast = model.contrast_of(s, key).value_or(0) / body;
    const bool hollow = std::any_of(model.shapes.begin(), model.shapes.end(),
                                    [&](const phantom::Shape& o) { return o.inside == s.name; });
    if (std::abs(contrast) < least_contrast || hollow || s.length_mm < 2) continue;
    rods.push_back({s.inside, s.center_mm, s.radius_mm, 0.5 * s.length_mm, contrast});
  }
  return rods;
}

void look_at_rod(const Scan& scan, const Placement& pose, const Rod& rod, std::size_t index, double body_contrast,
                 std::vector<Shift>& shifts) {
  const Grid& grid = scan.volume.grid;
  const double lean = std::abs(dot(turned(pose, {0, 0, 1}), grid.direction.column(2)));
  const double slice_mm = grid.spacing_mm.z * lean +
                          std::sqrt(std::max(0.0, 1 - lean * lean)) * std::max(grid.spacing_mm.x, grid.spacing_mm.y);
  const double margin = std::min(std::max(2.0, slice_mm), 0.6 * rod.half_length_mm);
  const double reach = rod.half_length_mm - margin;
  const int pieces = std::clamp(static_cast<int>(2 * reach / std::max(1.5 * slice_mm, 5.0)), 1, 4);
  for (int p = 0; p < pieces; ++p) {
    const double low = -reach + 2 * reach * p / pieces, high = low + 2 * reach / pieces;
    const auto found = axis_shift(scan, pose, rod, low, high);
    // A rod of the wrong sign or of a small part of its contrast is not this rod.
    if (!found || found->contrast * rod.contrast < 0.3 * rod.contrast * rod.contrast * body_contrast) continue;
    const Vec3 at = rod.center_mm + Vec3{0, 0, 0.5 * (low + high)};
    const double se = std::hypot(found->se, 0.02);
    shifts.push_back({at, {1, 0, 0}, found->x, se, index});
    shifts.push_back({at, {0, 1, 0}, found->y, se, index});
  }
  if (grid.size.z < 4 || grid.spacing_mm.z > widest_slices_mm) return;
  for (const int side : {-1, 1})
    if (const auto end = end_shift(scan, pose, rod, side, slice_mm, body_contrast))
      shifts.push_back(
          {rod.center_mm + Vec3{0, 0, side * rod.half_length_mm}, {0, 0, 1}, *end, 0.1 + 0.05 * slice_mm, index});
}

}  // namespace iqgate::locate
