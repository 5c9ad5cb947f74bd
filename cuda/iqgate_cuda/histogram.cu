#include <algorithm>

#include "execution.hpp"
#include "iqgate_cuda/device_buffer.hpp"
#include "iqgate_cuda/volumes.hpp"

namespace iqgate::cuda {
namespace {

constexpr unsigned threads = 256;
constexpr int shared_bins = 4096;  // 32 KiB of shared memory

// counts: the bins, then below, then above. Few bins: a block counts in shared memory and adds its totals once.
IQGATE_KERNEL void histogram_kernel(const float* values, std::size_t n, double first, double width, std::size_t bins,
                                    std::int64_t* counts) {
  std::int64_t* local = shared<std::int64_t, shared_bins + 2>();
  const bool in_shared = bins <= static_cast<std::size_t>(shared_bins);
  if (in_shared)
    for (std::size_t k = thread_index(); k < bins + 2; k += block_threads()) local[k] = 0;
  barrier();
  std::int64_t* to = in_shared ? local : counts;
  const std::size_t step = std::size_t{blocks_x()} * block_threads();
  for (std::size_t k = std::size_t{block_x()} * block_threads() + thread_index(); k < n; k += step) {
    if (!compute::is_finite(values[k])) continue;
    const double position = (static_cast<double>(values[k]) - first) / width;
    const std::size_t bin = position < 0                            ? bins
                            : position >= static_cast<double>(bins) ? bins + 1
                                                                    : static_cast<std::size_t>(position);
    atomic_add(to + bin, 1);
  }
  barrier();
  if (in_shared)
    for (std::size_t k = thread_index(); k < bins + 2; k += block_threads())
      if (local[k] != 0) atomic_add(counts + k, local[k]);
}

}  // namespace

void histogram_on_device(const VolumeView& volume, compute::Histogram& histogram) {
  const std::size_t bins = histogram.counts.size(), n = volume.size.count();
  std::vector<std::int64_t> counts(bins + 2);
  const std::size_t bytes = counts.size() * sizeof(std::int64_t);
  DeviceBuffer buffer(bytes);
  device_clear(buffer.get(), bytes);
  const unsigned blocks = static_cast<unsigned>(std::clamp<std::size_t>(n / (threads * 16), 1, 1024));
  launch(histogram_kernel, Grid3(blocks), threads, volume.values, n, histogram.first, histogram.width, bins,
         buffer.as<std::int64_t>());
  copy_to_host(counts.data(), buffer.get(), bytes);
  std::copy_n(counts.begin(), bins, histogram.counts.begin());
  histogram.below = counts[bins];
  histogram.above = counts[bins + 1];
}

}  // namespace iqgate::cuda
