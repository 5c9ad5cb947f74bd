// B1 to B4 and B7 against Gaussian blurs with closed-form truth: f50 = 0.187391 / sigma, f10 = 0.341541 / sigma.
#include <cmath>

#include "iqgate/measure/edge_response.hpp"
#include "support/support.hpp"

namespace iqgate::measure {
namespace {

using phantom::ShapeKind;
using test::value_of;

const double gaussian_f50 = std::sqrt(std::log(2.0) / 2) / M_PI, gaussian_f10 = std::sqrt(std::log(10.0) / 2) / M_PI;

bool has_flag(const Measurement* m, const std::string& flag) {
  return m && std::find(m->flags.begin(), m->flags.end(), flag) != m->flags.end();
}

Scan edge_scan(double sigma, Vec3 spacing, double angle_deg, double shift_mm, double noise, std::size_t slices = 1,
               bool aperture = false, std::uint64_t seed = 1) {
  compute::RenderJob job;
  job.grid = test::centred_grid({120, 120, slices}, spacing);
  job.psf_sigma_mm = {sigma, sigma, 0.5};
  job.pixel_aperture = aperture;
  const double a = angle_deg * M_PI / 180;
  job.pose.translation_mm = {shift_mm, 0, 0};
  if (noise > 0) job.noise = {.kind = compute::NoiseKind::white, .sd = noise, .seed = seed};
  return test::ct_scan(test::one_shape({.kind = ShapeKind::half_space, .axis = {std::cos(a), std::sin(a), 0}}, 300, 0),
                       job);
}

Results edge_results(const Scan& scan, double half = 22) {
  return test::measure_one(scan, test::box("edge", "edge", {0, 0, 0}, {2 * half, 2 * half, 0}), "mtf_edge");
}

// Largest difference of a curve from exp(-2 pi^2 s^2 f^2) times the pixel's sinc factors.
double curve_error(const Results& r, const std::string& where, double sigma, double ax = 0, double ay = 0,
                   double limit = 1e9) {
  double worst = 0;
  for (const Curve& c : r.curves)
    if (c.where + "/" + c.variant == where && c.name == "mtf")
      for (std::size_t k = 0; k < c.x.values.size() && c.x.values[k] < limit; ++k) {
        const double f = c.x.values[k];
        const auto sinc = [](double x) { return x == 0 ? 1 : std::sin(M_PI * x) / (M_PI * x); };
        worst = std::max(worst, std::abs(c.y.values[k] - std::exp(-2 * M_PI * M_PI * sigma * sigma * f * f) *
                                                             sinc(f * ax) * sinc(f * ay)));
      }
  return worst;
}

TEST(SlantedEdge, TruthOfTheDefinition) {
  // erf edge, sigma 0.5 mm, pixel 0.5 mm, 3 degrees, no noise: accept 0.005.
  const Results r = edge_results(edge_scan(0.5, {0.5, 0.5, 5}, 3, 0, 0));
  EXPECT_LT(curve_error(r, "edge/iec", 0.5), 0.005);
  EXPECT_LT(curve_error(r, "edge/iso", 0.5), 0.005);
  EXPECT_NEAR(value_of(r, "mtf50_per_mm", "iec"), gaussian_f50 / 0.5, 0.002);
  EXPECT_NEAR(value_of(r, "mtf10_per_mm", "iec"), gaussian_f10 / 0.5, 0.005);
  EXPECT_NEAR(value_of(r, "edge_angle_deg"), 3, 0.02);
  EXPECT_NEAR(value_of(r, "fwhm_mm", "iec"), 2.354820 * 0.5, 0.02);
  EXPECT_NEAR(value_of(r, "fwtm_mm", "iec"), 2.354820 * 1.822616 * 0.5, 0.04);
}

TEST(SlantedEdge, SweepOfBlurSpacingShiftAndTilt) {
  for (const double sigma : {0.4, 0.7, 1.1})
    for (const Vec3 spacing : {Vec3{0.5, 0.5, 5}, Vec3{0.5, 0.7, 5}, Vec3{0.8, 0.6, 5}})
      for (const double shift : {0.0, 0.21})
        for (const double angle : {2.5, -5.0, 7.0, 92.5, 44.0}) {
          const double pixel = std::max(spacing.x, spacing.y);
          if (sigma < 0.6 * pixel) continue;  // aliased along the edge's own rows
          const Results r = edge_results(edge_scan(sigma, spacing, angle, shift, 0), 20);
          const double f50 = value_of(r, "mtf50_per_mm", "iec");
          EXPECT_NEAR(f50 * sigma / gaussian_f50, 1, 0.01)
              << sigma << " " << spacing.x << "x" << spacing.y << " " << shift << " " << angle;
          EXPECT_NEAR(value_of(r, "mtf50_per_mm", "iso") * sigma / gaussian_f50, 1, 0.01)
              << sigma << " " << spacing.x << " " << shift << " " << angle;
        }
}

TEST(SlantedEdge, PixelApertureBelongsToThePresampledMtf) {
  const double a = 4 * M_PI / 180;
  const Results r = edge_results(edge_scan(0.3, {0.6, 0.6, 5}, 4, 0.1, 0, 1, true));
  EXPECT_LT(curve_error(r, "edge/iec", 0.3, 0.6 * std::cos(a), 0.6 * std::sin(a), 1.2), 0.006);
}

TEST(SlantedEdge, NoiseAtThirtyToOne) {
  // 30 : 1: f50 within 2 %, f10 within 5 %; here over 12 slices of one seed and its own interval.
  const Results r = edge_results(edge_scan(0.5, {0.5, 0.5, 5}, 3, 0, 10));
  const Measurement* m = r.find("mtf50_per_mm", "iec");
  ASSERT_NE(m, nullptr);
  EXPECT_NEAR(m->value, gaussian_f50 / 0.5, std::max(0.02 * m->value, 4 * *m->se));
  EXPECT_LT(*m->se / m->value, 0.03);
}

TEST(SlantedEdge, PolarityAndScaleDoNotMatter) {
  Scan scan = edge_scan(0.6, {0.5, 0.5, 5}, 4, 0.1, 0);
  const double before = value_of(edge_results(scan), "mtf50_per_mm", "iec");
  for (float& v : scan.volume.values) v = 5000 - 3 * v;
  EXPECT_NEAR(value_of(edge_results(scan), "mtf50_per_mm", "iec"), before, 1e-4 * before);
  // The same voxels on a grid of twice the spacing: half the frequency.
  scan.volume.grid = test::centred_grid({120, 120, 1}, {1, 1, 5});
  EXPECT_NEAR(value_of(edge_results(scan, 44), "mtf50_per_mm", "iec"), before / 2, 1e-4 * before);
}

// Draws lie on both sides of what was found: the band is as wide up as down, but for the scatter of its 2.5 % ends.
TEST(SlantedEdge, TheBandLiesOnBothSides) {
  const Results r = edge_results(edge_scan(0.6, {0.5, 0.5, 2}, 4, 0, 10, 6));
  double up = 0, down = 0;
  for (const Curve& c : r.curves)
    for (std::size_t k = 1; c.name == "mtf" && k < c.ci95_hi.size() && c.y.values[k] > 0.3; ++k)
      up += c.ci95_hi[k] - c.y.values[k], down += c.y.values[k] - c.ci95_lo[k];
  ASSERT_GT(down, 0);
  EXPECT_NEAR(up / down, 1, 0.25);
}

// Where the region's middle lies between rows more of its pixels lie on one side: the edge's direction is the same.
TEST(SlantedEdge, ARegionBetweenRows) {
  const Scan scan = edge_scan(0.5, {0.5, 0.5, 5}, 3, 0, 0);
  for (const Vec3 middle : {Vec3{0, 0.2, 0}, Vec3{0.1, -0.15, 0}}) {
    const Results r = test::measure_one(scan, test::box("edge", "edge", middle, {44, 44, 0}), "mtf_edge");
    EXPECT_NEAR(value_of(r, "edge_angle_deg"), 3, 0.02);
    EXPECT_NEAR(value_of(r, "mtf50_per_mm", "iec"), gaussian_f50 / 0.5, 0.002);
  }
}

TEST(SlantedEdge, FlagsAndRefusals) {
  EXPECT_TRUE(
      has_flag(edge_results(edge_scan(0.5, {0.5, 0.5, 5}, 20, 0, 0)).find("mtf50_per_mm", "iec"), "edge_angle"));
  EXPECT_FALSE(
      has_flag(edge_results(edge_scan(0.5, {0.5, 0.5, 5}, 5, 0, 0)).find("mtf50_per_mm", "iec"), "edge_angle"));
  // No edge: noise alone, or a constant.
  Scan noise = edge_scan(0.5, {0.5, 0.5, 5}, 3, 500, 10);
  EXPECT_EQ(edge_results(noise).find("mtf50_per_mm"), nullptr);
  std::fill(noise.volume.values.begin(), noise.volume.values.end(), 3.0f);
  EXPECT_EQ(edge_results(noise).find("mtf50_per_mm"), nullptr);
}

TEST(SlantedEdge, SlicesTiltedAgainstTheEdge) {
  compute::RenderJob job;
  job.grid = test::centred_grid({100, 100, 10}, {0.5, 0.5, 2});
  job.psf_sigma_mm = {0.6, 0.6, 0.6};
  const double a = 4 * M_PI / 180, b = 2 * M_PI / 180;  // the edge plane leans 2 degrees through the stack
  const Scan scan = test::ct_scan(
      test::one_shape({.kind = ShapeKind::half_space, .axis = normalised(Vec3{std::cos(a), std::sin(a), std::tan(b)})},
                      300, 0),
      job);
  Region region = test::box("edge", "edge", {0, 0, 0}, {40, 40, 18});
  EXPECT_NEAR(value_of(test::measure_one(scan, region, "mtf_edge"), "mtf50_per_mm", "iec") * 0.6 / gaussian_f50, 1,
              0.01);
}

TEST(Conditioning, GlareTailsByExtrapolation) {
  // LSF = (1 - g) N(s) + g two-sided exponential of length lambda: MTF = (1 - g) exp(-2 pi^2 s^2 f^2) + g / (1 + (2 pi
  // lambda f)^2).
  const double s = 0.5, g = 0.2, lambda = 3, bin = 0.05;
  BlockedProfile p{.first_mm = -12, .bin_mm = bin, .bins = 480, .blocks = 1};
  for (std::size_t k = 0; k < p.bins; ++k) {
    const double x = p.first_mm + (double(k) + 0.5) * bin;
    const double tail = x < 0 ? 0.5 * std::exp(x / lambda) : 1 - 0.5 * std::exp(-x / lambda);
    p.sums.push_back((1 - g) * 0.5 * std::erfc(-x / (s * M_SQRT2)) + g * tail);
    p.counts.push_back(1);
  }
  const auto error = [&](const Conditioning& options) {
    const Response r = edge_response(p, {}, options, 2);
    double worst = 0;
    for (std::size_t k = 0; k < r.mtf.size(); ++k) {
      const double f = r.frequency_per_mm[k];
      worst = std::max(worst, std::abs(r.mtf[k] - ((1 - g) * std::exp(-2 * M_PI * M_PI * s * s * f * f) +
                                                   g / (1 + std::pow(2 * M_PI * lambda * f, 2)))));
    }
    return worst;
  };
  EXPECT_LT(error({.tail = Tail::exponential}), 0.01);
  EXPECT_GT(edge_response(p, {}, {.tail = Tail::exponential}, 2).tail_fraction, 0.001);
  EXPECT_GT(error({.window = Window::hann, .window_width_mm = 8}),
            0.03);  // cut tails lift the curve: the low-frequency drop is lost
}

TEST(Conditioning, ATailInNoiseIsNotExtrapolated) {
  // The tail of a clean edge is followed, a region of an edge in noise says why not; f50 of a Gaussian stays (its tail
  // beyond 1 % holds 0.3 % of the area).
  const Results clean = edge_results(edge_scan(0.6, {0.5, 0.5, 5}, 3, 0, 0));
  EXPECT_NEAR(value_of(clean, "mtf50_per_mm", "exp_tail"), gaussian_f50 / 0.6, 0.005 * gaussian_f50 / 0.6);
  EXPECT_LT(value_of(clean, "lsf_tail_fraction", "exp_tail"), 0.001);
  const Results noisy = edge_results(edge_scan(0.6, {0.5, 0.5, 5}, 3, 0, 15));
  EXPECT_EQ(noisy.find("mtf50_per_mm", "exp_tail"), nullptr);
  EXPECT_TRUE(std::any_of(noisy.not_measured.begin(), noisy.not_measured.end(),
                          [](const NotMeasured& n) { return n.name == "lsf_tail_fraction"; }));
}

TEST(Conditioning, MonotoneHidesOvershoot) {
  BlockedProfile p{.first_mm = -6, .bin_mm = 0.05, .bins = 240, .blocks = 1};
  for (std::size_t k = 0; k < p.bins; ++k) {
    const double x = p.first_mm + (double(k) + 0.5) * 0.05;
    p.sums.push_back(0.5 * std::erfc(-x / (0.5 * M_SQRT2)) + 0.4 * x / 0.5 * std::exp(-x * x / 0.5));
    p.counts.push_back(1);
  }
  const auto peak = [&](bool monotone) {
    const Response r = edge_response(p, {}, {.monotone = monotone}, 2);
    return *std::max_element(r.mtf.begin(), r.mtf.end());
  };
  EXPECT_GT(peak(false), 1.05);  // kept and reported, not clipped
  EXPECT_LT(peak(true), 1.03);
}

TEST(Conditioning, CrossingsAreTheFirstDownwardOnesOrNone) {
  EXPECT_NEAR(*first_crossing({0, 1, 2, 3}, {1, 0.4, 0.6, 0.2}, 0.5), 5.0 / 6, 1e-12);
  EXPECT_FALSE(first_crossing({0, 1, 2}, {1, 0.9, 0.8}, 0.5).has_value());
}

Results insert_results(double radius, double sigma, double pixel, Vec3 shift, double contrast, double noise,
                       std::size_t slices = 1, double region_off = 0) {
  compute::RenderJob job;
  job.grid = test::centred_grid({160, 160, slices}, {pixel, pixel, 3});
  job.psf_sigma_mm = {sigma, sigma, 0.8};
  job.pose.translation_mm = shift;
  if (noise > 0) job.noise = {.kind = compute::NoiseKind::white, .sd = noise, .seed = 17};
  const Scan scan =
      test::ct_scan(test::one_shape({.kind = ShapeKind::cylinder, .radius_mm = radius}, contrast, 0), job);
  return test::measure_one(scan,
                           test::disc("insert", "insert", shift + Vec3{region_off, -region_off, 0}, radius,
                                      slices > 1 ? 3 * double(slices) : 0),
                           "ttf_disc");
}

TEST(DiscTtf, TruthWithItsCurvatureBias) {
  // Relative f50 error from curvature: R=12.5, s=.8: -0.11 %; R=5, s=.8: -0.68 %; R=2.5... here 1 % and
  // the bias.
  for (const auto& [radius, sigma, pixel, bias] :
       {std::tuple{12.5, 0.8, 0.5, -0.0011}, {12.5, 0.5, 0.4, -0.0005}, {5.0, 0.8, 0.4, -0.0068}})
    for (const double contrast : {120.0, -100.0}) {
      const Results r = insert_results(radius, sigma, pixel, {0.13, -0.27, 0}, contrast, 0);
      EXPECT_NEAR(value_of(r, "ttf50_per_mm", "tukey") * sigma / gaussian_f50 - 1, bias, 0.006)
          << radius << " " << sigma;
      EXPECT_NEAR(value_of(r, "ttf_contrast_hu"), contrast, 0.5);
      EXPECT_NEAR(value_of(r, "insert_diameter_mm"), 2 * radius, 0.15);
      // A Hann window of 15 rise distances lifts f50 by about 1 %: (pi / 31)^2 in sigma^2.
      EXPECT_NEAR(value_of(r, "ttf50_per_mm", "hann") / value_of(r, "ttf50_per_mm", "tukey"), 1.01, 0.004);
    }
}

TEST(DiscTtf, CentreIsFoundAgain) {
  // The region lies 1.5 mm off: the rim tells the centre.
  const Results r = insert_results(12.5, 0.7, 0.5, {3.21, -1.13, 0}, 300, 3, 4, 1.5);
  EXPECT_NEAR(value_of(r, "ttf50_per_mm", "tukey") * 0.7 / gaussian_f50, 1, 0.015);
}

TEST(DiscTtf, NoiseAndSufficiency) {
  const Results r = insert_results(12.5, 0.7, 0.6, {0.2, 0.1, 0}, 120, 8, 8);
  const Measurement* m = r.find("ttf50_per_mm", "tukey");
  ASSERT_NE(m, nullptr);
  EXPECT_NEAR(m->value, gaussian_f50 / 0.7, std::max(0.05 * m->value, 4 * *m->se));
  EXPECT_NEAR(value_of(r, "cnr_total"), 120 / 8.0 * std::sqrt(8.0), 2);
  EXPECT_FALSE(has_flag(m, "low_cnr_total"));
  EXPECT_TRUE(
      has_flag(insert_results(12.5, 0.7, 0.6, {0.2, 0.1, 0}, 100, 8).find("ttf50_per_mm", "tukey"), "low_cnr_total"));
  EXPECT_EQ(insert_results(12.5, 0.7, 0.6, {0, 0, 0}, 5, 8).find("ttf50_per_mm"), nullptr);
}

TEST(BallTtf, IsotropicAndAnisotropic) {
  for (const auto& [sxy, sz, dz] : {std::tuple{0.6, 0.6, 0.5}, {0.5, 0.8, 0.5}, {0.5, 0.8, 1.0}}) {
    compute::RenderJob job;
    job.grid = test::centred_grid({140, 140, std::size_t(70 / dz)}, {0.5, 0.5, dz});
    job.psf_sigma_mm = {sxy, sxy, sz};
    job.pose.translation_mm = {0.17, -0.23, 0.11};
    const Scan scan = test::ct_scan(test::one_shape({.kind = ShapeKind::sphere, .radius_mm = 15}, 900, 0), job);
    Region region = test::disc("ball", "ball", {1, 1, -1}, 15);
    region.shape = RegionShape::sphere;
    const Results r = test::measure_one(scan, region, "ttf_ball");
    const double tolerance = sxy == sz ? 0.01 : 0.03;
    EXPECT_NEAR(value_of(r, "ttf_xy50_per_mm") * std::sqrt(sz * sz / 12 + sxy * sxy * 11 / 12) / gaussian_f50, 1,
                tolerance)
        << sxy << " " << sz << " " << dz;
    EXPECT_NEAR(value_of(r, "ttf_z50_per_mm") * std::sqrt(0.872 * sz * sz + 0.128 * sxy * sxy) / gaussian_f50, 1,
                tolerance)
        << sxy << " " << sz << " " << dz;
  }
}

TEST(BallTtf, RefusesWhatReachesOutsideTheScan) {
  compute::RenderJob job;
  job.grid = test::centred_grid({100, 100, 30}, {0.5, 0.5, 1});
  const Scan scan = test::ct_scan(test::one_shape({.kind = ShapeKind::sphere, .radius_mm = 10}, 900, 0), job);
  Region region = test::disc("ball", "ball", {0, 0, 0}, 10);
  region.shape = RegionShape::sphere;
  EXPECT_EQ(test::measure_one(scan, region, "ttf_ball").find("ttf_z50_per_mm"), nullptr);
}

Results point_results(const std::string& kind, double sigma, double pixel, Vec3 shift, double noise,
                      double tilt_deg = 0, std::size_t slices = 8, double dz = 2) {
  compute::RenderJob job;
  job.grid = test::centred_grid({80, 80, slices}, {pixel, pixel, dz});
  job.psf_sigma_mm = {sigma, sigma, 0.7};
  job.pose.translation_mm = shift;
  job.pose.rotation = rotation_from_degrees(0, tilt_deg, 0);
  if (noise > 0) job.noise = {.kind = compute::NoiseKind::white, .sd = noise, .seed = 23};
  const double diameter = kind == "wire" ? 0.05 : 0.28;
  const auto model = kind == "wire"
                         ? test::one_shape({.kind = ShapeKind::cylinder, .radius_mm = diameter / 2}, 400000, 0)
                         : test::one_shape({.kind = ShapeKind::sphere, .radius_mm = diameter / 2}, 150000, 0);
  Region region = test::disc("point", kind, shift, 9, dz * double(slices));
  region.nominal["diameter_mm"] = diameter;
  return test::measure_one(test::ct_scan(model, job), region, "mtf_point");
}

TEST(PointMtf, TruthOfTheDefinition) {
  // sigma 0.5 mm, pixel 0.4: f50 0.37478, f10 0.68308; tolerance 1 %, with 20 : 1 noise 3 %.
  for (const char* kind : {"wire", "bead"})
    for (const Vec3 shift : {Vec3{0, 0, 0}, Vec3{0.13, -0.17, 0.2}}) {
      const Results r = point_results(kind, 0.5, 0.4, shift, 0, 0, kind[0] == 'w' ? 8 : 12, kind[0] == 'w' ? 2 : 0.6);
      for (const char* variant : {"radial", "x", "y"}) {
        EXPECT_NEAR(value_of(r, "mtf50_per_mm", variant), 0.37478, 0.0037) << kind << variant;
        EXPECT_NEAR(value_of(r, "mtf10_per_mm", variant), 0.68308, 0.0068) << kind << variant;
        // 2.354820 and 2.354820 x 1.822616 sigma; 1 %.
        EXPECT_NEAR(value_of(r, "fwhm_mm", variant), 2.354820 * 0.5, 0.012) << kind << variant;
        EXPECT_NEAR(value_of(r, "fwtm_mm", variant), 2.354820 * 1.822616 * 0.5, 0.022) << kind << variant;
      }
    }
  // Of one Gaussian curve: sqrt(ln 10 / ln 2), whatever its width is; 0.05 % for reading between steps of 0.01.
  const Results wire = point_results("wire", 0.5, 0.4, {0.13, -0.17, 0}, 0, 0, 8, 2);
  EXPECT_NEAR(value_of(wire, "mtf10_per_mm", "radial") / value_of(wire, "mtf50_per_mm", "radial"), 1.822616, 0.002);
  const Results noisy = point_results("wire", 0.5, 0.4, {0.1, 0.1, 0}, 24);  // peak about 500 HU
  EXPECT_NEAR(value_of(noisy, "mtf50_per_mm", "radial"), 0.37478, 0.03 * 0.37478);
  EXPECT_NEAR(value_of(noisy, "mtf10_per_mm", "radial"), 0.68308, 0.03 * 0.68308);
}

TEST(PointMtf, ACoarsePixelHasNoWidth) {
  // MTF at the Nyquist frequency of 0.9 mm pixels for sigma 0.4 mm: exp(-2 pi^2 0.16 0.309) = 0.38.
  const Results r = point_results("wire", 0.4, 0.9, {0.1, 0.2, 0}, 0);
  EXPECT_EQ(r.find("fwhm_mm", "radial"), nullptr);
  EXPECT_TRUE(std::any_of(r.not_measured.begin(), r.not_measured.end(),
                          [](const NotMeasured& n) { return n.name == "fwhm_mm"; }));
}

TEST(PointMtf, AnObjectLargerThanThePixelAllowsIsRefused) {
  // A bead of 1 mm on pixels of 0.3 mm: its transform is -0.07 at Nyquist, with a zero at 1.43 / mm.
  compute::RenderJob job;
  job.grid = test::centred_grid({80, 80, 12}, {0.3, 0.3, 0.6});
  job.psf_sigma_mm = {0.4, 0.4, 0.5};
  Region region = test::disc("point", "bead", {0, 0, 0}, 8, 7.2);
  region.nominal["diameter_mm"] = 1;
  const Results r = test::measure_one(
      test::ct_scan(test::one_shape({.kind = ShapeKind::sphere, .radius_mm = 0.5}, 1000, 0), job), region, "mtf_point");
  EXPECT_TRUE(r.measurements.empty());
  ASSERT_FALSE(r.not_measured.empty());
  EXPECT_NE(r.not_measured[0].reason.find("too large for the pixel"), std::string::npos);
}

TEST(PointMtf, SlantedWireFollowsItsCentre) {
  EXPECT_NEAR(value_of(point_results("wire", 0.6, 0.5, {0.1, -0.2, 0}, 0, 2, 10, 1.0), "mtf50_per_mm", "radial") * 0.6 /
                  gaussian_f50,
              1, 0.015);
}

TEST(PointMtf, ABackgroundOffsetMakesNoSpike) {
  // A plateau of 40 HU over everything is background, not a point: the curve still starts at 1 and f50 stays.
  compute::RenderJob job;
  job.grid = test::centred_grid({80, 80, 6}, {0.4, 0.4, 2});
  job.psf_sigma_mm = {0.5, 0.5, 0.7};
  Region region = test::disc("point", "wire", {0, 0, 0}, 9, 10);
  region.nominal["diameter_mm"] = 0.05;
  const Scan scan = test::ct_scan(test::one_shape({.kind = ShapeKind::cylinder, .radius_mm = 0.025}, 400040, 40), job);
  EXPECT_NEAR(value_of(test::measure_one(scan, region, "mtf_point"), "mtf50_per_mm", "radial"), 0.37478, 0.004);
}

TEST(PointMtf, ClippedAndMissingPoints) {
  Scan scan;
  {
    compute::RenderJob job;
    job.grid = test::centred_grid({80, 80, 2}, {0.4, 0.4, 2});
    job.psf_sigma_mm = {0.5, 0.5, 0.7};
    scan = test::ct_scan(test::one_shape({.kind = ShapeKind::cylinder, .radius_mm = 0.1}, 400000, 0), job);
    for (float& v : scan.volume.values) v = std::min(v, 3071.0f);
  }
  const Results clipped = test::measure_one(scan, test::disc("point", "wire", {0, 0, 0}, 9, 4), "mtf_point");
  EXPECT_TRUE(has_flag(clipped.find("mtf50_per_mm", "radial"), "saturated"));
  EXPECT_TRUE(has_flag(clipped.find("mtf50_per_mm", "radial"), "object_size_not_corrected"));
  std::fill(scan.volume.values.begin(), scan.volume.values.end(), 0.0f);
  EXPECT_EQ(test::measure_one(scan, test::disc("point", "wire", {0, 0, 0}, 9, 4), "mtf_point").find("mtf50_per_mm"),
            nullptr);
}

}  // namespace
}  // namespace iqgate::measure
