#pragma once
// Time series of volumes: what is left of each voxel after a polynomial in time, and the series of growing squares.
#include <vector>

#include "iqgate/base/geometry.hpp"
#include "iqgate/base/voxels.hpp"

namespace iqgate::compute {

/// Volumes of one size, equally spaced in time; more of them than order + 1.
struct TemporalJob {
  std::vector<const float*> frames;
  Size3 size;
  int order = 2;  ///< of the polynomial in time that is taken off each voxel
};

/// Per voxel. A voxel with a value that is not finite at any time is NaN in all maps.
struct TemporalMaps {
  Voxels mean;
  Voxels residual_sd;          ///< n - order - 1 degrees of freedom
  Voxels sfnr;                 ///< mean / residual_sd; NaN where that is 0
  Voxels odd_minus_even;       ///< sum of frames 1, 3, ... less that of 2, 4, ... (an odd last frame is left out)
  std::size_t not_finite = 0;  ///< voxels
};

/// Orthonormal polynomials over n equally spaced times, order + 1 of them, [term * n + time].
std::vector<double> time_polynomials(std::size_t n, int order);

inline constexpr int most_time_terms = 6;
/// std::logic_error unless there are frames and voxels enough.
void check_temporal(const TemporalJob& job);

/// Reads every frame once. Sums in double about the first frame.
void temporal_maps(const TemporalJob& job, TemporalMaps& maps);

/// Means of squares of 1, 2, ... `largest` pixels about a pixel (lower corner at (side - 1) / 2 below it), and the
/// coefficient of variation of each about its polynomial in time (Weisskoff 1996).
struct SquareSeries {
  std::vector<std::vector<double>> mean;  ///< [side - 1][time]
  std::vector<double> cv;                 ///< residual SD / mean, by side
  double cv_one_voxel_rms = 0;            ///< side 1 as root mean square over the largest square's pixels
};
SquareSeries square_series(const TemporalJob& job, std::size_t slice, std::size_t x, std::size_t y,
                           std::size_t largest);

}  // namespace iqgate::compute
