#include <algorithm>

#include "iqgate_cuda/volumes.hpp"

namespace iqgate::cuda {
namespace {

constexpr unsigned threads = 256;

// One block a row (block_x: row of the slice, block_y: slice), its threads along x.
IQGATE_KERNEL void resample_kernel(VolumeView volume, compute::ResampleJob job, float* out) {
  for (std::size_t k = block_y(); k < job.size.z; k += blocks_y())
    for (std::size_t j = block_x(); j < job.size.y; j += blocks_x())
      for (std::size_t i = thread_index(); i < job.size.x; i += block_threads())
        out[(k * job.size.y + j) * job.size.x + i] =
            compute::linear_value(volume, compute::resampled_at(job, volume, i, j, k), job.outside);
}

}  // namespace

void resample_on_device(const UploadedVolume& volume, const compute::ResampleJob& job, Voxels& out) {
  out.resize(job.size.count());
  if (out.empty()) return;
  const VolumeView v = volume.on_device();
  if (!v.values) throw DeviceError("device_memory", "resampling", "the volume does not fit on the device");
  const DeviceArray<float> result(out.size());
  const auto at_most = [](std::size_t n, unsigned limit) { return std::min(static_cast<unsigned>(n), limit); };
  launch(resample_kernel, Grid3(at_most(job.size.y, 65535), at_most(job.size.z, 65535)), threads, v, job, result.get());
  result.fetch(out.data());
}

}  // namespace iqgate::cuda
