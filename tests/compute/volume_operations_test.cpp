// Local maps, statistics and filters against brute force in double, over odd sizes; NaN stays local.
#include "brute_force.hpp"
#include "iqgate/base/error.hpp"

namespace iqgate::compute {
namespace {

// Half noise, half constant, one voxel 1e10 times the noise: windows that do not hold it must not know of it. Truth is
// the direct two-pass SD of each window, in long double.
TEST(LocalMaps, WhatAWindowHasPassedLeavesNothing) {
  const auto cpu = cpu_backend();
  const Size3 size{37, 41, 35};
  for (const bool ball : {false, true})
    for (const bool integers : {false, true})
      for (const float outlier : {0.0f, 1e10f, -3e4f}) {
        Volume v = noise(size, 40, 12);
        for (std::size_t k = 0; k < v.values.size(); ++k) {
          if (k % size.x >= 20) v.values[k] = 41.3f;
          if (integers) v.values[k] = std::round(v.values[k]);
        }
        const std::size_t at = (4 * size.y + 5) * size.x + 6;
        if (outlier != 0) v.values[at] = outlier;
        LocalMapJob job{.half = {2, 2, 2}, .snr = true};
        if (ball) job.shape = WindowShape::ball, job.radius_mm = 2.3;
        LocalMaps maps;
        cpu->local_maps(*cpu->upload(v.view()), job, true, maps);
        std::size_t flat = 0;
        each(size, [&](long x, long y, long z, std::size_t k) {
          long double n = 0, sum = 0, square = 0;
          bool holds = false;
          const auto window = [&](auto&& use) {
            for (long dz = -3; dz <= 3; ++dz)
              for (long dy = -3; dy <= 3; ++dy)
                for (long dx = -3; dx <= 3; ++dx) {
                  const Vec3 d{double(dx) * v.grid.spacing_mm.x, double(dy) * v.grid.spacing_mm.y,
                               double(dz) * v.grid.spacing_mm.z};
                  if (ball ? dot(d, d) > 2.3 * 2.3 : std::max({dx * dx, dy * dy, dz * dz}) > 4) continue;
                  use((reflected(z + dz, size.z) * size.y + reflected(y + dy, size.y)) * size.x +
                      reflected(x + dx, size.x));
                }
          };
          window([&](std::size_t o) { n += 1, sum += v.values[o], holds = holds || (outlier != 0 && o == at); });
          const long double mean = sum / n;
          window([&](std::size_t o) { square += (v.values[o] - mean) * (v.values[o] - mean); });
          const double sd = double(std::sqrt(square / n));
          ASSERT_NEAR(maps.sd[k], sd, 2e-5 * sd) << ball << integers << outlier << " " << x << " " << y << " " << z;
          if (sd == 0) {
            ASSERT_TRUE(std::isnan(maps.snr[k]));
            ++flat;
          }
          if (!holds) ASSERT_NEAR(maps.mean[k], double(mean), 1e-5 * std::abs(double(mean)));
        });
        EXPECT_GT(flat, 1000u);
      }
}

TEST(LocalMaps, BoxesAndBallsByBruteForce) {
  const auto cpu = cpu_backend();
  for (const Size3 size : sizes)
    for (const bool ball : {false, true}) {
      const Volume v = noise(size, 40, 12);
      LocalMapJob job{.half = {2, 1, 3}, .sample_sd = ball, .snr = true, .cv = true};
      if (ball) job.shape = WindowShape::ball, job.radius_mm = 2.3;
      LocalMaps maps;
      cpu->local_maps(*cpu->upload(v.view()), job, true, maps);
      each(size, [&](long x, long y, long z, std::size_t k) {
        double n = 0, sum = 0, square = 0;
        for (long dz = -3; dz <= 3; ++dz)
          for (long dy = -3; dy <= 3; ++dy)
            for (long dx = -3; dx <= 3; ++dx) {
              const bool in = ball ? std::pow(0.7 * dx, 2) + std::pow(0.9 * dy, 2) + std::pow(1.5 * dz, 2) <= 2.3 * 2.3
                                   : std::abs(dx) <= 2 && std::abs(dy) <= 1;
              if (!in) continue;
              const double value = at(v, x + dx, y + dy, z + dz) - 40;
              n += 1, sum += value, square += value * value;
            }
        const double variance = std::max(0.0, square - sum * sum / n) / (ball ? n - 1 : n);
        ASSERT_NEAR(maps.mean[k], 40 + sum / n, 1e-5) << ball << size.x << " " << k;
        ASSERT_NEAR(maps.sd[k], std::sqrt(variance), 1e-5 * std::max(1.0, std::sqrt(variance))) << ball << size.x;
        if (variance > 1e-6) {
          ASSERT_NEAR(maps.snr[k] * maps.sd[k] / maps.mean[k], 1, 1e-5);
          ASSERT_NEAR(maps.cv[k] * maps.mean[k] / maps.sd[k], 1, 1e-5);
        }
      });
    }
}

TEST(LocalMaps, TheSdIsRightWhereTheMeanDwarfsIt) {
  // SD to 1e-5 at mean 30000, SD 5, for windows of 7, 15 and 31, against two-pass sums at some places; and at mean 1e6,
  // SD 1, where floats are 1/16 apart.
  for (const auto& [mean, sd] : {std::pair{30000.0, 5.0}, {1e6, 1.0}}) {
    const Volume v = noise({60, 50, 140}, mean, sd);
    const auto cpu = cpu_backend();
    for (const long h : {3L, 7L, 15L}) {
      LocalMaps maps;
      const std::size_t half = std::size_t(h);
      cpu->local_maps(*cpu->upload(v.view()), {.half = {half, half, half}}, true, maps);
      std::mt19937 engine(5);
      for (int i = 0; i < 40; ++i) {
        const long x = long(engine() % 60), y = long(engine() % 50), z = i < 4 ? 139 - i : long(engine() % 140);
        double n = 0, sum = 0, square = 0;
        for (int pass = 0; pass < 2; ++pass)
          for (long dz = -h; dz <= h; ++dz)
            for (long dy = -h; dy <= h; ++dy)
              for (long dx = -h; dx <= h; ++dx) {
                const double value = at(v, x + dx, y + dy, z + dz);
                if (pass == 0) n += 1, sum += value;
                else square += (value - sum / n) * (value - sum / n);
              }
        ASSERT_NEAR(maps.sd[std::size_t((z * 50 + y) * 60 + x)] / std::sqrt(square / n), 1, 1e-5) << mean << " " << h;
      }
    }
  }
}

TEST(LocalMaps, SummariesEqualThoseOfTheMaps) {
  const auto cpu = cpu_backend();
  Volume v = noise({50, 40, 12}, 100, 10);
  v.values[(5 * 40 + 20) * 50 + 25] = NAN;
  LocalMaps written, summed;
  const LocalMapJob job{.half = {1, 1, 1}};
  cpu->local_maps(*cpu->upload(v.view()), job, true, written);
  cpu->local_maps(*cpu->upload(v.view()), job, false, summed);
  EXPECT_EQ(written.not_finite, 1u);
  EXPECT_EQ(summed.not_finite, 1u);
  EXPECT_TRUE(summed.mean.empty());
  double n = 0, sum = 0, low = INFINITY, high = -INFINITY;
  for (const float s : written.sd)
    if (std::isfinite(s)) n += 1, sum += s, low = std::min<double>(low, s), high = std::max<double>(high, s);
  EXPECT_EQ(double(summed.sd_summary->n), n);
  EXPECT_EQ(n, 50.0 * 40 * 12 - 27);
  EXPECT_NEAR(summed.sd_summary->mean, sum / n, 1e-9 * sum / n);
  EXPECT_EQ(summed.sd_summary->minimum, low);
  EXPECT_EQ(summed.sd_summary->maximum, high);
}

TEST(NotFinite, StaysInItsWindows) {
  // One NaN and one infinity: windows that hold one are NaN, all others equal those of a volume with 0 in their place.
  const auto cpu = cpu_backend();
  Volume v = noise({40, 36, 20}, 100, 10), clean = v;
  for (const auto& [x, y, z, value] : {std::tuple{1, 2, 0, NAN}, {30, 20, 11, INFINITY}}) {
    v.values[std::size_t((z * 36 + y) * 40 + x)] = value;
    clean.values[std::size_t((z * 36 + y) * 40 + x)] = 0;
  }
  const auto a = cpu->upload(v.view()), b = cpu->upload(clean.view());
  const auto holds = [&](long x, long y, long z, long h) {
    for (long dz = -h; dz <= h; ++dz)
      for (long dy = -h; dy <= h; ++dy)
        for (long dx = -h; dx <= h; ++dx)
          if (!std::isfinite(at(v, x + dx, y + dy, z + dz))) return true;
    return false;
  };
  const auto compare = [&](const Voxels& got, const Voxels& expected, long h) {
    each({40, 36, 20}, [&](long x, long y, long z, std::size_t k) {
      if (holds(x, y, z, h)) ASSERT_TRUE(std::isnan(got[k])) << x << " " << y << " " << z;
      else ASSERT_EQ(got[k], expected[k]) << x << " " << y << " " << z;
    });
  };
  LocalMaps ma, mb;
  cpu->local_maps(*a, {.half = {2, 2, 2}}, true, ma);
  cpu->local_maps(*b, {.half = {2, 2, 2}}, true, mb);
  compare(ma.mean, mb.mean, 2);
  compare(ma.sd, mb.sd, 2);
  Voxels ga, gb;
  cpu->gaussian(*a, {0.7, 0.7, 0.7, 4}, ga);
  cpu->gaussian(*b, {0.7, 0.7, 0.7, 4}, gb);
  compare(ga, gb, 3);
  cpu->median(*a, ga);
  cpu->median(*b, gb);
  compare(ga, gb, 1);
  const VolumeStatistics s = cpu->volume_statistics(*a, {50});
  EXPECT_EQ(s.not_finite, 2u);
  EXPECT_EQ(s.n, v.values.size() - 2);
  EXPECT_TRUE(std::isfinite(s.mean) && std::isfinite(s.sd) && std::isfinite(s.percentiles[0]));
  const Similarity q = cpu->similarity(*a, *b, {.data_range = 100});
  EXPECT_EQ(q.not_finite, 2u);
  EXPECT_EQ(q.rmse, 0);
  EXPECT_NEAR(q.ssim, 1, 1e-12);
  EXPECT_LT(q.windows, 34u * 30 * 14);
}

TEST(NotFinite, MarksABallAndNotItsBox) {
  const auto cpu = cpu_backend();
  Volume v = noise({15, 15, 9}, 100, 10);
  v.values[(4 * 15 + 7) * 15 + 7] = NAN;
  LocalMaps maps;
  cpu->local_maps(*cpu->upload(v.view()), {.shape = WindowShape::ball, .radius_mm = 2.3}, true, maps);
  each({15, 15, 9}, [&](long x, long y, long z, std::size_t k) {
    const bool in = std::hypot(0.7 * double(x - 7), 0.9 * double(y - 7), 1.5 * double(z - 4)) <= 2.3;
    ASSERT_EQ(std::isnan(maps.mean[k]), in) << x << " " << y << " " << z;
  });
}

TEST(NotFinite, ADiscSearchRefusesIt) {
  Volume v = noise({60, 60, 1}, 100, 10, 1, {1, 1, 1});
  const auto cpu = cpu_backend();
  const DiscSearchJob job{.center_x = 29.5, .center_y = 29.5, .large_radius_mm = 20, .disc_radius_mm = 4};
  EXPECT_GT(cpu->disc_search(*cpu->upload(v.view()), job).positions, 0u);
  v.values[0] = NAN;
  EXPECT_THROW(cpu->disc_search(*cpu->upload(v.view()), job), InputError);
}

TEST(VolumeStatistics, ExactPercentilesMeanAndSd) {
  const auto cpu = cpu_backend();
  for (const Size3 size : sizes) {
    const Volume v = noise(size, -3, 20);
    std::vector<double> asked{0, 1, 12.5, 50, 95, 100}, sorted(v.values.begin(), v.values.end());
    std::sort(sorted.begin(), sorted.end());
    const VolumeStatistics s = cpu->volume_statistics(*cpu->upload(v.view()), asked);
    double mean = 0, square = 0;
    for (const double x : sorted) mean += x / double(sorted.size());
    for (const double x : sorted) square += (x - mean) * (x - mean) / double(sorted.size());
    EXPECT_NEAR(s.mean, mean, 1e-12 * 30);
    EXPECT_NEAR(s.sd, std::sqrt(square), 1e-10 * 20);
    EXPECT_EQ(s.minimum, sorted.front());
    EXPECT_EQ(s.maximum, sorted.back());
    for (std::size_t k = 0; k < asked.size(); ++k) {
      const double rank = asked[k] / 100 * double(sorted.size() - 1);
      const std::size_t low = std::size_t(rank), high = std::min(low + 1, sorted.size() - 1);
      EXPECT_DOUBLE_EQ(s.percentiles[k], sorted[low] + (rank - double(low)) * (sorted[high] - sorted[low]));
    }
  }
  const Volume v = noise({20, 10, 3}, 0, 10);
  const Histogram h = cpu->volume_histogram(*cpu->upload(v.view()), -5, 0.5, 20);
  std::int64_t total = h.below + h.above;
  for (const std::int64_t c : h.counts) total += c;
  EXPECT_EQ(total, 600);
  EXPECT_EQ(h.below, std::count_if(v.values.begin(), v.values.end(), [](float x) { return x < -5; }));
}

TEST(Filters, GaussianByBruteForce) {
  const auto cpu = cpu_backend();
  for (const Size3 size : sizes) {
    const Volume v = noise(size, 1000, 30);
    const GaussianJob job{1.2, 0.8, 1.0, 3};
    Voxels out;
    cpu->gaussian(*cpu->upload(v.view()), job, out);
    const auto weights = [&](double sigma) {
      std::vector<double> w;
      double sum = 0;
      for (long k = -long(3 * sigma + 0.5); k <= long(3 * sigma + 0.5); ++k)
        w.push_back(std::exp(-0.5 * double(k * k) / sigma / sigma)), sum += w.back();
      for (double& x : w) x /= sum;
      return w;
    };
    const auto wx = weights(1.2), wy = weights(0.8), wz = weights(1.0);
    each(size, [&](long x, long y, long z, std::size_t k) {
      double sum = 0;
      for (std::size_t c = 0; c < wz.size(); ++c)
        for (std::size_t b = 0; b < wy.size(); ++b)
          for (std::size_t a = 0; a < wx.size(); ++a)
            sum += wx[a] * wy[b] * wz[c] *
                   at(v, x + long(a) - long(wx.size() / 2), y + long(b) - long(wy.size() / 2),
                      z + long(c) - long(wz.size() / 2));
      ASSERT_NEAR(out[k], sum, 1e-6 * 1000) << size.x;
    });
  }
}

TEST(Filters, MedianByBruteForce) {
  const auto cpu = cpu_backend();
  for (const Size3 size : sizes) {
    Volume v = noise(size, 0, 30);
    for (float& x : v.values) x = std::round(x / 10);  // many equal values
    Voxels out;
    cpu->median(*cpu->upload(v.view()), out);
    each(size, [&](long x, long y, long z, std::size_t k) {
      std::vector<double> window;
      for (long c = -1; c <= 1; ++c)
        for (long b = -1; b <= 1; ++b)
          for (long a = -1; a <= 1; ++a) window.push_back(at(v, x + a, y + b, z + c));
      std::nth_element(window.begin(), window.begin() + 13, window.end());
      ASSERT_EQ(out[k], window[13]) << size.x << " " << k;
    });
  }
}

}  // namespace
}  // namespace iqgate::compute
