#include <cmath>

#include "iqgate_cuda/volumes.hpp"

namespace iqgate::cuda {
namespace {

struct Outputs {
  float *sd, *mean;
  std::uint8_t* valid;
};

IQGATE_KERNEL void local_statistics_kernel(const float* values, Size3 size, compute::LocalStatisticsJob job,
                                           Outputs out) {
  const double offset = 0.5 * (job.low + job.high);
  const std::size_t plane = size.x * size.y, step = std::size_t{blocks_x()} * block_size, n = job.slices * plane;
  const double count = static_cast<double>((2 * job.half_x + 1) * (2 * job.half_y + 1));
  for (std::size_t k = std::size_t{block_x()} * block_size + thread_index(); k < n; k += step) {
    const std::size_t x = k % size.x, y = k / size.x % size.y;
    out.sd[k] = out.mean[k] = 0;
    out.valid[k] = 0;
    if (x < job.half_x || y < job.half_y || x + job.half_x >= size.x || y + job.half_y >= size.y) continue;
    double sum = 0, square = 0;
    bool inside = true;
    for (std::size_t b = y - job.half_y; inside && b <= y + job.half_y; ++b)
      for (std::size_t a = x - job.half_x; inside && a <= x + job.half_x; ++a) {
        const double value = static_cast<double>(values[k / plane * plane + b * size.x + a]);
        inside = value >= job.low && value <= job.high;
        sum += value - offset, square += (value - offset) * (value - offset);
      }
    if (!inside) continue;
    const double variance = (square - sum * sum / count) / (count - 1);
    out.sd[k] = static_cast<float>(sqrt(variance > 0 ? variance : 0.0));
    out.mean[k] = static_cast<float>(sum / count + offset);
    out.valid[k] = 1;
  }
}

}  // namespace

compute::LocalStatistics local_statistics_on_device(const UploadedVolume& volume,
                                                    const compute::LocalStatisticsJob& job) {
  const VolumeView host = volume.host(), v = volume.on_device();
  if (job.slices == 0 || job.first_slice + job.slices > host.size.z)
    throw std::logic_error("local statistics: slices outside the volume");
  if (!v.values) throw DeviceError("device_memory", "local statistics", "the volume does not fit on the device");
  const std::size_t plane = host.size.x * host.size.y, n = job.slices * plane;
  const DeviceArray<float> sd(n), mean(n);
  const DeviceArray<std::uint8_t> valid(n);
  launch(local_statistics_kernel, Grid3(blocks_for(n)), block_size, v.values + job.first_slice * plane, host.size, job,
         Outputs{sd.get(), mean.get(), valid.get()});
  compute::LocalStatistics result{.width = host.size.x, .height = host.size.y, .slices = job.slices};
  result.sd.resize(n);
  result.mean.resize(n);
  result.valid.resize(n);
  sd.fetch(result.sd.data());
  mean.fetch(result.mean.data());
  valid.fetch(result.valid.data());
  return result;
}

}  // namespace iqgate::cuda
