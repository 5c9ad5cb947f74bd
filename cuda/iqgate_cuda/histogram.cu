#include <algorithm>

#include "iqgate_cuda/volumes.hpp"

namespace iqgate::cuda {
namespace {

constexpr int shared_bins = 4096;  // 32 KiB of shared memory

// counts: the bins, then below, then above. Few bins: a block counts in shared memory and adds its totals once.
// `offsets`: of the voxels to count, null for all.
IQGATE_KERNEL void histogram_kernel(const float* values, const std::size_t* offsets, std::size_t n, double first,
                                    double width, std::size_t bins, std::int64_t* counts) {
  std::int64_t* local = shared<std::int64_t, shared_bins + 2>();
  const bool in_shared = bins <= static_cast<std::size_t>(shared_bins);
  if (in_shared)
    for (std::size_t k = thread_index(); k < bins + 2; k += block_threads()) local[k] = 0;
  barrier();
  std::int64_t* to = in_shared ? local : counts;
  const std::size_t step = std::size_t{blocks_x()} * block_threads();
  for (std::size_t k = std::size_t{block_x()} * block_threads() + thread_index(); k < n; k += step) {
    const float value = values[offsets ? offsets[k] : k];
    if (!compute::is_finite(value)) continue;
    const double position = (static_cast<double>(value) - first) / width;
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

void count(const float* values, const std::size_t* offsets, std::size_t n, compute::Histogram& histogram) {
  const std::size_t bins = histogram.counts.size();
  const DeviceArray<std::int64_t> counts(bins + 2);
  counts.clear();
  launch(histogram_kernel, Grid3(blocks_for(n / 16, 1024)), block_size, values, offsets, n, histogram.first,
         histogram.width, bins, counts.get());
  const std::vector<std::int64_t> all = counts.host();
  for (std::size_t k = 0; k < bins; ++k) histogram.counts[k] += all[k];
  histogram.below += all[bins];
  histogram.above += all[bins + 1];
}

}  // namespace

compute::Histogram histogram_on_device(const UploadedVolume& volume, double first, double width, std::size_t bins) {
  compute::Histogram histogram = compute::HistogramPass(first, width, bins).finish();
  in_tiles({&volume}, 0, [&](const compute::Slab* slab) {
    count(slab->slice(slab->begin), nullptr, (slab->end - slab->begin) * slab->voxels.size.x * slab->voxels.size.y,
          histogram);
  });
  return histogram;
}

compute::Histogram masked_histogram_on_device(const UploadedVolume& volume, const compute::Mask& mask, double first,
                                              double width, std::size_t bins) {
  compute::Histogram histogram = compute::HistogramPass(first, width, bins).finish();
  if (mask.empty()) return histogram;
  const float* values = volume.on_device().values;
  if (!values) throw DeviceError("device_memory", "histogram", "the volume does not fit on the device");
  const DeviceArray<std::size_t> offsets(mask.offsets);
  count(values, offsets.get(), mask.offsets.size(), histogram);
  return histogram;
}

}  // namespace iqgate::cuda
