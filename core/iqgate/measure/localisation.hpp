#pragma once
// H6: what the uncertainty of the placement does to a number that is measured in a region.
#include <functional>

#include "iqgate/measure/metric.hpp"

namespace iqgate::measure {

/// Standard errors of where a region lies: across the phantom's axis and along it, mm. Zero for regions given by hand.
struct RegionError {
  double across_mm = 0, along_mm = 0;
};
RegionError region_error(const Placement& placement, const Region& region);

/// Standard error of `number` (of a region) from that: half the difference between the region moved by one standard
/// error either way, over the three directions, in quadrature. Moves that leave the scan do not count.
double localisation_se(const Placement& placement, const Region& region,
                       const std::function<std::optional<double>(const Region&)>& number);

/// Mean of a region with its standard error: noise (with its correlation) and placement.
struct RegionMean {
  double mean = 0, sd = 0, se_noise = 0, se_localisation = 0, n_eff = 0;
  bool many = false;  ///< 30 voxels or more: fewer tell no error
  std::vector<std::string> flags;
  std::string reason;  ///< why there is none
  bool good() const { return reason.empty(); }
  double se() const;
};
RegionMean region_mean(const Job& job, std::size_t scan, const Region& region);

}  // namespace iqgate::measure
