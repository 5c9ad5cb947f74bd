#pragma once
// The CUDA backend under test beside the CPU's, and the schedules to run it under.
#include <random>

#include "iqgate_cuda/backend.hpp"
#include "support/support.hpp"
#if defined(IQGATE_SHIM)
#include "execution.hpp"
#endif

namespace iqgate::cuda {

#if defined(IQGATE_SHIM)
inline const std::vector<int> schedules{0, 1, 2};
inline void choose(int schedule) { set_schedule(static_cast<Schedule>(schedule), 7); }
#else
inline const std::vector<int> schedules{0};
inline void choose(int) {}
#endif

class CudaBackendTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string reason;
    cuda = make_backend(reason);
    if (!cuda) GTEST_SKIP() << "NO CUDA DEVICE: " << reason;
  }
  std::shared_ptr<const compute::Backend> cuda;
  std::shared_ptr<const compute::Backend> cpu = compute::cpu_backend();
};

inline Volume random_volume(Size3 size, double offset) {
  Volume v{test::centred_grid(size, {0.7, 0.9, 2}), Voxels(size.count())};
  std::mt19937 engine(3);
  std::normal_distribution<double> normal(offset, 50);
  for (float& x : v.values) x = static_cast<float>(normal(engine));
  return v;
}

}  // namespace iqgate::cuda
