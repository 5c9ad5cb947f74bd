// A7: diameters of a round phantom in one slice, along the axes of the image and between them.
#include <algorithm>
#include <cmath>
#include <numbers>

#include "iqgate/measure/metrics.hpp"
#include "iqgate/measure/rim.hpp"

namespace iqgate::measure {
namespace {

constexpr int rays = 360;
constexpr double fan_deg = 10, reach_mm = 8, degree = std::numbers::pi / 180;
constexpr std::size_t least_rays = 7;  // of 21 in a fan
constexpr double bubble_mm = 1.5;      // inwards of the circle: the wall is not seen

struct End {
  double radius_mm = 0, variance = 0;
  std::size_t rays = 0;
};

// Mean distance of the edge from the circle's centre, over a fan of rays about a direction.
End fan_at(const std::vector<RimPoint>& points, const RimCircle& circle, double angle) {
  std::vector<double> radii;
  for (const RimPoint& p : points) {
    const double x = p.radius_mm * std::cos(p.angle) - circle.u_mm, y = p.radius_mm * std::sin(p.angle) - circle.w_mm;
    if (std::abs(std::remainder(std::atan2(y, x) - angle, 2 * std::numbers::pi)) > fan_deg * degree) continue;
    if (std::hypot(x, y) > circle.radius_mm - std::max(bubble_mm, 4 * circle.rms_mm)) radii.push_back(std::hypot(x, y));
  }
  End end{.rays = radii.size()};
  if (radii.size() < least_rays) return end;
  std::sort(radii.begin(), radii.end());
  const std::size_t trim = radii.size() / 5;  // a bubble's edge, a structure's corner
  double squares = 0;
  const double n = double(radii.size() - 2 * trim);
  for (std::size_t k = trim; k < radii.size() - trim; ++k) end.radius_mm += radii[k] / n;
  for (const double r : radii) squares += (r - end.radius_mm) * (r - end.radius_mm) / double(radii.size() - 1);
  end.variance = squares / (n / 3);  // neighbouring rays share pixels
  return end;
}

struct Direction {
  const char* name;
  double angle_deg;  // in the image: from its rows towards its columns
};
constexpr Direction directions[] = {
    {"diameter_h_mm", 0}, {"diameter_v_mm", 90}, {"diameter_d45_mm", 45}, {"diameter_d135_mm", 135}};

Measurement number(const char* name, const std::string& where, double value, const char* unit, double variance) {
  Measurement m = measurement(name, "", where, value, unit);
  m.se = std::sqrt(variance);
  m.ci95 = symmetric_interval(value, *m.se);
  m.flags = {"ci_scope=within_scan"};
  return m;
}

void one_region(const Job& job, std::size_t s, const Region& region, Results& results) {
  const std::string where = job.prefix(s) + region.name;
  const auto skip = [&](const std::string& reason) { results.skip("diameter_h_mm", where, reason); };
  if (!(region.radius_mm >= 20 && region.radius_mm <= 500)) return skip("the region's radius must be 20 to 500 mm");
  if (const auto d = region.nominal.find("directions"); d != region.nominal.end() && d->second != 2 && d->second != 4)
    return skip("directions must be 2 or 4");
  const auto slice = SliceSampler::of(job, s, region);
  if (!slice) return skip(not_sampled);
  const std::vector<RimPoint> points = rim_points(*slice, region.radius_mm, reach_mm, rays);
  const auto circle = fit_circle(points, 90);
  if (!circle) return skip("the edge of the phantom is not seen on a quarter of its rim");
  // Directions of the image in the region's frame.
  const Vec3 row = job.grid().direction.column(0), column = job.grid().direction.column(1);
  const auto angle_of = [&](double degrees) {
    const Vec3 d = std::cos(degrees * degree) * row + std::sin(degrees * degree) * column;
    return std::atan2(dot(d, region.second_axis()), dot(d, region.in_plane));
  };
  const auto diameter = [&](double degrees) {
    const double a = angle_of(degrees);
    const End one = fan_at(points, *circle, a), other = fan_at(points, *circle, a + std::numbers::pi);
    End both{one.radius_mm + other.radius_mm, one.variance + other.variance, std::min(one.rays, other.rays)};
    return both;
  };
  const auto nominal = region.nominal.find("diameter_mm");
  const auto count = region.nominal.find("directions");
  const int wanted = count == region.nominal.end() || count->second == 4 ? 4 : 2;
  for (int k = 0; k < wanted; ++k) {
    const End d = diameter(directions[k].angle_deg);
    if (d.rays < least_rays) {
      results.skip(directions[k].name, where,
                   "the wall is not seen at one of its ends: an air bubble or an insert lies there");
      continue;
    }
    Measurement m = number(directions[k].name, where, d.radius_mm, "mm", d.variance);
    m.method =
        "between half-level edges, each end the mean of rays within 10 degrees, about the circle through the rim";
    m.standard = "ACR MRI QC manual";
    results.add(std::move(m));
  }
  results.add([&] {
    Measurement m = number("diameter_mean_mm", where, 2 * circle->radius_mm, "mm",
                           4 * circle->rms_mm * circle->rms_mm / (double(circle->points) / 3));
    m.method = "circle through the rim";
    return m;
  }());
  if (nominal == region.nominal.end() || !(nominal->second > 0)) return;
  double worst = 0, variance = 0;
  int chords = 0;
  for (int k = 0; k < 8; ++k) {
    const End d = diameter(22.5 * k);
    if (d.rays < least_rays) continue;
    ++chords;
    const double error = 100 * (d.radius_mm - nominal->second) / nominal->second;
    if (std::abs(error) > std::abs(worst)) worst = error, variance = d.variance;
  }
  if (chords < 6) return results.skip("gd_max_pct", where, "fewer than six of eight chords are seen whole");
  Measurement m = measurement("gd_max_pct", "", where, std::abs(worst), "%");
  m.se = 100 * std::sqrt(variance) / nominal->second;
  m.method = "largest 100 |D - D_true| / D_true of chords every 22.5 degrees";
  m.standard = "NEMA MS 2-2008";
  m.flags = {"ci_scope=within_scan", "no_interval_for_extreme"};
  results.add(std::move(m));
}

void run(const Job& job, const std::vector<Region>& regions, Results& results) {
  each_region(job, regions, results, one_region);
}

}  // namespace

Metric diameters_metric() {
  return {
      "diameters",
      "Diameters of a round phantom",
      "In the slice nearest to the region: half-level edges, the level between what lies within 4 mm inside and 5 mm "
      "outside the edge on the same ray (shading), along the rows (h), the columns (v) and the diagonals of the image; "
      "gd_max_pct over chords every 22.5 degrees. Rays that meet an insert, or an edge more than 1.5 mm (or 4 rms) "
      "inside the circle through the rim (an air bubble), are left out.",
      "ACR MRI QC manual; NEMA MS 2-2008",
      {"diameter_h_mm", "diameter_v_mm", "diameter_d45_mm", "diameter_d135_mm", "diameter_mean_mm", "gd_max_pct"},
      {},
      {"diameters"},
      {},
      run};
}

}  // namespace iqgate::measure
