// Every other operation on the device against the CPU: the same bits where the steps are the same, else within the
// bounds of parity (moments 1e-6, maps and curves 1e-5), over odd sizes and every schedule.
#include <cmath>

#include "cuda_backend_test.hpp"

namespace iqgate::cuda {
namespace {

using CudaOperations = CudaBackendTest;

const std::vector<Size3> sizes{{1, 1, 1}, {31, 1, 3}, {33, 17, 1}, {23, 19, 7}};

Volume damaged(Size3 size, double offset) {
  Volume v = random_volume(size, offset);
  if (v.values.size() > 3) v.values[1] = NAN, v.values[v.values.size() / 2] = INFINITY;
  return v;
}

void expect_close(const Voxels& got, const Voxels& expected, double relative) {
  ASSERT_EQ(got.size(), expected.size());
  for (std::size_t k = 0; k < got.size(); ++k) {
    ASSERT_EQ(std::isnan(got[k]), std::isnan(expected[k])) << k;
    if (std::isnan(got[k])) continue;
    ASSERT_NEAR(got[k], expected[k], relative * std::max(1.0, double(std::abs(expected[k])))) << k;
  }
}

void expect_close(const compute::MapSummary& got, const compute::MapSummary& expected) {
  EXPECT_EQ(got.n, expected.n);
  EXPECT_NEAR(got.mean, expected.mean, 1e-6 * std::abs(expected.mean) + 1e-9);
  EXPECT_NEAR(got.sd, expected.sd, 1e-5 * expected.sd + 1e-9);
  EXPECT_NEAR(got.minimum, expected.minimum, 1e-5 * std::abs(expected.minimum) + 1e-9);
  EXPECT_NEAR(got.maximum, expected.maximum, 1e-5 * std::abs(expected.maximum) + 1e-9);
}

TEST_F(CudaOperations, LocalMaps) {
  for (const Size3 size : sizes)
    for (const bool ball : {false, true}) {
      const Volume v = damaged(size, 400);
      compute::LocalMapJob job{.half = {2, 1, 3}, .sample_sd = ball, .snr = true, .cv = true};
      if (ball) job.shape = compute::WindowShape::ball, job.radius_mm = 2.1;
      compute::LocalMaps expected, got, expected_sums, got_sums;
      cpu->local_maps(*cpu->upload(v.view()), job, true, expected);
      cpu->local_maps(*cpu->upload(v.view()), job, false, expected_sums);
      for (const int schedule : schedules) {
        choose(schedule);
        cuda->local_maps(*cuda->upload(v.view()), job, true, got);
        cuda->local_maps(*cuda->upload(v.view()), job, false, got_sums);
        expect_close(got.mean, expected.mean, 1e-5);
        expect_close(got.sd, expected.sd, 1e-5);
        expect_close(got.snr, expected.snr, 1e-5);
        expect_close(got.cv, expected.cv, 1e-5);
        EXPECT_EQ(got.not_finite, expected.not_finite);
        ASSERT_TRUE(got_sums.mean_summary && got_sums.sd_summary && got_sums.snr_summary && got_sums.cv_summary);
        expect_close(*got_sums.mean_summary, *expected_sums.mean_summary);
        expect_close(*got_sums.sd_summary, *expected_sums.sd_summary);
        EXPECT_TRUE(got_sums.mean.empty());
      }
    }
}

TEST_F(CudaOperations, Similarity) {
  using Window = compute::SimilarityJob::Window;
  for (const Size3 size : {Size3{7, 7, 7}, Size3{23, 19, 13}})
    for (const Window window : {Window::uniform, Window::gaussian}) {
      const Volume a = random_volume(size, 50), b = damaged(size, 60);
      const compute::SimilarityJob job{.window = window, .data_range = 300};
      const compute::Similarity expected = cpu->similarity(*cpu->upload(a.view()), *cpu->upload(b.view()), job);
      for (const int schedule : schedules) {
        choose(schedule);
        const compute::Similarity got = cuda->similarity(*cuda->upload(a.view()), *cuda->upload(b.view()), job);
        EXPECT_EQ(got.windows, expected.windows);
        EXPECT_EQ(got.n, expected.n);
        EXPECT_EQ(got.not_finite, expected.not_finite);
        EXPECT_EQ(std::isnan(got.ssim), std::isnan(expected.ssim));
        if (expected.windows > 0) EXPECT_NEAR(got.ssim, expected.ssim, 1e-6);
        EXPECT_NEAR(got.rmse, expected.rmse, 1e-9 * expected.rmse);
        EXPECT_NEAR(got.mean_difference, expected.mean_difference, 1e-9);
      }
    }
}

TEST_F(CudaOperations, Filters) {
  for (const Size3 size : sizes) {
    const Volume v = damaged(size, -900);
    Voxels smooth, middle, got;
    const compute::GaussianJob job{1.1, 0.9, 1.3, 4};
    cpu->gaussian(*cpu->upload(v.view()), job, smooth);
    cpu->median(*cpu->upload(v.view()), middle);
    for (const int schedule : schedules) {
      choose(schedule);
      cuda->gaussian(*cuda->upload(v.view()), job, got);
      expect_close(got, smooth, 1e-6);
      cuda->median(*cuda->upload(v.view()), got);
      expect_close(got, middle, 0);
    }
  }
}

TEST_F(CudaOperations, Statistics) {
  const std::vector<double> percentiles{0, 1, 50, 99.9, 100};
  for (const Size3 size : sizes) {
    const Volume v = damaged(size, 1e5);
    compute::Mask mask, weighted;
    for (std::size_t k = 2; k < v.values.size() / 2; k += 3) mask.offsets.push_back(k);
    weighted = mask;
    for (std::size_t k = 0; k < weighted.offsets.size(); ++k) weighted.weights.push_back(1.0f / float(1 + k % 3));
    const auto expected = cpu->volume_statistics(*cpu->upload(v.view()), percentiles);
    for (const int schedule : schedules) {
      choose(schedule);
      const auto on_device = cuda->upload(v.view());
      const auto got = cuda->volume_statistics(*on_device, percentiles);
      EXPECT_EQ(got.n, expected.n);
      EXPECT_EQ(got.not_finite, expected.not_finite);
      EXPECT_NEAR(got.mean, expected.mean, 1e-6 * std::abs(expected.mean));
      EXPECT_NEAR(got.sd, expected.sd, 1e-6 * expected.sd);
      EXPECT_EQ(got.minimum, expected.minimum);
      EXPECT_EQ(got.maximum, expected.maximum);
      EXPECT_EQ(got.percentiles, expected.percentiles);
      for (const compute::Mask* m : {&mask, &weighted}) {
        const auto a = cpu->region_moments(*cpu->upload(v.view()), *m), b = cuda->region_moments(*on_device, *m);
        EXPECT_EQ(a.n, b.n);
        EXPECT_NEAR(a.mean, b.mean, 1e-6 * std::abs(a.mean));
        EXPECT_NEAR(a.variance, b.variance, 1e-6 * a.variance);
        EXPECT_EQ(a.minimum, b.minimum);
        EXPECT_EQ(a.maximum, b.maximum);
        EXPECT_EQ(cpu->histogram(*cpu->upload(v.view()), *m, 99900, 10, 20).counts,
                  cuda->histogram(*on_device, *m, 99900, 10, 20).counts);
      }
      if (v.values.size() < 3) continue;
      const compute::LocalStatisticsJob local{
          .first_slice = 0, .slices = size.z, .half_x = 2, .half_y = 3, .low = 99800, .high = 100140};
      const auto a = cpu->local_statistics(*cpu->upload(v.view()), local),
                 b = cuda->local_statistics(*on_device, local);
      EXPECT_EQ(a.valid, b.valid);
      for (std::size_t k = 0; k < a.sd.size(); ++k) {
        ASSERT_NEAR(a.sd[k], b.sd[k], 1e-5 * a.sd[k]);
        ASSERT_NEAR(a.mean[k], b.mean[k], 1e-5 * a.mean[k]);
      }
    }
  }
}

TEST_F(CudaOperations, TimeSeriesGiveTheSameBits) {
  const Size3 size{19, 13, 3};
  std::vector<Volume> frames;
  for (int t = 0; t < 9; ++t) frames.push_back(random_volume(size, 500 + 3 * t));
  frames[4].values[100] = NAN;
  for (std::size_t k = 0; k < frames.size(); ++k) frames[k].values[k] += float(k);
  compute::TemporalJob job{.size = size};
  for (const Volume& f : frames) job.frames.push_back(f.values.data());
  compute::TemporalMaps expected, got;
  cpu->temporal_maps(job, expected);
  for (const int schedule : schedules) {
    choose(schedule);
    cuda->temporal_maps(job, got);
    expect_close(got.mean, expected.mean, 0);
    expect_close(got.residual_sd, expected.residual_sd, 0);
    expect_close(got.sfnr, expected.sfnr, 0);
    expect_close(got.odd_minus_even, expected.odd_minus_even, 0);
    EXPECT_EQ(got.not_finite, 1u);
  }
}

TEST_F(CudaOperations, ComponentsAreNumberedAlike) {
  for (const Size3 size : sizes)
    for (const auto connectivity : {compute::Connectivity::faces, compute::Connectivity::all})
      for (const float low : {-1000.0f, -20.0f, 40.0f, 1000.0f}) {  // all, a labyrinth, specks, nothing
        const Volume v = damaged(size, 0);
        const compute::LabelJob job{low, 900, connectivity};
        VoxelArray<std::int32_t> expected, got;
        const auto shapes = cpu->components(*cpu->upload(v.view()), job, &expected);
        for (const int schedule : schedules) {
          choose(schedule);
          const auto found = cuda->components(*cuda->upload(v.view()), job, &got);
          EXPECT_EQ(got, expected);
          ASSERT_EQ(found.size(), shapes.size());
          for (std::size_t k = 0; k < shapes.size(); ++k) {
            EXPECT_EQ(found[k].voxels, shapes[k].voxels);
            for (int d = 0; d < 3; ++d) {
              EXPECT_EQ(found[k].first[d], shapes[k].first[d]);
              EXPECT_EQ(found[k].last[d], shapes[k].last[d]);
              EXPECT_EQ(found[k].sum[d], shapes[k].sum[d]);
            }
            for (int d = 0; d < 6; ++d) EXPECT_EQ(found[k].product[d], shapes[k].product[d]);
          }
        }
      }
}

TEST_F(CudaOperations, DiscSearchAndBootstrapGiveTheSameBits) {
  const Volume v = random_volume({61, 53, 2}, 900);
  const compute::DiscSearchJob job{
      .slice = 1, .center_x = 29.3, .center_y = 26.1, .large_radius_mm = 18, .disc_radius_mm = 4.7};
  const auto expected = cpu->disc_search(*cpu->upload(v.view()), job);
  compute::BootstrapJob draws{.blocks = 40, .points = 150, .draws = 60, .seed = 5};
  for (std::size_t k = 0; k < 40 * 150; ++k) draws.curves.push_back(double(v.values[k]));
  for (std::size_t k = 0; k < 40; ++k) draws.weights.push_back(double(1 + k % 4));
  const auto means = cpu->bootstrap_curves(draws);
  for (const int schedule : schedules) {
    choose(schedule);
    const auto got = cuda->disc_search(*cuda->upload(v.view()), job);
    EXPECT_EQ(got.maximum, expected.maximum);
    EXPECT_EQ(got.minimum, expected.minimum);
    EXPECT_EQ(got.max_x, expected.max_x);
    EXPECT_EQ(got.min_y, expected.min_y);
    EXPECT_EQ(got.positions, expected.positions);
    EXPECT_EQ(cuda->bootstrap_curves(draws), means);
  }
}

TEST_F(CudaOperations, PowerSpectra) {
  for (const Size3 box : {Size3{16, 16, 1}, Size3{9, 7, 5}, Size3{8, 6, 4}})
    for (const compute::Detrend detrend : {compute::Detrend::none, compute::Detrend::constant, compute::Detrend::poly2})
      for (const compute::Precision precision : {compute::Precision::single, compute::Precision::twofold}) {
        Volume v = random_volume({40, 36, 9}, 70);
        v.values[5] = NAN;
        compute::PowerSpectrumJob job{.box = box, .blocks = 2, .detrend = detrend, .precision = precision};
        for (std::size_t z = 0; z + box.z <= 9; z += 2)
          for (std::size_t y = 0; y + box.y <= 36; y += 8)
            for (std::size_t x = 0; x + box.x <= 40; x += 8)
              job.corners.push_back({x, y, z}), job.block.push_back(int(job.corners.size() % 2));
        const auto expected = cpu->power_spectrum(*cpu->upload(v.view()), job);
        for (const int schedule : schedules) {
          choose(schedule);
          const auto got = cuda->power_spectrum(*cuda->upload(v.view()), job);
          EXPECT_EQ(got.boxes_in_block, expected.boxes_in_block);
          EXPECT_EQ(got.left_out, expected.left_out);
          EXPECT_GT(got.left_out, 0);
          for (std::size_t b = 0; b < 2; ++b) {
            double mean = 0;
            for (const double s : expected.spectra[b]) mean += s / double(expected.spectra[b].size());
            for (std::size_t k = 0; k < expected.spectra[b].size(); ++k)
              ASSERT_NEAR(got.spectra[b][k], expected.spectra[b][k], 1e-5 * mean) << k;
          }
          for (std::size_t k = 0; k < job.corners.size(); ++k) {
            ASSERT_EQ(std::isnan(got.box_mean[k]), std::isnan(expected.box_mean[k]));
            if (std::isnan(got.box_mean[k])) continue;
            ASSERT_NEAR(got.box_mean[k], expected.box_mean[k], 1e-6 * 70);
            ASSERT_NEAR(got.box_variance[k], expected.box_variance[k], 1e-6 * expected.box_variance[k]);
          }
        }
      }
}

}  // namespace
}  // namespace iqgate::cuda
