#pragma once
// Jobs and results of the data-parallel operations. Sums are double, a partial a slice, joined in slice order:
// the same bytes at any thread count.
#include <cstdint>
#include <vector>

#include "iqgate/base/volume.hpp"
#include "iqgate/base/voxels.hpp"

namespace iqgate::compute {

/// On every device alike.
IQGATE_HD inline bool is_finite(float value) { return value - value == 0; }

/// Voxels of a region: offsets into the volume in raster order, optionally with coverage weights in (0, 1].
struct Mask {
  std::vector<std::size_t> offsets;
  std::vector<float> weights;
  bool empty() const { return offsets.empty(); }
};

/// Weighted: variance = Sum w (x - mean)^2 / (Sum w - Sum w^2 / Sum w), which is n - 1 for weights of 1.
struct Moments {
  std::size_t n = 0;
  double mean = 0, variance = 0, minimum = 0, maximum = 0;
};

struct Histogram {
  double first = 0, width = 1;
  std::vector<std::int64_t> counts;
  std::int64_t below = 0, above = 0;
};

/// Sliding window in the slice plane; a window counts only where all its pixels lie inside [low, high].
struct LocalStatisticsJob {
  std::size_t first_slice = 0, slices = 1;
  std::size_t half_x = 3, half_y = 3;
  double low = 0, high = 100;
};
struct LocalStatistics {
  std::size_t width = 0, height = 0, slices = 0;
  Voxels sd;    ///< window SD (n - 1), 0 where not valid
  Voxels mean;  ///< window mean, 0 where not valid
  VoxelArray<std::uint8_t> valid;
};

enum class Detrend { none, constant, poly2 };
/// Of the transform; what goes before and after it is in double. Single: spectra right to 1e-5 of their mean.
enum class Precision { single, twofold };

/// Periodograms of equal boxes; `block[k]` names the block (for resampling) that box k belongs to.
struct PowerSpectrumJob {
  Size3 box{64, 64, 1};
  std::vector<Size3> corners;
  std::vector<int> block;
  int blocks = 1;
  Detrend detrend = Detrend::poly2;
  Precision precision = Precision::twofold;
};
/// spectra[b]: mean of |DFT(residual)|^2 over the boxes of block b, full grid x fastest. Not normalised. A box with a
/// value that is not finite is left out (NaN in box_mean and box_variance).
struct PowerSpectrum {
  Size3 box;
  std::vector<std::vector<double>> spectra;
  std::vector<int> boxes_in_block;
  std::vector<double> box_mean, box_variance;  ///< of each box: mean before, mean square after the detrend
  int left_out = 0;
};

/// Largest and smallest mean of a disc (exact pixel coverage) whose centre lies on a pixel of the large region.
struct DiscSearchJob {
  std::size_t slice = 0;
  double center_x = 0, center_y = 0;  ///< of the large region, in pixels
  double large_radius_mm = 0, disc_radius_mm = 0;
};
struct DiscSearch {
  double maximum = 0, minimum = 0;
  std::size_t max_x = 0, max_y = 0, min_x = 0, min_y = 0;
  double disc_pixels = 0;
  std::size_t positions = 0;
};

/// Share of the pixel (dx, dy away, of size sx, sy) that a disc of this radius about the origin covers, exactly.
double disc_coverage(double dx, double dy, double sx, double sy, double radius);

}  // namespace iqgate::compute
