#include "iqgate/measure/statistics.hpp"

#include <numbers>

#include "iqgate/measure/localisation.hpp"
#include "iqgate/measure/noise_correlation.hpp"
#include "iqgate/measure/rayleigh.hpp"
#include "support/support.hpp"

namespace iqgate::measure {
namespace {

TEST(Statistics, QuantilesOfTables) {
  EXPECT_NEAR(normal_quantile(0.975), 1.959964, 1e-6);
  EXPECT_NEAR(student_t_quantile(0.975, 10), 2.228139, 1e-6);
  EXPECT_NEAR(chi_squared_quantile(0.975, 10), 20.48318, 1e-5);
  EXPECT_NEAR(quantile({1, 2, 3, 4}, 0.25), 1.75, 1e-12);  // type 7
  EXPECT_NEAR(quantile({1, 2, 3, 4}, 1), 4, 1e-12);
}

TEST(Statistics, SdIntervalOfTheDefinition) {
  const Interval i = sd_interval(2, 10);
  EXPECT_NEAR(i.low, 2 * std::sqrt(10 / 20.48318), 1e-5);
  EXPECT_NEAR(i.high, 2 * std::sqrt(10 / 3.246973), 1e-5);
}

// Student's t from tables: 97.5 % at 4 degrees of freedom 2.776445, normal 1.959964.
TEST(Statistics, IntervalsOfTheDefinition) {
  const Interval few = symmetric_interval(10, 2, 4), many = symmetric_interval(-1, 0.5);
  EXPECT_NEAR(few.low, 10 - 2 * 2.776445, 1e-6);
  EXPECT_NEAR(few.high, 10 + 2 * 2.776445, 1e-6);
  EXPECT_NEAR(many.low, -1 - 0.5 * 1.959964, 1e-6);
  const Interval ratio = log_interval(10, 2, 4);
  EXPECT_NEAR(ratio.low, 10 * std::exp(-0.2 * 2.776445), 1e-6);
  EXPECT_NEAR(ratio.high, 10 * std::exp(0.2 * 2.776445), 1e-6);
  EXPECT_EQ(log_interval(0, 2, 4).high, symmetric_interval(0, 2, 4).high) << "no logarithm";
  EXPECT_TRUE(std::isnan(sd_interval(1, 0.5).low));
}

// A region 40 mm along the axis and 30 mm off it: its place across is off by what the centre is, by 40 mm times the
// tilt, and by the turn's 30 mm half of which lies along each axis; along it by the axial error and 30 mm times the
// tilt.
TEST(Statistics, ErrorOfARegionFromThatOfThePlacement) {
  Placement p;
  p.translation_mm = {5, -3, 2};
  p.rotation = rotation_from_degrees(20, -35, 50);
  const Vec3 off = 30 * (0.6 * p.rotation.column(0) + 0.8 * p.rotation.column(1));
  const Region region = test::disc("r", "uniform", p.translation_mm + 40 * p.rotation.column(2) + off, 5);
  EXPECT_EQ(region_error(p, region).across_mm, 0) << "nothing is known of its errors";
  p.center_se_mm = 0.1, p.axial_se_mm = 0.2, p.axis_se_deg = 0.3, p.roll_se_deg = 0.4;
  const double tilt = 0.3 * std::numbers::pi / 180, turn = 0.4 * std::numbers::pi / 180;
  const RegionError error = region_error(p, region);
  EXPECT_NEAR(error.across_mm, std::sqrt(0.01 + 1600 * tilt * tilt + 0.5 * 900 * turn * turn), 1e-12);
  EXPECT_NEAR(error.along_mm, std::hypot(0.2, 30 * tilt), 1e-12);
  // A number that climbs 2 across x, 3 across y and 5 along the axis.
  const double se = localisation_se(p, region, [&](const Region& there) -> std::optional<double> {
    const Vec3 d = there.center_mm - region.center_mm;
    return 2 * dot(d, p.rotation.column(0)) + 3 * dot(d, p.rotation.column(1)) + 5 * dot(d, p.rotation.column(2));
  });
  EXPECT_NEAR(se, std::sqrt(13 * error.across_mm * error.across_mm + 25 * error.along_mm * error.along_mm), 1e-12);
}

// Where one of the two moves leaves the scan there is no difference to take.
TEST(Statistics, AMoveThatLeavesTheScanDoesNotCount) {
  Placement p;
  p.center_se_mm = 0.5, p.axial_se_mm = 0.25;
  const Region region = test::disc("r", "uniform", {0, 0, 0}, 5);
  const double se = localisation_se(p, region, [](const Region& there) -> std::optional<double> {
    if (there.center_mm.x > 0) return std::nullopt;
    return 1000 + 8 * there.center_mm.z;
  });
  EXPECT_NEAR(se, 8 * 0.25, 1e-12);
}

TEST(Statistics, BootstrapOfAMeanGivesItsStandardError) {
  std::vector<double> x;
  for (int k = 0; k < 40; ++k) x.push_back(std::sin(k * 1.7) * 3 + k % 5);
  double mean = 0, square = 0;
  for (const double v : x) mean += v / 40;
  for (const double v : x) square += (v - mean) * (v - mean);
  const double expected = std::sqrt(square / 39 / 40);
  const auto evaluate = [&](const std::vector<int>& times) {
    double s = 0, n = 0;
    for (std::size_t k = 0; k < x.size(); ++k) s += times[k] * x[k], n += times[k];
    return std::vector<double>{s / n};
  };
  const BootstrapResult r = bootstrap_blocks(40, 4000, 3, evaluate);
  // 4000 draws: relative SD of the estimate 1.1 %, and a mean's bootstrap has no bias once corrected by n / (n - 1).
  EXPECT_NEAR(r.se[0] / expected, 1, 0.05);
  // Few draws: their own SD (n - 1), times sqrt(40 / 39).
  const BootstrapResult few = bootstrap_blocks(40, 12, 3, evaluate);
  double middle = 0, squares = 0;
  for (const double v : few.sorted_draws[0]) middle += v / 12;
  for (const double v : few.sorted_draws[0]) squares += (v - middle) * (v - middle);
  EXPECT_NEAR(few.se[0], std::sqrt(squares / 11 * 40 / 39), 1e-12);
  EXPECT_EQ(bootstrap_blocks(40, 400, 3, evaluate).sorted_draws, bootstrap_blocks(40, 400, 3, evaluate).sorted_draws);
  EXPECT_TRUE(bootstrap_blocks(1, 100, 3, evaluate).se.empty());
}

TEST(Statistics, MagnitudeFactors) {
  for (const auto& [n, factor] :
       {std::pair{1, 0.65514}, {2, 0.6824}, {4, 0.6953}, {8, 0.7014}, {16, 0.7043}, {32, 0.7057}})
    EXPECT_NEAR(background_sd_factor(n), factor, 6e-5) << n;
}

TEST(NoiseCorrelation, WhiteAndGaussianNoise) {
  compute::RenderJob job;
  job.grid = test::centred_grid({200, 200, 3}, {1, 1, 4});
  const auto empty = test::one_shape({.kind = phantom::ShapeKind::sphere, .radius_mm = 0.01}, 0, 0);
  compute::Mask mask;
  for (std::size_t k = 0; k < job.grid.size.count(); ++k) mask.offsets.push_back(k);
  job.noise = {.kind = compute::NoiseKind::white, .sd = 10, .seed = 4};
  const Volume white = compute::render(empty, job);
  const NoiseCorrelation w = noise_correlation(white.view(), mask);
  EXPECT_NEAR(w.sum_rho, 1, 0.1);
  EXPECT_NEAR(w.sum_rho_squared, 1, 0.01);
  EXPECT_NEAR(w.residual_sd, 10, 0.1);
  // Gaussian filter tau: autocorrelation exp(-d^2 / (4 tau^2)): sums 4 pi tau^2 and 2 pi tau^2 (pixels of 1 mm).
  job.noise = {.kind = compute::NoiseKind::gaussian, .sd = 30, .tau_mm = 1.2, .seed = 4};
  const Volume red = compute::render(empty, job);
  const NoiseCorrelation g = noise_correlation(red.view(), mask);
  EXPECT_NEAR(g.sum_rho / (4 * M_PI * 1.44), 1, 0.15);
  EXPECT_NEAR(g.sum_rho_squared / (2 * M_PI * 1.44), 1, 0.1);
}

}  // namespace
}  // namespace iqgate::measure
