#include <omp.h>

#include <numeric>
#include <random>

#include "iqgate/compute/backend.hpp"
#include "iqgate/compute/fft.hpp"
#include "support/support.hpp"

namespace iqgate::compute {
namespace {

Volume random_volume(Size3 size, Vec3 spacing, unsigned seed, double offset = 0) {
  Volume v{test::centred_grid(size, spacing), Voxels(size.count())};
  std::mt19937 engine(seed);
  std::normal_distribution<double> normal(offset, 10);
  for (float& x : v.values) x = static_cast<float>(normal(engine));
  return v;
}

Mask all_of(const Volume& v) {
  Mask mask;
  mask.offsets.resize(v.values.size());
  std::iota(mask.offsets.begin(), mask.offsets.end(), 0);
  return mask;
}

TEST(RegionMoments, AgreeWithLongDoubleSums) {
  // The mean dwarfs the SD: 1e5 against 10. Floats of 1e5 are exact to 1/128, which both sides see.
  const Volume v = random_volume({31, 17, 5}, {1, 1, 1}, 1, 1e5);
  const auto backend = cpu_backend();
  const Moments m = backend->region_moments(*backend->upload(v.view()), all_of(v));
  long double mean = 0, square = 0;
  for (const float x : v.values) mean += x;
  mean /= v.values.size();
  for (const float x : v.values) square += (x - mean) * (x - mean);
  EXPECT_NEAR(m.mean, double(mean), 1e-9);
  EXPECT_NEAR(m.variance, double(square / (v.values.size() - 1)), 1e-7);
  EXPECT_EQ(m.n, v.values.size());
}

TEST(RegionMoments, WeightsFollowTheDefinition) {
  const Volume v = random_volume({6, 5, 2}, {1, 1, 1}, 2);
  Mask mask = all_of(v);
  std::mt19937 engine(3);
  for (std::size_t k = 0; k < mask.offsets.size(); ++k) mask.weights.push_back(float(engine() % 100 + 1) / 100);
  const auto backend = cpu_backend();
  const Moments m = backend->region_moments(*backend->upload(v.view()), mask);
  double w = 0, w2 = 0, wx = 0, q = 0;
  for (std::size_t k = 0; k < v.values.size(); ++k)
    w += mask.weights[k], w2 += double(mask.weights[k]) * mask.weights[k], wx += double(mask.weights[k]) * v.values[k];
  for (std::size_t k = 0; k < v.values.size(); ++k) q += mask.weights[k] * std::pow(v.values[k] - wx / w, 2);
  EXPECT_NEAR(m.mean, wx / w, 1e-12);
  EXPECT_NEAR(m.variance, q / (w - w2 / w), 1e-9);
}

TEST(Histogram, CountsEveryVoxelOnce) {
  const Volume v = random_volume({20, 20, 3}, {1, 1, 1}, 4);
  const auto backend = cpu_backend();
  const Histogram h = backend->histogram(*backend->upload(v.view()), all_of(v), -20, 0.5, 80);
  std::vector<std::int64_t> counts(80, 0);
  std::int64_t below = 0, above = 0;
  for (const float x : v.values) {
    if (x < -20) ++below;
    else if (x >= 20) ++above;
    else ++counts[std::size_t((x + 20) / 0.5)];
  }
  EXPECT_EQ(h.counts, counts);
  EXPECT_EQ(h.below, below);
  EXPECT_EQ(h.above, above);
}

TEST(LocalStatistics, AgreeWithEachWindow) {
  Volume v = random_volume({40, 300, 2}, {1, 1, 1}, 5, 50);
  v.values[40 * 120 + 20] = 500;  // outside the band: every window that holds it is not valid
  const auto backend = cpu_backend();
  const LocalStatistics s = backend->local_statistics(
      *backend->upload(v.view()), {.first_slice = 0, .slices = 2, .half_x = 2, .half_y = 3, .low = -100, .high = 200});
  for (std::size_t z = 0; z < 2; ++z)
    for (std::size_t y = 0; y < 300; ++y)
      for (std::size_t x = 0; x < 40; ++x) {
        const std::size_t at = (z * 300 + y) * 40 + x;
        const bool fits = x >= 2 && x + 2 < 40 && y >= 3 && y + 3 < 300;
        const bool near_outlier = z == 0 && std::abs(long(x) - 20) <= 2 && std::abs(long(y) - 120) <= 3;
        ASSERT_EQ(bool(s.valid[at]), fits && !near_outlier) << x << " " << y;
        if (!s.valid[at]) continue;
        double mean = 0, square = 0;
        for (long b = -3; b <= 3; ++b)
          for (long a = -2; a <= 2; ++a) mean += v.view()(std::size_t(long(x) + a), std::size_t(long(y) + b), z) / 35.0;
        for (long b = -3; b <= 3; ++b)
          for (long a = -2; a <= 2; ++a)
            square += std::pow(v.view()(std::size_t(long(x) + a), std::size_t(long(y) + b), z) - mean, 2);
        ASSERT_NEAR(s.sd[at], std::sqrt(square / 34), 2e-5);
        ASSERT_NEAR(s.mean[at], mean, 2e-5);
      }
}

TEST(DiscSearch, CoverageIsExact) {
  // The shares of all pixels add up to the area of the disc, for any centre and pixel shape.
  for (const double sx : {0.5, 0.9})
    for (const double sy : {0.5, 1.3})
      for (const double cx : {0.0, 0.13})
        for (const double cy : {0.0, 0.31}) {
          double area = 0;
          for (int y = -20; y <= 20; ++y)
            for (int x = -20; x <= 20; ++x) area += disc_coverage(x * sx - cx, y * sy - cy, sx, sy, 5.642) * sx * sy;
          EXPECT_NEAR(area, M_PI * 5.642 * 5.642, 1e-10);
        }
}

TEST(DiscSearch, FindsTheExtremesOfADome) {
  // S = S0 (1 - a r^2 / R^2): a disc at distance d has the mean S0 (1 - a (d^2 + rho^2/2) / R^2).
  const double s0 = 1000, a = 0.2, large = 80, rho = 5.642;
  Volume v{test::centred_grid({201, 201, 1}, {1, 1, 5}), {}};
  for (int y = -100; y <= 100; ++y)
    for (int x = -100; x <= 100; ++x) v.values.push_back(float(s0 * (1 - a * (x * x + y * y) / (large * large))));
  const auto backend = cpu_backend();
  const DiscSearch d = backend->disc_search(
      *backend->upload(v.view()),
      {.slice = 0, .center_x = 100, .center_y = 100, .large_radius_mm = large, .disc_radius_mm = rho});
  // Pixel-wise constant values add the second moment of a pixel, 1/12 mm2 an axis, to the mean of r^2.
  EXPECT_NEAR(d.maximum, s0 * (1 - a * (rho * rho / 2 + 1.0 / 6) / (large * large)), 0.02);
  EXPECT_NEAR(d.minimum, s0 * (1 - a * ((large - rho) * (large - rho) + rho * rho / 2) / (large * large)), 0.2);
  EXPECT_EQ(d.max_x, 100u);
  EXPECT_EQ(d.max_y, 100u);
}

TEST(PowerSpectrum, ParsevalAndKnownLines) {
  const Size3 box{16, 20, 1};
  Volume v{test::centred_grid({16, 20, 1}, {1, 1, 1}), {}};
  // A cosine of amplitude a at bin (3, 0): |DFT|^2 = (a N / 2)^2 at +-3.
  for (int y = 0; y < 20; ++y)
    for (int x = 0; x < 16; ++x) v.values.push_back(float(7 + 2 * std::cos(2 * M_PI * 3 * x / 16)));
  const auto backend = cpu_backend();
  const PowerSpectrum p = backend->power_spectrum(
      *backend->upload(v.view()),
      {.box = box, .corners = {{0, 0, 0}}, .block = {0}, .blocks = 1, .detrend = Detrend::constant});
  const double line = std::pow(2 * 320 / 2.0, 2);
  EXPECT_NEAR(p.spectra[0][3], line, 1e-3 * line);
  EXPECT_NEAR(p.spectra[0][13], line, 1e-3 * line);
  EXPECT_NEAR(p.spectra[0][0], 0, 1e-6);
  EXPECT_NEAR(p.box_mean[0], 7, 1e-6);
  double total = 0;
  for (const double s : p.spectra[0]) total += s;
  EXPECT_NEAR(total / 320 / 320, p.box_variance[0], 1e-10);
}

TEST(PowerSpectrum, SecondOrderDetrendTakesASurfaceAway) {
  Volume v{test::centred_grid({24, 24, 8}, {1, 1, 1}), {}};
  for (int z = 0; z < 8; ++z)
    for (int y = 0; y < 24; ++y)
      for (int x = 0; x < 24; ++x)
        v.values.push_back(
            float(100 + x - 2 * y + 0.1 * x * x + 0.05 * x * y - 0.03 * y * y + z + 0.2 * z * z - 0.1 * z * x));
  const auto backend = cpu_backend();
  for (const std::size_t depth : {std::size_t{1}, std::size_t{8}}) {
    const PowerSpectrum p = backend->power_spectrum(
        *backend->upload(v.view()),
        {.box = {24, 24, depth}, .corners = {{0, 0, 0}}, .block = {0}, .blocks = 1, .detrend = Detrend::poly2});
    EXPECT_LT(p.box_variance[0], 1e-9);  // float rounding of values near 200 is 1e-5
  }
}

TEST(Determinism, SameBytesAtAnyThreadCount) {
  const Volume v = random_volume({64, 64, 12}, {0.8, 0.9, 2}, 6, 40);
  const auto backend = cpu_backend();
  const auto uploaded = backend->upload(v.view());
  EdgeProfileJob edge{.shape = EdgeShape::cylinder,
                      .origin = {25, 27, 11},
                      .axis = {0, 0, 1},
                      .along = {1, 0, 0},
                      .first_mm = 1,
                      .bin_mm = 0.1,
                      .bins = 150,
                      .half_third_mm = 100,
                      .sectors = 12,
                      .high = {64, 64, 12}};
  PowerSpectrumJob power{.box = {32, 32, 1}, .blocks = 4};
  for (std::size_t z = 0; z < 12; ++z)
    for (std::size_t x = 0; x <= 32; x += 16) power.corners.push_back({x, x / 2, z}), power.block.push_back(int(z % 4));
  const auto run = [&](int threads) {
    omp_set_num_threads(threads);
    const EdgeProfile e = backend->edge_profile(*uploaded, edge);
    const PowerSpectrum p = backend->power_spectrum(*uploaded, power);
    const Moments m = backend->region_moments(*uploaded, all_of(v));
    const LocalStatistics l =
        backend->local_statistics(*uploaded, {.slices = 12, .half_x = 3, .half_y = 3, .low = -100, .high = 200});
    return std::tuple(e.sums, e.counts, p.spectra, m.mean, m.variance, l.sd);
  };
  const int before = omp_get_max_threads();
  const auto one = run(1);
  for (const int threads : {2, 3, 4, 8}) EXPECT_EQ(run(threads), one) << threads;
  omp_set_num_threads(before);
}

TEST(EdgeProfile, BinsAndSectorsByBruteForce) {
  const Volume v = random_volume({40, 36, 9}, {0.7, 0.9, 2}, 8, 100);
  const auto backend = cpu_backend();
  const auto uploaded = backend->upload(v.view());
  const Vec3 axis = normalised(Vec3{0.02, -0.03, 1});
  for (const EdgeShape shape : {EdgeShape::plane, EdgeShape::cylinder, EdgeShape::sphere}) {
    EdgeProfileJob job{.shape = shape,
                       .origin = {14.1, 16.3, 8.2},
                       .axis = axis,
                       .along = any_perpendicular(axis),
                       .first_mm = -3,
                       .bin_mm = 0.37,
                       .bins = 40,
                       .half_along_mm = 9,
                       .half_third_mm = 7,
                       .sectors = 5,
                       .low = {2, 1, 1},
                       .high = {38, 36, 8}};
    if (shape == EdgeShape::sphere) job.cos2_low = 0.2, job.cos2_high = 0.9;
    const EdgeProfile p = backend->edge_profile(*uploaded, job);
    std::vector<double> sums(p.sums.size(), 0);
    VoxelArray<std::int64_t> counts(p.counts.size(), 0);
    const Vec3 across = cross(axis, job.along);
    for (std::size_t z = 1; z < 8; ++z)
      for (std::size_t y = 1; y < 36; ++y)
        for (std::size_t x = 2; x < 38; ++x) {
          const Vec3 d = Vec3{x * 0.7, y * 0.9, z * 2.0} - job.origin;
          const double h = dot(d, axis), u = dot(d, job.along), w = dot(d, across);
          double distance = h, turn = 0;
          if (shape == EdgeShape::plane) {
            if (std::abs(u) > 9 || std::abs(w) > 7) continue;
            turn = (u + 9) / 18;
          } else {
            // Sectors are equal in diamond angle: compare through the same corner points.
            turn = diamond_angle(u, w) / 4;
            if (shape == EdgeShape::cylinder) {
              if (std::abs(h) > 7) continue;
              distance = std::hypot(u, w);
            } else {
              distance = norm(d);
              const double c2 = h * h / (distance * distance);
              if (c2 < 0.2 || c2 >= 0.9) continue;
            }
          }
          const int bin = int(std::floor((distance + 3) / 0.37));
          if (bin < 0 || bin >= 40) continue;
          const std::size_t at =
              ((z - 1) * 5 + std::min<std::size_t>(4, std::size_t(turn * 5))) * 40 + std::size_t(bin);
          sums[at] += v.view()(x, y, z);
          ++counts[at];
        }
    EXPECT_EQ(p.counts, counts) << int(shape);
    for (std::size_t k = 0; k < sums.size(); ++k) ASSERT_NEAR(double(p.sums[k]) / p.scale, sums[k], 1e-6);
  }
}

TEST(EdgeProfile, DiamondAngleGrowsWithTheAngle) {
  double last = -1;
  for (int k = 0; k < 3600; ++k) {
    const double t = diamond_angle(std::cos(2 * M_PI * k / 3600), std::sin(2 * M_PI * k / 3600));
    EXPECT_GT(t, last);
    last = t;
  }
  EXPECT_LT(last, 4);
}

TEST(Backends, CpuIsAlwaysThereAndAnAbsentDeviceHasAReason) {
  setenv("IQGATE_CUDA_LIBRARY", "/nonexistent/libiqgate_cuda.so", 1);
  EXPECT_EQ(open_backend(BackendChoice::automatic)->info().name, "cpu");
  EXPECT_NE(open_backend(BackendChoice::automatic)->info().reason.find("cuda not used"), std::string::npos);
  EXPECT_THROW(open_backend(BackendChoice::cuda), ResourceError);
  EXPECT_EQ(open_backend(BackendChoice::cpu)->info().name, "cpu");
  EXPECT_THROW(backend_choice("gpu"), UsageError);
  unsetenv("IQGATE_CUDA_LIBRARY");
}

}  // namespace
}  // namespace iqgate::compute
