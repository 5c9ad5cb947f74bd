#pragma once
#include <string>
#include <vector>

#include "iqgate/measure/nps_boxes.hpp"

namespace iqgate::measure {

/// Is the noise alike over the region? y_k = mean over the slices of ln s^2 in box place k, places that do not overlap;
/// Var(y_k) = 2 / (n_eff slices_eff), n_eff = voxels of the box / sum of squared correlations in the slice;
/// X = sum (y_k - mean)^2 / Var is chi-square with K - 1 degrees of freedom; p is its upper tail.
struct Stationarity {
  double p = 1;
  std::size_t places = 0;
  std::string reason;  ///< why there is no p
};
Stationarity stationarity(const Boxes& boxes, const std::vector<double>& box_variance, double sum_rho_squared_z,
                          double sum_rho_squared_xy);

}  // namespace iqgate::measure
