// A3: CT noise: SD of a central region, as per cent of the water-air contrast, and from two repeats.
#include <cmath>

#include "iqgate/measure/metrics.hpp"
#include "iqgate/measure/noise_correlation.hpp"

namespace iqgate::measure {
namespace {

void add(Results& results, const char* name, const std::string& where, double value, const char* unit, double freedom,
         const char* method, std::vector<std::string> flags) {
  Measurement m = measurement(name, "", where, value, unit);
  if (freedom >= 2) {
    m.se = value / std::sqrt(2 * freedom);
    m.ci95 = sd_interval(value, freedom);
    m.n_eff = freedom + 1;
  }
  m.method = method;
  m.standard = "IEC 61223-3-5";
  m.flags = std::move(flags);
  m.flags.push_back("ci_scope=within_scan");
  results.add(std::move(m));
}

void run(const Job& job, const std::vector<Region>& regions, Results& results) {
  for (const Region& region : regions) {
    const RegionVoxels voxels = region_voxels(region, job.grid());
    if (!voxels.good() || voxels.mask.offsets.size() < 50) {
      results.skip("noise_sd_hu", region.name, voxels.good() ? "the region holds fewer than 50 voxels" : voxels.reason);
      continue;
    }
    if (job.unit() != "HU") {
      results.skip("noise_sd_hu", region.name, "the values are not HU");
      continue;
    }
    const double n = double(voxels.mask.offsets.size());
    for (std::size_t s = 0; s < job.scans.size(); ++s) {
      const compute::Moments m = job.backend->region_moments(*job.scans[s].volume, voxels.mask);
      const NoiseCorrelation c = noise_correlation(job.scans[s].volume->host(), voxels.mask);
      const double sd = std::sqrt(m.variance), freedom = c.n_eff_variance(n) - 1;
      const std::string where = job.prefix(s) + region.name;
      if (!(sd > 0)) {
        results.skip("noise_sd_hu", where, "all voxels are equal");
        continue;
      }
      std::vector<std::string> flags = voxels.flags;
      // Structure (cupping, inserts) counts as noise in the definition; say so when it matters.
      if (c.residual_sd < 0.95 * sd) flags.push_back("trend_in_region");
      add(results, "noise_sd_hu", where, sd, "HU", freedom, "SD (n - 1) of the region", flags);
      add(results, "noise_pct", where, sd / 10, "%", freedom, "SD as per cent of the water-air contrast of 1000 HU",
          flags);
    }
    const std::vector<std::size_t> repeats = job.repeats();
    if (repeats.size() < 2) {
      results.skip("noise_sd_diff_hu", region.name, "needs two repeats on the same grid");
      continue;
    }
    const Volume r = scan_difference(job.scans[repeats[0]], job.scans[repeats[1]]);
    const auto uploaded = job.backend->upload(r.view());
    const compute::Moments m = job.backend->region_moments(*uploaded, voxels.mask);
    if (m.variance > 0)
      add(results, "noise_sd_diff_hu", region.name, std::sqrt(m.variance / 2), "HU",
          noise_correlation(r.view(), voxels.mask).n_eff_variance(n) - 1,
          "SD of the difference of two repeats / sqrt 2", voxels.flags);
    else results.skip("noise_sd_diff_hu", region.name, "the two scans are equal in the region: not two acquisitions");
  }
}

}  // namespace

Metric ct_noise_metric() {
  return {"noise",
          "CT noise",
          "SD (n - 1) of the voxels of a central region; noise_pct = SD / 10 for water - air = 1000 HU; "
          "noise_sd_diff_hu = SD of the difference of two repeats / sqrt 2 (fixed pattern removed).",
          "IEC 61223-3-5",
          {"noise_sd_hu", "noise_pct", "noise_sd_diff_hu"},
          {},
          {"uniform"},
          {"CT"},
          run};
}

}  // namespace iqgate::measure
