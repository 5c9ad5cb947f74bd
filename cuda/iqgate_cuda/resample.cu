#include <algorithm>

#include "execution.hpp"
#include "iqgate_cuda/device_buffer.hpp"
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

void resample_on_device(const VolumeView& volume, const compute::ResampleJob& job, Voxels& out) {
  out.resize(job.size.count());
  if (out.empty()) return;
  const std::size_t bytes = out.size() * sizeof(float);
  DeviceBuffer result(bytes);
  const auto at_most = [](std::size_t n, unsigned limit) { return std::min(static_cast<unsigned>(n), limit); };
  launch(resample_kernel, Grid3(at_most(job.size.y, 65535), at_most(job.size.z, 65535)), threads, volume, job,
         result.as<float>());
  copy_to_host(out.data(), result.get(), bytes);
}

}  // namespace iqgate::cuda
