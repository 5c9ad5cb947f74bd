#pragma once
#include "iqgate/base/volume.hpp"
#include "iqgate/compute/operations.hpp"

namespace iqgate::measure {

/// How far noise in a region is from independent voxels, from the autocovariance of the values about a trend in each
/// slice (second order in large regions, a plane or a constant in small ones, where a surface would take the noise's
/// own low frequencies away). Lags out to where the ring mean of the correlation is lost in its noise, to 8 voxels in
/// the slice and 2 slices. What the trend took from every lag (p parameters: p S / N, S the sum over lags) is put back.
/// Var(mean) = s^2 / N * sum rho; Var(s^2) = 2 s^4 / N * sum rho^2 (the lag form).
struct NoiseCorrelation {
  double sum_rho = 1;  ///< over all lags, the zero lag included; never below 1/50
  double sum_rho_squared = 1;
  double sum_rho_squared_z = 1;  ///< of the lags straight through the slices
  double rho_x1 = 0;             ///< neighbours along a row
  double residual_sd = 0;        ///< about the trend, what the trend took put back
  double n_eff_mean(double n) const { return n / sum_rho; }
  double n_eff_variance(double n) const { return n / sum_rho_squared; }
};

NoiseCorrelation noise_correlation(const VolumeView& volume, const compute::Mask& mask);

}  // namespace iqgate::measure
