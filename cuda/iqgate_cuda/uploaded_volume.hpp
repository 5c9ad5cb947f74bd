#pragma once
#include <functional>
#include <memory>
#include <vector>

#include "iqgate/compute/backend.hpp"
#include "iqgate_cuda/device_buffer.hpp"

namespace iqgate::cuda {

/// A volume on the device, shared by all operations; where it does not fit, operations upload it tile by tile.
class UploadedVolume : public compute::DeviceVolume {
 public:
  explicit UploadedVolume(const VolumeView& host);
  VolumeView host() const override { return host_; }
  /// Values null where the volume did not fit.
  VolumeView on_device() const { return {memory_ ? memory_->get() : nullptr, host_.size, host_.spacing_mm}; }

 private:
  VolumeView host_;
  std::unique_ptr<DeviceArray<float>> memory_;
};

/// std::logic_error for a volume of another backend.
const UploadedVolume& uploaded(const compute::DeviceVolume& volume);

/// Calls `work` with the volumes' slabs (in device memory, in step) until every slice was due once. A tile that runs
/// out of device memory is done again as two: `work` must set, not add to, what it gives for slices [begin, end).
/// Throws DeviceError when a single slice with its halo does not fit.
void in_tiles(const std::vector<const UploadedVolume*>& volumes, std::size_t halo_slices,
              const std::function<void(const compute::Slab* slabs)>& work);

}  // namespace iqgate::cuda
