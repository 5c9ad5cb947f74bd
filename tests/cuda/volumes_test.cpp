// Whole-volume kernels against the CPU: the same bits, over odd sizes and every schedule.
#include <random>

#include "cuda_backend_test.hpp"

namespace iqgate::cuda {
namespace {

using CudaVolumes = CudaBackendTest;

const std::vector<Size3> sizes{{1, 1, 1}, {31, 1, 3}, {33, 17, 1}, {37, 41, 7}};

TEST_F(CudaVolumes, HistogramsCountAlike) {
  for (const Size3 size : sizes)
    for (const std::size_t bins : {std::size_t{1}, std::size_t{100}, std::size_t{5000}}) {  // shared memory and global
      Volume v = random_volume(size, 10);
      if (v.values.size() > 3) v.values[1] = NAN, v.values[2] = INFINITY;
      const double first = -60, width = 150.0 / double(bins);
      const compute::Histogram expected = cpu->volume_histogram(*cpu->upload(v.view()), first, width, bins);
      for (const int schedule : schedules) {
        choose(schedule);
        const compute::Histogram got = cuda->volume_histogram(*cuda->upload(v.view()), first, width, bins);
        EXPECT_EQ(got.counts, expected.counts) << size.x << " " << bins;
        EXPECT_EQ(got.below, expected.below);
        EXPECT_EQ(got.above, expected.above);
      }
    }
}

TEST_F(CudaVolumes, ResamplingGivesTheSameBits) {
  for (const Size3 size : sizes) {
    const Volume v = random_volume(size, -300);
    const Mat3 r = rotation_from_degrees(10, 20, 30);
    compute::ResampleJob job{.origin_mm = {0.2, 0.1, 0},
                             .step_x_mm = 0.4 * r.column(0),
                             .step_y_mm = 0.5 * r.column(1),
                             .step_z_mm = 0.6 * r.column(2),
                             .size = {300, 9, 5},
                             .outside = -1024};
    if (size.x == 1) job.origin_mm = {};
    Voxels expected, got;
    cpu->resample(*cpu->upload(v.view()), job, expected);
    for (const int schedule : schedules) {
      choose(schedule);
      cuda->resample(*cuda->upload(v.view()), job, got);
      EXPECT_EQ(got, expected) << size.x;
    }
  }
}

}  // namespace
}  // namespace iqgate::cuda
