#pragma once
#include "iqgate/compute/edge_profile.hpp"

namespace iqgate::cuda {

/// Adds the voxels of `volume` (device memory) to `profile`: the same integers as the CPU, for any launch shape.
/// Throws DeviceError.
void edge_profile_on_device(const VolumeView& volume, const compute::EdgeProfileJob& job,
                            compute::EdgeProfile& profile);

}  // namespace iqgate::cuda
