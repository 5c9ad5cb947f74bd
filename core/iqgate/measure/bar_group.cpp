#include "iqgate/measure/bar_group.hpp"

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <numbers>

namespace iqgate::measure {
namespace {

constexpr double pi = std::numbers::pi;

// A pixel of the pattern: its place across the bars, from the middle.
struct Pixel {
  double x_mm, value;
};

// A thin pattern is shared by neighbouring slices, and in a tilted phantom each group by others: what all of them hold
// of it together is the same for every group. Each pixel is the sum over them, per mm of the pattern's thickness, at
// the place where the line through it meets the pattern's plane.
constexpr double beyond_mm = 2;
bool sums_of_thin(const VolumeView& v, const Region& region, const Grid& grid, double thickness_mm,
                  std::vector<Pixel>& pixels, std::string& reason) {
  const Vec3 normal = grid.direction.column(2);
  const double lean = dot(region.normal, normal);
  const double reach = 0.5 * thickness_mm + beyond_mm + grid.spacing_mm.z;
  const double middle = grid.to_index(region.center_mm).z;
  const long first = long(std::ceil(middle - reach / grid.spacing_mm.z)),
             last = long(std::floor(middle + reach / grid.spacing_mm.z));
  if (first < 0 || last >= long(v.size.z)) {
    reason = last < 0 || first >= long(v.size.z)
                 ? "not scanned: the region lies outside the scan"
                 : "not scanned: some slices that share the pattern lie outside the scan";
    return false;
  }
  const Vec3 centre = grid.to_index(region.center_mm);
  const double radius = 0.5 * std::hypot(region.size_mm.x, region.size_mm.y) + 2;
  const long x0 = long(centre.x - radius / grid.spacing_mm.x), x1 = long(centre.x + radius / grid.spacing_mm.x) + 1,
             y0 = long(centre.y - radius / grid.spacing_mm.y), y1 = long(centre.y + radius / grid.spacing_mm.y) + 1;
  if (x0 < 0 || y0 < 0 || x1 >= long(v.size.x) || y1 >= long(v.size.y)) {
    reason = "the region reaches outside the scan";
    return false;
  }
  for (long y = y0; y <= y1; ++y)
    for (long x = x0; x <= x1; ++x) {
      const Vec3 mm = grid.to_mm({double(x), double(y), middle});
      const Vec3 met = mm - (dot(mm - region.center_mm, region.normal) / lean) * normal, p = region.local(met);
      if (std::abs(p.x) > 0.5 * region.size_mm.x || std::abs(p.y) > 0.5 * region.size_mm.y) continue;
      double sum = 0;
      for (long z = first; z <= last; ++z) sum += v(std::size_t(x), std::size_t(y), std::size_t(z));
      pixels.push_back({p.x, sum * grid.spacing_mm.z / thickness_mm});
    }
  return true;
}

// The pixels of the region, as they are: interpolation between them would take modulation away.
bool pixels_of(const Job& job, std::size_t s, const Region& region, std::vector<Pixel>& pixels, std::string& reason) {
  const Grid& grid = job.grid();
  if (!lies_in_slice(region, grid)) {
    reason = "the region's normal lies more than 10 degrees from the slice normal";
    return false;
  }
  const VolumeView v = job.scans[s].volume->host();
  if (const auto thin = region.nominal.find("pattern_thickness_mm"); thin != region.nominal.end() && thin->second > 0)
    return sums_of_thin(v, region, grid, thin->second, pixels, reason);
  const RegionVoxels voxels = region_voxels(region, grid);
  if (!voxels.good()) {
    reason = voxels.reason;
    return false;
  }
  for (const std::size_t o : voxels.mask.offsets)
    pixels.push_back({region
                          .local(grid.to_mm({double(o % v.size.x), double(o / v.size.x % v.size.y),
                                             double(o / (v.size.x * v.size.y))}))
                          .x,
                      v.values[o]});
  return true;
}

struct Mean {
  double value = 0, n = 0;
};
Mean mean_near(const std::vector<Pixel>& pixels, const std::vector<double>& places, double reach_mm) {
  Mean m;
  for (const Pixel& p : pixels)
    for (const double at : places)
      if (std::abs(p.x_mm - at) <= reach_mm) m.value += p.value, m.n += 1;
  if (m.n > 0) m.value /= m.n;
  return m;
}

// Harmonics of the bars by least squares, from the middle of the first bar to that of the last: a whole number of
// periods. The first one's phase tells where the bars lie.
bool analyse(const std::vector<Pixel>& all, double nyquist, BarGroup& g, std::string& reason) {
  const double half = 0.5 * (g.bars - 1) * g.period_mm;
  std::vector<Pixel> inside;
  for (const Pixel& p : all)
    if (std::abs(p.x_mm) <= half) inside.push_back(p);
  int harmonics = 1;
  while (harmonics < 4 && (2 * harmonics + 1) * g.f_per_mm < nyquist) ++harmonics;
  const long columns = 1 + 2 * harmonics, n = long(inside.size());
  if (n < 2 * columns + 4) {
    reason = "fewer than " + std::to_string(2 * columns + 4) + " pixels lie within the bars";
    return false;
  }
  Eigen::MatrixXd basis(n, columns);
  Eigen::VectorXd values(n);
  double mean = 0;
  for (long k = 0; k < n; ++k) {
    const Pixel& p = inside[std::size_t(k)];
    basis(k, 0) = 1;
    for (int h = 0; h < harmonics; ++h) {
      const double phase = 2 * pi * (2 * h + 1) * p.x_mm / g.period_mm;
      basis(k, 1 + 2 * h) = std::cos(phase);
      basis(k, 2 + 2 * h) = std::sin(phase);
    }
    values[k] = p.value;
    mean += p.value / double(n);
  }
  const Eigen::MatrixXd normal = basis.transpose() * basis;
  const Eigen::LDLT<Eigen::MatrixXd> solver(normal);
  const Eigen::VectorXd fit = solver.solve(basis.transpose() * values);
  const Eigen::MatrixXd inverse = solver.solve(Eigen::MatrixXd::Identity(columns, columns));
  if (!fit.allFinite() || !(inverse(1, 1) > 0) || inverse(1, 1) * double(n) > 50) {
    reason = "the pixels sample too few phases of the bars";
    return false;
  }
  g.noise2 = (values - basis * fit).squaredNorm() / double(n - columns);
  for (const Pixel& p : inside) g.m2 += (p.value - mean) * (p.value - mean) / double(n - 1);
  g.fundamental = std::hypot(fit[1], fit[2]);
  g.fundamental_se = std::sqrt(g.noise2 * 0.5 * (inverse(1, 1) + inverse(2, 2)));
  // Bars lie on the crests next to their nominal places (an odd number of bars: at 0; an even one: half a period off),
  // where there is a wave to tell.
  double shift = 0;
  if (g.fundamental > 3 * g.fundamental_se) {
    const double crest = std::atan2(fit[2], fit[1]) / (2 * pi) * g.period_mm;
    shift = std::remainder(crest - (g.bars % 2 ? 0 : 0.5 * g.period_mm), g.period_mm);
  }
  for (int h = 0; h < harmonics; ++h) {
    const double phase = 2 * pi * (2 * h + 1) * (shift + (g.bars % 2 ? 0 : 0.5 * g.period_mm)) / g.period_mm;
    g.crest_to_trough += 2 * (fit[1 + 2 * h] * std::cos(phase) + fit[2 + 2 * h] * std::sin(phase));
  }
  std::vector<double> bars, gaps;
  for (int b = 0; b < g.bars; ++b) bars.push_back((b - 0.5 * (g.bars - 1)) * g.period_mm + shift);
  for (int b = 0; b + 1 < g.bars; ++b) gaps.push_back(bars[std::size_t(b)] + 0.5 * g.period_mm);
  const double reach = g.period_mm / 8;
  const Mean bar = mean_near(all, bars, reach), gap = mean_near(all, gaps, reach);
  if (bar.n < 2 || gap.n < 2) {
    reason = "no pixel lies on the bars or between them";
    return false;
  }
  g.bar = bar.value, g.gap = gap.value;
  g.modulation_se = std::sqrt(g.noise2 * (1 / bar.n + 1 / gap.n));
  const Mean top = mean_near(all, bars, 0.5 * reach), bottom = mean_near(all, gaps, 0.5 * reach);
  g.bar_top = top.n > 0 ? top.value : bar.value;
  g.gap_bottom = bottom.n > 0 ? bottom.value : gap.value;
  g.resolved = true;
  for (std::size_t k = 0; k < gaps.size(); ++k) {
    const Mean left = mean_near(all, {bars[k]}, reach), here = mean_near(all, {gaps[k]}, reach),
               right = mean_near(all, {bars[k + 1]}, reach);
    const double noise =
        std::sqrt(g.noise2 * (1 / std::max(here.n, 1.0) + 1 / std::max(std::min(left.n, right.n), 1.0)));
    g.resolved = g.resolved && here.n > 0 && left.n > 0 && right.n > 0 &&
                 here.value < std::min(left.value, right.value) - 2 * noise;
  }
  return true;
}

}  // namespace

bool measure_group(const Job& job, std::size_t scan, const Region& region, double nyquist_per_mm, BarGroup& group,
                   std::string& reason) {
  const auto lp = region.nominal.find("line_pairs_per_cm"), bars = region.nominal.find("bars");
  if (lp == region.nominal.end() || bars == region.nominal.end() || !(lp->second > 0) || !(bars->second >= 2) ||
      bars->second > 100 || std::floor(bars->second) != bars->second ||
      (bars->second - 1) * 10 / lp->second > region.size_mm.x || region.shape != RegionShape::box) {
    reason = "a pattern's region must be a box that holds it, with nominal line_pairs_per_cm and bars (2 to 100)";
    return false;
  }
  group.f_per_mm = lp->second / 10;
  group.period_mm = 1 / group.f_per_mm;
  group.bars = static_cast<int>(bars->second);
  std::vector<Pixel> pixels;
  return pixels_of(job, scan, region, pixels, reason) && analyse(pixels, nyquist_per_mm, group, reason);
}

}  // namespace iqgate::measure
