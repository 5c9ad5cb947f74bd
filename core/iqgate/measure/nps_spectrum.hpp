#pragma once
#include <string>
#include <vector>

#include "iqgate/measure/metric.hpp"
#include "iqgate/measure/nps_boxes.hpp"

namespace iqgate::measure {

/// What a spectrum is of, and how its numbers come from the boxes' power.
struct NpsSet {
  std::string where, variant;
  compute::Detrend detrend = compute::Detrend::poly2;
  double power_scale = 1;        ///< 1/2 for a difference of two scans, n / (n - 1) about the mean of n
  double independent_share = 1;  ///< (n - 1) / n about the mean of n
  double slice_sharing = 1;      ///< sum of squared correlations through the slices: fewer independent boxes
  double sum_rho_squared = 1;    ///< the same over all lags
  bool ring = false;             ///< of one ring of a region: under the names of rings, and fewer of them
  bool stationarity = false;     ///< test whether the boxes' variances are alike
  std::vector<std::string> flags;
};

/// Adds the scalars and curves of the boxes' mean spectrum; variant "2d_" or "3d_" by the depth of the boxes.
void measure_nps(const Job& job, const compute::DeviceVolume& volume, const Boxes& boxes, const NpsSet& set,
                 Results& results);

}  // namespace iqgate::measure
