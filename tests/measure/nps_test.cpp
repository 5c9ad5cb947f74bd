// C1, C2 against noise of known spectrum.
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

Results nps_of(const Scan& scan, double radius = 60, double length = 24) { return test::measure_one(scan, test::disc("u", "uniform", {0, 0, 0}, radius, length), "nps"); }

const Curve& curve_of(const Results& r, const std::string& name, const std::string& where) {
  for (const Curve& c : r.curves)
    if (c.name == name && c.where == where) return c;
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
  EXPECT_NEAR(value_of(r, "nps_avg_per_mm", "2d_poly2"), 0.5, 0.01);     // half of Nyquist, 1 / mm
  EXPECT_NEAR(value_of(r, "nps_avg2d_per_mm", "2d_poly2"), 2.0 / 3, 0.01);  // integral f^2 / integral f
  EXPECT_NEAR(value_of(r, "nps_median_per_mm", "2d_poly2"), 0.5, 0.015);
}

TEST(Nps, RampSpectrumOfTheDefinition) {
  // NPS = A f exp(-(f / f0)^2), f0 = 0.3, d = 0.5: peak f0 / sqrt 2 (5 %), average 0.886227 f0 (1.5 %), 2D average 1.128379 f0, SD 1 %.
  const Results r = nps_of(noise_scan({.kind = compute::NoiseKind::ramp, .sd = 12, .f0_per_mm = 0.3, .seed = 42}, {320, 320, 40}), 76, 78);
  EXPECT_GE(value_of(r, "nps_n_roi", "2d_poly2"), 500);
  EXPECT_NEAR(value_of(r, "nps_peak_per_mm", "2d_poly2") / (0.3 / std::sqrt(2.0)), 1, 0.05);
  EXPECT_NEAR(value_of(r, "nps_avg_per_mm", "2d_poly2") / (0.886227 * 0.3), 1, 0.015);
  EXPECT_NEAR(value_of(r, "nps_avg2d_per_mm", "2d_poly2") / (1.128379 * 0.3), 1, 0.015);
  EXPECT_NEAR(value_of(r, "noise_from_nps_hu", "2d_poly2") / 12, 1, 0.01);
}

TEST(Nps, GaussianNoiseAtEveryFrequency) {
  const double tau = 0.7, s = 40;
  const Results r = nps_of(noise_scan({.kind = compute::NoiseKind::gaussian, .sd = s, .tau_mm = tau, .seed = 43}, {320, 320, 30}), 76, 58);
  const Curve& c = curve_of(r, "nps_radial", "u/2d_poly2");
  for (std::size_t k = 2; k < c.x.values.size(); ++k) {
    const double f = c.x.values[k], expected = s * s * 0.25 * std::exp(-4 * M_PI * M_PI * tau * tau * f * f);
    if (expected < 0.02 * s * s * 0.25) break;
    EXPECT_NEAR(c.y.values[k] / expected, 1, 0.08) << f;  // about 400 effective spectra over tens of bins
  }
}

TEST(Nps, ThreeDimensionsAgreeWithTwo) {
  const double s = 40, tau = 0.7, tau_z = 1.0;
  const Results r = nps_of(noise_scan({.kind = compute::NoiseKind::gaussian, .sd = s, .tau_mm = tau, .tau_z_mm = tau_z, .seed = 44}, {256, 256, 64}, {0.5, 0.5, 0.8}), 60, 51);
  // The slice NPS is the integral of the 3D NPS over the axial frequency: the same curve either way.
  const Curve &flat = curve_of(r, "nps_radial", "u/2d_poly2"), &deep = curve_of(r, "nps_radial", "u/3d_poly2");
  for (std::size_t k = 2; k < std::min(flat.x.values.size(), deep.x.values.size()) && flat.x.values[k] < 0.35; ++k) EXPECT_NEAR(deep.y.values[k] / flat.y.values[k], 1, 0.15) << flat.x.values[k];
  EXPECT_NEAR(value_of(r, "parseval_ratio", "3d_poly2"), 1, 1e-10);
  const Curve& axial = curve_of(r, "nps_axial", "u/3d_poly2");
  // Integrated over the plane: s^2 dx dy dz / (4 pi tau^2) exp(-4 pi^2 tau_z^2 f^2).
  for (std::size_t k = 1; k < axial.x.values.size() && axial.x.values[k] < 0.25; ++k)
    EXPECT_NEAR(axial.y.values[k] / (s * s * 0.25 * 0.8 / (4 * M_PI * tau * tau) * std::exp(-4 * M_PI * M_PI * tau_z * tau_z * axial.x.values[k] * axial.x.values[k])), 1, 0.15);
}

TEST(Nps, TwoScansRemoveAStructuredBackground) {
  std::vector<Scan> scans;
  for (std::uint64_t k = 0; k < 2; ++k) {
    scans.push_back(noise_scan({.kind = compute::NoiseKind::white, .sd = 10, .seed = 45, .repeat = k}));
    for (std::size_t i = 0; i < scans.back().volume.values.size(); ++i) scans.back().volume.values[i] += float(30 * std::sin(0.7 * double(i % 256)) + 0.3 * double(i / 256 % 256));
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
  for (std::size_t i = 0; i < scan.volume.values.size(); ++i) scan.volume.values[i] = float(6 * std::cos(2 * M_PI * 10 * double(i % 64) / 64));
  const Results r = test::measure_one(scan, test::box("b", "nps_box", {0, 0, 0}, {32, 32, 0}), "nps");
  EXPECT_NEAR(std::pow(value_of(r, "noise_from_nps_hu", "2d_constant"), 2), 18, 1e-3);
}

TEST(Nps, AnisotropicPixelsAndUnits) {
  const Results r = nps_of(noise_scan({.kind = compute::NoiseKind::white, .sd = 10, .seed = 46}, {256, 200, 8}, {0.4, 0.5, 2}), 48, 16);
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

}  // namespace
}  // namespace iqgate::measure
