// What a device can do to us, by a fake one: no memory at the k-th allocation gives the same numbers from smaller tiles
// or the CPU, and says so; any other fault is an error, for good; nothing leaks.
#include <cmath>
#include <functional>

#include "cuda_backend_test.hpp"
#include "iqgate/base/error.hpp"

namespace iqgate::cuda {
namespace {

struct Operation {
  const char* name;
  std::function<std::vector<double>(const compute::Backend&)> run;  ///< numbers that must not depend on the faults
};

template <class Values>
std::vector<double> numbers(const Values& values) {
  return {values.begin(), values.end()};
}

class CudaFaults : public CudaBackendTest {
 protected:
  const Volume v = random_volume({17, 13, 6}, 100), w = random_volume({17, 13, 6}, 90);
  const std::vector<Operation> operations{
      {"maps",
       [this](const compute::Backend& b) {
         compute::LocalMaps maps;
         b.local_maps(*b.upload(v.view()), {.half = {1, 1, 1}}, true, maps);
         return numbers(maps.sd);
       }},
      {"similarity",
       [this](const compute::Backend& b) {
         return std::vector{b.similarity(*b.upload(v.view()), *b.upload(w.view()), {.data_range = 200}).rmse};
       }},
      {"gaussian",
       [this](const compute::Backend& b) {
         Voxels out;
         b.gaussian(*b.upload(v.view()), {0.5, 0.5, 0.5, 3}, out);
         return numbers(out);
       }},
      {"median",
       [this](const compute::Backend& b) {
         Voxels out;
         b.median(*b.upload(v.view()), out);
         return numbers(out);
       }},
      {"statistics",
       [this](const compute::Backend& b) {
         const auto s = b.volume_statistics(*b.upload(v.view()), {10, 90});
         return std::vector{s.mean, s.sd, s.percentiles[0], s.percentiles[1]};
       }},
      {"histogram",
       [this](const compute::Backend& b) {
         return numbers(b.volume_histogram(*b.upload(v.view()), 0, 10, 30).counts);
       }},
      {"components",
       [this](const compute::Backend& b) {
         return std::vector{double(b.components(*b.upload(v.view()), {100, 900}, nullptr).size())};
       }},
      {"spectrum",
       [this](const compute::Backend& b) {
         return b
             .power_spectrum(*b.upload(v.view()),
                             {.box = {8, 8, 1}, .corners = {{0, 0, 0}, {4, 4, 2}}, .block = {0, 0}})
             .spectra[0];
       }},
      {"disc",
       [this](const compute::Backend& b) {
         const auto d = b.disc_search(*b.upload(v.view()),
                                      {.center_x = 8, .center_y = 6, .large_radius_mm = 5, .disc_radius_mm = 2});
         return std::vector{d.maximum, d.minimum};
       }},
      {"temporal",
       [this](const compute::Backend& b) {
         compute::TemporalMaps maps;
         b.temporal_maps({{v.values.data(), w.values.data(), v.values.data(), w.values.data() + 0}, v.grid.size, 1},
                         maps);
         return numbers(maps.residual_sd);
       }},
      {"bootstrap",
       [this](const compute::Backend& b) {
         return b.bootstrap_curves({.curves = {1, 2, 3, 4, 5, 7}, .weights = {}, .blocks = 3, .points = 2, .draws = 5});
       }},
      {"resample",
       [this](const compute::Backend& b) {
         Voxels out;
         b.resample(*b.upload(v.view()), {.size = {5, 5, 5}}, out);
         return numbers(out);
       }},
  };
};

void expect_same(const std::vector<double>& got, const std::vector<double>& expected, const std::string& where) {
  ASSERT_EQ(got.size(), expected.size()) << where;
  for (std::size_t k = 0; k < got.size(); ++k)
    ASSERT_NEAR(got[k], expected[k], 1e-5 * std::max(1.0, std::abs(expected[k]))) << where;
}

TEST_F(CudaFaults, NoMemoryAtAnyAllocationChangesNoNumber) {
  std::size_t told = 0, faults = 0;
  for (const Operation& operation : operations) {
    const std::vector<double> expected = operation.run(*cpu);
    fail_at(DeviceCall::none, 0);
    operation.run(*cuda);
    const std::uint64_t calls = calls_of(DeviceCall::allocate);
    EXPECT_GT(calls, 0u) << operation.name;
    EXPECT_TRUE(cuda->info().fallbacks.empty());
    for (std::uint64_t k = 1; k <= calls; ++k) {
      std::string reason;
      const auto fresh = make_backend(reason);
      fail_at(DeviceCall::allocate, k);
      const std::vector<double> got = operation.run(*fresh);
      expect_same(got, expected, operation.name + std::string(" allocation ") + std::to_string(k));
      EXPECT_EQ(blocks_allocated(), 0) << operation.name << k;
      ++faults;
      told += fresh->info().fallbacks.size();
    }
  }
  fail_at(DeviceCall::none, 0);
  EXPECT_GT(faults, 50u);
  EXPECT_GT(told, 10u);     // the CPU did it
  EXPECT_LT(told, faults);  // or smaller tiles did
}

TEST_F(CudaFaults, AFaultIsAnErrorForGoodAndLeaksNothing) {
  for (const Operation& operation : operations)
    for (const DeviceCall call : {DeviceCall::copy, DeviceCall::launch, DeviceCall::plan}) {
      fail_at(DeviceCall::none, 0);
      operation.run(*cuda);
      const std::uint64_t calls = calls_of(call);
      if (call != DeviceCall::plan) EXPECT_GT(calls, 0u) << operation.name;
      for (std::uint64_t k = 1; k <= calls; ++k) {
        std::string reason;
        const auto fresh = make_backend(reason);
        fail_at(call, k);
        EXPECT_THROW(operation.run(*fresh), DeviceError) << operation.name << k;
        EXPECT_EQ(blocks_allocated(), 0) << operation.name << k;
        EXPECT_THROW(operation.run(*fresh), DeviceError) << operation.name << k;  // not again on a broken device
      }
    }
  fail_at(DeviceCall::none, 0);
}

// The k-th allocation and all after it: the volume itself never fits, every operation ends on the CPU or in tiles.
TEST_F(CudaFaults, AVolumeThatDoesNotFitIsDoneInTilesOrOnTheCpu) {
  for (const Operation& operation : operations) {
    const std::vector<double> expected = operation.run(*cpu);
    std::string reason;
    const auto fresh = make_backend(reason);
    set_device_memory(17 * 13 * 3 * sizeof(float));  // three slices
    expect_same(operation.run(*fresh), expected, operation.name);
    EXPECT_EQ(blocks_allocated(), 0);
    set_device_memory(static_cast<std::size_t>(-1));
  }
}

// One volume on the device, the other in tiles, either way round.
TEST_F(CudaFaults, VolumesNeedNotLieInTheSamePlace) {
  const std::size_t bytes = v.values.size() * sizeof(float);
  for (const bool ssim : {false, true})
    for (const bool first_fits : {false, true}) {
      const compute::SimilarityJob job{.data_range = 200, .ssim = ssim};
      const auto expected = cpu->similarity(*cpu->upload(v.view()), *cpu->upload(w.view()), job);
      set_device_memory(first_fits ? 2 * bytes - 4 : bytes - 4);  // room for the first alone, or for none
      const auto a = cuda->upload(v.view());
      set_device_memory(first_fits ? 2 * bytes - 4 : static_cast<std::size_t>(-1));
      const auto b = cuda->upload(w.view());
      set_device_memory(static_cast<std::size_t>(-1));
      const auto got = cuda->similarity(*a, *b, job);
      EXPECT_NEAR(got.rmse, expected.rmse, 1e-9 * expected.rmse) << ssim << first_fits;
      EXPECT_NEAR(got.mean_difference, expected.mean_difference, 1e-9) << ssim << first_fits;
      EXPECT_EQ(got.windows, expected.windows);
    }
}

}  // namespace
}  // namespace iqgate::cuda
