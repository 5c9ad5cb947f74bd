// Bigger than memory: any cut into slabs and any number of threads gives the bits of the volume in memory.
#include <omp.h>

#include <cstring>
#include <functional>
#include <random>

#include "iqgate/base/error.hpp"
#include "iqgate/compute/backend.hpp"
#include "iqgate/compute/power_spectrum.hpp"
#include "support/support.hpp"

namespace iqgate::compute {
namespace {

// Not in memory as far as an operation can tell; counts what was asked for at once.
class SlowSource : public MemorySource {
 public:
  using MemorySource::MemorySource;
  void read(std::size_t first, std::size_t count, float* to) const override {
    most = std::max(most, count);
    MemorySource::read(first, count, to);
  }
  const float* in_memory() const override { return nullptr; }
  mutable std::size_t most = 0;
};

Volume noise(Size3 size, unsigned seed) {
  Volume v{test::centred_grid(size, {0.7, 0.9, 1.5}), Voxels(size.count())};
  std::mt19937 engine(seed);
  std::normal_distribution<double> normal(40, 12);
  for (float& x : v.values) x = static_cast<float>(normal(engine));
  return v;
}

class Slabs : public ::testing::Test {
 protected:
  Slabs() : a(noise(size, 1)), b(noise(size, 2)) {
    a.values[12345] = NAN;
    a.values[a.values.size() - 5] = INFINITY;
  }

  using Bits = std::vector<std::vector<float>>;
  // `work` runs passes over the two sources with a memory limit and returns all it got.
  void check(const std::function<Bits(const VolumeSource&, const VolumeSource&, std::size_t)>& work,
             std::size_t halo) const {
    const MemorySource ma(a.view()), mb(b.view());
    const Bits expected = work(ma, mb, 0);
    const std::size_t slice = size.x * size.y * sizeof(float), before = std::size_t(omp_get_max_threads());
    for (const std::size_t slices : {2 * halo + 1, 2 * halo + 7, 2 * halo + 60})
      for (const int threads : {1, 2, 5}) {
        omp_set_num_threads(threads);
        const SlowSource sa(a.view()), sb(b.view());
        const Bits got = work(sa, sb, slices * slice * 6);  // two inputs, three slabs each
        omp_set_num_threads(int(before));
        ASSERT_EQ(got.size(), expected.size());
        for (std::size_t k = 0; k < got.size(); ++k) {
          ASSERT_EQ(got[k].size(), expected[k].size());
          ASSERT_EQ(std::memcmp(got[k].data(), expected[k].data(), got[k].size() * sizeof(float)), 0)
              << "output " << k << ", " << slices << " slices, " << threads << " threads";
        }
        EXPECT_LT(sa.most, size.z);
      }
  }

