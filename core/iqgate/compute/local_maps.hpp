#pragma once
// Mean, SD, SNR and coefficient of variation in a window about every voxel of a volume, and what these maps sum up to.
#include <cmath>
#include <memory>
#include <optional>

#include "iqgate/compute/box_sweep.hpp"
#include "iqgate/compute/value_sums.hpp"

namespace iqgate::compute {

enum class WindowShape { box, ball };

/// Windows are reflected at the borders (half-sample). A window that holds a value that is not finite gives NaN.
struct LocalMapJob {
  WindowShape shape = WindowShape::box;
  BoxShape half{3, 3, 3};                                ///< box: half sizes in voxels
  double radius_mm = 0;                                  ///< ball: voxels whose centre lies within it
  bool sample_sd = false;                                ///< divide by n - 1, else by n
  bool mean = true, sd = true, snr = false, cv = false;  ///< which maps: snr = mean / sd, cv = sd / mean
};

/// Over all voxels of a map that are finite.
struct MapSummary {
  std::size_t n = 0;
  double mean = 0, sd = 0, minimum = 0, maximum = 0;  ///< sd with n - 1
};

/// Below this share of the mean square (about the offset) a variance cannot be told from rounding, and is 0: an SD of
/// 3e-7 of the distance from the offset, a few steps between neighbouring floats.
inline constexpr double least_variance_share = 1e-13;
/// Mean and SD of a window from its sums about an offset.
struct WindowValues {
  float mean, sd;
};
IQGATE_HD inline WindowValues window_values(double sum, double square, double share, double of_freedom, double offset) {
  const double m = sum * share, squares = square - sum * m;
  return {static_cast<float>(m + offset),
          static_cast<float>(std::sqrt(squares > least_variance_share * square ? squares * of_freedom : 0.0))};
}

/// Maps that were not asked for are empty. Memory given in is used again.
struct LocalMaps {
  Voxels mean, sd, snr, cv;
  std::optional<MapSummary> mean_summary, sd_summary, snr_summary, cv_summary;
  std::size_t not_finite = 0;  ///< voxels of the input
};

/// Half widths along x of the rows of a ball, and how many voxels it has.
struct BallRows {
  struct Row {
    long dz, dy;
    std::size_t half_x;
  };
  std::vector<Row> rows;
  BoxShape half;
  std::size_t count = 0;
};
BallRows ball_rows(double radius_mm, Vec3 spacing_mm);

/// From the sums of a map's values about an offset.
MapSummary map_summary(const ValueSums& sums, double offset);

/// Any of the sinks may be null: then that map is only summed up, if asked for.
struct LocalMapSinks {
  SliceSink *mean = nullptr, *sd = nullptr, *snr = nullptr, *cv = nullptr;
};

/// Local maps over slabs. Sums in double about a value of the first slice: exact for integer values, and the SD right
/// to 1e-5 where the mean is 6000 times as far from it. A window of equal values has SD 0. A voxel spoils no window
/// that does not hold it, as long as it is below 1e12 times the others.
class LocalMapPass : public SlabOperation {
 public:
  LocalMapPass(Size3 volume, Vec3 spacing_mm, const LocalMapJob& job, LocalMapSinks sinks);
  ~LocalMapPass() override;
  std::size_t halo_slices() const override;
  void add(const Slab& slab, const Slab* other) override;
  /// Summaries, once all slabs are in. The maps themselves are in the sinks.
  LocalMaps finish() const;

 private:
  struct Work;
  std::unique_ptr<Work> work_;
};

}  // namespace iqgate::compute
