#include "iqgate/measure/time_series.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <numeric>
#include <set>

#include "iqgate/base/text_number.hpp"

namespace iqgate::measure {
namespace {

// Seconds since midnight of a DICOM time (HHMMSS.FFFFFF), if it is one.
std::optional<double> seconds_of(const std::string& text) {
  if (text.size() < 6 || !std::all_of(text.begin(), text.begin() + 6, [](char c) { return c >= '0' && c <= '9'; }))
    return std::nullopt;
  const auto two = [&](std::size_t at) { return 10.0 * (text[at] - '0') + (text[at + 1] - '0'); };
  const double fraction = text.size() > 7 && text[6] == '.' ? number_from_text("0" + text.substr(6)).value_or(0) : 0;
  return 3600 * two(0) + 60 * two(2) + two(4) + fraction;
}

// Volumes of one file keep its order; those of several are in the order of time only where their tags tell it.
bool order_is_told(const Job& job, const std::vector<std::size_t>& scans) {
  std::set<std::string> files;
  std::vector<std::string> times;
  std::vector<double> numbers;
  for (const std::size_t s : scans) {
    const Scan& scan = *job.scans[s].scan;
    const auto tag = [&](const char* name) {
      const auto found = scan.tags.find(name);
      return found == scan.tags.end() ? std::string() : found->second;
    };
    files.insert(scan.id);
    if (const std::string t = tag("AcquisitionTime"); !t.empty()) times.push_back(tag("AcquisitionDate") + t);
    if (const auto n = number_from_text(tag("AcquisitionNumber"))) numbers.push_back(*n);
  }
  const auto rises = [&](const auto& list) {
    return list.size() == scans.size() && std::is_sorted(list.begin(), list.end()) &&
           std::adjacent_find(list.begin(), list.end()) == list.end();
  };
  return files.size() == 1 || rises(times) || rises(numbers);
}

// What the acquisition times of the volumes tell: their mean step and how well it is known by the clock's last digit,
// or why there is no even one. Neither where nothing is told.
struct Steps {
  std::optional<double> mean_s;
  double resolution_s = 0;
  std::string reason;
};
Steps steps_in_time(const Job& job, const std::vector<std::size_t>& scans) {
  std::vector<double> times;
  bool fractions = false;
  for (const std::size_t s : scans) {
    const auto found = job.scans[s].scan->tags.find("AcquisitionTime");
    const auto t = found == job.scans[s].scan->tags.end() ? std::nullopt : seconds_of(found->second);
    if (!t) return {};
    fractions = fractions || *t != std::floor(*t);
    times.push_back(*t);
  }
  std::vector<double> steps;
  for (std::size_t k = 1; k < times.size(); ++k) {
    double step = times[k] - times[k - 1];
    if (step < -43200) step += 86400;  // past midnight
    steps.push_back(step);
  }
  if (std::all_of(steps.begin(), steps.end(), [](double s) { return s == 0; })) return {};  // one time for the series
  const double usual = median_of(steps);
  for (std::size_t k = 0; k < steps.size(); ++k)
    if (!(std::abs(steps[k] - usual) <= 0.1 * usual)) {
      char text[160];
      std::snprintf(text, sizeof text,
                    "volumes are missing or uneven in time: %.3f s after volume %zu where %.3f s is usual", steps[k],
                    k + 1, usual);
      return {{}, 0, text};
    }
  const double n = double(steps.size());
  return {std::accumulate(steps.begin(), steps.end(), 0.0) / n, (fractions ? 0.01 : 1) / n, {}};
}

// Seconds from volume to volume. The tag can be the time of one excitation of many, leave out a pause, or be told in
// another unit: acquisition times decide, the tag only where both are alike. Without them no tag below 50 ms is taken,
// and any other is told to be the source.
void set_interval(const Job& job, const Scan& first, const Steps& steps, VolumeSeries& series) {
  constexpr double least_s = 0.05;
  double tr_ms = 0;
  const bool told = first.tag_number("RepetitionTime", tr_ms) && tr_ms > 0;
  const double tr_s = tr_ms / 1000;
  if (job.settings.repetition_time_s > 0) {
    series.interval_s = job.settings.repetition_time_s;
    series.flags.push_back("repetition_time_given");
  } else if (steps.mean_s) {
    const bool alike = told && std::abs(tr_s - *steps.mean_s) <= steps.resolution_s + 1e-3 * *steps.mean_s;
    series.interval_s = alike ? tr_s : *steps.mean_s;
    if (!alike) series.flags.push_back("interval_from_acquisition_times");
  } else if (told && tr_s >= least_s) {
    series.interval_s = tr_s;
    series.flags.push_back("interval_from_repetition_time");
  } else if (told) {
    series.flags.push_back("repetition_time_too_short_for_a_volume");
  }
}

}  // namespace

VolumeSeries volume_series(const Job& job, std::size_t least) {
  VolumeSeries series;
  series.size = job.grid().size;
  std::vector<std::size_t> scans = job.repeats();
  const std::size_t skipped = job.settings.skipped_volumes;
  if (scans.size() < least + skipped) {
    series.reason = "needs a series of at least " + std::to_string(least + skipped) + " volumes, " +
                    std::to_string(skipped) + " of them left out at the start; there are " +
                    std::to_string(scans.size());
    return series;
  }
  if (!order_is_told(job, scans)) {
    series.reason = "nothing tells the order in time of the volumes: give them in one file, or with acquisition times";
    return series;
  }
  const Steps steps = steps_in_time(job, scans);
  series.reason = steps.reason;
  if (!series.good()) return series;
  double declared = 0;
  if (job.scans[scans[0]].scan->tag_number("NumberOfTemporalPositions", declared) && declared > double(scans.size())) {
    series.reason = "has " + std::to_string(scans.size()) + " of " + std::to_string(long(declared)) +
                    " volumes that its files name";
    return series;
  }
  scans.erase(scans.begin(), scans.begin() + static_cast<std::ptrdiff_t>(skipped));
  if (scans.size() % 2 != 0) {
    scans.pop_back();
    series.flags.push_back("last_volume_left_out");
  }
  const auto scale = job.scans[scans[0]].scan->common_scale();
  const auto slope = [&](std::size_t s) {
    const auto found = job.scans[s].scan->tags.find("RescaleSlope");
    return found == job.scans[s].scan->tags.end() ? std::string() : found->second;
  };
  for (const std::size_t s : scans) {
    const auto own = job.scans[s].scan->common_scale();
    const bool alike =
        own && scale ? std::abs(*own / *scale - 1) < 1e-6 : !own && !scale && slope(s) == slope(scans[0]);
    if (alike) continue;
    series.reason = "the volumes are scaled one by one for display: their values do not compare";
    return series;
  }
  for (const std::size_t s : scans) series.frames.push_back(job.scans[s].scan->volume.values.data());
  set_interval(job, *job.scans[scans[0]].scan, steps, series);
  return series;
}

std::vector<double> residuals(const std::vector<double>& series, const std::vector<double>& polynomials, int order) {
  const std::size_t n = series.size();
  const double mean = mean_of(series);
  std::vector<double> rest(n);
  for (std::size_t t = 0; t < n; ++t) rest[t] = series[t] - mean;
  for (int k = 0; k <= order; ++k) {
    const double* own = polynomials.data() + std::size_t(k) * n;
    const double product = std::inner_product(rest.begin(), rest.end(), own, 0.0);
    for (std::size_t t = 0; t < n; ++t) rest[t] -= product * own[t];
  }
  return rest;
}

JackknifeError block_jackknife(std::size_t times, const std::function<double(const std::vector<char>& kept)>& number) {
  const std::size_t blocks = std::clamp<std::size_t>(times / 10, 5, 20);
  std::vector<double> without;
  for (std::size_t b = 0; b < blocks; ++b) {
    std::vector<char> kept(times, 1);
    std::fill(kept.begin() + static_cast<std::ptrdiff_t>(b * times / blocks),
              kept.begin() + static_cast<std::ptrdiff_t>((b + 1) * times / blocks), 0);
    without.push_back(number(kept));
  }
  const double mean = mean_of(without);
  double square = 0;
  for (const double v : without) square += (v - mean) * (v - mean);
  return {std::sqrt(square * double(blocks - 1) / double(blocks)), double(blocks - 1)};
}

}  // namespace iqgate::measure
