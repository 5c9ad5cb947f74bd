#pragma once
// Whole-volume operations on the device. All volumes here lie in device memory.
#include "iqgate/compute/operations.hpp"
#include "iqgate/compute/resample.hpp"

namespace iqgate::cuda {

/// The same bits as the CPU's: every output voxel is one host and device function. Throws DeviceError.
void resample_on_device(const VolumeView& volume, const compute::ResampleJob& job, Voxels& out);

/// The same counts as the CPU's, for any launch shape. `histogram` comes with its bins.
void histogram_on_device(const VolumeView& volume, compute::Histogram& histogram);

}  // namespace iqgate::cuda
