// A14: T1 and T2 from curves with known time constants.
#include "iqgate/base/random.hpp"
#include "iqgate/measure/decay_fit.hpp"
#include "support/support.hpp"

namespace iqgate::measure {
namespace {

const std::vector<double> inversion_times{50, 100, 200, 400, 600, 800, 1500, 3000},
    echo_times{5, 10, 15, 20, 40, 60, 80, 120, 160, 240};

TEST(DecayFit, GivesTheTimeConstantOfCleanCurves) {
  for (const double t1 : {30.0, 85.0, 250.0, 700.0, 1800.0}) {
    std::vector<double> s, recovery;
    for (const double ti : inversion_times) {
      s.push_back(std::abs(1000 * (1 - 1.9 * std::exp(-ti / t1) + std::exp(-3000 / t1))));
      recovery.push_back(700 - 690 * std::exp(-ti / t1));
    }
    EXPECT_NEAR(fit_inversion_recovery(inversion_times, s)->time_ms, t1, 1e-4 * t1) << t1;
    EXPECT_NEAR(fit_saturation_recovery(inversion_times, recovery)->time_ms, t1, 1e-4 * t1) << t1;
  }
  for (const double t2 : {8.0, 30.0, 110.0, 600.0})
    for (const bool offset : {false, true}) {
      std::vector<double> s;
      for (const double te : echo_times) s.push_back(900 * std::exp(-te / t2) + (offset ? 40 : 0));
      EXPECT_NEAR(fit_echo_decay(echo_times, s, offset)->time_ms, t2, 1e-3 * t2) << t2;
    }
}

TEST(DecayFit, RefusesWhatTellsNoTimeConstant) {
  EXPECT_FALSE(fit_inversion_recovery({100, 200, 400}, {1, 2, 3}));
  EXPECT_FALSE(fit_echo_decay({10, 20}, {2, 1}, false));
  EXPECT_FALSE(fit_echo_decay({10, 20, 30, 40}, {1, 2, 3, 4}, false)) << "rises";
  EXPECT_FALSE(fit_inversion_recovery({100, 200, 400, 800}, {5, 5, 5, 5})) << "flat";
}

// A disc of 81 or more voxels at each time, in Rician noise of a hundredth of the signal.
std::vector<Scan> series(bool echo, double time, double noise, std::uint64_t seed) {
  std::vector<Scan> scans;
  const std::vector<double>& times = echo ? echo_times : inversion_times;
  for (std::size_t k = 0; k < times.size(); ++k) {
    const double level = echo ? 1000 * std::exp(-times[k] / time) : 1000 * (1 - 2 * std::exp(-times[k] / time));
    std::uint64_t n = 0;
    scans.push_back(test::painted(
        {24, 24, 1}, {1, 1, 5},
        [&](Vec3) {
          const NormalPair e = normal_pair(seed, 100 + k, n++);
          return std::hypot(level + noise * e.first, noise * e.second);
        },
        "MR"));
    scans.back().role = (echo ? "echo_" : "ti_") + std::to_string(k + 1);
    scans.back().tags = {{echo ? "EchoTime" : "InversionTime", std::to_string(times[k])}};
  }
  return scans;
}

TEST(Relaxometry, IsUnbiasedAtASignalToNoiseOf100) {
  for (const double t1 : {90.0, 320.0, 1000.0}) {
    const auto scans = series(false, t1, 10, std::uint64_t(t1));
    const Results r = measure_all(test::make_job(scans, {test::disc("s", "relaxation", {0, 0, 0}, 10)}), {});
    EXPECT_NEAR(test::value_of(r, "t1_ms", "roi_signal"), t1, 0.005 * t1);
    EXPECT_NEAR(test::value_of(r, "t1_ms", "voxel_mean"), t1, 0.005 * t1);
  }
  // Longer than a quarter of the last echo: the floor of the noise bends shorter ones (see the offset's variant).
  for (const double t2 : {90.0, 110.0, 300.0}) {
    const auto scans = series(true, t2, 10, std::uint64_t(t2));
    const Results r = measure_all(test::make_job(scans, {test::disc("s", "relaxation", {0, 0, 0}, 10)}), {});
    EXPECT_NEAR(test::value_of(r, "t2_ms", "voxel_mean"), t2, 0.005 * t2);
    EXPECT_NEAR(test::value_of(r, "t2_ms", "roi_signal"), t2, 0.005 * t2);
  }
}

TEST(Relaxometry, FlagsAFirstEchoThatDoesNotBelong) {
  std::vector<Scan> scans = series(true, 110, 1, 4);
  for (float& v : scans.front().volume.values) v *= 0.8F;  // as stimulated echoes leave it
  const Results r = measure_all(test::make_job(scans, {test::disc("s", "relaxation", {0, 0, 0}, 10)}), {});
  EXPECT_NEAR(test::value_of(r, "t2_ms", "without_first_echo"), 110, 0.5);
  const Measurement* m = r.find("t2_ms", "roi_signal");
  ASSERT_NE(m, nullptr);
  EXPECT_EQ(std::count(m->flags.begin(), m->flags.end(), "first_echo_deviates"), 1);
}

TEST(Relaxometry, TakesTheDisplayScaleOfPhilipsImagesBack) {
  std::vector<Scan> scans = series(false, 320, 2, 5);
  double slope = 1;
  for (Scan& scan : scans) {
    // Displayed = true x RescaleSlope x ScaleSlope, each image with its own.
    const double scale = 0.1 + 0.03 * slope;
    slope += 0.35;
    for (float& v : scan.volume.values) v = float(v * slope * scale);
    scan.tags["Manufacturer"] = "Philips";
    scan.tags["RescaleSlope"] = std::to_string(slope);
    scan.tags["PhilipsScaleSlope"] = std::to_string(scale);
  }
  const Region where = test::disc("s", "relaxation", {0, 0, 0}, 10);
  EXPECT_NEAR(test::value_of(measure_all(test::make_job(scans, {where}), {}), "t1_ms", "roi_signal"), 320, 1.6);
  for (Scan& scan : scans) scan.tags.erase("PhilipsScaleSlope");
  const Results refused = measure_all(test::make_job(scans, {where}), {});
  EXPECT_EQ(refused.find("t1_ms"), nullptr);
  EXPECT_NE(refused.not_measured.front().reason.find("one by one"), std::string::npos);
}

TEST(Relaxometry, NeedsTheTimeOfEachScan) {
  for (const bool echo : {true, false})
    for (const char* text : {"", "none", "-20"}) {
      auto scans = series(echo, 200, 5, 3);
      const char* tag = echo ? "EchoTime" : "InversionTime";
      if (*text) scans[2].tags[tag] = text;
      else scans[2].tags.erase(tag);
      const Results r = measure_all(test::make_job(scans, {test::disc("s", "relaxation", {0, 0, 0}, 10)}), {});
      EXPECT_TRUE(r.measurements.empty()) << tag << text;
      ASSERT_FALSE(r.not_measured.empty());
      EXPECT_NE(r.not_measured.front().reason.find("does not tell its"), std::string::npos) << tag << text;
    }
}

TEST(Relaxometry, TimesInSecondsOrMicrosecondsAreRefused) {
  for (const bool echo : {true, false})
    for (const double factor : {0.001, 1.0, 1000.0}) {
      auto scans = series(echo, echo ? 80 : 400, 2, 3);
      const std::vector<double>& times = echo ? echo_times : inversion_times;
      for (std::size_t k = 0; k < scans.size(); ++k)
        scans[k].tags = {{echo ? "EchoTime" : "InversionTime", std::to_string(factor * times[k])}};
      const Results r = measure_all(test::make_job(scans, {test::disc("s", "relaxation", {0, 0, 0}, 10)}), {});
      EXPECT_EQ(r.measurements.empty(), factor != 1) << echo << factor;
      if (factor != 1)
        EXPECT_NE(r.not_measured.front().reason.find("milliseconds"), std::string::npos) << echo << factor;
    }
}

TEST(Relaxometry, GivesNoBiasWithoutTheTemperature) {
  const auto scans = series(false, 330, 2, 5);
  Region where = test::disc("s", "relaxation", {0, 0, 0}, 10);
  where.nominal = {{"t1_ms", 320}, {"temperature_degc", 20}};
  Job job = test::make_job(scans, {where});
  EXPECT_EQ(measure_all(job, {}).find("t1_bias_pct"), nullptr);
  job.settings.phantom_temperature_degc = 23;
  EXPECT_EQ(measure_all(job, {}).find("t1_bias_pct"), nullptr);
  job.settings.phantom_temperature_degc = 20.4;
  EXPECT_NEAR(test::value_of(measure_all(job, {}), "t1_bias_pct"), 100 * 10 / 320.0, 0.2);
}

}  // namespace
}  // namespace iqgate::measure
