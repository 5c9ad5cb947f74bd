#pragma once
#include <vector>

#include "iqgate/compute/render.hpp"

namespace iqgate::compute {

/// Noise of unit-free shape for every voxel: white or filtered on a periodic grid of twice the size, then cropped,
/// so that no edge effect remains. `stream` makes independent fields from one seed.
std::vector<float> noise_field(const Grid& grid, const NoiseJob& job, std::uint64_t stream);

}  // namespace iqgate::compute
