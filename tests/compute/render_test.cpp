#include "iqgate/compute/render.hpp"

#include <omp.h>

#include "iqgate/compute/fft.hpp"
#include "iqgate/compute/noise_field.hpp"
#include "iqgate/phantom/closed_form.hpp"
#include "support/support.hpp"

namespace iqgate::compute {
namespace {

using phantom::Shape;
using phantom::ShapeKind;

RenderJob job_of(Size3 size, Vec3 spacing, Vec3 psf) {
  RenderJob job;
  job.grid = test::centred_grid(size, spacing);
  job.psf_sigma_mm = psf;
  return job;
}

TEST(Render, RoundPsfIsTheClosedForm) {
  RenderJob job = job_of({9, 9, 9}, {1, 1, 1}, {0.6, 0.6, 0.6});
  job.pose.rotation = rotation_from_degrees(10, 20, 30);
  const auto cylinder = test::one_shape({.kind = ShapeKind::cylinder, .radius_mm = 3, .length_mm = 4}, 100, 0);
  const auto ball = test::one_shape({.kind = ShapeKind::sphere, .radius_mm = 3}, 100, 0);
  for (const Vec3 p : {Vec3{0, 0, 0}, {2.9, 0.3, 0.2}, {1, 2, -2}, {-2, -2, 1.7}}) {
    const Vec3 local = job.pose.rotation.transposed() * p;
    EXPECT_NEAR(
        rendered_value(cylinder, job, p),
        100 * phantom::blurred_disc(std::hypot(local.x, local.y), 3, 0.6) * phantom::blurred_slab(local.z, 4, 0.6),
        1e-4);
    EXPECT_NEAR(rendered_value(ball, job, p), 100 * phantom::blurred_ball(norm(p), 3, 0.6), 1e-9);
  }
}

// Value under an anisotropic Gaussian by dense sums over the shape's sharp form: slow, and independent of the renderer.
double brute_force(const Shape& s, const RenderJob& job, Vec3 p) {
  const phantom::Quadrature q = phantom::gauss_legendre_unit(160);
  double sum = 0;
  for (std::size_t a = 0; a < q.nodes.size(); ++a)
    for (std::size_t b = 0; b < q.nodes.size(); ++b) {
      // Two axes by quadrature over +-6 sigma, the third (along k) by the exact chord.
      const double x = 12 * job.psf_sigma_mm.x * q.nodes[a], y = 12 * job.psf_sigma_mm.y * q.nodes[b];
      const double w = q.weights[a] * q.weights[b] * 144 / (2 * M_PI) *
                       std::exp(-x * x / (2 * job.psf_sigma_mm.x * job.psf_sigma_mm.x) -
                                y * y / (2 * job.psf_sigma_mm.y * job.psf_sigma_mm.y));
      const Vec3 o = job.pose.rotation.transposed() * (p + Vec3{x, y, 0}),
                 d = job.pose.rotation.transposed() * Vec3{0, 0, 1};
      double low = -1e9, high = 1e9;
      if (s.kind == ShapeKind::sphere) {
        const double B = dot(o, d), C = dot(o, o) - s.radius_mm * s.radius_mm, disc = B * B - C;
        if (disc <= 0) continue;
        low = -B - std::sqrt(disc), high = -B + std::sqrt(disc);
      } else {
        const double A = d.x * d.x + d.y * d.y, B = o.x * d.x + o.y * d.y,
                     C = o.x * o.x + o.y * o.y - s.radius_mm * s.radius_mm;
        const double disc = B * B - A * C;
        if (disc <= 0) continue;
        low = (-B - std::sqrt(disc)) / A, high = (-B + std::sqrt(disc)) / A;
        const double z0 = (-0.5 * s.length_mm - o.z) / d.z, z1 = (0.5 * s.length_mm - o.z) / d.z;
        low = std::max(low, std::min(z0, z1)), high = std::min(high, std::max(z0, z1));
        if (high <= low) continue;
      }
      sum += w * (phantom::normal_cdf(high / job.psf_sigma_mm.z) - phantom::normal_cdf(low / job.psf_sigma_mm.z));
    }
  return sum;
}

TEST(Render, ObliqueShapesUnderAnAnisotropicPsfToTheFourthDigit) {
  RenderJob job = job_of({9, 9, 9}, {1, 1, 1}, {0.5, 0.5, 1.4});
  job.pose.rotation = rotation_from_degrees(8, -12, 0);
  const Shape cylinder{.kind = ShapeKind::cylinder, .radius_mm = 6, .length_mm = 9},
      ball{.kind = ShapeKind::sphere, .radius_mm = 5};
  for (const Shape& s : {cylinder, ball}) {
    const auto model = test::one_shape(s, 1, 0);
    for (const Vec3 p : {Vec3{5.6, 0.4, 0.2}, {0.3, -5.9, 1.5}, {3.2, 3.1, -2.4}, {1, 1, 4.2}, {0, 0, 0}})
      EXPECT_NEAR(rendered_value(model, job, p), brute_force(s, job, p), 1e-4);
  }
}

TEST(Render, PixelApertureIsTheMeanOverThePixel) {
  RenderJob job = job_of({9, 9, 1}, {1.0, 1.5, 1}, {0.4, 0.4, 0.4});
  job.pixel_aperture = true;
  const auto edge = test::one_shape({.kind = ShapeKind::half_space, .axis = {1, 0, 0}}, 100, 0);
  for (const double x : {-0.8, -0.2, 0.0, 0.35}) {
    double mean = 0;
    for (int k = 0; k < 1000; ++k) mean += phantom::blurred_step(x + (k + 0.5) / 1000 - 0.5, 0.4) / 10;
    EXPECT_NEAR(rendered_value(edge, job, {x, 0.2, 0}), mean, 2e-3);
  }
}

TEST(Render, NoiseHasItsSpectrum) {
  const Grid grid = test::centred_grid({128, 96, 24}, {0.6, 0.8, 2});
  NoiseJob noise{.kind = NoiseKind::gaussian, .sd = 30, .tau_mm = 0.9, .seed = 5};
  const auto variance = [&](const std::vector<float>& f) {
    double s = 0;
    for (const float v : f) s += double(v) * v;
    return s / double(f.size());
  };
  // Variance of filtered noise: s^2 dx dy / (4 pi tau^2). Relative SD of the estimate about sqrt(2 / n_eff), n_eff = N
  // dx dy / (8 pi tau^2).
  const double n = double(grid.size.count()), cell = 0.48;
  const double expected = 900 * cell / (4 * M_PI * 0.81);
  EXPECT_NEAR(variance(noise_field(grid, noise, 0)) / expected, 1, 4 * std::sqrt(2 * 8 * M_PI * 0.81 / (n * cell)));
  noise.tau_z_mm = 1.5;
  const double third = 2 / (2 * std::sqrt(M_PI) * 1.5);
  EXPECT_NEAR(variance(noise_field(grid, noise, 0)) / (expected * third), 1, 0.1);
  noise.kind = NoiseKind::ramp;
  EXPECT_NEAR(variance(noise_field(grid, noise, 0)), 900, 900 * 0.02);
  noise.kind = NoiseKind::white;
  EXPECT_NEAR(variance(noise_field(grid, noise, 0)), 900, 5 * 900 * std::sqrt(2 / n));
}

TEST(Render, RepeatsAreIndependentAndSeedsRepeat) {
  RenderJob job = job_of({64, 64, 4}, {1, 1, 1}, {0.5, 0.5, 0.5});
  job.noise = {.kind = NoiseKind::white, .sd = 10, .seed = 3};
  const auto model = test::one_shape({.kind = ShapeKind::sphere, .radius_mm = 5}, 100, 0);
  const Volume a = render(model, job), b = render(model, job);
  EXPECT_EQ(a.values, b.values);
  job.noise.repeat = 1;
  const Volume c = render(model, job);
  double correlation = 0;
  job.noise.kind = NoiseKind::none;
  const Volume clean = render(model, job);
  for (std::size_t k = 0; k < a.values.size(); ++k)
    correlation += double(a.values[k] - clean.values[k]) * (c.values[k] - clean.values[k]);
  EXPECT_NEAR(correlation / double(a.values.size()) / 100, 0, 5 / std::sqrt(double(a.values.size())));
}

TEST(Render, SameBytesAtAnyThreadCount) {
  RenderJob job = job_of({50, 60, 9}, {0.7, 0.7, 2}, {0.5, 0.5, 0.9});
  job.noise = {.kind = NoiseKind::gaussian, .sd = 10, .tau_mm = 1, .seed = 3};
  const auto model = test::shipped("insert_discs");
  const int before = omp_get_max_threads();
  omp_set_num_threads(1);
  const Volume one = render(model, job);
  for (const int threads : {2, 4}) {
    omp_set_num_threads(threads);
    EXPECT_EQ(render(model, job).values, one.values);
  }
  omp_set_num_threads(before);
}

TEST(Render, RicianBackgroundIsRayleigh) {
  RenderJob job = job_of({128, 128, 2}, {1, 1, 1}, {0.5, 0.5, 0.5});
  job.quantity = "mr_signal";
  const auto model = test::one_shape({.kind = ShapeKind::sphere, .radius_mm = 1}, 0, 0);
  // SD of the background: sqrt(2 - pi/2) = 0.65514 for one channel, 0.7014 for eight.
  for (const auto& [channels, mean_factor, sd_factor] :
       {std::tuple{1, 1.25331, 0.65514}, std::tuple{8, 3.9381, 0.7014}}) {
    job.noise = {.kind = NoiseKind::white, .sd = 10, .channels = channels, .seed = 9};
    const Volume v = render(model, job);
    double mean = 0, square = 0;
    for (const float x : v.values) mean += x / double(v.values.size());
    for (const float x : v.values) square += (x - mean) * (x - mean) / double(v.values.size());
    EXPECT_NEAR(mean / 10, mean_factor, 0.02);
    EXPECT_NEAR(std::sqrt(square) / 10, sd_factor, 0.01);
  }
}

}  // namespace
}  // namespace iqgate::compute
