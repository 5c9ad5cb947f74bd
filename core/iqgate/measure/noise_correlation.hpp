#pragma once
#include "iqgate/base/volume.hpp"
#include "iqgate/compute/operations.hpp"

namespace iqgate::measure {

/// How far noise in a region is from independent voxels: from the autocorrelation of the values about a second-order
/// trend in each slice, to 8 voxels in the slice and 2 slices, insignificant lags (below 3/sqrt(N)) left out.
/// Var(mean) = s^2 / N * sum rho; Var(s^2) = 2 s^4 / N * sum rho^2 (metrics.md 0.7, the lag form of the same).
struct NoiseCorrelation {
  double sum_rho = 1;  ///< over all lags, the zero lag included; never below 1/50
  double sum_rho_squared = 1;
  double rho_x1 = 0;       ///< neighbours along a row
  double length_px = 0;    ///< last significant lag along a row or column
  double residual_sd = 0;  ///< about the trend
  double n_eff_mean(double n) const { return n / sum_rho; }
  double n_eff_variance(double n) const { return n / sum_rho_squared; }
};

NoiseCorrelation noise_correlation(const VolumeView& volume, const compute::Mask& mask);

}  // namespace iqgate::measure
