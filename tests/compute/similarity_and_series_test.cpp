// Similarity, components, time series, resampling and bootstrap against brute force in double.
#include <deque>

#include "brute_force.hpp"

namespace iqgate::compute {
namespace {

// A voxel of 1e9 in both, far beyond the data range: its windows are left out, the others are those of the pair where
// it is a NaN.
TEST(SimilarityOfVolumes, AnOutlierStaysInItsWindows) {
  const auto cpu = cpu_backend();
  const Size3 size{40, 36, 30};
  Volume a = noise(size, 50, 20, 3), b = noise(size, 50, 20, 4);
  const auto total = [&] {
    const Similarity s = cpu->similarity(*cpu->upload(a.view()), *cpu->upload(b.view()), {.data_range = 200});
    return s.ssim * double(s.windows);
  };
  // Removed: the windows that hold it, by a NaN there.
  const std::size_t at = (9 * size.y + 10) * size.x + 11;
  a.values[at] = b.values[at] = NAN;
  const double others = total();
  a.values[at] = b.values[at] = 1e9f;
  EXPECT_EQ(total(), others);
  // Within reach it counts: equal values there make its windows alike, 1 each but for the noise beside it (400 of
  // 1e10).
  a.values[at] = b.values[at] = 1e5f;
  EXPECT_NEAR(total() - others, 343, 343 * 2e-3);
}

TEST(SimilarityOfVolumes, BothWindowsByBruteForce) {
  const auto cpu = cpu_backend();
  const Size3 size{21, 17, 13};
  const Volume a = noise(size, 50, 20, 3);
  Volume b = noise(size, 0, 8, 4);
  for (std::size_t k = 0; k < b.values.size(); ++k) b.values[k] += a.values[k];
  for (const bool gaussian : {false, true}) {
    const long h = gaussian ? 5 : 3;
    std::vector<double> w;
    double total = 0;
    for (long k = -h; k <= h; ++k) w.push_back(gaussian ? std::exp(-0.5 * double(k * k) / 2.25) : 1), total += w.back();
    for (double& x : w) x /= total;
    double sum = 0, windows = 0;
    for (long z = h; z + h < long(size.z); ++z)
      for (long y = h; y + h < long(size.y); ++y)
        for (long x = h; x + h < long(size.x); ++x) {
          double ma = 0, mb = 0, aa = 0, bb = 0, ab = 0;
          for (int pass = 0; pass < 2; ++pass)
            for (long dz = -h; dz <= h; ++dz)
              for (long dy = -h; dy <= h; ++dy)
                for (long dx = -h; dx <= h; ++dx) {
                  const double q = w[std::size_t(dx + h)] * w[std::size_t(dy + h)] * w[std::size_t(dz + h)],
                               va = at(a, x + dx, y + dy, z + dz), vb = at(b, x + dx, y + dy, z + dz);
                  if (pass == 0) ma += q * va, mb += q * vb;
                  else
                    aa += q * (va - ma) * (va - ma), bb += q * (vb - mb) * (vb - mb), ab += q * (va - ma) * (vb - mb);
                }
          const double unbias = gaussian ? 1 : 343.0 / 342, c1 = 4, c2 = 36;  // L = 200
          aa *= unbias, bb *= unbias, ab *= unbias;
          sum += (2 * ma * mb + c1) * (2 * ab + c2) / ((ma * ma + mb * mb + c1) * (aa + bb + c2));
          windows += 1;
        }
    const Similarity s = cpu->similarity(
        *cpu->upload(a.view()), *cpu->upload(b.view()),
        {.window = gaussian ? SimilarityJob::Window::gaussian : SimilarityJob::Window::uniform, .data_range = 200});
    EXPECT_NEAR(s.ssim, sum / windows, 1e-10) << gaussian;
    EXPECT_EQ(double(s.windows), windows);
    double square = 0;
    for (std::size_t k = 0; k < a.values.size(); ++k)
      square += std::pow(double(a.values[k]) - double(b.values[k]), 2) / double(a.values.size());
    EXPECT_NEAR(s.rmse, std::sqrt(square), 1e-12 * 8);
    EXPECT_NEAR(s.psnr_db, 20 * std::log10(200 / std::sqrt(square)), 1e-10);
  }
  EXPECT_THROW(cpu->similarity(*cpu->upload(a.view()), *cpu->upload(b.view()), {}), std::logic_error);
}

TEST(Components, ByFloodFill) {
  const auto cpu = cpu_backend();
  for (const Size3 size : sizes)
    for (const Connectivity connectivity : {Connectivity::faces, Connectivity::all}) {
      const Volume v = noise(size, 0, 1, 9);
      const LabelJob job{connectivity == Connectivity::faces ? 0.0f : 1.1f, 9, connectivity};
      VoxelArray<std::int32_t> labels;
      const auto shapes = cpu->components(*cpu->upload(v.view()), job, &labels);
      std::vector<std::int32_t> expected(size.count(), 0);
      std::int32_t next = 0;
      std::vector<double> count, sum_x, sum_yz;
      each(size, [&](long x, long y, long z, std::size_t k) {
        if (expected[k] != 0 || v.values[k] < job.low) return;
        ++next;
        count.push_back(0), sum_x.push_back(0), sum_yz.push_back(0);
        std::deque<std::array<long, 3>> front{{x, y, z}};
        expected[k] = next;
        while (!front.empty()) {
          const auto [px, py, pz] = front.front();
          front.pop_front();
          count.back() += 1, sum_x.back() += double(px), sum_yz.back() += double(py * pz);
          for (long dz = -1; dz <= 1; ++dz)
            for (long dy = -1; dy <= 1; ++dy)
              for (long dx = -1; dx <= 1; ++dx) {
                if (connectivity == Connectivity::faces && std::abs(dx) + std::abs(dy) + std::abs(dz) != 1) continue;
                const long qx = px + dx, qy = py + dy, qz = pz + dz;
                if (qx < 0 || qy < 0 || qz < 0 || qx >= long(size.x) || qy >= long(size.y) || qz >= long(size.z))
                  continue;
                const std::size_t q = std::size_t((qz * long(size.y) + qy) * long(size.x) + qx);
                if (expected[q] != 0 || v.values[q] < job.low) continue;
                expected[q] = next;
                front.push_back({qx, qy, qz});
              }
        }
      });
      ASSERT_EQ(shapes.size(), std::size_t(next)) << size.x;
      ASSERT_TRUE(std::equal(expected.begin(), expected.end(), labels.begin(), labels.end())) << size.x;
      for (std::size_t c = 0; c < shapes.size(); ++c) {
        ASSERT_EQ(double(shapes[c].voxels), count[c]);
        ASSERT_EQ(double(shapes[c].sum[0]), sum_x[c]);
        ASSERT_EQ(double(shapes[c].product[5]), sum_yz[c]);
      }
    }
}

TEST(Components, ShapeOfABox) {
  Volume v{test::centred_grid({20, 20, 20}, {1, 1, 1}), Voxels(8000, 0.0f)};
  for (std::size_t z = 3; z < 9; ++z)
    for (std::size_t y = 5; y < 8; ++y)
      for (std::size_t x = 2; x < 12; ++x) v.values[(z * 20 + y) * 20 + x] = 100;
  const auto cpu = cpu_backend();
  const auto shapes = cpu->components(*cpu->upload(v.view()), {50, 200, Connectivity::faces}, nullptr);
  ASSERT_EQ(shapes.size(), 1u);
  EXPECT_EQ(shapes[0].voxels, 180);
  EXPECT_DOUBLE_EQ(shapes[0].centroid(0), 6.5);
  EXPECT_DOUBLE_EQ(shapes[0].centroid(2), 5.5);
  EXPECT_NEAR(shapes[0].covariance(0), (100 - 1) / 12.0, 1e-12);  // of n equally spaced: (n^2 - 1) / 12
  EXPECT_NEAR(shapes[0].covariance(1), (9 - 1) / 12.0, 1e-12);
  EXPECT_NEAR(shapes[0].covariance(3), 0, 1e-12);
  EXPECT_EQ(shapes[0].first[2], 3);
  EXPECT_EQ(shapes[0].last[2], 8);
}

TEST(Temporal, QuadraticDriftIsTakenOffAndNoiseIsLeft) {
  // Each voxel: its own level, drift and curvature, and noise of SD 5. 100 frames: the pooled variance of 1200 voxels
  // has a relative standard error of sqrt(2 / (1200 * 97)) = 0.4 %.
  const Size3 size{20, 15, 4};
  std::vector<std::vector<float>> frames(100, std::vector<float>(size.count()));
  std::mt19937 engine(2);
  std::normal_distribution<double> normal(0, 5);
  for (std::size_t t = 0; t < 100; ++t)
    for (std::size_t k = 0; k < size.count(); ++k)
      frames[t][k] = float(1000 + double(k) + 0.3 * double(k % 7) * double(t) - 0.001 * double(t * t) + normal(engine));
  TemporalJob job{.size = size};
  for (const auto& f : frames) job.frames.push_back(f.data());
  TemporalMaps maps;
  const auto cpu = cpu_backend();
  cpu->temporal_maps(job, maps);
  double variance = 0;
  for (std::size_t k = 0; k < size.count(); ++k) {
    variance += double(maps.residual_sd[k]) * maps.residual_sd[k] / double(size.count());
    double mean = 0, alternating = 0;
    for (std::size_t t = 0; t < 100; ++t)
      mean += frames[t][k] / 100.0, alternating += (t % 2 == 0 ? 1.0 : -1.0) * frames[t][k];
    ASSERT_NEAR(maps.mean[k], mean, 1e-3);
    ASSERT_NEAR(maps.odd_minus_even[k], alternating, 0.01);
    ASSERT_NEAR(maps.sfnr[k], maps.mean[k] / maps.residual_sd[k], 1e-3 * maps.sfnr[k]);
  }
  EXPECT_NEAR(variance / 25, 1, 4 * 0.004);
  // Noise that is independent from voxel to voxel falls with the side of the square: cv(n) = cv(1) / n.
  const SquareSeries s = square_series(job, 2, 9, 7, 9);
  EXPECT_NEAR(s.cv_one_voxel_rms / s.cv[8], 9, 9 * 4 * 0.072);  // 1 / sqrt(2 * 97)
  double direct = 0;
  for (std::size_t j = 3; j < 12; ++j)
    for (std::size_t i = 5; i < 14; ++i) direct += frames[17][(2 * 15 + j) * 20 + i] / 81.0;
  EXPECT_NEAR(s.mean[8][17], direct, 1e-8);
  frames[3][11] = NAN;
  cpu->temporal_maps(job, maps);
  EXPECT_EQ(maps.not_finite, 1u);
  EXPECT_TRUE(std::isnan(maps.sfnr[11]) && std::isfinite(maps.sfnr[12]));
  job.frames.resize(3);
  EXPECT_THROW(cpu->temporal_maps(job, maps), std::logic_error);
}

TEST(Resample, ALinearFieldIsExactUnderAnyPose) {
  Volume v{test::centred_grid({30, 25, 20}, {0.8, 1.1, 2}), {}};
  const auto field = [](Vec3 mm) { return 3 + 2 * mm.x - 1.5 * mm.y + 0.7 * mm.z; };
  for (std::size_t z = 0; z < 20; ++z)
    for (std::size_t y = 0; y < 25; ++y)
      for (std::size_t x = 0; x < 30; ++x)
        v.values.push_back(float(field({0.8 * double(x), 1.1 * double(y), 2.0 * double(z)})));
  const Mat3 r = rotation_from_degrees(20, -15, 33);
  ResampleJob job{.origin_mm = {9, 8, 12},
                  .step_x_mm = 0.5 * r.column(0),
                  .step_y_mm = 0.6 * r.column(1),
                  .step_z_mm = 0.7 * r.column(2),
                  .size = {9, 8, 7},
                  .outside = -77};
  const auto cpu = cpu_backend();
  Voxels out;
  cpu->resample(*cpu->upload(v.view()), job, out);
  each(job.size, [&](long i, long j, long k, std::size_t at) {
    const Vec3 mm = job.origin_mm + double(i) * job.step_x_mm + double(j) * job.step_y_mm + double(k) * job.step_z_mm;
    ASSERT_NEAR(out[at], field(mm), 1e-4);
  });
  job.origin_mm = {-1, 0, 0};
  cpu->resample(*cpu->upload(v.view()), job, out);
  EXPECT_EQ(out[0], -77);
}

TEST(Resample, TheOutermostVoxelsAreInside) {
  // 3 * 0.8 / 0.8 is above 3 by rounding; and a neighbour of no weight has no part, even when it is NaN.
  for (const double spacing : {0.1, 0.3, 0.6, 0.7, 0.8})
    for (const std::size_t n : {4u, 7u, 8u, 13u, 16u, 25u, 31u}) {
      const Volume v = noise({n, n, 3}, 10, 3, 2, {spacing, spacing, spacing});
      Voxels out;
      cpu_backend()->resample(*cpu_backend()->upload(v.view()),
                              {.step_x_mm = {spacing, 0, 0},
                               .step_y_mm = {0, spacing, 0},
                               .step_z_mm = {0, 0, spacing},
                               .size = v.grid.size,
                               .outside = -1},
                              out);
      for (std::size_t k = 0; k < out.size(); ++k) ASSERT_EQ(out[k], v.values[k]) << spacing << " " << n;
    }
}

TEST(BootstrapCurves, MeansOfTheDrawnBlocks) {
  // Blocks of a known SD: the SD of the draws' mean is s / sqrt(n) about the blocks' own spread; and each draw equals
  // the sum over the blocks it drew.
  BootstrapJob job{.blocks = 50, .points = 3, .draws = 4000};
  std::mt19937 engine(3);
  std::normal_distribution<double> normal(0, 2);
  for (std::size_t k = 0; k < 150; ++k) job.curves.push_back(normal(engine));
  const std::vector<double> means = cpu_backend()->bootstrap_curves(job);
  double mean = 0, square = 0, centre = 0, spread = 0;
  for (std::size_t d = 0; d < job.draws; ++d) mean += means[3 * d] / 4000;
  for (std::size_t d = 0; d < job.draws; ++d) square += std::pow(means[3 * d] - mean, 2) / 4000;
  for (std::size_t b = 0; b < 50; ++b) centre += job.curves[3 * b] / 50;
  for (std::size_t b = 0; b < 50; ++b) spread += std::pow(job.curves[3 * b] - centre, 2) / 50;
  EXPECT_NEAR(square / (spread / 50), 1, 4 * std::sqrt(2.0 / 4000));
  double direct = 0;
  for (std::size_t k = 0; k < 50; ++k) direct += job.curves[3 * drawn_block(1, 7, k, 50) + 2] / 50;
  EXPECT_NEAR(means[3 * 7 + 2], direct, 1e-12);
}

}  // namespace
}  // namespace iqgate::compute
