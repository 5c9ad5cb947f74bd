#include "iqgate_cuda/reduce.hpp"

#include <algorithm>

#include "iqgate/compute/operations.hpp"

namespace iqgate::cuda {
namespace {

// One block a part (block_x) of a slice (block_y).
IQGATE_KERNEL void slice_sums_kernel(const float* values, std::size_t plane, std::size_t slices, const double* offsets,
                                     PartSums* out) {
  for (std::size_t z = block_y(); z < slices; z += blocks_y()) {
    const float* slice = values + z * plane;
    const std::size_t share = (plane + slice_parts - 1) / slice_parts, from = block_x() * share,
                      to = from + share < plane ? from + share : plane;
    double n = 0, sum = 0, square = 0;
    float low = INFINITY, high = -INFINITY;
    for (std::size_t k = from + thread_index(); k < to; k += block_size) {
      const float value = slice[k];
      if (!compute::is_finite(value)) continue;
      const double v = static_cast<double>(value) - offsets[z];
      n += 1, sum += v, square += v * v;
      low = value < low ? value : low;
      high = value > high ? value : high;
    }
    const PartSums part{block_sum(n), block_sum(sum), block_sum(square), block_extreme(low, false),
                        block_extreme(high, true)};
    if (thread_index() == 0) out[z * slice_parts + block_x()] = part;
  }
}

}  // namespace

std::vector<PartSums> slice_sums_on_device(const float* values, std::size_t plane, const std::vector<double>& offsets) {
  const std::size_t slices = offsets.size();
  const DeviceArray<double> about(offsets);
  const DeviceArray<PartSums> parts(slices * slice_parts);
  launch(slice_sums_kernel, Grid3(slice_parts, static_cast<unsigned>(std::min<std::size_t>(slices, 65535))), block_size,
         values, plane, slices, static_cast<const double*>(about.get()), parts.get());
  const std::vector<PartSums> all = parts.host();
  std::vector<PartSums> sums(slices, {0, 0, 0, INFINITY, -INFINITY});
  for (std::size_t z = 0; z < slices; ++z)
    for (unsigned p = 0; p < slice_parts; ++p) {
      const PartSums& part = all[z * slice_parts + p];
      sums[z].n += part.n, sums[z].sum += part.sum, sums[z].square += part.square;
      sums[z].low = std::min(sums[z].low, part.low);
      sums[z].high = std::max(sums[z].high, part.high);
    }
  return sums;
}

}  // namespace iqgate::cuda
