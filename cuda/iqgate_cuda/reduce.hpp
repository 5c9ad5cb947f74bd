#pragma once
// Sums of fixed order: each thread strides over its part, the block joins its threads in a tree. No floating-point
// atomics, so the same bits for any schedule.
#include <cmath>

#include "iqgate_cuda/device_buffer.hpp"

namespace iqgate::cuda {

struct PartSums {
  double n, sum, square;
  float low, high;
};

/// Of all threads of a block of block_size, in every thread.
IQGATE_DEVICE inline double block_sum(double value) {
  double* all = shared<double, static_cast<int>(block_size)>();
  barrier();
  all[thread_index()] = value;
  barrier();
  for (unsigned offset = block_size / 2; offset > 0; offset /= 2) {
    if (thread_index() < offset) all[thread_index()] += all[thread_index() + offset];
    barrier();
  }
  return all[0];
}

IQGATE_DEVICE inline float block_extreme(float value, bool largest) {
  float* all = shared<float, static_cast<int>(block_size)>();
  barrier();
  all[thread_index()] = value;
  barrier();
  for (unsigned offset = block_size / 2; offset > 0; offset /= 2) {
    if (thread_index() < offset) {
      const float other = all[thread_index() + offset], own = all[thread_index()];
      all[thread_index()] = (largest ? other > own : other < own) ? other : own;
    }
    barrier();
  }
  return all[0];
}

/// Parts of a slice that are summed apart, whatever its size.
inline constexpr unsigned slice_parts = 16;

/// Sums of the finite values about the slice's offset, of each slice: `slices` of them from `values` on.
std::vector<PartSums> slice_sums_on_device(const float* values, std::size_t plane, const std::vector<double>& offsets);

}  // namespace iqgate::cuda
