// A14: T1 and T2 of samples from series of inversion times, repetition times or echoes.
#include <algorithm>
#include <cmath>

#include "iqgate/base/parallel_guard.hpp"
#include "iqgate/measure/decay_fit.hpp"
#include "iqgate/measure/metrics.hpp"

namespace iqgate::measure {
namespace {

constexpr double floor_share = 0.02;           // of the decaying part
constexpr double first_echo_tolerance = 0.03;  // of T2, with and without it

enum class Kind { inversion, saturation, echo };

struct Series {
  Kind kind = Kind::inversion;
  std::vector<double> times_ms;
  std::vector<std::size_t> scans;  // in the order of the times
  std::vector<double> scale;       // of each, so that they compare
  std::string reason;
};

// The scans whose role this prefix begins, by the time that their tag tells.
void take(const Job& job, const char* prefix, const char* tag, Series& series) {
  std::vector<std::pair<double, std::size_t>> found;
  for (std::size_t s = 0; s < job.scans.size(); ++s) {
    const Scan& scan = *job.scans[s].scan;
    double time = 0;
    if (scan.role.rfind(prefix, 0) != 0) continue;
    if (!scan.tag_number(tag, time) || !(time >= 0)) {
      series.reason = std::string("a scan of the series does not tell its ") + tag;
      return;
    }
    found.emplace_back(time, s);
  }
  std::stable_sort(found.begin(), found.end());
  for (std::size_t k = 0; k < found.size(); ++k) {
    series.times_ms.push_back(found[k].first);
    series.scans.push_back(found[k].second);
  }
}

// DICOM has them in ms. Seconds for that, or microseconds, leave no series that a phantom's liquid could be told from.
void check_unit(Series& s) {
  const auto [shortest, longest] = std::minmax_element(s.times_ms.begin(), s.times_ms.end());
  const double least = s.kind == Kind::echo ? 1 : 10, most = s.kind == Kind::echo ? 10000 : 100000;
  if (*longest >= least && *shortest <= most / 10 && *longest <= most) return;
  char text[160];
  std::snprintf(text, sizeof text, "the times of the series, %.4g to %.4g, can hardly be milliseconds", *shortest,
                *longest);
  s.reason = text;
}

Series series_of(const Job& job) {
  Series s;
  take(job, "ti_", "InversionTime", s);
  const bool inverted = s.times_ms.size() > 1 && s.times_ms.front() < s.times_ms.back();
  if (s.reason.empty() && !s.times_ms.empty() && !inverted) {  // one inversion time or none: the repetition time varies
    s = {.kind = Kind::saturation};
    take(job, "ti_", "RepetitionTime", s);
  }
  if (s.times_ms.empty() && s.reason.empty()) {
    s.kind = Kind::echo;
    take(job, "echo_", "EchoTime", s);
  }
  if (s.times_ms.empty() && s.reason.empty())
    s.reason = "needs scans of several inversion, repetition or echo times on one grid";
  if (s.reason.empty()) check_unit(s);
  return s;
}

// Values that were scaled image by image for display are no curve until that is taken back.
void set_scales(const Job& job, Series& s) {
  std::vector<std::string> slopes;
  for (const std::size_t k : s.scans) {
    const auto scale = job.scans[k].scan->common_scale();
    const auto slope = job.scans[k].scan->tags.find("RescaleSlope");
    slopes.push_back(slope == job.scans[k].scan->tags.end() ? "" : slope->second);
    s.scale.push_back(scale.value_or(0));
  }
  const bool told = std::all_of(s.scale.begin(), s.scale.end(), [](double v) { return v > 0; });
  const bool alike =
      std::all_of(slopes.begin(), slopes.end(), [&](const std::string& v) { return v == slopes.front(); });
  if (!told && !alike) s.reason = "the images are scaled one by one for display, and by how much is not told";
  if (!told) s.scale.assign(s.scans.size(), 1.0);
}

const char* name_of(const Series& s) { return s.kind == Kind::echo ? "t2_ms" : "t1_ms"; }

std::optional<DecayFit> fit(const Series& s, const std::vector<double>& signal, bool offset) {
  switch (s.kind) {
    case Kind::inversion: return fit_inversion_recovery(s.times_ms, signal);
    case Kind::saturation: return fit_saturation_recovery(s.times_ms, signal);
    case Kind::echo: return fit_echo_decay(s.times_ms, signal, offset);
  }
  return std::nullopt;
}

void add(const char* name, const char* variant, const std::string& where, double value, const char* unit, double se,
         double freedom, std::string method, std::vector<std::string> flags, Results& results) {
  Measurement m = measurement(name, variant, where, value, unit);
  if (std::isfinite(se) && se > 0) {
    m.se = se;
    m.ci95 = symmetric_interval(value, se, freedom);
  }
  m.method = std::move(method);
  m.standard = "definition A14";
  m.flags = std::move(flags);
  m.flags.push_back("ci_scope=within_scan");
  results.add(std::move(m));
}

void bias(const Series& s, const Region& region, double value, double se, double freedom, const Job& job,
          Results& results) {
  const bool echo = s.kind == Kind::echo;
  const auto nominal = region.nominal.find(echo ? "t2_ms" : "t1_ms");
  const char* name = echo ? "t2_bias_pct" : "t1_bias_pct";
  if (nominal == region.nominal.end()) return;
  const auto certificate = region.nominal.find("temperature_degc");
  if (certificate == region.nominal.end() || !job.settings.phantom_temperature_degc)
    return results.skip(name, region.name,
                        "the temperature of the phantom or of its certificate is not known (--temperature)");
  if (std::abs(certificate->second - *job.settings.phantom_temperature_degc) > 1)
    return results.skip(name, region.name,
                        "the phantom is more than 1 degree C from the temperature of its certificate");
  add(name, "roi_signal", region.name, 100 * (value / nominal->second - 1), "%", 100 * se / nominal->second, freedom,
      "100 (measured / certificate - 1)", {}, results);
}

void one_region(const Job& job, const Series& series, const Region& region, Results& results) {
  const char* name = name_of(series);
  const RegionVoxels voxels = region_voxels(region, job.grid());
  if (!voxels.good() || voxels.mask.offsets.size() < 5)
    return results.skip(name, region.name, voxels.good() ? "the region holds fewer than 5 voxels" : voxels.reason);
  const std::size_t n = series.times_ms.size(), pixels = voxels.mask.offsets.size();
  std::vector<double> mean(n, 0.0);
  for (std::size_t t = 0; t < n; ++t)
    for (const std::size_t o : voxels.mask.offsets)
      mean[t] += series.scale[t] * double(job.scans[series.scans[t]].scan->volume.values[o]) / double(pixels);
  const auto whole = fit(series, mean, false);
  if (!whole)
    return results.skip(
        name, region.name,
        "no time constant fits the signal: too few times (4 for T1, 3 for T2), or they do not cover it");
  std::vector<std::string> flags;
  const double top = *std::max_element(series.times_ms.begin(), series.times_ms.end()),
               bottom = *std::min_element(series.times_ms.begin(), series.times_ms.end());
  if (whole->time_ms > top) flags.push_back("longer_than_the_times");
  if (whole->time_ms < bottom) flags.push_back("shorter_than_the_times");
  std::optional<DecayFit> late;
  if (series.kind == Kind::echo && n > 3) {
    Series later = series;
    later.times_ms.erase(later.times_ms.begin());
    late = fit(later, {mean.begin() + 1, mean.end()}, false);
  }
  // A floor (noise, or slow signal) that the decay ends on makes T2 too long.
  const auto offset = series.kind == Kind::echo ? fit(series, mean, true) : std::nullopt;
  if (offset && offset->b > floor_share * offset->a) flags.push_back("signal_floor");
  std::vector<std::string> whole_flags = flags;
  if (late && std::abs(late->time_ms / whole->time_ms - 1) > first_echo_tolerance)
    whole_flags.push_back("first_echo_deviates");
  // Voxel by voxel.
  std::vector<std::optional<DecayFit>> own(pixels);
  parallel_for(pixels, [&](std::size_t p) {
    std::vector<double> signal(n);
    for (std::size_t t = 0; t < n; ++t)
      signal[t] = series.scale[t] * double(job.scans[series.scans[t]].scan->volume.values[voxels.mask.offsets[p]]);
    own[p] = fit(series, signal, false);
  });
  std::vector<double> good;
  for (const auto& f : own)
    if (f) good.push_back(f->time_ms);
  const double freedom = double(n) - (series.kind == Kind::echo ? 2 : 3);
  const char* model = series.kind == Kind::inversion    ? "|a - b exp(-TI / T1)|"
                      : series.kind == Kind::saturation ? "a - b exp(-TR / T1)"
                                                        : "a exp(-TE / T2)";
  add(name, "roi_signal", region.name, whole->time_ms, "ms", whole->se_ms, freedom,
      std::string("fit of ") + model + " to the mean signal of the region", whole_flags, results);
  if (double(good.size()) >= 0.9 * double(pixels)) {
    const double average = mean_of(good);
    double square = 0;
    for (const double v : good) square += (v - average) * (v - average);
    std::vector<std::string> own_flags = whole_flags;
    own_flags.push_back("noise_taken_as_white");
    // What the model misses, all voxels share: the misfit of the mean signal counts beside their scatter.
    add(name, "voxel_mean", region.name, average, "ms",
        std::hypot(whole->se_ms, std::sqrt(square / double(good.size() - 1) / double(good.size()))), freedom,
        std::string("mean of voxel-wise fits of ") + model, own_flags, results);
  } else {
    results.skip(name, region.name, "variant voxel_mean: no time constant fits in more than a tenth of the voxels");
  }
  if (offset)
    add(name, "roi_signal_offset", region.name, offset->time_ms, "ms", offset->se_ms, freedom - 1,
        "fit of a exp(-TE / T2) + b to the mean signal", flags, results);
  if (late)
    add(name, "without_first_echo", region.name, late->time_ms, "ms", late->se_ms, freedom - 1,
        "as roi_signal, the first echo left out (stimulated echoes)", flags, results);
  // A first echo that does not belong must not decide on the phantom.
  const bool deviates = late && whole_flags.size() > flags.size();
  const DecayFit& judged = deviates ? *late : *whole;
  bias(series, region, judged.time_ms, judged.se_ms, deviates ? freedom - 1 : freedom, job, results);
  Curve curve{.name = "relaxation", .variant = series.kind == Kind::echo ? "t2" : "t1", .where = region.name};
  curve.x = {series.kind == Kind::inversion ? "inversion_time"
             : series.kind == Kind::echo    ? "echo_time"
                                            : "repetition_time",
             "ms", series.times_ms};
  curve.y = {"mean_signal", "1", mean};
  results.curves.push_back(std::move(curve));
}

void run(const Job& job, const std::vector<Region>& regions, Results& results) {
  Series series = series_of(job);
  if (series.reason.empty()) set_scales(job, series);
  for (const Region& region : regions) {
    if (!series.reason.empty()) results.skip(name_of(series), region.name, series.reason);
    else one_region(job, series, region, results);
  }
}

}  // namespace

Metric relaxometry_metric() {
  return {
      "relaxometry",
      "Relaxation times",
      "T1 by |a - b exp(-TI / T1)| (polarity restored: the sign of the earliest points is part of the fit; the "
      "repetition time is absorbed in a and b) or a - b exp(-TR / T1), T2 by a exp(-TE / T2), on linear magnitudes: "
      "of the mean signal (roi_signal) and as mean of voxel-wise fits (voxel_mean); T2 also with an offset and without "
      "the first echo. Bias against nominal t1_ms, t2_ms only within 1 degree C of the certificate (temperature_degc).",
      "definition A14",
      {"t1_ms", "t2_ms", "t1_bias_pct", "t2_bias_pct"},
      {"roi_signal", "voxel_mean", "roi_signal_offset", "without_first_echo"},
      {"relaxation"},
      {"MR"},
      run};
}

}  // namespace iqgate::measure
