#pragma once
// A volume of float voxels, x fastest, and the plain view of it that operations take.
#include <cstddef>
#include <vector>

#include "iqgate/base/geometry.hpp"
#include "iqgate/base/voxels.hpp"

namespace iqgate {

/// Trivially copyable view: voxels and their size, spacing in mm. Does not own.
struct VolumeView {
  const float* values = nullptr;
  Size3 size;
  Vec3 spacing_mm{1, 1, 1};
  IQGATE_HD float operator()(std::size_t x, std::size_t y, std::size_t z) const {
    return values[(z * size.y + y) * size.x + x];
  }
};

struct Volume {
  Grid grid;
  Voxels values;
  VolumeView view() const { return {values.data(), grid.size, grid.spacing_mm}; }
};

}  // namespace iqgate
