#pragma once
// Weighted sums of C channels in windows about every voxel, as three passes along y, x and z. Every sum is made anew:
// a voxel leaves nothing in windows that do not hold it. The last channel counts voxels that are not finite.
#include "iqgate/compute/slab.hpp"
#include "iqgate_cuda/device_buffer.hpp"

namespace iqgate::cuda {

template <int C>
struct Channels {
  double value[C + 1];
};

/// Half windows on the device: [0] the centre's weight.
struct HalfWeights {
  const double* weights;
  long half;
};

template <int C>
IQGATE_DEVICE inline void add_weighted(Channels<C>& sum, const Channels<C>& one, double weight) {
  for (int c = 0; c <= C; ++c) sum.value[c] += weight * one.value[c];
}

/// `load(k, channels)`: the channels of voxel k of the slab.
template <int C, class Load>
IQGATE_KERNEL void sums_along_y(Load load, Size3 size, HalfWeights w, Channels<C>* out) {
  const std::size_t step = std::size_t{blocks_x()} * block_size, n = size.count();
  for (std::size_t k = std::size_t{block_x()} * block_size + thread_index(); k < n; k += step) {
    const std::size_t x = k % size.x, y = k / size.x % size.y, slice = k / (size.x * size.y);
    Channels<C> sum{}, one;
    for (long d = -w.half; d <= w.half; ++d) {
      load((slice * size.y + compute::reflected(static_cast<long>(y) + d, size.y)) * size.x + x, one);
      add_weighted(sum, one, w.weights[d < 0 ? -d : d]);
    }
    out[k] = sum;
  }
}

template <int C>
IQGATE_KERNEL void sums_along_x(const Channels<C>* in, Size3 size, HalfWeights w, Channels<C>* out) {
  const std::size_t step = std::size_t{blocks_x()} * block_size, n = size.count();
  for (std::size_t k = std::size_t{block_x()} * block_size + thread_index(); k < n; k += step) {
    const std::size_t x = k % size.x, row = k - x;
    Channels<C> sum{};
    for (long d = -w.half; d <= w.half; ++d)
      add_weighted(sum, in[row + compute::reflected(static_cast<long>(x) + d, size.x)], w.weights[d < 0 ? -d : d]);
    out[k] = sum;
  }
}

/// Of slices [begin, end) of the volume, from those of the slab.
template <int C>
IQGATE_KERNEL void sums_along_z(const Channels<C>* in, compute::Slab slab, HalfWeights w, Channels<C>* out) {
  const std::size_t plane = slab.voxels.size.x * slab.voxels.size.y, step = std::size_t{blocks_x()} * block_size,
                    n = (slab.end - slab.begin) * plane;
  for (std::size_t k = std::size_t{block_x()} * block_size + thread_index(); k < n; k += step) {
    const std::size_t z = slab.begin + k / plane, at = k % plane;
    Channels<C> sum{};
    for (long d = -w.half; d <= w.half; ++d)
      add_weighted(sum,
                   in[(compute::reflected(static_cast<long>(z) + d, slab.volume_slices) - slab.first) * plane + at],
                   w.weights[d < 0 ? -d : d]);
    out[k] = sum;
  }
}

/// The part of a slab that the windows of its due slices reach.
inline compute::Slab reach_of(const compute::Slab& slab, std::size_t half_z) {
  compute::Slab part = slab;
  part.first = slab.begin - (slab.begin < half_z ? slab.begin : half_z);
  if (part.first < slab.first) part.first = slab.first;
  const std::size_t last = slab.end + half_z, there = slab.first + slab.voxels.size.z;
  part.voxels.size.z = (last < there ? last : there) - part.first;
  part.voxels.values = slab.voxels.values + (part.first - slab.first) * slab.voxels.size.x * slab.voxels.size.y;
  return part;
}

/// Sums of the due slices of `part` (see reach_of), left in `sums`; `scratch` holds as many, of all slices of the part.
template <int C, class Load>
void window_sums_on_device(const Load& load, const compute::Slab& part, HalfWeights x, HalfWeights y, HalfWeights z,
                           Channels<C>* sums, Channels<C>* scratch) {
  const Size3 size = part.voxels.size;
  const Grid3 grid(blocks_for(size.count()));
  launch(sums_along_y<C, Load>, grid, block_size, load, size, y, sums);
  launch(sums_along_x<C>, grid, block_size, static_cast<const Channels<C>*>(sums), size, x, scratch);
  launch(sums_along_z<C>, grid, block_size, static_cast<const Channels<C>*>(scratch), part, z, sums);
}

}  // namespace iqgate::cuda
