// A8: slice width from a pair of thin plates that lean against each other: each takes signal away over the slice
// profile stretched by its angle.
#include <algorithm>
#include <cmath>
#include <numbers>

#include "iqgate/measure/metrics.hpp"
#include "iqgate/measure/ramp_bar.hpp"
#include "iqgate/measure/slice_sampler.hpp"

namespace iqgate::measure {
namespace {

constexpr double clear_mm = 8, base_mm = 6;  // beside the slopes of the dip, and near it: shading

// The dip of one plate, turned over; what lies beside it is not flat (shading), so a line through it is taken off.
Bar dip_of(const SliceSampler& slice, const Region& region) {
  const double half = 0.5 * region.size_mm.x, height = 0.25 * region.size_mm.y;
  std::vector<double> p = slice.strip(SliceSampler::Along::u, half, bar_step_mm, -height, height, 15);
  Bar bar;
  if (p.empty()) {
    bar.reason = "the region reaches outside the image";
    return bar;
  }
  for (double& v : p) v = -v;
  const double n = double(p.size()), edge = 5 / bar_step_mm;
  const double first = mean_between(p, 0, edge), last = mean_between(p, n - 1 - edge, n - 1);
  for (std::size_t k = 0; k < p.size(); ++k) p[k] -= first + (last - first) * (double(k) - 0.5 * edge) / (n - 1 - edge);
  const double noise = pixel_noise(p, slice.pixel_mm() / bar_step_mm);
  bar = bar_of(p, half, slice.pixel_mm(), clear_mm, base_mm);
  if (bar.reason.empty() && !(bar.level - bar.base > 3 * noise))
    bar.reason = "the plate does not stand out from the noise";
  return bar;
}

void one_folder(const Job& job, std::size_t s, const std::string& where, const Folder& members, Results& results) {
  const auto skip = [&](const std::string& reason) { results.skip("slice_width_mm", where, reason); };
  if (members.size() != 2) return skip("needs two regions in one folder of names");
  Bar bars[2];
  double slope[2];
  std::size_t k = 0;
  for (const auto& [name, region] : members) {
    const auto angle = region->nominal.find("angle_deg");
    if (region->shape != RegionShape::box || angle == region->nominal.end() ||
        !(angle->second >= 2 && angle->second <= 60) || region->size_mm.x < 20 || region->size_mm.x > 400 ||
        !(region->size_mm.y > 0 && region->size_mm.y <= 400))
      return skip("region " + name + " needs a box of 20 to 400 mm with nominal angle_deg (2 to 60)");
    slope[k] = std::tan(angle->second * std::numbers::pi / 180);
    const auto slice = SliceSampler::of(job, s, *region);
    if (!slice) return skip(not_sampled);
    if (slice->pixel_mm() > region->size_mm.x / 10) return skip("the pixels are too coarse for the plates");
    bars[k] = dip_of(*slice, *region);
    if (!bars[k].reason.empty()) return skip("region " + name + ": " + bars[k].reason);
    ++k;
  }
  const double a = bars[0].length_mm * slope[0], b = bars[1].length_mm * slope[1],
               relative = std::hypot(bars[0].se_mm / bars[0].length_mm, bars[1].se_mm / bars[1].length_mm);
  const auto add = [&](const char* variant, double value, const char* method) {
    Measurement m = measurement("slice_width_mm", variant, where, value, "mm");
    m.se = 0.5 * value * relative;
    m.ci95 = symmetric_interval(value, *m.se);
    m.method = method;
    m.standard = "NEMA MS 5-2018; IPEM Report 112";
    m.flags = {"ci_scope=within_scan", "noise_taken_as_white"};
    results.add(std::move(m));
  };
  add("geometric_mean", std::sqrt(a * b),
      "square root of the product of both widths at half level, each times tan(angle)");
  if (std::abs(slope[0] - slope[1]) < 1e-9)
    add("exact", exact_width(bars[0].length_mm, bars[1].length_mm, slope[0]),
        "by the included angle of the plates: right for a tilted object too");
}

void run(const Job& job, const std::vector<Region>& regions, Results& results) {
  each_folder(job, regions, results, one_folder);
}

}  // namespace

Metric plates_metric() {
  return {
      "plates",
      "Slice width from leaning plates",
      "Two thin plates that lean against each other by nominal angle_deg, one region each in a folder of names, across "
      "in_plane: width of each dip at half level on the middle half of its height, a line through what lies beside it "
      "taken off; geometric mean times tan(angle), and the exact width by the included angle.",
      "NEMA MS 5-2018; IPEM Report 112",
      {"slice_width_mm"},
      {"geometric_mean", "exact"},
      {"plate"},
      {"MR"},
      run};
}

}  // namespace iqgate::measure
