#include "iqgate/measure/rim.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace iqgate::measure {
namespace {

// What lies beside the edge is looked at this far from it, mm: clear of its blur and near enough for shading.
constexpr double inside_from = 1.5, inside_to = 4, outside_from = 2, outside_to = 5;

double mean_along(const SliceSampler& slice, double c, double s, double from, double to) {
  double sum = 0;
  for (int k = 0; k < 6; ++k) {
    const double r = from + (to - from) * k / 5;
    sum += slice.value(r * c, r * s) / 6;
  }
  return sum;
}

// Last crossing of a level on the way out, between two radii.
std::optional<double> falls_at(const SliceSampler& slice, double c, double s, double from, double to, double level) {
  const double step = 0.1;
  std::optional<double> found;
  double before = slice.value(from * c, from * s);
  for (double r = from + step; r <= to; r += step) {
    const double now = slice.value(r * c, r * s);
    if (before >= level && now < level) found = r - step + step * (before - level) / (before - now);
    before = now;
  }
  return found;
}

}  // namespace

std::vector<RimPoint> rim_points(const SliceSampler& slice, double radius_mm, double reach_mm, int rays) {
  struct Ray {
    double angle, inside, outside, at;
  };
  // First by a level that all rays share, then each by its own.
  std::vector<double> levels;
  for (int k = 0; k < rays; ++k) {
    const double a = 2 * std::numbers::pi * k / rays;
    const double v = mean_along(slice, std::cos(a), std::sin(a), radius_mm - reach_mm - 4, radius_mm - reach_mm);
    if (std::isfinite(v)) levels.push_back(v);
  }
  if (levels.size() < std::size_t(rays) / 2) return {};
  const double usual = median_of(levels);
  std::vector<Ray> found;
  for (int k = 0; k < rays; ++k) {
    const double a = 2 * std::numbers::pi * k / rays, c = std::cos(a), s = std::sin(a);
    auto at = falls_at(slice, c, s, radius_mm - reach_mm, radius_mm + reach_mm, 0.4 * usual);
    Ray ray{a, 0, 0, 0};
    for (int round = 0; at && round < 2; ++round) {
      ray.inside = mean_along(slice, c, s, *at - inside_to, *at - inside_from);
      ray.outside = mean_along(slice, c, s, *at + outside_from, *at + outside_to);
      at = falls_at(slice, c, s, *at - 2, *at + 2, 0.5 * (ray.inside + ray.outside));
    }
    if (!at || !std::isfinite(ray.inside) || !std::isfinite(ray.outside)) continue;
    ray.at = *at;
    found.push_back(ray);
  }
  if (found.size() < 8) return {};
  std::vector<double> insides;
  for (const Ray& ray : found) insides.push_back(ray.inside);
  const double inside = median_of(insides);
  std::vector<RimPoint> points;
  for (const Ray& ray : found)
    if (ray.inside > 0.5 * inside && ray.inside < 2 * inside && ray.outside < 0.5 * ray.inside)
      points.push_back({ray.angle, ray.at});
  return points;
}

std::optional<RimCircle> fit_circle(const std::vector<RimPoint>& points, std::size_t least) {
  if (points.size() < std::max<std::size_t>(least, 8)) return std::nullopt;
  RimCircle circle;
  std::vector<char> used(points.size(), 1);
  for (int round = 0; round < 8; ++round) {
    // r = R + u cos a + w sin a for small shifts about the middle; repeated about the new middle.
    double n[3][4] = {};
    for (std::size_t k = 0; k < points.size(); ++k) {
      if (!used[k]) continue;
      const double x = points[k].radius_mm * std::cos(points[k].angle) - circle.u_mm,
                   y = points[k].radius_mm * std::sin(points[k].angle) - circle.w_mm, r = std::hypot(x, y);
      const double row[4] = {x / r, y / r, 1, r};
      for (int i = 0; i < 3; ++i)
        for (int j = 0; j < 4; ++j) n[i][j] += row[i] * row[j];
    }
    for (int i = 0; i < 3; ++i) {
      if (std::abs(n[i][i]) < 1e-9) return std::nullopt;
      for (int j = 0; j < 3; ++j) {
        if (j == i) continue;
        const double f = n[j][i] / n[i][i];
        for (int k = 0; k < 4; ++k) n[j][k] -= f * n[i][k];
      }
    }
    circle.u_mm += n[0][3] / n[0][0];
    circle.w_mm += n[1][3] / n[1][1];
    circle.radius_mm = n[2][3] / n[2][2];
    std::vector<double> rest;
    for (const RimPoint& p : points)
      rest.push_back(
          std::hypot(p.radius_mm * std::cos(p.angle) - circle.u_mm, p.radius_mm * std::sin(p.angle) - circle.w_mm) -
          circle.radius_mm);
    std::vector<double> sizes;
    for (const double r : rest) sizes.push_back(std::abs(r));
    const double limit = std::max(3 * 1.4826 * median_of(sizes), 0.05);
    double squares = 0;
    circle.points = 0;
    for (std::size_t k = 0; k < points.size(); ++k) {
      used[k] = std::abs(rest[k]) <= limit;
      if (used[k]) squares += rest[k] * rest[k], ++circle.points;
    }
    if (circle.points < least) return std::nullopt;
    circle.rms_mm = std::sqrt(squares / double(circle.points));
  }
  return circle;
}

}  // namespace iqgate::measure
