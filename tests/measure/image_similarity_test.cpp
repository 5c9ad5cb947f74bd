#include <cmath>
#include <limits>

#include "support/support.hpp"

namespace iqgate::measure {
namespace {

constexpr float nothing = std::numeric_limits<float>::quiet_NaN();

// Two images on one grid, compared in a disc of 30 mm.
Results compared(const Scan& site, const Scan& reference, double data_range = 0) {
  const std::vector<Scan> scans{site};
  Region image = test::disc("image", "image", {0, 0, 0}, 30, 40);
  image.shape = RegionShape::cylinder;
  Job job = test::make_job(scans, {image});
  auto other = std::make_shared<ReferenceImage>();
  other->scan = {&reference, job.backend->upload(reference.volume.view())};
  other->registered = reference.volume;
  job.reference = other;
  job.settings.data_range = data_range;
  return measure_all(job, {"image_similarity"});
}

Scan flat(double value) {
  return test::painted({90, 90, 24}, {0.8, 0.8, 2}, [value](Vec3) { return value; });
}

Scan noisy(double mean, double sd, double tau_mm, std::uint64_t seed) {
  Scan scan = flat(mean);
  phantom::Model model = test::one_shape({.kind = phantom::ShapeKind::cylinder, .radius_mm = 200}, mean, mean);
  compute::RenderJob job;
  job.grid = scan.volume.grid;
  job.psf_sigma_mm = {1, 1, 1};
  job.noise = {.kind = tau_mm > 0 ? compute::NoiseKind::gaussian : compute::NoiseKind::white,
               .sd = sd,
               .tau_mm = tau_mm,
               .seed = seed};
  return test::ct_scan(model, job);
}

// Constants a and b: SSIM = (2 a b + C1) / (a^2 + b^2 + C1), C1 = (0.01 L)^2; rmse |a - b|; PSNR 20 log10(L / rmse).
TEST(ImageSimilarity, ConstantsAreClosedForms) {
  const Results r = compared(flat(100), flat(130));
  const double c1 = 20 * 20;
  for (const char* window : {"uniform7", "gauss11"})
    EXPECT_NEAR(test::value_of(r, "ssim", window), (2 * 100 * 130 + c1) / (100 * 100 + 130 * 130 + c1), 1e-9);
  EXPECT_NEAR(test::value_of(r, "image_rmse"), 30, 1e-9);
  EXPECT_NEAR(test::value_of(r, "image_bias"), -30, 1e-9);
  EXPECT_NEAR(test::value_of(r, "psnr_db"), 20 * std::log10(2000 / 30.0), 1e-9);
  EXPECT_NEAR(test::value_of(compared(flat(100), flat(130), 500), "psnr_db"), 20 * std::log10(500 / 30.0), 1e-9);
  const Results same = compared(flat(100), flat(100));
  EXPECT_EQ(test::value_of(same, "ssim", "uniform7"), 1);
  EXPECT_EQ(same.find("psnr_db"), nullptr);  // infinite: said, not written
  ASSERT_FALSE(same.not_measured.empty());
}

// Independent noise: rmse^2 = s1^2 + s2^2, known to 1 / sqrt(2 N) of N voxels, about 80,000: four errors are 1 %.
TEST(ImageSimilarity, NoiseOfBothAddsUp) {
  const Results r = compared(noisy(50, 6, 0, 1), noisy(50, 8, 0, 2));
  EXPECT_NEAR(test::value_of(r, "image_rmse") / 10, 1, 0.01);
  EXPECT_NEAR(test::value_of(r, "image_bias"), 0, 4 * 10 / std::sqrt(70000));
}

TEST(ImageSimilarity, WhatTheReferenceDoesNotReachDoesNotCount) {
  Scan reference = flat(130);
  for (std::size_t k = 0; k < reference.volume.values.size() / 2; ++k) reference.volume.values[k] = nothing;
  EXPECT_NEAR(test::value_of(compared(flat(100), reference), "image_rmse"), 30, 1e-9);
  for (float& v : reference.volume.values) v = nothing;
  EXPECT_EQ(compared(flat(100), reference).find("image_rmse"), nullptr);
  Scan arbitrary = flat(100);
  arbitrary.value_unit = "1", arbitrary.modality = "MR";
  EXPECT_EQ(compared(arbitrary, arbitrary).find("ssim"), nullptr);  // no range is given, none is guessed
}

// NPS = exp(-4 pi^2 tau^2 f^2): f NPS is a Rayleigh density with s = 1 / (2 sqrt 2 pi tau). Of two with s1 = s2 / 2 the
// densities cross at f^2 / (2 s1^2) = ln 4 / (1 - 1/4); the half area between them is F1 - F2 there: 0.4725.
// Tolerance: the rings of 24-pixel boxes, their detrend and the noise of both estimates.
TEST(ImageSimilarity, TextureDistanceOfGaussianSpectra) {
  const auto distance = [](double tau_a, double tau_b) {
    const std::vector<Scan> scans{noisy(0, 10, tau_a, 5)};
    const Scan other = noisy(0, 20, tau_b, 6);  // the size of the noise does not matter
    Region image = test::disc("image", "image", {0, 0, 0}, 30, 40);
    image.shape = RegionShape::cylinder;
    Region uniform = test::disc("water", "uniform", {0, 0, 0}, 32, 40);
    uniform.shape = RegionShape::cylinder;
    Job job = test::make_job(scans, {image, uniform});
    auto reference = std::make_shared<ReferenceImage>();
    reference->scan = {&other, job.backend->upload(other.volume.view())};
    reference->regions = {uniform};
    reference->registered = other.volume;
    job.reference = reference;
    return test::value_of(measure_all(job, {"image_similarity"}), "noise_texture_distance", "2d_poly2");
  };
  const double x = std::log(4.0) / 0.75, expected = std::exp(-x / 4) - std::exp(-x);
  EXPECT_NEAR(expected, 0.4725, 1e-3);
  EXPECT_NEAR(distance(0.8, 1.6), expected, 0.06);
  EXPECT_LT(distance(0.8, 0.8), 0.06);
}

}  // namespace
}  // namespace iqgate::measure
