// The CUDA backend's edge profile against the CPU's: equal integers. Built twice: under the execution-model shim (every
// test run, three schedules, sanitizers) and by nvcc for a device (label gpu).
#include "cuda_backend_test.hpp"

namespace iqgate::cuda {
namespace {

using compute::EdgeProfileJob;
using compute::EdgeShape;

TEST_F(CudaBackendTest, EqualsTheCpuBitForBit) {
  // Odd sizes, one and several slices, few bins (shared memory) and many (global), each shape.
  for (const Size3 size : {Size3{1, 1, 1}, Size3{31, 17, 1}, Size3{33, 40, 5}, Size3{97, 61, 3}})
    for (const EdgeShape shape : {EdgeShape::plane, EdgeShape::cylinder, EdgeShape::sphere})
      for (const int bins : {1, 50, 700}) {
        Volume v = random_volume(size, bins == 50 ? 1e5 : -20);
        if (bins == 1 && v.values.size() > 1) v.values[v.values.size() / 2] = NAN, v.values.back() = INFINITY;
        const Vec3 middle{0.35 * double(size.x), 0.45 * double(size.y), double(size.z)};
        EdgeProfileJob job{
            .shape = shape,
            .origin = middle,
            .axis = shape == EdgeShape::plane ? normalised(Vec3{1, 0.05, 0}) : normalised(Vec3{0.01, 0.02, 1}),
            .first_mm = shape == EdgeShape::plane ? -20.0 : 0.0,
            .bin_mm = 40.0 / bins,
            .bins = bins,
            .half_along_mm = 15,
            .half_third_mm = 8,
            .sectors = bins == 700 ? 9 : 4,
            .high = {size.x, size.y, size.z}};
        job.along = any_perpendicular(job.axis);
        const auto expected = cpu->edge_profile(*cpu->upload(v.view()), job);
        for (const int schedule : schedules) {
          choose(schedule);
          const auto got = cuda->edge_profile(*cuda->upload(v.view()), job);
          EXPECT_EQ(got.sums, expected.sums) << size.x << " " << int(shape) << " " << bins << " " << schedule;
          EXPECT_EQ(got.counts, expected.counts);
          EXPECT_EQ(got.offsets, expected.offsets);
          EXPECT_EQ(got.scale, expected.scale);
          EXPECT_EQ(got.not_finite, expected.not_finite);
        }
      }
}

TEST_F(CudaBackendTest, AMetricIsTheSameOnEitherBackend) {
  compute::RenderJob job;
  job.grid = test::centred_grid({100, 100, 2}, {0.6, 0.6, 3});
  job.psf_sigma_mm = {0.6, 0.6, 1};
  job.noise = {.kind = compute::NoiseKind::white, .sd = 5, .seed = 9};
  const Scan scan =
      test::ct_scan(test::one_shape({.kind = phantom::ShapeKind::cylinder, .radius_mm = 12}, 200, 0), job);
  const Region region = test::disc("insert", "insert", {0, 0, 0}, 12, 6);
  choose(0);
  const Results a = test::measure_one(scan, region, "ttf_disc", cpu),
                b = test::measure_one(scan, region, "ttf_disc", cuda);
  ASSERT_EQ(a.measurements.size(), b.measurements.size());
  ASSERT_FALSE(a.measurements.empty());
  for (std::size_t k = 0; k < a.measurements.size(); ++k) {
    EXPECT_EQ(a.measurements[k].value, b.measurements[k].value) << a.measurements[k].name;
    EXPECT_EQ(a.measurements[k].se, b.measurements[k].se);
  }
}

#if defined(IQGATE_SHIM)

IQGATE_KERNEL void reverse_kernel(const int* in, int* out) {
  int* tile = shared<int, 64>();
  tile[thread_index()] = in[block_x() * 64 + thread_index()];
  barrier();
  out[block_x() * 64 + thread_index()] = tile[63 - thread_index()];
}

IQGATE_KERNEL void warp_sum_kernel(const double* in, double* out) {
  double value = in[thread_index()];
  for (unsigned offset = 16; offset > 0; offset /= 2) value += shuffle_down(value, offset);
  if (thread_index() % 32 == 0) out[thread_index() / 32] = value;
}

IQGATE_KERNEL void lone_barrier_kernel() {
  if (thread_index() == 0) barrier();
  if (thread_index() != 0) shuffle_down(1, 1);
}

TEST(Shim, BarriersShuffleAndSharedMemory) {
  for (const Schedule schedule : {Schedule::forward, Schedule::reverse, Schedule::shuffled}) {
    set_schedule(schedule, 5);
    std::vector<int> in(192), out(192, -1);
    for (int k = 0; k < 192; ++k) in[std::size_t(k)] = k;
    launch(reverse_kernel, Grid3(3), 64, static_cast<const int*>(in.data()), out.data());
    for (int k = 0; k < 192; ++k) EXPECT_EQ(out[std::size_t(k)], k / 64 * 64 + 63 - k % 64);
    std::vector<double> values(64), sums(2);
    for (int k = 0; k < 64; ++k) values[std::size_t(k)] = k;
    launch(warp_sum_kernel, Grid3(1), 64, static_cast<const double*>(values.data()), sums.data());
    EXPECT_EQ(sums[0], 31 * 32 / 2);
    EXPECT_EQ(sums[1], 32 * 32 + 31 * 32 / 2);
  }
  EXPECT_THROW(launch(lone_barrier_kernel, Grid3(1), 32), std::logic_error);
}

#endif

}  // namespace
}  // namespace iqgate::cuda
