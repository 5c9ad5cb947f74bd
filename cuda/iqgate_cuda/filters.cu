#include <cmath>

#include "iqgate_cuda/volumes.hpp"
#include "iqgate_cuda/window_sums.hpp"

namespace iqgate::cuda {
namespace {

// Along z from the slab to its due slices, about the offset; a value that is not finite becomes NaN and spreads as far
// as its weights do.
IQGATE_KERNEL void gaussian_along_z(compute::Slab slab, const float* weights, long half, float offset, float* out) {
  const std::size_t plane = slab.voxels.size.x * slab.voxels.size.y, step = std::size_t{blocks_x()} * block_size,
                    n = (slab.end - slab.begin) * plane;
  for (std::size_t k = std::size_t{block_x()} * block_size + thread_index(); k < n; k += step) {
    const long z = static_cast<long>(slab.begin + k / plane);
    const auto value = [&](long d) {
      const float v = slab.slice(compute::reflected(z + d, slab.volume_slices))[k % plane];
      return compute::is_finite(v) ? v - offset : NAN;
    };
    float sum = weights[0] * value(0);
    for (long d = 1; d <= half; ++d) sum += weights[d] * (value(-d) + value(d));
    out[k] = sum;
  }
}

// Along x (stride 1) or y (stride size.x), of whole slices.
IQGATE_KERNEL void gaussian_in_slice(const float* in, Size3 size, std::size_t slices, bool along_x,
                                     const float* weights, long half, float offset, float* out) {
  const std::size_t step = std::size_t{blocks_x()} * block_size, n = slices * size.x * size.y,
                    length = along_x ? size.x : size.y, stride = along_x ? 1 : size.x;
  for (std::size_t k = std::size_t{block_x()} * block_size + thread_index(); k < n; k += step) {
    const std::size_t at = k / stride % length, line = k - at * stride;
    const auto value = [&](long d) {
      return in[line + compute::reflected(static_cast<long>(at) + d, length) * stride];
    };
    float sum = weights[0] * value(0);
    for (long d = 1; d <= half; ++d) sum += weights[d] * (value(-d) + value(d));
    out[k] = sum + offset;
  }
}

IQGATE_KERNEL void median_kernel(compute::Slab slab, float* out) {
  const Size3 size = slab.voxels.size;
  const std::size_t plane = size.x * size.y, step = std::size_t{blocks_x()} * block_size,
                    n = (slab.end - slab.begin) * plane;
  for (std::size_t k = std::size_t{block_x()} * block_size + thread_index(); k < n; k += step) {
    const long x = static_cast<long>(k % size.x), y = static_cast<long>(k / size.x % size.y),
               z = static_cast<long>(slab.begin + k / plane);
    float values[27];
    int count = 0;
    bool good = true;
    for (long dz = -1; dz <= 1; ++dz)
      for (long dy = -1; dy <= 1; ++dy)
        for (long dx = -1; dx <= 1; ++dx) {
          const float v = slab.slice(compute::reflected(
              z + dz,
              slab.volume_slices))[compute::reflected(y + dy, size.y) * size.x + compute::reflected(x + dx, size.x)];
          good = good && compute::is_finite(v);
          values[count++] = v;
        }
    for (int i = 0; i <= 13; ++i)
      for (int j = i + 1; j < 27; ++j)
        if (values[j] < values[i]) {
          const float swap = values[i];
          values[i] = values[j];
          values[j] = swap;
        }
    out[k] = good ? values[13] : NAN;
  }
}

}  // namespace

void gaussian_on_device(const UploadedVolume& volume, const compute::GaussianJob& job, Voxels& out) {
  const Size3 size = volume.host().size;
  const std::size_t plane = size.x * size.y;
  const std::vector<float> x = compute::gaussian_kernel(job.sigma_x, job.truncate),
                           y = compute::gaussian_kernel(job.sigma_y, job.truncate),
                           z = compute::gaussian_kernel(job.sigma_z, job.truncate);
  const float offset = compute::working_offset(compute::whole(volume.host()));
  out.resize(size.count());
  in_tiles({&volume}, z.size() - 1, [&](const compute::Slab* slab) {
    const std::size_t slices = slab->end - slab->begin, due = slices * plane;
    const DeviceArray<float> one(due), two(due), wx(x), wy(y), wz(z);
    const Grid3 grid(blocks_for(due));
    const auto half = [](const std::vector<float>& w) { return static_cast<long>(w.size()) - 1; };
    launch(gaussian_along_z, grid, block_size, *slab, static_cast<const float*>(wz.get()), half(z), offset, one.get());
    launch(gaussian_in_slice, grid, block_size, static_cast<const float*>(one.get()), size, slices, false,
           static_cast<const float*>(wy.get()), half(y), 0.0f, two.get());
    launch(gaussian_in_slice, grid, block_size, static_cast<const float*>(two.get()), size, slices, true,
           static_cast<const float*>(wx.get()), half(x), offset, one.get());
    one.fetch(out.data() + slab->begin * plane);
  });
}

void median_on_device(const UploadedVolume& volume, Voxels& out) {
  const Size3 size = volume.host().size;
  const std::size_t plane = size.x * size.y;
  out.resize(size.count());
  in_tiles({&volume}, 1, [&](const compute::Slab* slab) {
    const std::size_t due = (slab->end - slab->begin) * plane;
    const DeviceArray<float> result(due);
    launch(median_kernel, Grid3(blocks_for(due)), block_size, *slab, result.get());
    result.fetch(out.data() + slab->begin * plane);
  });
}

}  // namespace iqgate::cuda
