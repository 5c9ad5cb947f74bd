#include <algorithm>

#include "iqgate_cuda/volumes.hpp"

namespace iqgate::cuda {
namespace {

constexpr int shared_entries = 1536;  // 3 x 8 bytes each: 36 KiB of shared memory
constexpr unsigned threads = 256;

struct Outputs {
  std::int64_t *sums, *counts, *offsets, *not_finite;
};

// One block takes every gridDim.x-th row of one slice (block_y). Few bins: the block sums in shared memory and adds its
// totals once; many: it adds to the slice's totals directly. Integers, so neither way nor order changes a bit.
IQGATE_KERNEL void edge_profile_kernel(VolumeView volume, compute::EdgeProfileJob job, double scale, Outputs out) {
  std::int64_t* local = shared<std::int64_t, 3 * shared_entries>();
  const int entries = job.bins * job.sectors;
  const bool in_shared = entries <= shared_entries;
  if (in_shared)
    for (int k = static_cast<int>(thread_index()); k < 3 * entries; k += static_cast<int>(block_threads()))
      local[k] = 0;
  barrier();
  const std::size_t z = job.low[2] + block_y();
  const std::size_t base = static_cast<std::size_t>(block_y()) * static_cast<std::size_t>(entries);
  for (std::size_t y = job.low[1] + block_x(); y < job.high[1]; y += blocks_x())
    for (std::size_t x = job.low[0] + thread_index(); x < job.high[0]; x += block_threads()) {
      const compute::EdgeBin at = compute::edge_bin(
          job, {static_cast<double>(x) * volume.spacing_mm.x, static_cast<double>(y) * volume.spacing_mm.y,
                static_cast<double>(z) * volume.spacing_mm.z});
      if (!compute::is_finite(volume(x, y, z))) {
        atomic_add(out.not_finite, 1);
        continue;
      }
      if (at.bin < 0) continue;
      const std::int64_t value = compute::scaled_value(volume(x, y, z), scale);
      const int entry = at.sector * job.bins + at.bin;
      if (in_shared) {
        atomic_add(local + entry, value);
        atomic_add(local + entries + entry, 1);
        atomic_add(local + 2 * entries + entry, at.offset);
      } else {
        atomic_add(out.sums + base + entry, value);
        atomic_add(out.counts + base + entry, 1);
        atomic_add(out.offsets + base + entry, at.offset);
      }
    }
  barrier();
  if (in_shared)
    for (int k = static_cast<int>(thread_index()); k < entries; k += static_cast<int>(block_threads())) {
      if (local[entries + k] == 0) continue;
      atomic_add(out.sums + base + k, local[k]);
      atomic_add(out.counts + base + k, local[entries + k]);
      atomic_add(out.offsets + base + k, local[2 * entries + k]);
    }
}

}  // namespace

compute::EdgeProfile edge_profile_on_device(const UploadedVolume& volume, const compute::EdgeProfileJob& job) {
  compute::EdgeProfile profile = compute::prepare_edge_profile(volume.host(), job);
  const VolumeView v = volume.on_device();
  if (!v.values || profile.slices > 65535)
    throw DeviceError("device_memory", "edge profile", "the volume does not fit on the device");
  const std::size_t entries = profile.sums.size();
  const DeviceArray<std::int64_t> sums(entries), counts(entries), offsets(entries), not_finite(1);
  for (const DeviceArray<std::int64_t>* array : {&sums, &counts, &offsets, &not_finite}) array->clear();
  const unsigned rows = static_cast<unsigned>(std::min<std::size_t>(job.high[1] - job.low[1], 64));
  launch(edge_profile_kernel, Grid3(rows, static_cast<unsigned>(profile.slices)), threads, v, job, profile.scale,
         Outputs{sums.get(), counts.get(), offsets.get(), not_finite.get()});
  sums.fetch(profile.sums.data());
  counts.fetch(profile.counts.data());
  offsets.fetch(profile.offsets.data());
  not_finite.fetch(&profile.not_finite);
  return profile;
}

}  // namespace iqgate::cuda
