#include <algorithm>
#include <stdexcept>

#include "iqgate_cuda/volumes.hpp"

namespace iqgate::cuda {
namespace {

struct Curves {
  const double *values, *weights;  // weights null: 1 each
  std::size_t blocks, points, draws;
  std::uint64_t seed;
};

// One block a draw: counts how often each block was drawn, then each thread adds up its points in block order.
IQGATE_KERNEL void bootstrap_kernel(Curves curves, std::int64_t* times_of_all, double* means) {
  for (std::size_t d = block_x(); d < curves.draws; d += blocks_x()) {
    std::int64_t* times = times_of_all + block_x() * curves.blocks;
    barrier();
    for (std::size_t b = thread_index(); b < curves.blocks; b += block_size) times[b] = 0;
    barrier();
    for (std::size_t k = thread_index(); k < curves.blocks; k += block_size)
      atomic_add(times + compute::drawn_block(curves.seed, d, k, curves.blocks), 1);
    barrier();
    for (std::size_t p = thread_index(); p < curves.points; p += block_size) {
      double sum = 0, total = 0;
      for (std::size_t b = 0; b < curves.blocks; ++b) {
        if (times[b] == 0) continue;
        const double w = static_cast<double>(times[b]) * (curves.weights ? curves.weights[b] : 1.0);
        total += w;
        sum += w * curves.values[b * curves.points + p];
      }
      means[d * curves.points + p] = sum / total;
    }
  }
}

}  // namespace

std::vector<double> bootstrap_on_device(const compute::BootstrapJob& job) {
  compute::check_bootstrap(job);
  if (job.draws == 0 || job.points == 0) return {};
  const DeviceArray<double> curves(job.curves), weights(job.weights), means(job.draws * job.points);
  const unsigned blocks = static_cast<unsigned>(std::min<std::size_t>(job.draws, 1024));
  const DeviceArray<std::int64_t> times(blocks * job.blocks);
  launch(
      bootstrap_kernel, Grid3(blocks), block_size,
      Curves{curves.get(), job.weights.empty() ? nullptr : weights.get(), job.blocks, job.points, job.draws, job.seed},
      times.get(), means.get());
  return means.host();
}

}  // namespace iqgate::cuda
