// A1: mean, SD (n - 1), median, extremes, percentiles (type 7), area and standard error of the mean of each region.
#include <algorithm>
#include <cmath>

#include "iqgate/measure/metrics.hpp"
#include "iqgate/measure/noise_correlation.hpp"

namespace iqgate::measure {
namespace {

void run(const Job& job, const std::vector<Region>& regions, Results& results) {
  for (std::size_t s = 0; s < job.scans.size(); ++s) {
    const UploadedScan& scan = job.scans[s];
    const VolumeView volume = scan.volume->host();
    for (const Region& region : regions) {
      const std::string where = job.prefix(s) + region.name;
      const RegionVoxels voxels = region_voxels(region, job.grid());
      if (!voxels.good()) {
        results.skip("roi_mean", where, voxels.reason);
        continue;
      }
      const compute::Moments m = job.backend->region_moments(*scan.volume, voxels.mask);
      const NoiseCorrelation correlation = noise_correlation(volume, voxels.mask);
      const double n = double(m.n), sd = std::sqrt(m.variance);
      const double sem = sd / std::sqrt(correlation.n_eff_mean(n));
      std::vector<double> sorted;
      sorted.reserve(m.n);
      for (const std::size_t o : voxels.mask.offsets) sorted.push_back(volume.values[o]);
      std::sort(sorted.begin(), sorted.end());
      const auto add = [&](const char* name, double value, const std::string& unit, std::optional<double> se = {},
                           std::optional<Interval> ci = {}, std::optional<double> n_eff = {}) {
        Measurement r = measurement(name, "center", where, value, unit);
        r.se = se;
        r.ci95 = ci;
        r.n_eff = n_eff;
        r.method = "voxel centres inside the region; noise correlation from its own autocorrelation";
        r.flags = voxels.flags;
        r.flags.push_back("ci_scope=within_scan");
        results.add(std::move(r));
      };
      const bool many = m.n >= 30 && sd > 0;
      add("roi_mean", m.mean, job.unit(), many ? std::optional(sem) : std::nullopt,
          many ? std::optional(symmetric_interval(m.mean, sem, correlation.n_eff_mean(n) - 1)) : std::nullopt,
          correlation.n_eff_mean(n));
      const double freedom = correlation.n_eff_variance(n) - 1;
      add("roi_sd", sd, job.unit(), many ? std::optional(sd / std::sqrt(2 * std::max(freedom, 1.0))) : std::nullopt,
          many ? std::optional(sd_interval(sd, freedom)) : std::nullopt, freedom + 1);
      add("roi_median", quantile(sorted, 0.5), job.unit());
      add("roi_min", sorted.front(), job.unit());
      add("roi_max", sorted.back(), job.unit());
      add("roi_p01", quantile(sorted, 0.01), job.unit());
      add("roi_p99", quantile(sorted, 0.99), job.unit());
      add("roi_area_mm2",
          double(m.n) * job.grid().pixel_area_mm2() / double(voxels.last_slice - voxels.first_slice + 1), "mm2");
      add("roi_n", double(m.n), "1");
      if (many) add("roi_sem", sem, job.unit());
    }
  }
}

}  // namespace

Metric region_statistics_metric() {
  return {"roi",
          "Region statistics",
          "Mean, SD (n - 1), median, minimum, maximum, 1st and 99th percentile (type 7) of the voxels whose centres "
          "lie in the region; SEM from the noise autocorrelation: Var(mean) = s^2/N sum(rho).",
          "definition A1",
          {"roi_mean", "roi_sd", "roi_median", "roi_min", "roi_max", "roi_p01", "roi_p99", "roi_area_mm2", "roi_n",
           "roi_sem"},
          {"center"},
          {"uniform", "insert", "background"},
          {},
          run};
}

}  // namespace iqgate::measure
