// E1: closed forms of the fBIRN numbers for S0 + white noise s + a fluctuation g that all voxels share.
#include "iqgate/base/random.hpp"
#include "support/support.hpp"

namespace iqgate::measure {
namespace {

constexpr std::size_t volumes = 200, side = 21;
constexpr double s0 = 1000;

struct Series {
  double noise = 10, shared = 0, drift = 0, bend = 0;  // of s0: drift over the series, quadratic at both ends
  std::uint64_t seed = 1;
};

std::vector<Scan> series_of(const Series& series, Size3 size = {33, 33, 1}) {
  std::vector<Scan> scans;
  for (std::size_t t = 0; t < volumes; ++t) {
    const double u = 2 * (double(t) - 2) / (volumes - 3.0) - 1;
    const double level =
        s0 + series.shared * normal_pair(series.seed, 9, t).first + s0 * (series.drift * u / 2 + series.bend * u * u);
    std::uint64_t k = 0;
    scans.push_back(test::painted(
        size, {3, 3, 4}, [&](Vec3) { return level + series.noise * normal_pair(series.seed, 1000 + t, k++).first; },
        "MR"));
    scans.back().role = "repeat_" + std::to_string(t + 1);
    scans.back().tags = {{"RepetitionTime", "2000"}, {"InPlanePhaseEncodingDirection", "COL"}};
  }
  return scans;
}

Results measured(const std::vector<Scan>& scans) {
  return measure_all(test::make_job(scans, {test::disc("middle", "time_series", {0, 0, 0}, 30)}), {"stability"});
}

const Measurement& found(const Results& r, const char* name, const char* variant = "") {
  const Measurement* m = r.find(name, variant);
  if (!m) throw std::runtime_error(std::string(name) + " was not measured");
  return *m;
}

TEST(Stability, GivesTheClosedFormsWithinThreeStandardErrors) {
  const double n = volumes - 2, w2 = side * side;
  for (const double g : {0.0, 5.0}) {
    const double s = 10;
    const Results r = measured(series_of({.noise = s, .shared = g, .seed = 3}));
    // mean of 1 / SD lies 3 / (4 (N - 3)) above 1 / SD.
    const Measurement& sfnr = found(r, "sfnr", "fbirn");
    EXPECT_NEAR(sfnr.value, s0 / std::hypot(s, g) * (1 + 3 / (4 * (n - 3))), 3 * *sfnr.se) << g;
    const Measurement& snr = found(r, "snr_static", "fbirn");
    EXPECT_NEAR(snr.value, s0 / s, 3 * *snr.se) << g;
    const double mean_sd = std::sqrt(g * g + s * s / w2);
    // SE of an SD from N - 3 degrees of freedom: 1 / sqrt(2 (N - 3)) of it.
    EXPECT_NEAR(found(r, "percent_fluctuation_pct", "fbirn").value, 100 * mean_sd / s0,
                3 * 100 * mean_sd / s0 / std::sqrt(2 * (n - 3)));
    EXPECT_NEAR(found(r, "rdc_avg_px", "fbirn").value, std::hypot(g, s) / mean_sd,
                3 * std::hypot(g, s) / mean_sd / std::sqrt(2 * (n - 3)));
    // One voxel and the square: both SDs are estimates, correlated where g is large.
    EXPECT_NEAR(found(r, "rdc_px", "fbirn").value, std::hypot(g, s) / mean_sd,
                3 * std::hypot(g, s) / mean_sd / std::sqrt(n - 3));
    EXPECT_NEAR(found(r, "sfnr", "friedman_n1").value / sfnr.value, std::sqrt((n - 1) / (n - 3)), 1e-9);
  }
}

TEST(Stability, ReadsDriftAndLeavesItOutOfTheFluctuation) {
  const double still = found(measured(series_of({})), "percent_fluctuation_pct", "fbirn").value;
  // The mean of 441 voxels has an SD of 10 / 21: over the fitted line's ends, 4 x that / sqrt(198), in per cent of
  // 1000.
  const double error = 3 * 4 * 10 / 21.0 / std::sqrt(198.0) / s0 * 100;
  for (const double drift : {0.02, -0.01}) {
    const Results r = measured(series_of({.drift = drift}));
    EXPECT_NEAR(found(r, "drift_pct", "linear_signed").value, 100 * drift, error);
    EXPECT_NEAR(found(r, "drift_pct", "fbirn").value, 100 * std::abs(drift), error);
    EXPECT_NEAR(found(r, "percent_fluctuation_pct", "fbirn").value, still, 1e-4);  // order 2 takes all of it
  }
  const Results bent = measured(series_of({.bend = 0.03}));
  EXPECT_NEAR(found(bent, "percent_fluctuation_pct", "fbirn").value, still / (1 + 0.03 / 3), 1e-4);  // a third: mean
  EXPECT_NEAR(found(bent, "drift_pct", "fbirn").value, 100 * 0.03 / (1 + 0.03 / 3), error);
  EXPECT_LT(found(bent, "tsnr").value, found(bent, "sfnr", "fbirn").value);
}

TEST(Stability, FindsTheFrequencyOfAnOscillation) {
  std::vector<Scan> scans = series_of({});
  for (std::size_t t = 0; t < volumes; ++t)  // 0.125 Hz at TR 2 s
    for (float& v : scans[t].volume.values) v += float(5 * std::sin(2 * M_PI * 0.125 * 2 * double(t)));
  const Results r = measured(scans);
  EXPECT_NEAR(found(r, "spectrum_peak_hz").value, 0.125, 0.501 / (198 * 2));  // half a bin
  EXPECT_GT(found(r, "spectrum_peak_ratio", "robust_sd").value, 20);
}

// The time from volume to volume: by the acquisition times, the tag only where it is alike (then it is told with more
// digits); without them by the tag, unless no volume can come so soon. The tag may be in seconds, that of one of many
// excitations, or leave out a pause.
struct Clock {
  const char* tag;     // repetition time
  double step_s;       // from volume to volume by the clock; 0: no clock
  const char* format;  // of the seconds
  double hz;           // of the oscillation of 8 volumes; 0: none is told
  const char* flag;
};
TEST(Stability, TheTimeFromVolumeToVolume) {
  std::vector<Scan> scans = series_of({});
  for (std::size_t t = 0; t < volumes; ++t)
    for (float& v : scans[t].volume.values) v += float(5 * std::sin(2 * M_PI * double(t) / 8));
  const char *const by_clock = "interval_from_acquisition_times", *const by_tag = "interval_from_repetition_time";
  for (const Clock& c : {Clock{"2000", 2, "%09.6f", 1 / 16.0, ""},
                         {"2000", 2, "%02.0f", 1 / 16.0, ""},
                         {"2", 2, "%09.6f", 1 / 16.0, by_clock},
                         {"0.002", 2, "%09.6f", 1 / 16.0, by_clock},
                         {"60", 2.4, "%09.6f", 1 / 19.2, by_clock},
                         {"2000", 2.15, "%09.6f", 1 / 17.2, by_clock},
                         {"20400", 20.4, "%02.0f", 1 / 163.2, ""},
                         {"20000", 20.4, "%02.0f", 1 / 163.2, by_clock},
                         {"2000", 0, "", 1 / 16.0, by_tag},
                         {"60", 0, "", 1 / 0.48, by_tag},
                         {"2", 0, "", 0, ""},
                         {"30", 0, "", 0, ""}}) {
    for (std::size_t t = 0; t < volumes; ++t) {
      scans[t].tags["RepetitionTime"] = c.tag;
      scans[t].tags.erase("AcquisitionTime");
      if (c.step_s == 0) continue;
      const double at = std::string(c.format) == "%02.0f" ? std::floor(c.step_s * double(t)) : c.step_s * double(t);
      char seconds[32], text[64];
      std::snprintf(seconds, sizeof seconds, c.format, std::fmod(at, 60));
      std::snprintf(text, sizeof text, "%02d%02d%s", 10 + int(at / 3600), int(at / 60) % 60, seconds);
      scans[t].tags["AcquisitionTime"] = text;
    }
    const Results r = measured(scans);
    const std::string what = std::string(c.tag) + " ms, clock " + std::to_string(c.step_s);
    EXPECT_NE(r.find("sfnr", "fbirn"), nullptr) << what;
    const Measurement* m = r.find("spectrum_peak_hz");
    EXPECT_EQ(m != nullptr, c.hz > 0) << what;
    if (!m) continue;
    EXPECT_NEAR(m->value / c.hz, 1, 0.021) << what;  // half of one of 198 bins, the peak in bin 24 or 25
    std::string told;
    for (const std::string& flag : m->flags)
      if (flag.starts_with("interval_from")) told += flag;
    EXPECT_EQ(told, c.flag) << what;
  }
}

TEST(Stability, CountsSpikesAndMeasuresSmoothness) {
  std::vector<Scan> scans = series_of({}, {33, 33, 3});
  for (const std::size_t t : {20u, 77u})
    for (std::size_t k = 0; k < 33 * 33; ++k) scans[t].volume.values[33 * 33 + k] += 20;  // 66 SDs of the slice's mean
  Results r = measured(scans);
  EXPECT_EQ(found(r, "n_spikes", "robust_sd5").value, 2);
  EXPECT_EQ(r.find("fwhm_x_mm"), nullptr) << "white noise has no smoothness";
  // Noise summed over 2 pixels along x: rho at one pixel is a half, so FWHM = 3 sqrt(-2 ln 2 / ln 0.5) = 3 sqrt 2.
  for (std::size_t t = 0; t < volumes; ++t)
    for (std::size_t row = 0; row < 99; ++row)
      for (std::size_t x = 0; x + 1 < 33; ++x) {
        float* v = scans[t].volume.values.data() + row * 33 + x;
        *v += v[1];
      }
  r = measured(scans);
  // rho is known to 1 / sqrt(N 441 2) or so; d FWHM / d rho = FWHM / (2 rho ln 2).
  EXPECT_NEAR(found(r, "fwhm_x_mm").value, 3 * std::sqrt(2.0), 0.1);
  EXPECT_EQ(r.find("fwhm_y_mm"), nullptr);
}

TEST(Stability, MeasuresTheGhostOfARenderedSphere) {
  const phantom::Model model = test::shipped("fbirn_sphere");
  std::vector<Scan> scans;
  for (std::size_t t = 0; t < 22; ++t) {
    compute::RenderJob job;
    job.grid = test::centred_grid({64, 64, 3}, {4, 4, 4});  // 256 mm: the ghost stands clear of the sphere
    job.quantity = "mr_signal";
    job.series = {.volumes = 22, .drift = 0.01, .ghost = 0.02};
    job.noise = {.kind = compute::NoiseKind::white, .sd = 2, .repeat = t};
    scans.push_back({.id = "t",
                     .modality = "MR",
                     .value_unit = "1",
                     .role = "repeat_" + std::to_string(t + 1),
                     .volume = compute::render(model, job)});
    scans.back().tags = {{"RepetitionTime", "2000"}, {"InPlanePhaseEncodingDirection", "COL"}};
  }
  Results r = measured(scans);
  // 2 % where the ghost is whole; its blurred rim and the phantom's own lower both means: a tenth of the number.
  EXPECT_NEAR(found(r, "ghost_mean_pct", "fbirn").value, 2, 0.2);
  EXPECT_NEAR(found(r, "ghost_mean_pct", "background_subtracted").value, 2, 0.2);
  for (Scan& scan : scans) scan.tags.erase("InPlanePhaseEncodingDirection");
  r = measured(scans);
  EXPECT_EQ(r.find("ghost_mean_pct"), nullptr);
}

// Two oscillating voxels' worth of nothing: without noise there is no standard error, and none that is no number.
TEST(Stability, ErrorsAreNumbersOrAbsent) {
  for (const double noise : {0.0, 10.0})
    for (const Measurement& m : measured(series_of({.noise = noise, .drift = -0.02})).measurements) {
      EXPECT_TRUE(!m.se || (std::isfinite(*m.se) && *m.se >= 0)) << m.name << ' ' << m.variant;
      EXPECT_TRUE(!m.ci95 || (m.ci95->low <= m.value && m.value <= m.ci95->high)) << m.name << ' ' << m.variant;
    }
}

TEST(Stability, RefusesWhatIsNoSeries) {
  std::vector<Scan> scans = series_of({});
  const auto refused = [](const std::vector<Scan>& list, const char* part) {
    const Results r = measured(list);
    ASSERT_FALSE(r.not_measured.empty());
    EXPECT_TRUE(r.measurements.empty());
    EXPECT_NE(r.not_measured.front().reason.find(part), std::string::npos) << r.not_measured.front().reason;
  };
  refused({scans.begin(), scans.begin() + 15}, "at least 22 volumes");
  // The first pixel ends half a pixel before its middle.
  for (const Vec3 middle : {Vec3{-16.51 * 3, 0, 0}, Vec3{0, -16.51 * 3, 0}}) {
    const Results r =
        measure_all(test::make_job(scans, {test::disc("middle", "time_series", middle, 30)}), {"stability"});
    ASSERT_FALSE(r.not_measured.empty());
    EXPECT_EQ(r.not_measured.front().reason, "the region lies outside the scan");
  }
  // Files of one volume each, and nothing that tells which came first.
  std::vector<Scan> apart = scans;
  for (std::size_t t = 0; t < apart.size(); ++t) apart[t].id = std::to_string(t * 7919 % 1000);
  refused(apart, "order in time");
  for (std::size_t t = 0; t < apart.size(); ++t) apart[t].tags["AcquisitionNumber"] = std::to_string(t + 1);
  EXPECT_FALSE(measured(apart).measurements.empty());
  std::vector<Scan> timed = scans;
  for (std::size_t t = 0; t < timed.size(); ++t) {
    char text[32];
    const double at = 2.0 * double(t >= 50 ? t + 1 : t);  // one volume is not there
    std::snprintf(text, sizeof text, "1%05.0f.000000", std::floor(at / 60) * 100 + std::fmod(at, 60));
    timed[t].tags["AcquisitionTime"] = text;
  }
  refused(timed, "missing or uneven");
  refused(timed, "4.000 s after volume 50 where 2.000 s is usual");
  // Past a minute, an hour and midnight.
  for (const double start : {59.0, 3599.0, 86350.0}) {
    for (std::size_t t = 0; t < timed.size(); ++t) {
      char text[32];
      const int at = int(std::fmod(start + 2.0 * double(t), 86400));
      std::snprintf(text, sizeof text, "%02d%02d%02d.000000", at / 3600, at / 60 % 60, at % 60);
      timed[t].tags["AcquisitionTime"] = text;
    }
    EXPECT_FALSE(measured(timed).measurements.empty()) << start;
  }
  scans.front().tags["NumberOfTemporalPositions"] = "201";
  refused(scans, "200 of 201 volumes");
}

}  // namespace
}  // namespace iqgate::measure
