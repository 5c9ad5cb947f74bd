// A2 to A5 against their closed forms.
#include <random>

#include "support/support.hpp"

namespace iqgate::measure {
namespace {

using test::disc;
using test::measure_one;
using test::painted;
using test::value_of;

TEST(CtNoise, WhiteAndCorrelatedNoise) {
  const auto water = test::one_shape({.kind = phantom::ShapeKind::cylinder, .radius_mm = 100}, 0, -1000);
  compute::RenderJob job;
  job.grid = test::centred_grid({256, 256, 4}, {0.9, 0.9, 4});
  job.noise = {.kind = compute::NoiseKind::white, .sd = 12, .seed = 21};
  const Results white = measure_one(test::ct_scan(water, job), disc("centre", "uniform", {0, 0, 0}, 40, 12), "noise");
  const Measurement* m = white.find("noise_sd_hu");
  ASSERT_NE(m, nullptr);
  EXPECT_NEAR(m->value, 12, 4 * *m->se);
  EXPECT_NEAR(*m->se / (12 / std::sqrt(2 * (4.0 * M_PI * 1600 / 0.81))), 1, 0.1);
  EXPECT_NEAR(value_of(white, "noise_pct"), m->value / 10, 1e-12);
  // Gaussian noise: variance s^2 dx dy / (4 pi tau^2).
  job.noise = {.kind = compute::NoiseKind::gaussian, .sd = 60, .tau_mm = 1.0, .seed = 22};
  const Results red = measure_one(test::ct_scan(water, job), disc("centre", "uniform", {0, 0, 0}, 40, 12), "noise");
  const Measurement* g = red.find("noise_sd_hu");
  EXPECT_NEAR(g->value, 60 * std::sqrt(0.81 / (4 * M_PI)), 4 * *g->se);
  EXPECT_GT(*g->se, 2 * *m->se / m->value * g->value);  // correlated noise has fewer independent pixels
}

TEST(CtNoise, DifferenceRemovesFixedStructure) {
  compute::RenderJob job;
  job.grid = test::centred_grid({128, 128, 1}, {1, 1, 5});
  job.noise = {.kind = compute::NoiseKind::white, .sd = 8, .seed = 5};
  auto model = test::one_shape({.kind = phantom::ShapeKind::sphere, .radius_mm = 15}, 100, 0);
  std::vector<Scan> scans;
  for (int r = 0; r < 2; ++r) {
    job.noise.repeat = std::uint64_t(r);
    scans.push_back(test::ct_scan(model, job));
    scans.back().role = "repeat_" + std::to_string(r + 1);
  }
  Region region = disc("centre", "uniform", {0, 0, 0}, 30);
  region.metrics = {"noise"};
  const Results r = measure_all(test::make_job(scans, {region}), {});
  const Measurement* diff = r.find("noise_sd_diff_hu");
  ASSERT_NE(diff, nullptr);
  EXPECT_NEAR(diff->value, 8, 4 * *diff->se);
  EXPECT_GT(value_of(r, "noise_sd_hu", "", "repeat_1/centre"), 20);  // the ball counts as noise in one scan
  scans[1].volume = scans[0].volume;
  const Results same = measure_all(test::make_job(scans, {region}), {});
  EXPECT_EQ(same.find("noise_sd_diff_hu"), nullptr);
}

TEST(GlobalNoiseIndex, ModeOfTheWindowSd) {
  // White noise s, n x n window: mode s sqrt((v - 1) / v), v = n^2 - 1; 0.5 % and half a bin.
  for (const auto& [pixel, n] : {std::pair{0.66, 9}, {0.46, 13}, {1.0, 7}}) {
    compute::RenderJob job;
    job.grid = test::centred_grid({256, 256, 6}, {pixel, pixel, 4});
    job.noise = {.kind = compute::NoiseKind::white, .sd = 10, .seed = 31};
    const auto soft = test::one_shape({.kind = phantom::ShapeKind::cylinder, .radius_mm = 1000}, 50, 50);
    const Results r =
        measure_one(test::ct_scan(soft, job), disc("centre", "uniform", {0, 0, 0}, 0.45 * 256 * pixel, 20), "gni");
    const double v = n * n - 1;
    EXPECT_NEAR(value_of(r, "gni_hu"), 10 * std::sqrt((v - 1) / v), 0.05 + 0.1) << n;
    // SD / mean of the map: sqrt(1 - c4^2) / c4, about 1 / sqrt(2 v).
    EXPECT_NEAR(value_of(r, "noise_nonuniformity_pct"), 100 / std::sqrt(2 * v), 0.03 * 100 / std::sqrt(2 * v));
    ASSERT_EQ(r.maps.size(), 1u);
  }
}

TEST(GlobalNoiseIndex, EdgesDoNotCount) {
  // Outside the disc is air: windows across the rim are not valid, so the index is that of the water alone.
  compute::RenderJob job;
  job.grid = test::centred_grid({256, 256, 2}, {0.66, 0.66, 4});
  job.psf_sigma_mm = {0.5, 0.5, 0.5};
  job.noise = {.kind = compute::NoiseKind::white, .sd = 10, .seed = 32};
  const auto model = test::one_shape({.kind = phantom::ShapeKind::cylinder, .radius_mm = 60}, 50, -1000);
  const Results r = measure_one(test::ct_scan(model, job), disc("all", "uniform", {0, 0, 0}, 70, 6), "gni");
  EXPECT_NEAR(value_of(r, "gni_hu"), 10 * 0.99373, 0.15);
}

// What most of the region is made of counts: 55 % at 0 HU with noise of 8, the rest at 700 HU with noise of 30.
TEST(GlobalNoiseIndex, IsOfWhatMostOfTheRegionIs) {
  for (const unsigned seed : {1u, 2u, 3u, 4u, 5u, 6u}) {
    std::mt19937_64 generator(seed);
    std::normal_distribution<double> normal(0, 1);
    const Scan scan = painted({220, 220, 2}, {0.6, 0.6, 3},
                              [&](Vec3 p) { return p.x < 4 ? 8 * normal(generator) : 700 + 30 * normal(generator); });
    const Results r = measure_one(scan, disc("c", "uniform", {0, 0, 0}, 50, 6), "gni");
    EXPECT_NEAR(value_of(r, "gni_hu"), 8, 0.25) << seed;
  }
}

TEST(CtUniformity, CuppingOfTheDefinition) {
  // HU(r) = c r^2: region mean c (d^2 + rho^2 / 2), so edge minus centre is c d^2.
  const double c = 10.0 / 4356;
  const Scan scan = painted({220, 220, 1}, {1, 1, 5}, [&](Vec3 p) { return c * (p.x * p.x + p.y * p.y); });
  std::vector<Region> regions{disc("u/centre", "uniform", {0, 0, 0}, 11.3)};
  for (const auto& [name, x, y] :
       {std::tuple{"u/right", 66., 0.}, {"u/top", 0., -66.}, {"u/left", -66., 0.}, {"u/bottom", 0., 66.}})
    regions.push_back(disc(name, "uniform", {x, y, 0}, 11.3));
  for (Region& r : regions) r.metrics = {"uniformity"};
  const std::vector<Scan> scans{scan};
  const Results r = measure_all(test::make_job(scans, regions), {});
  EXPECT_NEAR(value_of(r, "uniformity_hu"), 10, 0.02);
  EXPECT_NEAR(value_of(r, "uniformity_edge_minus_centre_hu", "", "u/top"), 10, 0.02);
  const double centre = c * 11.3 * 11.3 / 2, edge = centre + 10;
  EXPECT_NEAR(value_of(r, "integral_nonuniformity"), (edge - centre) / (edge + centre + 2000), 2e-5);
  EXPECT_NEAR(value_of(r, "uniformity_index_pct"), 100 * 10 / (centre + 1000), 0.003);
}

TEST(CtUniformity, SignIsKept) {
  const Scan scan = painted({220, 220, 1}, {1, 1, 5}, [&](Vec3 p) { return -p.x / 10; });
  std::vector<Region> regions{disc("u/centre", "uniform", {0, 0, 0}, 11), disc("u/right", "uniform", {60, 0, 0}, 11)};
  for (Region& r : regions) r.metrics = {"uniformity"};
  const std::vector<Scan> scans{scan};
  const Results r = measure_all(test::make_job(scans, regions), {});
  EXPECT_NEAR(value_of(r, "uniformity_edge_minus_centre_hu"), -6, 1e-4);
  EXPECT_NEAR(value_of(r, "uniformity_hu"), 6, 1e-4);
  EXPECT_LT(value_of(r, "uniformity_index_pct"), 0);
}

TEST(CtUniformity, NeedsOneCentreAndAnEdge) {
  const std::vector<Scan> scans{painted({220, 220, 1}, {1, 1, 5}, [](Vec3 p) { return p.x; })};
  Region centre = disc("u/centre", "uniform", {0, 0, 0}, 11), edge = disc("u/right", "uniform", {60, 0, 0}, 11);
  centre.metrics = edge.metrics = {"uniformity"};
  for (const std::vector<Region>& set : {std::vector{centre}, {edge}, {edge, edge}, {centre, centre, edge}}) {
    const Results r = measure_all(test::make_job(scans, set), {});
    EXPECT_TRUE(r.measurements.empty()) << set.size();
    ASSERT_FALSE(r.not_measured.empty());
    EXPECT_NE(r.not_measured.front().reason.find("one region named centre"), std::string::npos);
  }
}

// IPEM 112: 160 pixels through the middle. A step down by 20 % at x = 30 leaves 80 + 30 of them within 10 %.
TEST(IpemUniformity, ShareOfTheProfileThatKeepsItsLevel) {
  const Scan scan = painted(
      {200, 200, 1}, {1, 1, 5}, [](Vec3 p) { return p.x > 30 ? 800.0 : 1000.0; }, "MR");
  const Results r = measure_one(scan, disc("mroi", "uniform", {0, 0, 0}, 60), "ipem_uniformity");
  EXPECT_NEAR(value_of(r, "ipem_fractional_uniformity", "horizontal"), 110 / 160.0, 0.011);
  EXPECT_EQ(value_of(r, "ipem_fractional_uniformity", "vertical"), 1);
  for (const Vec3 off : {Vec3{25, 0, 0}, {-25, 0, 0}, {0, 25, 0}, {0, -25, 0}}) {
    const Results none = measure_one(scan, disc("mroi", "uniform", off, 20), "ipem_uniformity");
    EXPECT_EQ(none.find("ipem_fractional_uniformity", "horizontal"), nullptr) << off.x << ' ' << off.y;
  }
}

TEST(Piu, DomeOfTheDefinition) {
  // S0 (1 - a r^2 / R^2), R = 80, a = 0.2: 90.5386 %, tolerance 0.05 with exact coverage; any pixel shape and shift.
  for (const Vec3 spacing : {Vec3{1, 1, 5}, Vec3{0.5, 0.5, 5}, Vec3{0.8, 0.6, 5}})
    for (const double shift : {0.0, 0.33}) {
      const Scan scan = painted(
          {std::size_t(200 / spacing.x), std::size_t(200 / spacing.y), 1}, spacing,
          [&](Vec3 p) { return 1000 * (1 - 0.2 * (std::pow(p.x - shift, 2) + p.y * p.y) / 6400); }, "MR");
      const Results r = measure_one(scan, disc("mroi", "uniform", {shift, 0, 0}, 80), "piu");
      EXPECT_NEAR(value_of(r, "piu_pct", "acr"), 90.5386, 0.05) << spacing.x << " " << shift;
      EXPECT_NE(value_of(r, "piu_p01_p99_pct"), value_of(r, "piu_pct"));
    }
}

TEST(Piu, NeedsARoundRegionWithRoom) {
  const Scan scan = painted(
      {100, 100, 1}, {1, 1, 5}, [](Vec3) { return 100.0; }, "MR");
  EXPECT_EQ(measure_one(scan, disc("small", "uniform", {0, 0, 0}, 10), "piu").find("piu_pct"), nullptr);
  EXPECT_NEAR(value_of(measure_one(scan, disc("flat", "uniform", {0, 0, 0}, 40), "piu"), "piu_pct"), 100, 1e-9);
}

TEST(NemaUniformity, LinearShading) {
  // S0 (1 + g x / R): peak deviation 100 g, NAAD 100 (1 - 4 g / (3 pi)); tolerance 0.1.
  const double g = 0.15, R = 70;
  const Scan scan = painted(
      {400, 320, 1}, {0.5, 0.5, 5}, [&](Vec3 p) { return 1000 * (1 + g * p.x / R); }, "MR");
  const Results r = measure_one(scan, disc("mroi", "uniform", {0, 0, 0}, R), "nema_ms3");
  for (const char* variant : {"unsmoothed", "smoothed_3x3"}) {
    EXPECT_NEAR(value_of(r, "nema_ms3_peak_deviation_pct", variant), 100 * g, 0.1);
    EXPECT_NEAR(value_of(r, "nema_ms3_naad_pct", variant), 100 * (1 - 4 * g / (3 * M_PI)), 0.1);
  }
  // Share of the disc with |x| < R 0.1 / g: (2 / pi) (asin t + t sqrt(1 - t^2)), t = 2/3.
  const double t = 0.1 / g;
  EXPECT_NEAR(value_of(r, "nema_ms3_map_within_10", "unsmoothed"), 2 / M_PI * (std::asin(t) + t * std::sqrt(1 - t * t)),
              0.005);
  double total = 0;
  for (const char* name : {"nema_ms3_map_above_20", "nema_ms3_map_10_to_20", "nema_ms3_map_within_10",
                           "nema_ms3_map_minus_10_to_20", "nema_ms3_map_below_minus_20"})
    total += value_of(r, name, "unsmoothed");
  EXPECT_NEAR(total, 1, 1e-12);
}

std::vector<Scan> mr_pair(double snr, int channels, std::uint64_t seed, int repeats = 2, double shading = 0) {
  compute::RenderJob job;
  job.grid = test::centred_grid({220, 220, 1}, {1, 1, 5});
  job.psf_sigma_mm = {0.7, 0.7, 2};
  job.quantity = "mr_signal";
  job.shading = {.cupping = shading, .radius_mm = 80};
  const auto model = test::one_shape({.kind = phantom::ShapeKind::cylinder, .radius_mm = 80}, 1000, 0);
  std::vector<Scan> scans;
  for (int r = 0; r < repeats; ++r) {
    job.noise = {.kind = compute::NoiseKind::white,
                 .sd = 1000 / snr,
                 .channels = channels,
                 .seed = seed,
                 .repeat = std::uint64_t(r)};
    scans.push_back({.id = "mr",
                     .modality = "MR",
                     .value_unit = "1",
                     .role = "repeat_" + std::to_string(r + 1),
                     .volume = compute::render(model, job)});
  }
  return scans;
}

std::vector<Region> snr_regions() {
  Region mroi = disc("mroi", "uniform", {0, 0, 0}, 69);
  mroi.metrics = {"snr"};
  Region air = disc("air", "background", {-94, -94, 0}, 14);
  air.metrics = {"roi"};
  return {mroi, air};
}

TEST(Snr, EveryVariantOnOneChannel) {
  const std::vector<Scan> scans = mr_pair(50, 1, 77);
  Job job = test::make_job(scans, snr_regions());
  job.settings.receive_channels = 1;
  const Results r = measure_all(job, {});
  for (const auto& [variant, where] : {std::pair{"nema_ms1_m1", "mroi"},
                                       {"nema_ms1_m2", "mroi"},
                                       {"dietrich_diff", "mroi"},
                                       {"nema_ms1_m4", "repeat_1/mroi/air"}}) {
    const Measurement* m = r.find("snr", variant, where);
    ASSERT_NE(m, nullptr) << variant;
    // Rician: the mean is high by s^2 / (2 S), 0.02 %; the SD low by less.
    EXPECT_NEAR(m->value, 50, 3.5 * *m->se + 0.02) << variant;
    EXPECT_LT(*m->se / m->value, 0.08);
    // An SD of n independent pixels is known to 1 / sqrt(2 (n - 1)); the signal's own error is a hundredth of that.
    EXPECT_NEAR(*m->se / m->value * std::sqrt(2 * (*m->n_eff - 1)), 1, 5e-4) << variant;
  }
  // One image minus its 9 x 9 mean keeps 80/81 of the variance.
  EXPECT_NEAR(value_of(r, "snr", "smoothed_subtraction", "repeat_1/mroi") * std::sqrt(80.0 / 81), 50, 1.5);
  // The same background with other factors: acr has none, acr_ratio_0655 has 0.655.
  const double m4 = value_of(r, "snr", "nema_ms1_m4", "repeat_1/mroi/air");
  EXPECT_NEAR(value_of(r, "snr", "acr", "repeat_1/mroi/air"), m4 / 0.655136, 1e-3);
  EXPECT_NEAR(value_of(r, "snr", "acr_ratio_0655", "repeat_1/mroi/air"), m4 * 0.655 / 0.655136, 1e-3);
}

// Method 2 takes steps between neighbours in a row, no others: a slope of 3 a pixel along the rows of one scan adds 9
// to the mean square of its steps (4 x 20^2: 0.3 % of the SNR), where one from the end of a row to the next would add
// 1e5.
TEST(Snr, MethodTwoStaysInItsRows) {
  std::vector<Scan> scans = mr_pair(50, 1, 78);
  for (Scan& scan : scans) {
    const std::size_t nx = scan.volume.grid.size.x;
    if (&scan == &scans.back())
      for (std::size_t k = 0; k < scan.volume.values.size(); ++k) scan.volume.values[k] += 3.0f * float(k % nx);
  }
  const Results r = measure_all(test::make_job(scans, snr_regions()), {});
  const Measurement* m = r.find("snr", "nema_ms1_m2", "mroi");
  ASSERT_NE(m, nullptr);
  EXPECT_NEAR(m->value, 50, 3.5 * *m->se + 0.2);
}

// NEMA MS 1: SNR over the voxel's volume (1 x 1 x 4 mm3, the nominal thickness) and the square root of 220 phase
// encoding steps, 2 averages and 150 Hz a pixel. Without one of them there is none.
TEST(Snr, PerVolumeAndAcquisitionTime) {
  std::vector<Scan> scans = mr_pair(50, 1, 82);
  const std::map<std::string, std::string> tags{{"PixelBandwidth", "150"},
                                                {"NumberOfAverages", "2"},
                                                {"NumberOfPhaseEncodingSteps", "220"},
                                                {"SliceThickness", "4"}};
  for (Scan& scan : scans) scan.tags = tags;
  const Results r = measure_all(test::make_job(scans, snr_regions()), {});
  const Measurement *snr = r.find("snr", "nema_ms1_m1", "mroi"), *norm = r.find("snr_norm", "nema_ms1_m1", "mroi");
  ASSERT_TRUE(snr && norm);
  const double factor = 1 / (4 * std::sqrt(220.0 * 2 / 150));
  EXPECT_NEAR(norm->value, snr->value * factor, 1e-9);
  EXPECT_NEAR(*norm->se, *snr->se * factor, 1e-9);
  EXPECT_NEAR(norm->ci95->high, snr->ci95->high * factor, 1e-9);
  for (const auto& [tag, text] : tags)
    for (const char* other : {"", "0", "-4"}) {
      for (Scan& scan : scans) {
        scan.tags = tags;
        if (*other) scan.tags[tag] = other;
        else scan.tags.erase(tag);
      }
      EXPECT_EQ(measure_all(test::make_job(scans, snr_regions()), {}).find("snr_norm"), nullptr) << tag << other;
    }
}

TEST(Snr, EightChannelsNeedTheirFactor) {
  const std::vector<Scan> scans = mr_pair(50, 8, 78);
  Job job = test::make_job(scans, snr_regions());
  job.settings.receive_channels = 8;
  const Results eight = measure_all(job, {});
  // Sum of squares of 8 channels raises the mean by 15 s^2 / (2 S): 0.3 % at SNR 50.
  EXPECT_NEAR(value_of(eight, "snr", "nema_ms1_m1", "mroi"), 50.15, 0.8);
  EXPECT_NEAR(value_of(eight, "snr", "nema_ms1_m4", "repeat_1/mroi/air"), 50.15, 5);
  job.settings.receive_channels = 0;
  const Results unknown = measure_all(job, {});
  const auto& flags = unknown.find("snr", "nema_ms1_m4", "repeat_1/mroi/air")->flags;
  EXPECT_NE(std::find(flags.begin(), flags.end(), "background_noise_invalid"), flags.end());
}

TEST(Snr, ShadingLeavesTheDifferenceAlone) {
  const std::vector<Scan> scans = mr_pair(50, 1, 79, 2, -0.3);
  const Results r = measure_all(test::make_job(scans, snr_regions()), {});
  // Mean of 1 - 0.3 r^2 / 80^2 over r < 69: 1 - 0.3 * 0.3720 = 0.8884.
  EXPECT_NEAR(value_of(r, "snr", "nema_ms1_m1"), 50 * (1 - 0.3 * 69.0 * 69 / 2 / 6400), 0.9);
}

TEST(Snr, LowSignalIsFlaggedAndOneScanSaysWhatIsMissing) {
  const std::vector<Scan> low = mr_pair(3, 1, 80);
  const Results r = measure_all(test::make_job(low, snr_regions()), {});
  const auto& flags = r.find("snr", "nema_ms1_m1")->flags;
  EXPECT_NE(std::find(flags.begin(), flags.end(), "rician_regime"), flags.end());
  const std::vector<Scan> one = mr_pair(50, 1, 81, 1);
  const Results single = measure_all(test::make_job(one, snr_regions()), {});
  EXPECT_EQ(single.find("snr", "nema_ms1_m1"), nullptr);
  EXPECT_NE(single.find("snr", "smoothed_subtraction"), nullptr);
  EXPECT_TRUE(std::any_of(single.not_measured.begin(), single.not_measured.end(),
                          [](const NotMeasured& n) { return n.reason.find("second scan") != std::string::npos; }));
}

TEST(Snr, ManyRepeats) {
  const std::vector<Scan> scans = mr_pair(50, 1, 82, 20);
  const Results r = measure_all(test::make_job(scans, snr_regions()), {});
  const Measurement* m = r.find("snr", "dietrich_mult");
  ASSERT_NE(m, nullptr);
  // E[1 / s] of 18 degrees of freedom raises the mean ratio by about 3 / (4 * 18) = 4.4 %.
  const double bias = std::exp(std::lgamma(8.5) - std::lgamma(9)) * std::sqrt(9.0);
  EXPECT_NEAR(m->value, 50 * bias, 4 * *m->se + 0.05);
}

TEST(Snr, CorrelatedNoiseIsFlaggedForMethodTwo) {
  std::vector<Scan> scans = mr_pair(50, 1, 83);
  compute::RenderJob job;
  job.grid = scans[0].volume.grid;
  job.psf_sigma_mm = {0.7, 0.7, 2};
  job.quantity = "mr_signal";
  job.noise = {.kind = compute::NoiseKind::gaussian, .sd = 60, .tau_mm = 0.8, .seed = 84};
  const auto model = test::one_shape({.kind = phantom::ShapeKind::cylinder, .radius_mm = 80}, 1000, 0);
  for (std::uint64_t k = 0; k < 2; ++k) job.noise.repeat = k, scans[k].volume = compute::render(model, job);
  const Results r = measure_all(test::make_job(scans, snr_regions()), {});
  const double expected = 1000 / (60 / std::sqrt(4 * M_PI * 0.64));
  const Measurement* m1 = r.find("snr", "nema_ms1_m1");
  EXPECT_NEAR(m1->value, expected, 4 * *m1->se);
  const Measurement* m2 = r.find("snr", "nema_ms1_m2");
  // Neighbours correlate with rho = exp(-1 / (4 tau^2)): the steps see sqrt(1 - rho) of the noise.
  EXPECT_NEAR(m2->value, expected / std::sqrt(1 - std::exp(-1 / (4 * 0.64))), 0.05 * m2->value);
  EXPECT_NE(std::find(m2->flags.begin(), m2->flags.end(), "m2_correlated"), m2->flags.end());
}

}  // namespace
}  // namespace iqgate::measure
