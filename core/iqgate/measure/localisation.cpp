#include "iqgate/measure/localisation.hpp"

#include <cmath>
#include <numbers>

#include "iqgate/measure/noise_correlation.hpp"

namespace iqgate::measure {

RegionError region_error(const Placement& placement, const Region& region) {
  constexpr double degree = std::numbers::pi / 180;
  const Vec3 axis = placement.rotation.column(2), d = region.center_mm - placement.translation_mm;
  const double along = dot(d, axis), radius = norm(d - along * axis);
  const double tilt = placement.axis_se_deg.value_or(0) * degree, roll = placement.roll_se_deg.value_or(0) * degree;
  return {std::sqrt(std::pow(placement.center_se_mm.value_or(0), 2) + std::pow(along * tilt, 2) +
                    0.5 * std::pow(radius * roll, 2)),
          std::hypot(placement.axial_se_mm.value_or(0), radius * tilt)};
}

double localisation_se(const Placement& placement, const Region& region,
                       const std::function<std::optional<double>(const Region&)>& number) {
  const RegionError error = region_error(placement, region);
  const double steps[3] = {error.across_mm, error.across_mm, error.along_mm};
  double variance = 0;
  for (int d = 0; d < 3; ++d) {
    if (!(steps[d] > 0)) continue;
    Region there = region, back = region;
    there.center_mm = region.center_mm + steps[d] * placement.rotation.column(d);
    back.center_mm = region.center_mm - steps[d] * placement.rotation.column(d);
    const std::optional<double> a = number(there), b = number(back);
    if (a && b) variance += std::pow(0.5 * (*a - *b), 2);
  }
  return std::sqrt(variance);
}

double RegionMean::se() const { return std::hypot(se_noise, se_localisation); }

RegionMean region_mean(const Job& job, std::size_t scan, const Region& region) {
  RegionMean result;
  const RegionVoxels voxels = region_voxels(region, job.grid());
  result.reason = voxels.reason;
  if (!voxels.good()) return result;
  result.flags = voxels.flags;
  const compute::Moments m = job.backend->region_moments(*job.scans[scan].volume, voxels.mask);
  const NoiseCorrelation c = noise_correlation(job.scans[scan].volume->host(), voxels.mask);
  result.mean = m.mean;
  result.many = m.n >= 30;
  result.sd = m.n >= 30 ? c.residual_sd : std::sqrt(m.variance);
  result.n_eff = c.n_eff_mean(double(m.n));
  result.se_noise = result.sd / std::sqrt(result.n_eff);
  result.se_localisation = localisation_se(job.placement, region, [&](const Region& moved) -> std::optional<double> {
    const RegionVoxels there = region_voxels(moved, job.grid());
    if (!there.good()) return std::nullopt;
    return job.backend->region_moments(*job.scans[scan].volume, there.mask).mean;
  });
  return result;
}

}  // namespace iqgate::measure
