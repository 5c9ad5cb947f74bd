// C1, C2 against noise of known spectrum.
#include <functional>

#include "iqgate/base/random.hpp"
#include "iqgate/compute/fft.hpp"
#include "iqgate/measure/nps_curve.hpp"
#include "iqgate/measure/nps_stationarity.hpp"
#include "support/support.hpp"

namespace iqgate::measure {
namespace {

using test::value_of;

Scan noise_scan(compute::NoiseJob noise, Size3 size = {256, 256, 12}, Vec3 spacing = {0.5, 0.5, 2}, double hu = 0) {
  compute::RenderJob job;
  job.grid = test::centred_grid(size, spacing);
  job.noise = noise;
  return test::ct_scan(test::one_shape({.kind = phantom::ShapeKind::sphere, .radius_mm = 0.01}, hu, hu), job);
}

Results nps_of(const Scan& scan, double radius = 60, double length = 24) {
  return test::measure_one(scan, test::disc("u", "uniform", {0, 0, 0}, radius, length), "nps");
}

// What the estimator must give on average, from the noise's own autocovariance: the periodogram of a box of N x N
// pixels is the transform of the autocovariance times the triangle (1 - |x| / N)(1 - |y| / N), which leaks power to
// where there is little. Radial mean as defined (rings of 1 / (N d), zero bin out). Detrending is not in it: compare
// above 2 / (N d).
std::vector<double> expected_radial(const std::function<double(double)>& nps, std::size_t box, double d) {
  const std::size_t n = 512;
  const auto signed_k = [](std::size_t k, std::size_t m) { return k <= m / 2 ? double(k) : double(k) - double(m); };
  const compute::Fft back({n, n, 1}, false), forward({box, box, 1}, true);
  const auto cov = compute::Fft::buffer(n * n);
  for (std::size_t y = 0; y < n; ++y)
    for (std::size_t x = 0; x < n; ++x)
      cov[y * n + x] = nps(std::hypot(signed_k(x, n), signed_k(y, n)) / (double(n) * d)) / (double(n * n) * d * d);
  back.run(cov.get());
  // Lags of both signs fold onto the box's own grid.
  const auto folded = compute::Fft::buffer(box * box);
  for (std::size_t k = 0; k < box * box; ++k) folded[k] = 0;
  const long b = long(box);
  for (long y = -b + 1; y < b; ++y)
    for (long x = -b + 1; x < b; ++x)
      folded[std::size_t((y + b) % b * b + (x + b) % b)] +=
          cov[std::size_t((y + long(n)) % long(n)) * n + std::size_t((x + long(n)) % long(n))].real() *
          (1 - std::abs(double(x)) / double(b)) * (1 - std::abs(double(y)) / double(b));
  forward.run(folded.get());
  std::vector<double> sum(box / 2 + 1, 0), count = sum;
  for (std::size_t y = 0; y < box; ++y)
    for (std::size_t x = 0; x < box; ++x) {
      const double f = std::hypot(signed_k(x, box), signed_k(y, box));
      if (f == 0 || f > double(box) / 2 * (1 + 1e-12)) continue;
      sum[std::size_t(f + 0.5)] += folded[y * box + x].real() * d * d;
      count[std::size_t(f + 0.5)] += 1;
    }
  std::vector<double> radial;
  for (std::size_t k = 1; k < sum.size(); ++k) radial.push_back(sum[k] / count[k]);
  return radial;
}

const Curve& curve_of(const Results& r, const std::string& name, const std::string& where) {
  for (const Curve& c : r.curves)
    if (c.name == name && c.where + "/" + c.variant == where) return c;
  ADD_FAILURE() << "no curve " << name << " " << where;
  static const Curve none;
  return none;
}

TEST(Nps, WhiteNoiseIsFlatAndHasItsLevel) {
  const Results r = nps_of(noise_scan({.kind = compute::NoiseKind::white, .sd = 10, .seed = 41}));
  const Curve& c = curve_of(r, "nps_radial", "u/2d_poly2");
  const double level = 100 * 0.25;  // s^2 dx dy
  double mean = 0;
  for (std::size_t k = 2; k < c.y.values.size(); ++k) mean += c.y.values[k] / double(c.y.values.size() - 2);
  EXPECT_NEAR(mean / level, 1, 0.01);
  EXPECT_EQ(c.y.unit, "HU2 mm2");
  EXPECT_NEAR(value_of(r, "parseval_ratio", "2d_poly2"), 1, 1e-10);
  EXPECT_NEAR(value_of(r, "noise_from_nps_hu", "2d_poly2"), 10 * std::sqrt(1 - 6.0 / 4096), 0.06);
  // Half of Nyquist (1 / mm). The detrend empties up to the first ring, 1.5 / 32 wide: the average rises by at most 2.3
  // %.
  EXPECT_GT(value_of(r, "nps_avg_per_mm", "2d_poly2"), 0.5 - 0.003);
  EXPECT_LT(value_of(r, "nps_avg_per_mm", "2d_poly2"), 0.5 * (1 + 1.5 / 32) + 0.003);
  EXPECT_NEAR(value_of(r, "nps_avg2d_per_mm", "2d_poly2"), 2.0 / 3, 0.01);  // integral f^2 / integral f
  EXPECT_NEAR(value_of(r, "nps_median_per_mm", "2d_poly2"), 0.5, 0.015);
}

TEST(Nps, RampSpectrumOfTheDefinition) {
  // NPS = A f exp(-(f / f0)^2), f0 = 0.3, d = 0.5: peak f0 / sqrt 2 (5 %), average 0.886227 f0 (1.5 %), 2D
  // average 1.128379 f0, SD 1 %.
  const Results r = nps_of(
      noise_scan({.kind = compute::NoiseKind::ramp, .sd = 12, .f0_per_mm = 0.3, .seed = 42}, {320, 320, 40}), 76, 78);
  EXPECT_GE(value_of(r, "nps_n_roi", "2d_poly2"), 500);
  EXPECT_NEAR(value_of(r, "nps_peak_per_mm", "2d_poly2") / (0.3 / std::sqrt(2.0)), 1, 0.05);
  EXPECT_NEAR(value_of(r, "nps_avg_per_mm", "2d_poly2") / (0.886227 * 0.3), 1, 0.015);
  EXPECT_NEAR(value_of(r, "nps_avg2d_per_mm", "2d_poly2") / (1.128379 * 0.3), 1,
              0.025);  // leakage of the box adds 1.5 %
  EXPECT_NEAR(value_of(r, "noise_from_nps_hu", "2d_poly2") / 12, 1, 0.01);
}

TEST(Nps, GaussianNoiseAtEveryFrequency) {
  const double tau = 0.7, s = 40;
  const Results r = nps_of(
      noise_scan({.kind = compute::NoiseKind::gaussian, .sd = s, .tau_mm = tau, .seed = 43}, {320, 320, 30}), 76, 58);
  const Curve& c = curve_of(r, "nps_radial", "u/2d_poly2");
  const auto nps = [&](double f) { return s * s * 0.25 * std::exp(-4 * M_PI * M_PI * tau * tau * f * f); };
  const std::vector<double> expected = expected_radial(nps, 64, 0.5);
  ASSERT_EQ(expected.size(), c.y.values.size());
  for (std::size_t k = 2; k < expected.size() && expected[k] > 0.02 * s * s * 0.25; ++k) {
    EXPECT_NEAR(c.y.values[k] / expected[k], 1, 0.06)
        << c.x.values[k];  // some 300 independent spectra, 10 or more bins a ring
    if (c.x.values[k] < 0.25) EXPECT_NEAR(c.y.values[k] / nps(c.x.values[k]), 1, 0.08) << c.x.values[k];
  }
}

TEST(Nps, ThreeDimensionsAgreeWithTwo) {
  const double s = 40, tau = 0.7, tau_z = 1.0;
  const Results r =
      nps_of(noise_scan({.kind = compute::NoiseKind::gaussian, .sd = s, .tau_mm = tau, .tau_z_mm = tau_z, .seed = 44},
                        {256, 256, 64}, {0.5, 0.5, 0.8}),
             60, 51);
  // The slice NPS is the integral of the 3D NPS over the axial frequency: the same curve either way.
  const Curve &flat = curve_of(r, "nps_radial", "u/2d_poly2"), &deep = curve_of(r, "nps_radial", "u/3d_poly2");
  for (std::size_t k = 2; k < std::min(flat.x.values.size(), deep.x.values.size()) && flat.x.values[k] < 0.35; ++k)
    EXPECT_NEAR(deep.y.values[k] / flat.y.values[k], 1, 0.15) << flat.x.values[k];
  EXPECT_NEAR(value_of(r, "parseval_ratio", "3d_poly2"), 1, 1e-10);
  const Curve& axial = curve_of(r, "nps_axial", "u/3d_poly2");
  // Integrated over the plane: s^2 dx dy dz / (4 pi tau^2) exp(-4 pi^2 tau_z^2 f^2).
  for (std::size_t k = 1; k < axial.x.values.size() && axial.x.values[k] < 0.25; ++k)
    EXPECT_NEAR(
        axial.y.values[k] / (s * s * 0.25 * 0.8 / (4 * M_PI * tau * tau) *
                             std::exp(-4 * M_PI * M_PI * tau_z * tau_z * axial.x.values[k] * axial.x.values[k])),
        1, 0.15);
}

TEST(Nps, TwoScansRemoveAStructuredBackground) {
  std::vector<Scan> scans;
  for (std::uint64_t k = 0; k < 2; ++k) {
    scans.push_back(noise_scan({.kind = compute::NoiseKind::white, .sd = 10, .seed = 45, .repeat = k}));
    for (std::size_t i = 0; i < scans.back().volume.values.size(); ++i)
      scans.back().volume.values[i] += float(30 * std::sin(0.7 * double(i % 256)) + 0.3 * double(i / 256 % 256));
    scans.back().role = "repeat_" + std::to_string(k + 1);
  }
  Region region = test::disc("u", "uniform", {0, 0, 0}, 60, 24);
  region.metrics = {"nps"};
  const Results r = measure_all(test::make_job(scans, {region}), {});
  EXPECT_NEAR(value_of(r, "noise_from_nps_hu", "2d_two_scan_diff", "u"), 10, 0.1);
  EXPECT_GT(value_of(r, "noise_from_nps_hu", "2d_poly2", "repeat_1/u"), 20);
}

TEST(Nps, ASinusoidHasItsPower) {
  // Amplitude a at a bin: power a^2 / 2 in +-k.
  Scan scan = noise_scan({}, {64, 64, 1});
  for (std::size_t i = 0; i < scan.volume.values.size(); ++i)
    scan.volume.values[i] = float(6 * std::cos(2 * M_PI * 10 * double(i % 64) / 64));
  const Results r = test::measure_one(scan, test::box("b", "nps_box", {0, 0, 0}, {32, 32, 0}), "nps");
  EXPECT_NEAR(std::pow(value_of(r, "noise_from_nps_hu", "2d_constant"), 2), 18, 1e-3);
}

TEST(Nps, AnisotropicPixelsAndUnits) {
  const Results r = nps_of(
      noise_scan({.kind = compute::NoiseKind::white, .sd = 10, .seed = 46}, {256, 200, 8}, {0.4, 0.5, 2}), 48, 16);
  const Curve& c = curve_of(r, "nps_radial", "u/2d_poly2");
  double mean = 0;
  for (std::size_t k = 2; k < c.y.values.size(); ++k) mean += c.y.values[k] / double(c.y.values.size() - 2);
  EXPECT_NEAR(mean / (100 * 0.2), 1, 0.015);
  EXPECT_LE(c.x.values.back(), 1.0 + 1e-9);  // Nyquist of the coarser direction: 1 / mm; corners are left out
}

TEST(Nps, SpacingScalesTheFrequencyAxis) {
  Scan scan = noise_scan({.kind = compute::NoiseKind::ramp, .sd = 12, .f0_per_mm = 0.3, .seed = 47});
  const double before = value_of(nps_of(scan), "nps_avg_per_mm", "2d_poly2");
  scan.volume.grid = test::centred_grid({256, 256, 12}, {1, 1, 2});
  EXPECT_NEAR(value_of(nps_of(scan, 120), "nps_avg_per_mm", "2d_poly2"), before / 2, 1e-9);
}

TEST(Nps, ASmallRegionIsRefusedAndANoiselessOneToo) {
  EXPECT_EQ(nps_of(noise_scan({.kind = compute::NoiseKind::white, .sd = 10}), 5).find("nps_avg_per_mm"), nullptr);
  EXPECT_EQ(nps_of(noise_scan({})).find("nps_avg_per_mm"), nullptr);
}

TEST(Nps, ExtrapolationToZero) {
  // White noise: s^2 dx dy = 25, within 3 standard errors. A ramp: what the straight line through its own rings says.
  const Results white = nps_of(noise_scan({.kind = compute::NoiseKind::white, .sd = 10, .seed = 48}));
  const Measurement* m = white.find("nps_at_0_extrap_hu2_mm2", "2d_poly2");
  ASSERT_TRUE(m && m->se);
  EXPECT_NEAR(m->value, 25, 3 * *m->se);
  EXPECT_LT(*m->se, 2.5);
  const Results ramp = nps_of(noise_scan({.kind = compute::NoiseKind::ramp, .sd = 12, .f0_per_mm = 0.3, .seed = 49}));
  const Curve& c = curve_of(ramp, "nps_radial", "u/2d_poly2");
  double sx = 0, sy = 0, sxx = 0, sxy = 0;
  // Variance A pi^1.5 f0^3 / 2 = 144.
  const double a = 144 * 2 / (std::pow(M_PI, 1.5) * 0.027);
  for (std::size_t k = 1; k < 6; ++k) {
    const double f = c.x.values[k], y = a * f * std::exp(-f * f / 0.09);
    sx += f, sy += y, sxx += f * f, sxy += f * y;
  }
  const Measurement* n = ramp.find("nps_at_0_extrap_hu2_mm2", "2d_poly2");
  ASSERT_TRUE(n && n->se);
  EXPECT_NEAR(n->value, (sy * sxx - sx * sxy) / (5 * sxx - sx * sx), 3 * *n->se + 0.03 * a * 0.3 * 0.43);
}

TEST(Nps, OneFitToTheWholeField) {
  // A bowl over the region is taken away by one surface a slice; the box mean stays, so white noise keeps its variance
  // but for 6 of some 45000 degrees of freedom, and the identity of Parseval holds.
  Scan scan = noise_scan({.kind = compute::NoiseKind::white, .sd = 10, .seed = 50});
  for (std::size_t i = 0; i < scan.volume.values.size(); ++i) {
    const double x = double(i % 256) - 128, y = double(i / 256 % 256) - 128;
    scan.volume.values[i] += float(40 + 0.2 * x - 0.1 * y + 0.004 * x * x + 0.002 * x * y + 0.001 * y * y);
  }
  const Results r = nps_of(scan);
  EXPECT_NEAR(value_of(r, "parseval_ratio", "2d_image_poly2"), 1, 1e-10);
  EXPECT_NEAR(value_of(r, "noise_from_nps_hu", "2d_image_poly2"), 10, 0.06);
  EXPECT_NEAR(value_of(r, "nps_avg_per_mm", "2d_image_poly2"), 0.5, 0.006);
}

TEST(Nps, LessTheMeanOfTheEnsemble) {
  std::vector<Scan> scans;
  for (std::uint64_t k = 0; k < 4; ++k) {
    scans.push_back(noise_scan({.kind = compute::NoiseKind::white, .sd = 10, .seed = 51, .repeat = k}));
    for (std::size_t i = 0; i < scans.back().volume.values.size(); ++i)
      scans.back().volume.values[i] += float(30 * std::sin(0.7 * double(i % 256)));
    scans.back().role = "repeat_" + std::to_string(k + 1);
  }
  Region region = test::disc("u", "uniform", {0, 0, 0}, 60, 24);
  region.metrics = {"nps"};
  const Results r = measure_all(test::make_job(scans, {region}), {});
  EXPECT_NEAR(value_of(r, "noise_from_nps_hu", "2d_ensemble_mean", "u"), 10, 0.06);
  EXPECT_NEAR(value_of(r, "nps_avg_per_mm", "2d_ensemble_mean", "u"), 0.5, 0.005);
  scans.pop_back();
  scans.pop_back();
  EXPECT_EQ(measure_all(test::make_job(scans, {region}), {}).find("noise_from_nps_hu", "2d_ensemble_mean"), nullptr);
}

TEST(NpsSlow, StationarityKnowsItsLevel) {
  // White and correlated noise that is alike everywhere: p is uniform. 30 scans each: share below 0.1 of 0.1 +- 0.055,
  // mean 0.5 +- 0.053; both within 3.5 standard errors.
  for (const double tau : {0.0, 0.5}) {
    double mean = 0, low = 0;
    for (std::uint64_t seed = 0; seed < 30; ++seed) {
      const Scan scan =
          tau == 0 ? noise_scan({.kind = compute::NoiseKind::white, .sd = 10, .seed = 300 + seed}, {256, 256, 3})
                   : noise_scan({.kind = compute::NoiseKind::gaussian, .sd = 40, .tau_mm = tau, .seed = 400 + seed},
                                {256, 256, 3});
      Region region = test::disc("u", "uniform", {0, 0, 0}, 60, 6);
      const double p = value_of(test::measure_one(scan, region, "nps"), "nps_stationarity_p", "2d_poly2");
      mean += p / 30, low += (p < 0.1) / 30.0;
    }
    EXPECT_NEAR(mean, 0.5, 3.5 * 0.053) << tau;
    EXPECT_LT(low, 0.1 + 3.5 * 0.055) << tau;
  }
  // Noise that grows by a tenth from the middle to the rim is seen in 12 slices.
  Scan scan = noise_scan({.kind = compute::NoiseKind::white, .sd = 10, .seed = 52});
  for (std::size_t i = 0; i < scan.volume.values.size(); ++i)
    scan.volume.values[i] *= float(1 + 0.1 * std::hypot(double(i % 256) - 128, double(i / 256 % 256) - 128) / 120);
  EXPECT_LT(value_of(nps_of(scan), "nps_stationarity_p", "2d_poly2"), 0.001);
}

// White noise whose variance about the region's middle is 100 (1 + (r / 60)^2): the noise of a ring is the root mean
// square over the pixels of its boxes, less the 6 of N^2 that the detrending takes. The boxes by their definition: on a
// lattice of half their side through the pixel at the middle, wholly inside, by thirds of the way that a centre can
// have. Off the middle of the image, pixels that are not square, either side of boxes.
struct RingCase {
  double radius, dx, dy;
  Vec3 middle;
  int side;
};
class NpsByRadius : public ::testing::TestWithParam<RingCase> {};
INSTANTIATE_TEST_SUITE_P(Cases, NpsByRadius,
                         ::testing::Values(RingCase{60, 0.5, 0.5, {0, 0, 0}, 32},
                                           RingCase{45, 0.5, 0.55, {6.3, -4.1, 0}, 32},
                                           RingCase{36, 0.55, 0.5, {-11.2, 7.7, 0}, 24}),
                         [](const auto& info) { return "Disc" + std::to_string(int(info.param.radius)); });

TEST_P(NpsByRadius, IsThatOfTheBoxesThere) {
  const auto& [radius, dx, dy, middle, side] = GetParam();
  const auto variance_at = [](double x, double y) { return 100 * (1 + (x * x + y * y) / 3600); };
  Scan scan = noise_scan({.kind = compute::NoiseKind::white, .sd = 10, .seed = 61}, {256, 256, 12}, {dx, dy, 2});
  for (std::size_t i = 0; i < scan.volume.values.size(); ++i)
    scan.volume.values[i] *= float(std::sqrt(variance_at((double(i % 256) - 127.5) * dx - middle.x,
                                                         (double(i / 256 % 256) - 127.5) * dy - middle.y)) /
                                   10);
  const double way = radius - side / 2.0 * std::hypot(dx, dy);
  const long cx = std::lround(middle.x / dx + 127.5), cy = std::lround(middle.y / dy + 127.5);
  double n[3] = {}, square[3] = {}, variance[3] = {};
  for (long j = -16; j <= 16; ++j)
    for (long i = -16; i <= 16; ++i) {
      const double x0 = (double(cx + i * side / 2 - side / 2) - 127.5) * dx - middle.x,
                   y0 = (double(cy + j * side / 2 - side / 2) - 127.5) * dy - middle.y;  // first pixel, mm
      const auto far = [side = side](double a, double d) {
        return std::max(std::abs(a - d / 2), std::abs(a + (side - 0.5) * d));
      };
      if (std::hypot(far(x0, dx), far(y0, dy)) > radius) continue;
      const double at = std::hypot(x0 + (side - 1) / 2.0 * dx, y0 + (side - 1) / 2.0 * dy);
      const int ring = std::min(2, int(3 * at / way));
      n[ring] += 1, square[ring] += at * at;
      for (int b = 0; b < side; ++b)
        for (int a = 0; a < side; ++a) variance[ring] += variance_at(x0 + a * dx, y0 + b * dy) / (side * side);
    }
  const std::vector<Scan> scans{scan};
  Job job = test::make_job(scans, {test::disc("u", "uniform", middle, radius, 24)});
  job.phantom_placed = false;
  const Results r = measure_all(job, {"nps"});
  double expected[3];
  const char* const rings[] = {"2d_poly2_inner", "2d_poly2_middle", "2d_poly2_outer"};
  for (int k = 0; k < 3; ++k) {
    expected[k] = std::sqrt(variance[k] / n[k]);
    EXPECT_NEAR(value_of(r, "nps_ring_radius_mm", rings[k], "u"), std::sqrt(square[k] / n[k]), 1e-9);
    const Measurement* noise = r.find("noise_ring_hu", rings[k], "u");
    ASSERT_TRUE(noise && noise->se);
    EXPECT_NEAR(noise->value, expected[k] * std::sqrt(1 - 6.0 / (side * side)), 4 * *noise->se) << k;
    EXPECT_LT(*noise->se, 0.03 * noise->value) << k;
    EXPECT_EQ(curve_of(r, "nps_ring", std::string("u/") + rings[k]).x.values.size(), std::size_t(side / 2));
  }
  const Measurement* ratio = r.find("noise_outer_over_inner");
  ASSERT_TRUE(ratio && ratio->se && ratio->ci95 && ratio->n_eff);
  EXPECT_NEAR(ratio->value, expected[2] / expected[0], 4 * *ratio->se);
  EXPECT_EQ(ratio->flags.front(), "radius_from_the_regions_own_axis") << "drawn by hand";
}

// Of a placed phantom only about its axis; and not where 24 pixels are too many.
TEST(Nps, RingsLieAboutThePhantomsAxis) {
  const std::vector<Scan> scans{noise_scan({.kind = compute::NoiseKind::white, .sd = 10, .seed = 62}, {256, 256, 3})};
  const auto ratio_at = [&](double radius, double aside) {
    Job job = test::make_job(scans, {test::disc("u", "uniform", {10 + aside, -5, 0}, radius, 6)});
    job.phantom_placed = true;
    job.placement.translation_mm = {10, -5, 40};
    const Results r = measure_all(job, {"nps"});
    return r.find("noise_outer_over_inner") != nullptr;
  };
  EXPECT_TRUE(ratio_at(45, 0));
  EXPECT_TRUE(ratio_at(45, 2));
  EXPECT_FALSE(ratio_at(45, 2.5));
  EXPECT_FALSE(ratio_at(45, -20));
  EXPECT_FALSE(ratio_at(25, 0));
}

// The same noise everywhere: 40 scans, the ratio 1 on average (3.5 of its errors) and its spread as stated: an SD of 40
// is known to 11 %, three of these.
TEST(NpsSlow, NoiseByRadiusIsAlikeWhereItIs) {
  double mean = 0, square = 0, stated = 0;
  constexpr int draws = 40;
  for (std::uint64_t seed = 0; seed < draws; ++seed) {
    const Scan scan =
        noise_scan({.kind = compute::NoiseKind::gaussian, .sd = 40, .tau_mm = 0.5, .seed = 700 + seed}, {256, 256, 3});
    const Results r = nps_of(scan, 60, 6);
    const Measurement* ratio = r.find("noise_outer_over_inner");
    ASSERT_TRUE(ratio && ratio->se);
    mean += ratio->value / draws, square += ratio->value * ratio->value, stated += *ratio->se / draws;
  }
  const double sd = std::sqrt((square - draws * mean * mean) / (draws - 1));
  EXPECT_NEAR(mean, 1, 3.5 * sd / std::sqrt(double(draws)));
  EXPECT_NEAR(sd / stated, 1, 0.34);
}

TEST(Nps, StationarityWeighsPlacesByTheirSlices) {
  // One place of 60 slices and eight of 2, ln s^2 normal with variance 2 / n_eff: the statistic has the mean K - 1 = 8;
  // about the plain mean it would be 10.8. 400 sets: p averages 0.5 +- 0.0144.
  Boxes boxes{{20, 20, 1}, {}};
  for (std::size_t place = 0; place < 9; ++place)
    for (std::size_t z = 0; z < (place == 0 ? 60u : 2u); ++z) boxes.corners.push_back({place * 20, 0, z});
  double mean = 0;
  for (std::uint64_t set = 0; set < 400; ++set) {
    std::vector<double> variance;
    for (std::size_t k = 0; k < boxes.corners.size(); ++k)
      variance.push_back(std::exp(std::sqrt(2.0 / 400) * normal_pair(7, set, k).first));
    mean += stationarity(boxes, variance, 1, 1).p / 400;
  }
  EXPECT_NEAR(mean, 0.5, 3.5 * 0.0144);
}

// A flat spectrum to the frequency F: mean F / 2, weighted by f once more 2 F / 3, median F / 2, whatever the rings.
TEST(NpsScalars, AFlatSpectrumIsExact) {
  for (const std::size_t rings : {6u, 12u, 32u}) {
    RadialNps flat;
    for (std::size_t k = 1; k <= rings; ++k) {
      flat.f_per_mm.push_back(double(k) / double(rings) * (k % 2 ? 1.01 : 1));
      flat.nps.push_back(7);
      flat.bins.push_back(double(k));
    }
    flat.f_per_mm.back() = 1;
    const NpsScalars s = nps_scalars(flat, 1);
    EXPECT_NEAR(s.average, 0.5, 1e-12);
    EXPECT_NEAR(s.average_2d, 2.0 / 3, 1e-12);
    EXPECT_NEAR(s.median, 0.5, 1e-12);
  }
}

}  // namespace
}  // namespace iqgate::measure
