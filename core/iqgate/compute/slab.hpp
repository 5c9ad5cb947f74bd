#pragma once
// Operations over volumes that may be larger than memory. A volume in memory is one slab; results do not depend on how
// it was cut: the slice is the unit of every sum, and running sums restart at fixed slices of the volume.
#include <limits>
#include <span>

#include "iqgate/base/volume_source.hpp"
#include "iqgate/base/voxels.hpp"

namespace iqgate::compute {

/// Slices [first, first + voxels.size.z) of a volume; results are due for [begin, end), the others are halo.
struct Slab {
  VolumeView voxels;
  std::size_t first = 0, begin = 0, end = 0;
  std::size_t volume_slices = 0;
  IQGATE_HD const float* slice(std::size_t z) const {
    return voxels.values + (z - first) * voxels.size.x * voxels.size.y;
  }
};

/// Gets the slabs in order, each once. Two inputs (SSIM): the second in `other`, the same slices.
class SlabOperation {
 public:
  virtual ~SlabOperation() = default;
  virtual std::size_t halo_slices() const = 0;
  virtual void add(const Slab& slab, const Slab* other) = 0;
};

/// A value that sums are taken about, so that squares do not cancel: the median of some 4000 finite values spread over
/// the volume's first slice, which is the first slice of the first slab.
float working_offset(const Slab& first_slab);

/// The slab that is the whole volume; std::logic_error when it is empty.
Slab whole(const VolumeView& volume);

/// Feeds every operation in one pass over the source(s); the next slab is read while this one is worked on.
/// `memory_bytes`: what slabs may take, 0: no limit. ResourceError when not even one slice with its halo fits.
void run_in_slabs(const VolumeSource& source, const VolumeSource* other, std::span<SlabOperation* const> operations,
                  std::size_t memory_bytes);

/// Where results that are volumes go: slices in order.
template <class T>
class SliceSinkOf {
 public:
  virtual ~SliceSinkOf() = default;
  /// Room for slices [begin, end), valid until the next call.
  virtual T* room(std::size_t begin, std::size_t end) = 0;
  /// They are written.
  virtual void done() {}
};
using SliceSink = SliceSinkOf<float>;

template <class T>
class MemorySinkOf : public SliceSinkOf<T> {
 public:
  MemorySinkOf(T* values, std::size_t plane) : values_(values), plane_(plane) {}
  T* room(std::size_t begin, std::size_t) override { return values_ + begin * plane_; }

 private:
  T* values_;
  std::size_t plane_;
};
using MemorySink = MemorySinkOf<float>;

/// Every `restart_slices`th slice running sums along z begin anew.
inline constexpr std::size_t restart_slices = 128;

/// Half-sample reflection (d c b a | a b c d | d c b a), for any distance.
IQGATE_HD inline std::size_t reflected(long i, std::size_t n) {
  const long m = static_cast<long>(n);
  while (i < 0 || i >= m) i = i < 0 ? -1 - i : 2 * m - 1 - i;
  return static_cast<std::size_t>(i);
}

/// Finite values within `limit` of `offset`.
struct ValueRange {
  float low, high;
};
ValueRange range_about(double offset, double limit);

/// NaN and infinities stay local: windows that hold one give NaN, all others are as if it were not there.
/// Found once a slab; `clean` is the slab itself where it has none.
class FiniteSlab {
 public:
  explicit FiniteSlab(const Slab& slab) : FiniteSlab(slab, 0, std::numeric_limits<double>::infinity()) {}
  /// Values further than `limit` from `offset` count as not finite too.
  FiniteSlab(const Slab& slab, double offset, double limit);
  const Slab& clean() const { return clean_; }
  bool all_finite() const { return rows_.empty(); }
  std::size_t count() const { return count_; }
  /// Sets NaN in `row` (slice z, row y of the volume) where the window (half sizes, reflected at the borders) holds a
  /// voxel that is not finite.
  void mark(std::size_t z, std::size_t y, const std::size_t half[3], float* row) const;
  /// The same for one row of a window: dz slices and dy rows on, half_x to either side.
  void mark_row(std::size_t z, std::size_t y, long dz, long dy, std::size_t half_x, float* row) const;

 private:
  struct Run {
    std::size_t from, to;
  };
  Slab clean_;
  Voxels copy_;
  std::vector<std::vector<Run>> rows_;  // of each row of the slab; empty when all is finite
  std::size_t count_ = 0;
};

}  // namespace iqgate::compute
