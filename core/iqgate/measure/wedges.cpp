// A9: slice position from a pair of crossed wedges of 45 degrees: one bar grows as much as the other shrinks.
#include <algorithm>
#include <cmath>

#include "iqgate/measure/metrics.hpp"
#include "iqgate/measure/slice_sampler.hpp"

namespace iqgate::measure {
namespace {

constexpr double step_mm = 0.2;

// Where a bar ends, going down from its dark part into the water.
std::optional<Crossing> tip_of(const SliceSampler& slice, const Region& region, double middle_u, double width,
                               std::string& reason) {
  const double half = 0.5 * region.size_mm.y;
  const std::vector<double> p =
      slice.strip(SliceSampler::Along::w, half, step_mm, middle_u - 0.5 * width, middle_u + 0.5 * width, 9);
  if (p.empty()) {
    reason = "the wedges reach outside the image";
    return std::nullopt;
  }
  const std::size_t n = p.size(), edge = static_cast<std::size_t>(2 / step_mm);
  double dark = 0;
  for (std::size_t k = 0; k < edge; ++k) dark += p[k] / double(edge);
  // The first place where the bar is over, then the water beyond its slope of one slice thickness.
  double water = *std::max_element(p.begin(), p.end());
  std::optional<Crossing> tip;
  for (int round = 0; round < 3; ++round) {
    if (!(dark < 0.4 * water)) {
      reason = "no dark bar stands where the wedge should";
      return std::nullopt;
    }
    tip = level_crossing(p, 0, 1, 0.5 * (dark + water), static_cast<std::size_t>(1.5 / step_mm));
    const double beyond = tip ? tip->at + 4 / step_mm : double(n);
    if (!tip || beyond + double(edge) > double(n)) {
      reason = "the bar does not end in the region: the slice lies too far from the wedges' crossing";
      return std::nullopt;
    }
    water = 0;
    const std::size_t first = static_cast<std::size_t>(beyond);
    for (std::size_t k = first; k < first + edge; ++k) water += p[k] / double(edge);
  }
  tip->at = tip->at * step_mm - half;
  const double pixel = slice.pixel_mm() / step_mm;
  tip->se = std::max(crossing_se(*tip, pixel_noise(p, pixel), pixel, 1.5 / step_mm), 0.25) * step_mm;
  return tip;
}

void one_region(const Job& job, std::size_t s, const Region& region, Results& results) {
  const std::string where = job.prefix(s) + region.name;
  const auto skip = [&](const std::string& reason) { results.skip("bar_difference_mm", where, reason); };
  const auto slice = SliceSampler::of(job, s, region);
  if (!slice || region.shape != RegionShape::box) return skip(not_sampled);
  if (!(region.size_mm.x >= 4 && region.size_mm.x <= 100) || !(region.size_mm.y >= 16 && region.size_mm.y <= 200))
    return skip("needs a box of 4 to 100 by 16 to 200 mm");
  const double width = 0.5 * region.size_mm.x;
  std::string reason;
  // Half the width of each bar, about its middle: clear of its neighbour and of the water beside it.
  const auto left = tip_of(*slice, region, -0.5 * width, 0.5 * width, reason);
  const auto right = left ? tip_of(*slice, region, 0.5 * width, 0.5 * width, reason) : std::nullopt;
  if (!left || !right) return skip(reason);
  const double difference = right->at - left->at, se = std::hypot(left->se, right->se);
  const auto add = [&](const char* name, double value, double error, const char* method) {
    Measurement m = measurement(name, "", where, value, "mm");
    m.se = error;
    m.ci95 = symmetric_interval(value, error);
    m.method = method;
    m.standard = "ACR MRI QC manual";
    m.flags = {"ci_scope=within_scan", "noise_taken_as_white"};
    results.add(std::move(m));
  };
  add("bar_difference_mm", difference, se, "length of the right bar less that of the left one, ends at half level");
  add("slice_position_error_mm", 0.5 * difference, 0.5 * se, "half the difference of the bars");
}

void run(const Job& job, const std::vector<Region>& regions, Results& results) {
  each_region(job, regions, results, one_region);
}

}  // namespace

Metric wedges_metric() {
  return {
      "wedges",
      "Slice position from crossed wedges",
      "Ends of two dark bars at half level between the bar and the water beyond it, each over half the bar's width; "
      "bar_difference_mm = right - left (right as the phantom stands upright), slice_position_error_mm = half of it.",
      "ACR MRI QC manual",
      {"bar_difference_mm", "slice_position_error_mm"},
      {},
      {"wedge_pair"},
      {"MR"},
      run};
}

}  // namespace iqgate::measure