  const Size3 size{29, 37, 290};  // restarts at 128 and 256, strips of 32 rows
  const std::size_t plane = size.x * size.y;
  Volume a, b;
};

std::vector<float> floats(const std::vector<double>& values) {
  std::vector<float> bits(values.size() * 2);
  std::memcpy(bits.data(), values.data(), values.size() * sizeof(double));
  return bits;
}

void run(const VolumeSource& source, const VolumeSource* other, SlabOperation& operation, std::size_t memory) {
  SlabOperation* const one[] = {&operation};
  run_in_slabs(source, other, one, memory);
}

TEST_F(Slabs, LocalMaps) {
  for (const bool ball : {false, true}) {
    LocalMapJob job{.half = {2, 3, 4}};
    if (ball) job = {.shape = WindowShape::ball, .radius_mm = 3.2};
    check(
        [&](const VolumeSource& s, const VolumeSource&, std::size_t memory) -> Bits {
          std::vector<float> mean(size.count()), sd(size.count());
          MemorySink to_mean(mean.data(), plane), to_sd(sd.data(), plane);
          LocalMapPass written(size, s.spacing_mm(), job, {&to_mean, &to_sd});
          LocalMapPass summed(size, s.spacing_mm(), job, {});
          SlabOperation* const both[] = {&written, &summed};  // one pass over the source
          run_in_slabs(s, nullptr, both, memory);
          const LocalMaps m = summed.finish();
          EXPECT_EQ(m.not_finite, 2u);
          return {mean, sd,
                  floats({m.mean_summary->mean, m.mean_summary->sd, m.sd_summary->mean, m.sd_summary->minimum})};
        },
        ball ? 3 : 5);
  }
}

TEST_F(Slabs, Filters) {
  check(
      [&](const VolumeSource& s, const VolumeSource&, std::size_t memory) -> Bits {
        std::vector<float> smooth(size.count()), middle(size.count());
        MemorySink to_smooth(smooth.data(), plane), to_middle(middle.data(), plane);
        GaussianPass gaussian(size, {1.1, 0.9, 1.3, 4}, to_smooth);
        MedianPass median(size, to_middle);
        SlabOperation* const both[] = {&gaussian, &median};
        run_in_slabs(s, nullptr, both, memory);
        return {smooth, middle};
      },
      5);
}

TEST_F(Slabs, StatisticsHistogramAndPercentiles) {
  check(
      [&](const VolumeSource& s, const VolumeSource&, std::size_t memory) -> Bits {
        VolumeStatisticsPass statistics(size);
        HistogramPass histogram(0, 1, 80);
        OrderStatistics order;
        SlabOperation* const first[] = {&statistics, &histogram, &order.upper_pass()};
        run_in_slabs(s, nullptr, first, memory);
        order.choose({1, 50, 99});
        run(s, nullptr, order.lower_pass(), memory);
        const VolumeStatistics r = statistics.finish();
        std::vector<double> all = order.finish();
        for (const double v : {r.mean, r.sd, r.minimum, r.maximum, double(r.n), double(r.not_finite)}) all.push_back(v);
        for (const std::int64_t c : histogram.finish().counts) all.push_back(double(c));
        return {floats(all)};
      },
      0);
}

TEST_F(Slabs, Similarity) {
  for (const auto window : {SimilarityJob::Window::uniform, SimilarityJob::Window::gaussian})
    check(
        [&](const VolumeSource& s, const VolumeSource& t, std::size_t memory) -> Bits {
          SimilarityPass pass(size, {.window = window, .data_range = 100});
          run(s, &t, pass, memory);
          const compute::Similarity q = pass.finish();
          return {floats({q.ssim, q.rmse, q.psnr_db, q.mean_difference, double(q.windows)})};
        },
        window == SimilarityJob::Window::uniform ? 4 : 6);
}

TEST_F(Slabs, PowerSpectrum) {
  for (const Precision precision : {Precision::single, Precision::twofold})
    check(
        [&](const VolumeSource& s, const VolumeSource&, std::size_t memory) -> Bits {
          PowerSpectrumJob job{.box = {16, 16, 12}, .blocks = 3, .precision = precision};
          for (std::size_t k = 0; k < 120; ++k)  // in no order
            job.corners.push_back({k * 7 % 13, k * 5 % 21, k * 97 % 278}), job.block.push_back(int(k % 3));
          PowerSpectrumPass pass(size, job);
          run(s, nullptr, pass, memory);
          const auto p = pass.finish();
          Bits bits{floats(p.box_mean), floats(p.box_variance)};
          for (const auto& spectrum : p.spectra) bits.push_back(floats(spectrum));
          return bits;
        },
        11);
}

TEST_F(Slabs, Components) {
  for (const Connectivity connectivity : {Connectivity::faces, Connectivity::all})
    check(
        [&](const VolumeSource& s, const VolumeSource&, std::size_t memory) -> Bits {
          std::vector<float> labels(size.count());
          LabelPass pass(size, {connectivity == Connectivity::faces ? 40.0f : 54.0f, 1000, connectivity});
          run(s, nullptr, pass.find(), memory);
          MemorySinkOf<std::int32_t> sink(reinterpret_cast<std::int32_t*>(labels.data()), plane);
          run(s, nullptr, pass.write(sink), memory);
          std::vector<double> sums;
          for (const ComponentShape& c : pass.shapes())
            for (const std::int64_t v : {c.voxels, c.first[2], c.last[2], c.sum[0], c.product[2], c.product[4]})
              sums.push_back(double(v));
          EXPECT_GT(sums.size(), 60u);
          return {labels, floats(sums)};
        },
        0);
}

TEST_F(Slabs, LabelsNeedTheSameCutTwice) {
  const SlowSource s(a.view());
  LabelPass pass(size, {40, 1000, Connectivity::faces});
  run(s, nullptr, pass.find(), 100 * plane * sizeof(float));
  std::vector<std::int32_t> labels(size.count());
  MemorySinkOf<std::int32_t> sink(labels.data(), plane);
  EXPECT_THROW(run(s, nullptr, pass.write(sink), 60 * plane * sizeof(float)), std::logic_error);
}

TEST_F(Slabs, AThinVolumeFitsWhateverItsHalo) {
  const Volume thin = noise({29, 37, 10}, 3);
  std::vector<float> out(thin.values.size()), expected(out.size());
  for (std::vector<float>* to : {&out, &expected}) {
    MemorySink sink(to->data(), plane);
    GaussianPass pass(thin.grid.size, {1, 1, 3, 4}, sink);
    const SlowSource slow(thin.view());
    const MemorySource quick(thin.view());
    if (to == &out) run(slow, nullptr, pass, 3 * 12 * plane * sizeof(float));
    else run(quick, nullptr, pass, 0);
  }
  EXPECT_EQ(out, expected);
}

TEST_F(Slabs, AnEmptyVolumeIsRefused) {
  EXPECT_THROW(whole({nullptr, {5, 0, 5}}), std::logic_error);
  VolumeStatisticsPass pass({0, 5, 5});
  EXPECT_THROW(run(MemorySource({nullptr, {0, 5, 5}}), nullptr, pass, 0), std::logic_error);
}

TEST_F(Slabs, TooLittleMemoryIsSaid) {
  std::vector<float> out(size.count());
  MemorySink sink(out.data(), plane);
  MedianPass pass(size, sink);
  const SlowSource s(a.view());
  EXPECT_THROW(run(s, nullptr, pass, 2 * plane * sizeof(float)), ResourceError);
}

}  // namespace
}  // namespace iqgate::compute
