#pragma once
// One pass over a volume: count, extremes, mean, SD, histogram; exact percentiles by a second one.
#include <memory>

#include "iqgate/compute/operations.hpp"
#include "iqgate/compute/slab.hpp"

namespace iqgate::compute {

struct VolumeStatistics {
  std::size_t n = 0, not_finite = 0;  ///< n counts the finite values, from which the rest is made
  double mean = 0, sd = 0;            ///< sd with n (population)
  double minimum = 0, maximum = 0;
  std::vector<double> percentiles;  ///< as asked, linear between order statistics (type 7), exact
};

/// Of one slice: squares about its mean, extremes.
struct SliceMoments {
  double n = 0, mean = 0, squares = 0;
  float low = 0, high = 0;
};
/// In slice order (Chan's update).
VolumeStatistics join_slices(const std::vector<SliceMoments>& slices, std::size_t not_finite);

/// A key that orders floats as unsigned numbers.
IQGATE_HD inline std::uint32_t ordered_key(float value) {
  union {
    float number;
    std::uint32_t bits;
  } as;
  as.number = value;
  return as.bits & 0x80000000u ? ~as.bits : as.bits | 0x80000000u;
}

/// Sums in double about the first value of each slice, a partial a slice, joined in slice order.
class VolumeStatisticsPass : public SlabOperation {
 public:
  explicit VolumeStatisticsPass(Size3 volume) : slices_(volume.z) {}
  std::size_t halo_slices() const override { return 0; }
  void add(const Slab& slab, const Slab* other) override;
  VolumeStatistics finish() const;

 private:
  std::vector<SliceMoments> slices_;
  std::size_t not_finite_ = 0;
};

/// Counts in equal bins of [first, first + width * bins); values that are not finite are in none.
class HistogramPass : public SlabOperation {
 public:
  HistogramPass(double first, double width, std::size_t bins);
  std::size_t halo_slices() const override { return 0; }
  void add(const Slab& slab, const Slab* other) override;
  const Histogram& finish() const { return histogram_; }

 private:
  Histogram histogram_;
};

/// Exact order statistics in two passes: the first counts the upper 16 bits of every value, the second the lower 16 of
/// those that share the upper ones of a wanted rank. Memory does not grow with the volume.
class OrderStatistics {
 public:
  OrderStatistics();
  /// First pass, all slabs; then `choose`, then the second pass.
  SlabOperation& upper_pass();
  void choose(const std::vector<double>& percentiles);
  SlabOperation& lower_pass();
  /// What the passes count, for a device that counts in its own way: of each upper half; then the table of each upper
  /// half (0: not wanted), and the counts of lower halves by table.
  static constexpr std::size_t halves = 65536;
  void add_upper(const std::vector<std::int64_t>& counts);
  const std::vector<std::uint16_t>& tables() const;
  std::size_t table_count() const;  ///< with table 0
  void add_lower(const std::vector<std::int64_t>& counts);
  /// One value a percentile; empty when there is no finite value.
  std::vector<double> finish() const;
  ~OrderStatistics();

 private:
  struct Work;
  std::unique_ptr<Work> work_;
};

}  // namespace iqgate::compute
