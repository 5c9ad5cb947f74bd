// A8: slice thickness and place from a pair of crossed ramps: thin slots of water in plastic that rise against each
// other, so that each shows the slice profile stretched by its slope.
#include <algorithm>
#include <cmath>
#include <numbers>

#include "iqgate/measure/metrics.hpp"
#include "iqgate/measure/ramp_bar.hpp"
#include "iqgate/measure/slice_sampler.hpp"

namespace iqgate::measure {
namespace {

constexpr double step_mm = bar_step_mm;
constexpr double base_mm = 50;   // all of the plastic there is
constexpr double clear_mm = 12;  // the slot's own thickness blurs the ends of its bar

// Where the plastic bar lies across: the middle between its two edges beside the bright parts.
std::optional<double> middle_of(const SliceSampler& slice, const Region& region) {
  const double half_u = 0.5 * region.size_mm.x, half_w = 0.5 * region.size_mm.y, reach = half_w + 4;
  std::vector<double> profile;
  for (double w = -reach; w <= reach; w += step_mm) {
    double sum = 0;
    for (int k = 0; k < 20; ++k) {
      const double u = half_u * (0.75 + 0.25 * (k % 10) / 9.0);
      sum += slice.value(k < 10 ? u : -u, w) / 20;
    }
    if (!std::isfinite(sum)) return std::nullopt;
    profile.push_back(sum);
  }
  const std::size_t n = profile.size(), edge = static_cast<std::size_t>(2 / step_mm);
  const double above = mean_between(profile, 0, double(edge)),
               below = mean_between(profile, double(n - edge), double(n) - 1),
               dark = mean_between(profile, 0.5 * double(n) - double(edge), 0.5 * double(n) + double(edge));
  const std::size_t fit = static_cast<std::size_t>(0.75 / step_mm);
  const auto a = level_crossing(profile, n / 2, -1, 0.5 * (above + dark), fit),
             b = level_crossing(profile, n / 2, 1, 0.5 * (below + dark), fit);
  if (!a || !b || !(dark < 0.5 * std::min(above, below))) return std::nullopt;
  return 0.5 * (a->at + b->at) * step_mm - reach;
}

void one_region(const Job& job, std::size_t s, const Region& region, Results& results) {
  const std::string where = job.prefix(s) + region.name;
  const auto skip = [&](const std::string& reason) { results.skip("slice_thickness_mm", where, reason); };
  const auto slice = SliceSampler::of(job, s, region);
  if (!slice || region.shape != RegionShape::box) return skip(not_sampled);
  const auto slope_entry = region.nominal.find("slope");
  const double slope = slope_entry == region.nominal.end() ? 10 : slope_entry->second;
  if (!(slope >= 1 && slope <= 100) || !(region.size_mm.x >= 40 && region.size_mm.x <= 400) ||
      !(region.size_mm.y >= 4 && region.size_mm.y <= 60))
    return skip("needs a slope of 1 to 100 and a box of 40 to 400 by 4 to 60 mm");
  const auto middle = middle_of(*slice, region);
  if (!middle) return skip("the plastic bar that holds the ramps is not seen");
  const double half = 0.5 * region.size_mm.x;
  Bar bars[2];
  double noise = 0;
  for (int which = 0; which < 2; ++which) {
    // Each strip is the middle half of its side of the bar.
    const double side = which == 0 ? -1 : 1;
    const std::vector<double> p =
        slice->strip(SliceSampler::Along::u, half, step_mm, *middle + 0.125 * side * region.size_mm.y,
                     *middle + 0.375 * side * region.size_mm.y, 9);
    if (p.empty()) return skip("the ramps reach outside the image");
    bars[which] = bar_of(p, half, slice->pixel_mm(), clear_mm, base_mm);
    if (!bars[which].reason.empty()) return skip((which == 0 ? "upper ramp: " : "lower ramp: ") + bars[which].reason);
    noise = std::max(noise, pixel_noise(p, slice->pixel_mm() / step_mm));
  }
  for (const Bar& bar : bars)
    if (!(bar.level - bar.base > 3 * noise)) return skip("the ramps do not stand out from the noise");
  const double a = bars[0].length_mm, b = bars[1].length_mm;
  const auto add = [&](const char* name, const char* variant, double value, double se, const char* method) {
    Measurement m = measurement(name, variant, where, value, "mm");
    m.se = se;
    m.ci95 = symmetric_interval(value, se);
    m.method = method;
    m.standard = "ACR MRI QC manual; NEMA MS 5-2018";
    m.flags = {"ci_scope=within_scan", "noise_taken_as_white"};
    results.add(std::move(m));
  };
  const double acr = 2 / slope * a * b / (a + b);
  const double se = 2 / slope * std::hypot(b * b * bars[0].se_mm, a * a * bars[1].se_mm) / ((a + b) * (a + b));
  const double exact = exact_width(a, b, 1 / slope);
  add("slice_thickness_mm", "acr", acr, se, "2 / slope x L1 L2 / (L1 + L2), lengths at half level");
  add("slice_thickness_mm", "exact", exact, se, "by the included angle of the ramps: right for a tilted phantom too");
  add("ramp_length_mm", "upper", a, bars[0].se_mm, "length at half level between plateau and the plastic beside it");
  add("ramp_length_mm", "lower", b, bars[1].se_mm, "length at half level between plateau and the plastic beside it");
  add("slice_offset_mm", "ramps", 0.5 * (bars[0].centre_mm - bars[1].centre_mm) / slope,
      0.25 * std::hypot(bars[0].se_mm, bars[1].se_mm) / slope,
      "place of the slice along the phantom's axis, from the middles of both bars");
}

void run(const Job& job, const std::vector<Region>& regions, Results& results) {
  each_region(job, regions, results, one_region);
}

}  // namespace

Metric ramps_metric() {
  return {"ramps",
          "Slice thickness from crossed ramps",
          "Bright bars of two slots that rise against each other (nominal slope, run over rise): lengths at half level "
          "between plateau and plastic on either side, averaged over half the height of each slot; thickness by the "
          "ACR's formula and by the exact included angle; place of the slice from the bars' middles.",
          "ACR MRI QC manual; NEMA MS 5-2018",
          {"slice_thickness_mm", "ramp_length_mm", "slice_offset_mm"},
          {"acr", "exact", "upper", "lower", "ramps"},
          {"ramp_pair"},
          {"MR"},
          run};
}

}  // namespace iqgate::measure
