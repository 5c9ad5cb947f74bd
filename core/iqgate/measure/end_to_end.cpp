// A7: length of a phantom between its ends in one slice along its axis (a localiser).
#include <algorithm>
#include <cmath>

#include "iqgate/measure/metrics.hpp"
#include "iqgate/measure/slice_sampler.hpp"

namespace iqgate::measure {
namespace {

constexpr double step_mm = 0.25, line_step_mm = 1, end_mm = 6;
constexpr double seen = 0.12;  // of the usual signal: shading may leave an end a quarter of it
constexpr std::size_t least_lines = 10;

// Outermost place along a line, coming from outside, where the signal reaches half of what lies just inside.
std::optional<double> end_of(const std::vector<double>& line, int direction, double usual) {
  const long n = long(line.size()), inside = long(end_mm / step_mm);
  const long from = direction > 0 ? 0 : n - 1;
  for (long k = from; k + direction >= 0 && k + direction < n; k += direction) {
    if (!(line[std::size_t(k)] < seen * usual && line[std::size_t(k + direction)] >= seen * usual)) continue;
    const long beyond = k + direction * inside, before = k - direction * inside;
    if (beyond < 0 || beyond >= n || before < 0 || before >= n) return std::nullopt;  // cut off
    double level = 0, outside = 0;
    for (long j = 0; j < inside / 2; ++j) {
      level += line[std::size_t(beyond - direction * j)] / double(inside / 2);
      outside += line[std::size_t(before + direction * j)] / double(inside / 2);
    }
    if (!(level > 1.5 * seen * usual) || !(outside < 0.3 * level))
      return std::nullopt;  // an insert reaches the end here
    const auto at =
        level_crossing(line, std::size_t(std::max(0l, k - 2 * direction)), direction, 0.5 * (level + outside), 2);
    return at ? std::optional<double>(at->at) : std::nullopt;
  }
  return std::nullopt;
}

void one_region(const Job& job, std::size_t s, const Region& region, Results& results) {
  const std::string where = job.prefix(s) + region.name;
  const auto skip = [&](const std::string& reason) { results.skip("length_ss_mm", where, reason); };
  const auto slice = SliceSampler::of(job, s, region);
  if (!slice || region.shape != RegionShape::box) return skip("not scanned, or the region is no box in the slice");
  if (!(region.size_mm.x >= 40 && region.size_mm.x <= 1000) || !(region.size_mm.y >= 10 && region.size_mm.y <= 1000))
    return skip("needs a box of 40 to 1000 by 10 to 1000 mm");
  // Along the region's first axis; lines side by side across it.
  std::vector<std::vector<double>> lines;
  std::vector<double> all;
  for (double w = -0.5 * region.size_mm.y; w <= 0.5 * region.size_mm.y; w += line_step_mm) {
    std::vector<double> line;
    for (double u = -0.5 * region.size_mm.x; u <= 0.5 * region.size_mm.x; u += step_mm)
      if (const double v = slice->value(u, w); std::isfinite(v)) line.push_back(v);
    all.insert(all.end(), line.begin(), line.end());
    lines.push_back(std::move(line));
  }
  if (all.empty()) return skip("the region lies outside the image");
  std::sort(all.begin(), all.end());
  const double usual = quantile(all, 0.75);
  std::vector<double> lengths;
  for (const auto& line : lines) {
    const auto low = end_of(line, 1, usual), high = end_of(line, -1, usual);
    if (low && high && *high > *low) lengths.push_back((*high - *low) * step_mm);
  }
  if (lengths.size() < least_lines) return skip("both ends of the phantom are seen on fewer than ten lines");
  const double middle = median_of(lengths), spread = robust_sd(lengths);
  if (spread > 1) return skip("the ends are not straight: no phantom with flat ends lies along this direction");
  Measurement m = measurement("length_ss_mm", "", where, middle, "mm");
  m.se = std::max(spread, 0.1 * slice->pixel_mm()) / std::sqrt(double(lengths.size()) / 3);
  m.ci95 = symmetric_interval(middle, *m.se);
  m.n_eff = double(lengths.size()) / 3;
  m.method = "median over lines 1 mm apart of the distance between the outermost half levels";
  m.standard = "ACR MRI QC manual";
  m.flags = {"ci_scope=within_scan"};
  results.add(std::move(m));
}

void run(const Job& job, const std::vector<Region>& regions, Results& results) {
  each_region(job, regions, results, one_region);
}

}  // namespace

Metric end_to_end_metric() {
  return {
      "end_to_end",
      "Length between the ends of a phantom",
      "In one slice along the phantom: outermost half levels (between what lies within 6 mm inside and outside) on "
      "lines "
      "along the region's first axis, 1 mm apart; their median distance. Lines on which an insert reaches the end are "
      "left out.",
      "ACR MRI QC manual",
      {"length_ss_mm"},
      {},
      {"end_to_end"},
      {},
      run};
}

}  // namespace iqgate::measure
