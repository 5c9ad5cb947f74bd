#pragma once
// Jobs that the benchmarks and the peer worker share.
#include "iqgate/compute/backend.hpp"

namespace iqgate::benchmarks {

/// Bins of a tenth of a voxel by distance from near the middle of a cube of n voxels a side.
inline compute::EdgeProfileJob radial_bins(std::size_t n) {
  const double middle = 0.5 * double(n - 1) + 0.137;
  return {.shape = compute::EdgeShape::sphere,
          .origin = {middle, middle, middle},
          .axis = {0, 0, 1},
          .along = {1, 0, 0},
          .bin_mm = 0.1,
          .bins = int(10 * n),
          .cos2_high = 1.1,
          .high = {n, n, n}};
}

/// All cubes of 64 in steps of 32, dealt to `blocks` blocks.
inline compute::PowerSpectrumJob cubes(std::size_t n, int blocks, compute::Precision precision) {
  compute::PowerSpectrumJob job{.box = {64, 64, 64}, .blocks = blocks, .precision = precision};
  for (std::size_t z = 0; z + 64 <= n; z += 32)
    for (std::size_t y = 0; y + 64 <= n; y += 32)
      for (std::size_t x = 0; x + 64 <= n; x += 32) {
        job.block.push_back(int(job.corners.size()) % blocks);
        job.corners.push_back({x, y, z});
      }
  return job;
}

}  // namespace iqgate::benchmarks
