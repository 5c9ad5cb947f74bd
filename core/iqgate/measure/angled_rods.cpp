// A9: places and spacing of slices from a pair of rods that cross: their distance tells where a slice lies.
#include <algorithm>
#include <cmath>
#include <numbers>

#include "iqgate/measure/metrics.hpp"
#include "iqgate/measure/slice_sampler.hpp"

namespace iqgate::measure {
namespace {

constexpr double step_mm = 0.5, spot_mm = 2, window_mm = 5, apart_mm = 9;
constexpr double least_depth = 0.25;  // of the usual signal
constexpr std::size_t least_slices = 5;

struct Spot {
  double u = 0, w = 0, depth = 0;
};

// Values of a slice over the region at equal steps.
struct Patch {
  std::vector<double> values;
  long nu = 0, nw = 0;
  double u0 = 0, w0 = 0, usual = 0;
  double at(long i, long j) const { return values[std::size_t(j * nu + i)]; }
};

Patch patch_of(const SliceSampler& slice, const Region& region) {
  Patch p;
  p.u0 = -0.5 * region.size_mm.x, p.w0 = -0.5 * region.size_mm.y;
  p.nu = long(region.size_mm.x / step_mm) + 1, p.nw = long(region.size_mm.y / step_mm) + 1;
  for (long j = 0; j < p.nw; ++j)
    for (long i = 0; i < p.nu; ++i)
      p.values.push_back(slice.value(p.u0 + double(i) * step_mm, p.w0 + double(j) * step_mm));
  std::vector<double> finite;
  for (const double v : p.values)
    if (std::isfinite(v)) finite.push_back(v);
  p.usual = finite.size() < p.values.size() ? 0 : median_of(std::move(finite));
  return p;
}

// The darkest spot that keeps its distance from another one, its place the centroid of what is missing there.
std::optional<Spot> darkest(const Patch& p, const std::optional<Spot>& other) {
  const long reach = long(spot_mm / step_mm), window = long(window_mm / step_mm);
  Spot best;
  for (long j = window; j + window < p.nw; ++j)
    for (long i = window; i + window < p.nu; ++i) {
      const double u = p.u0 + double(i) * step_mm, w = p.w0 + double(j) * step_mm;
      if (other && std::hypot(u - other->u, w - other->w) < apart_mm) continue;
      double sum = 0, n = 0;
      for (long b = -reach; b <= reach; ++b)
        for (long a = -reach; a <= reach; ++a)
          if (a * a + b * b <= reach * reach) sum += p.at(i + a, j + b), n += 1;
      const double depth = 1 - sum / n / p.usual;
      if (depth > best.depth) best = {u, w, depth};
    }
  if (best.depth < least_depth) return std::nullopt;
  for (int round = 0; round < 10; ++round) {
    const long i = std::lround((best.u - p.u0) / step_mm), j = std::lround((best.w - p.w0) / step_mm);
    double mass = 0, mu = 0, mw = 0;
    for (long b = std::max(0l, j - window); b <= std::min(p.nw - 1, j + window); ++b)
      for (long a = std::max(0l, i - window); a <= std::min(p.nu - 1, i + window); ++a) {
        const double u = p.u0 + double(a) * step_mm, w = p.w0 + double(b) * step_mm;
        const double weight = std::clamp((window_mm - std::hypot(u - best.u, w - best.w)) / step_mm + 0.5, 0.0, 1.0),
                     missing = std::max(0.0, 0.9 * p.usual - p.at(a, b));
        mass += weight * missing, mu += weight * missing * u, mw += weight * missing * w;
      }
    if (!(mass > 0)) return std::nullopt;
    const double du = mu / mass - best.u, dw = mw / mass - best.w;
    best.u += du, best.w += dw;
    if (std::hypot(du, dw) < 1e-3) break;
  }
  return best;
}

void one_region(const Job& job, std::size_t s, const Region& region, Results& results) {
  const std::string where = job.prefix(s) + region.name;
  const auto skip = [&](const std::string& reason) { results.skip("slice_spacing_mm", where, reason); };
  const auto angle = region.nominal.find("angle_deg");
  if (region.shape != RegionShape::box || angle == region.nominal.end() || !(angle->second >= 5 && angle->second <= 80))
    return skip("needs a box with nominal angle_deg (5 to 80), the rods' angle to the slices' normal");
  if (region.size_mm.x > 160 || region.size_mm.y > 160 || region.size_mm.x < 4 * window_mm ||
      region.size_mm.y < 4 * window_mm)
    return skip("the region must be 20 to 160 mm wide");
  const double rate = 2 * std::tan(angle->second * std::numbers::pi / 180);
  const Grid& grid = job.grid();
  std::vector<double> index, separation;
  for (std::size_t z = 0; z < grid.size.z; ++z) {
    Region here = region;
    const Vec3 normal = grid.direction.column(2);
    const double off = dot(grid.to_mm({0, 0, double(z)}) - region.center_mm, normal) / dot(region.normal, normal);
    if (!(std::abs(off) <= 0.5 * region.size_mm.z)) continue;
    here.center_mm = region.center_mm + off * region.normal;
    const auto slice = SliceSampler::of(job, s, here);
    if (!slice || slice->slice() != z) continue;
    const Patch patch = patch_of(*slice, region);
    if (!(patch.usual > 0)) return skip("the region reaches outside the image, or there is no signal");
    const auto one = darkest(patch, std::nullopt);
    const auto two = one ? darkest(patch, one) : std::nullopt;
    if (!two) continue;
    // The rods lie side by side along the region's first axis: left less right.
    const Spot &left = one->u < two->u ? *one : *two, &right = one->u < two->u ? *two : *one;
    if (right.u - left.u < 2) continue;  // which is which?
    index.push_back(double(z));
    separation.push_back(left.w - right.w);
  }
  if (index.size() < least_slices) return skip("both rods are seen apart in fewer than five slices");
  const double n = double(index.size());
  double mx = 0, my = 0, sxx = 0, sxy = 0;
  for (std::size_t k = 0; k < index.size(); ++k) mx += index[k] / n, my += separation[k] / n;
  for (std::size_t k = 0; k < index.size(); ++k)
    sxx += (index[k] - mx) * (index[k] - mx), sxy += (index[k] - mx) * (separation[k] - my);
  const double slope = sxy / sxx, sign = slope < 0 ? -1 : 1;
  double rest = 0;
  for (std::size_t k = 0; k < index.size(); ++k)
    rest += std::pow(separation[k] - my - slope * (index[k] - mx), 2) / (n - 2);
  const double spacing = std::abs(slope) / rate, se = std::sqrt(rest / sxx) / rate;
  Measurement m = measurement("slice_spacing_mm", "", where, spacing, "mm");
  m.se = se;
  m.ci95 = symmetric_interval(spacing, se, n - 2);
  m.n_eff = n;
  m.method = "slope of the rods' distance over the slices / (2 tan angle)";
  m.standard = "IPEM Report 112";
  m.flags = {"ci_scope=within_scan"};
  results.add(m);
  Curve curve{.name = "slice_position_error", .variant = "", .where = where};
  curve.x = {"slice", "1", {}};
  curve.y = {"error", "mm", {}};
  double worst = 0;
  for (std::size_t k = 0; k < index.size(); ++k) {
    const double error = sign * (separation[k] - my) / rate - (index[k] - mx) * grid.spacing_mm.z;
    curve.x.values.push_back(index[k] + 1);
    curve.y.values.push_back(error);
    worst = std::max(worst, std::abs(error));
  }
  m.name = "slice_position_error_max_mm";
  m.value = worst;
  m.se = std::sqrt(rest) / rate;
  m.ci95.reset();
  m.method = "largest distance of a slice from its nominal place, the mean of all left out";
  m.flags.push_back("no_interval_for_extreme");
  results.add(std::move(m));
  results.curves.push_back(std::move(curve));
}

void run(const Job& job, const std::vector<Region>& regions, Results& results) {
  each_region(job, regions, results, one_region);
}

}  // namespace

Metric angled_rods_metric() {
  return {
      "angled_rods",
      "Slice position and spacing from angled rods",
      "Two dark rods side by side along the region's first axis that cross along its second one at nominal angle_deg "
      "(45: tan 1) to the slices' normal: in each slice of the region their distance, whose slope is 2 tan(angle) x "
      "the "
      "spacing; places of the slices against the nominal ones.",
      "IPEM Report 112; definition A9",
      {"slice_spacing_mm", "slice_position_error_max_mm"},
      {},
      {"rod_pair"},
      {"MR", "CT"},
      run};
}

}  // namespace iqgate::measure
