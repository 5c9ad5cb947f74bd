#pragma once
// Voxels that are read slice by slice, wherever they lie: what an operation sees when the volume may not fit.
#include <algorithm>

#include "iqgate/base/volume.hpp"

namespace iqgate {

class VolumeSource {
 public:
  virtual ~VolumeSource() = default;
  virtual Size3 size() const = 0;
  virtual Vec3 spacing_mm() const = 0;
  /// Writes slices [first, first + count) to `to`. Throws InputError.
  virtual void read(std::size_t first, std::size_t count, float* to) const = 0;
  /// The whole volume where it lies in memory, else null.
  virtual const float* in_memory() const { return nullptr; }
};

/// A volume in memory, which must outlive it.
class MemorySource : public VolumeSource {
 public:
  explicit MemorySource(const VolumeView& view) : view_(view) {}
  Size3 size() const override { return view_.size; }
  Vec3 spacing_mm() const override { return view_.spacing_mm; }
  void read(std::size_t first, std::size_t count, float* to) const override {
    const std::size_t plane = view_.size.x * view_.size.y;
    std::copy_n(view_.values + first * plane, count * plane, to);
  }
  const float* in_memory() const override { return view_.values; }

 private:
  VolumeView view_;
};

}  // namespace iqgate
