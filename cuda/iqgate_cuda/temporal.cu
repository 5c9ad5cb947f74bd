#include <algorithm>
#include <cmath>

#include "iqgate_cuda/volumes.hpp"

namespace iqgate::cuda {
namespace {

struct Outputs {
  float *mean, *residual_sd, *sfnr, *odd_minus_even;
  std::int64_t* not_finite;
};

// frames: [time * voxels + voxel]. One thread a voxel, the steps of the CPU in the same order.
IQGATE_KERNEL void temporal_kernel(const float* frames, std::size_t times, std::size_t voxels,
                                   const double* polynomials, int terms, Outputs out) {
  const std::size_t step = std::size_t{blocks_x()} * block_size, paired = times / 2 * 2;
  for (std::size_t k = std::size_t{block_x()} * block_size + thread_index(); k < voxels; k += step) {
    const double first = static_cast<double>(frames[k]);
    double square = 0, alternating = 0, products[compute::most_time_terms] = {};
    for (std::size_t t = 0; t < times; ++t) {
      const double value = static_cast<double>(frames[t * voxels + k]), v = value - first;
      square += v * v;
      alternating += (t >= paired ? 0.0 : t % 2 == 0 ? 1.0 : -1.0) * value;
      for (int p = 0; p < terms; ++p) products[p] += polynomials[static_cast<std::size_t>(p) * times + t] * v;
    }
    double rest = square;
    for (int p = 0; p < terms; ++p) rest -= products[p] * products[p];
    const double mean = first + products[0] / sqrt(static_cast<double>(times)),
                 sd = sqrt((rest > 0 ? rest : 0.0) / (static_cast<double>(times) - terms));
    const bool finite = square - square == 0;
    if (!finite) atomic_add(out.not_finite, 1);
    out.mean[k] = finite ? static_cast<float>(mean) : NAN;
    out.residual_sd[k] = finite ? static_cast<float>(sd) : NAN;
    out.sfnr[k] = finite && sd > 0 ? static_cast<float>(mean / sd) : NAN;
    out.odd_minus_even[k] = finite ? static_cast<float>(alternating) : NAN;
  }
}

}  // namespace

void temporal_maps_on_device(const compute::TemporalJob& job, compute::TemporalMaps& maps) {
  compute::check_temporal(job);
  const std::size_t times = job.frames.size(), voxels = job.size.count();
  for (Voxels* map : {&maps.mean, &maps.residual_sd, &maps.sfnr, &maps.odd_minus_even}) map->resize(voxels);
  const DeviceArray<double> polynomials(compute::time_polynomials(times, job.order));
  std::int64_t bad = 0;
  std::size_t chunk = voxels;
  for (std::size_t from = 0; from < voxels;) {
    const std::size_t count = std::min(chunk, voxels - from);
    try {
      const DeviceArray<float> frames(times * count), mean(count), sd(count), sfnr(count), odd(count);
      const DeviceArray<std::int64_t> not_finite(1);
      not_finite.clear();
      for (std::size_t t = 0; t < times; ++t)
        copy_to_device(frames.get() + t * count, job.frames[t] + from, count * sizeof(float));
      launch(temporal_kernel, Grid3(blocks_for(count)), block_size, static_cast<const float*>(frames.get()), times,
             count, static_cast<const double*>(polynomials.get()), job.order + 1,
             Outputs{mean.get(), sd.get(), sfnr.get(), odd.get(), not_finite.get()});
      mean.fetch(maps.mean.data() + from);
      sd.fetch(maps.residual_sd.data() + from);
      sfnr.fetch(maps.sfnr.data() + from);
      odd.fetch(maps.odd_minus_even.data() + from);
      bad += not_finite.host()[0];
      from += count;
    } catch (const DeviceError& error) {
      if (error.code != "device_memory" || count < 1024) throw;
      chunk = count / 2;
    }
  }
  maps.not_finite = static_cast<std::size_t>(bad);
}

}  // namespace iqgate::cuda
