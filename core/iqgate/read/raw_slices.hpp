#pragma once
#include "iqgate/base/geometry.hpp"
#include "iqgate/read/raster_gate.hpp"

namespace iqgate::read {

/// Slices [first, first + count) of plain voxels, as float. Throws InputError.
void read_raw_slices(const RawLayout& layout, Size3 size, std::size_t first, std::size_t count, float* to);

}  // namespace iqgate::read
