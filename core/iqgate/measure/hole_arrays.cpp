// A10: arrays of 4 x 4 holes whose gaps are as wide as the holes: which rows are resolved, and how deep the gaps are.
#include <algorithm>
#include <cmath>
#include <map>

#include "iqgate/measure/metrics.hpp"
#include "iqgate/measure/slice_sampler.hpp"

namespace iqgate::measure {
namespace {

constexpr int lines = 4, holes = 4;
constexpr double share = 0.1;      // a gap must lie this share below the lower of its two holes
constexpr double search_mm = 0.8;  // about the nominal place: phantoms differ

struct Array {
  double hole_mm = 1, offset_mm = 0;
};

struct Line {
  std::vector<double> holes, gaps;
};

// Values at the holes and gaps of one line; `du`, `dw` the shift of the whole array.
Line line_at(const SliceSampler& slice, const Array& array, int line, double du, double dw) {
  const double pitch = 2 * array.hole_mm, middle = 0.5 * (lines - 1);
  const double w = (line - middle) * pitch + dw, shift = (line - middle) * array.offset_mm + du;
  Line values;
  for (int k = 0; k < holes; ++k) values.holes.push_back(slice.sharp_value((k - 1.5) * pitch + shift, w));
  for (int k = 0; k + 1 < holes; ++k) values.gaps.push_back(slice.sharp_value((k - 1.0) * pitch + shift, w));
  return values;
}

double contrast_at(const SliceSampler& slice, const Array& array, double du, double dw) {
  double sum = 0;
  for (int line = 0; line < lines; ++line) {
    const Line v = line_at(slice, array, line, du, dw);
    for (const double h : v.holes) sum += h / holes;
    for (const double g : v.gaps) sum -= g / (holes - 1);
  }
  return sum;
}

// Plastic about the array: of its four sides, half a pitch beyond the outermost gaps, the one of least mean (a
// neighbour may touch another); and the SD of all its samples.
struct Plastic {
  double level = INFINITY, sd = 0;
};

Plastic plastic_of(const SliceSampler& slice, const Array& array) {
  const double reach = 2 * 2 * array.hole_mm + 0.8;
  Plastic plastic;
  for (int side = 0; side < 4; ++side) {
    std::vector<double> values;
    for (int k = -4; k <= 4; ++k) {
      const double t = 0.5 * k * array.hole_mm;
      values.push_back(side < 2 ? slice.value(t, side == 0 ? -reach : reach)
                                : slice.value(side == 2 ? -reach : reach, t));
    }
    const double mean = mean_of(values);
    if (!(mean < plastic.level)) continue;
    double square = 0;
    for (const double v : values) square += (v - mean) * (v - mean);
    plastic = {mean, std::sqrt(square / double(values.size() - 1))};
  }
  return plastic;
}

// Lines of one array that are resolved; finer than the pixels can carry?
struct Found {
  int lines = 0;
  bool beyond_nyquist = false;
};

struct Score {
  int resolved = 0;
  double modulation = 0;
  double brightness = 0;  // mean of the array above the plastic, whatever is resolved of it
};

Score score_of(const SliceSampler& slice, const Array& array, double du, double dw, double plastic) {
  Score score;
  for (int line = 0; line < lines; ++line) {
    const Line v = line_at(slice, array, line, du, dw);
    bool open = true;
    double peaks = 0, valleys = 0;
    for (int k = 0; k + 1 < holes; ++k) {
      const double lower = std::min(v.holes[std::size_t(k)], v.holes[std::size_t(k) + 1]) - plastic;
      open = open && lower > 0 && v.gaps[std::size_t(k)] - plastic < (1 - share) * lower;
    }
    for (const double h : v.holes) peaks += (h - plastic) / holes;
    for (const double g : v.gaps) valleys += (g - plastic) / (holes - 1);
    score.resolved += open;
    score.modulation += (peaks - valleys) / (peaks + valleys) / lines;
    score.brightness += 0.5 * (peaks + valleys) / lines;
  }
  return score;
}

void one_region(const Job& job, std::size_t s, const Region& region,
                std::map<std::string, std::map<double, Found>>& resolved, Results& results) {
  const std::string where = job.prefix(s) + region.name;
  const auto skip = [&](const std::string& reason) { results.skip("hole_modulation", where, reason); };
  const auto slice = SliceSampler::of(job, s, region);
  const auto size = region.nominal.find("hole_diameter_mm");
  if (size == region.nominal.end() || !(size->second >= 0.2 && size->second <= 10))
    return skip("the region names no hole_diameter_mm of 0.2 to 10");
  if (!slice) return skip(not_sampled);
  const bool columns = own_name(region.name).ends_with("_lr");
  if (!columns && !own_name(region.name).ends_with("_ul"))
    return skip("the region's name must end in _ul (lines along rows) or _lr (along columns)");
  Array array{.hole_mm = size->second};
  if (const auto offset = region.nominal.find("offset_mm"); offset != region.nominal.end())
    array.offset_mm = offset->second;
  double best = -INFINITY, du = 0, dw = 0;
  for (double b = -search_mm; b <= search_mm + 1e-9; b += 0.1)
    for (double a = -search_mm; a <= search_mm + 1e-9; a += 0.1)
      if (const double c = contrast_at(*slice, array, a, b); c > best) best = c, du = a, dw = b;
  if (!std::isfinite(best)) return skip("the array reaches outside the image");
  const Plastic plastic = plastic_of(*slice, array);
  const Score score = score_of(*slice, array, du, dw, plastic.level);
  if (!(score.brightness > 3 * plastic.sd) || !(score.brightness > 0.05 * std::abs(plastic.level)))
    return skip("no array of holes stands out from the plastic here");
  if (!std::isfinite(score.modulation)) return skip("no signal in the array");
  const std::string direction = columns ? "lr" : "ul";
  resolved[job.prefix(s) + folder_of(region.name) + "|" + direction][array.hole_mm] = {
      score.resolved, slice->pixel_mm() > array.hole_mm};
  std::vector<std::string> flags{"ci_scope=within_scan"};
  if (slice->pixel_mm() > array.hole_mm) flags.push_back("beyond_nyquist");
  Measurement m = measurement("hole_modulation", "", where, score.modulation, "1");
  m.method = "(holes - gaps) / (holes + gaps) above plastic, means over four lines, places fitted within 0.8 mm";
  m.standard = "definition A10";
  m.flags = flags;
  results.add(m);
  m.name = "hole_lines_resolved";
  m.value = score.resolved;
  m.method = "lines of four holes whose every gap lies 10 % below the lower of its holes";
  results.add(std::move(m));
}

void run(const Job& job, const std::vector<Region>& regions, Results& results) {
  std::map<std::string, std::map<double, Found>> resolved;
  for (std::size_t s = 0; s < job.scans.size(); ++s)
    for (const Region& region : regions) one_region(job, s, region, resolved, results);
  for (const auto& [key, sizes] : resolved) {
    const std::size_t bar = key.find('|');
    const std::string where = key.substr(0, bar).empty() ? "scan" : key.substr(0, bar),
                      name = "hc_resolution_" + key.substr(bar + 1) + "_mm";
    // Finer arrays count only when the coarser ones are resolved too.
    double finest = 0;
    bool beyond = false;
    for (auto size = sizes.rbegin(); size != sizes.rend() && size->second.lines > 0; ++size)
      finest = size->first, beyond = size->second.beyond_nyquist;
    if (finest == 0) {
      results.skip(name, where, "no array of this direction is resolved: coarser than its largest holes");
      continue;
    }
    Measurement m = measurement(name, "", where, finest, "mm");
    m.method = "smallest holes of which a line is resolved, all larger ones being resolved too";
    m.standard = "ACR MRI QC manual";
    m.flags = {"ci_scope=within_scan"};
    if (beyond) m.flags.push_back("beyond_nyquist");
    results.add(std::move(m));
  }
}

}  // namespace

Metric hole_arrays_metric() {
  return {
      "hole_arrays",
      "High-contrast hole arrays",
      "4 x 4 holes with gaps of their own width (nominal hole_diameter_mm; offset_mm: shift from line to line), read "
      "along in_plane after the array's place is fitted within 0.8 mm: a line is resolved when every gap lies 10 % "
      "below the lower of its two holes, above the plastic (a choice: the visual criterion has no number). Values "
      "between pixels by a Lanczos kernel of five lobes.",
      "ACR MRI QC manual; definition A10",
      {"hc_resolution_ul_mm", "hc_resolution_lr_mm", "hole_modulation", "hole_lines_resolved"},
      {},
      {"hole_array"},
      {"MR"},
      run};
}

}  // namespace iqgate::measure
