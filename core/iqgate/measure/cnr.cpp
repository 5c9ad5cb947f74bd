// A11: contrast to noise.
#include <algorithm>
#include <cmath>

#include "iqgate/measure/metrics.hpp"
#include "iqgate/measure/noise_correlation.hpp"

namespace iqgate::measure {
namespace {

struct Level {
  double mean = 0, se = 0, sd = 0, n_variance = 0;
};

bool level_of(const Job& job, std::size_t s, const Region& region, Level& level, std::string& reason) {
  const RegionVoxels voxels = region_voxels(region, job.grid());
  if (!voxels.good()) {
    reason = "region " + region.name + ": " + voxels.reason;
    return false;
  }
  const compute::Moments m = job.backend->region_moments(*job.scans[s].volume, voxels.mask);
  if (m.n < 30) {
    reason = "region " + region.name + " holds fewer than 30 voxels";
    return false;
  }
  const NoiseCorrelation c = noise_correlation(job.scans[s].volume->host(), voxels.mask);
  level = {m.mean, c.residual_sd / std::sqrt(c.n_eff_mean(double(m.n))), std::sqrt(m.variance),
           c.n_eff_variance(double(m.n))};
  return true;
}

void one_cnr(const Job& job, std::size_t s, const std::string& where, const Region& rod, const Region& background,
             Results& results) {
  Level a, b;
  std::string reason;
  if (!level_of(job, s, rod, a, reason) || !level_of(job, s, background, b, reason))
    return results.skip("cnr", where, reason);
  const double contrast = a.mean - b.mean, se = std::hypot(a.se, b.se);
  const auto add = [&](const char* variant, double noise, double noise_share, const char* method) {
    Measurement m = measurement("cnr", variant, where, std::abs(contrast) / noise, "1");
    m.se = std::hypot(se / noise, m.value * noise_share);
    m.ci95 = symmetric_interval(m.value, *m.se);
    m.ci95->low = std::max(0.0, m.ci95->low);
    m.method = method;
    m.standard = "ACR CT; definition A11";
    m.flags = {"ci_scope=within_scan"};
    if (contrast < 0) m.flags.push_back("rod_below_background");
    results.add(std::move(m));
  };
  add("background", b.sd, 1 / std::sqrt(2 * std::max(b.n_variance - 1, 1.0)), "|A - B| / SD of the background region");
  const double n = a.n_variance + b.n_variance;
  add("pooled", std::sqrt(0.5 * (a.sd * a.sd + b.sd * b.sd)), 1 / std::sqrt(2 * std::max(n - 2, 1.0)),
      "|A - B| / sqrt of the mean of both variances");
  Measurement m = measurement("contrast_hu", "", where, contrast, "HU");
  m.se = se;
  m.ci95 = symmetric_interval(contrast, se);
  m.method = "mean of the rod region minus mean of the background region";
  m.flags = {"ci_scope=within_scan"};
  results.add(std::move(m));
}

void one_folder(const Job& job, std::size_t s, const std::string& where, const Folder& members, Results& results) {
  const auto rod = members.find("rod"), background = members.find("background");
  if (rod == members.end() || background == members.end())
    results.skip("cnr", where, "needs one region named rod and one named background in one folder of names");
  else one_cnr(job, s, where, *rod->second, *background->second, results);
}

void run_cnr(const Job& job, const std::vector<Region>& regions, Results& results) {
  if (job.unit() != "HU") return results.skip("cnr", "scan", "the values are not HU");
  each_folder(job, regions, results, one_folder);
}

}  // namespace

Metric cnr_metric() {
  return {
      "cnr",
      "Contrast to noise",
      "|A - B| over the SD of the background region (background), or over the pooled SD (pooled); A the region named "
      "rod, B the one named background in the same folder of names.",
      "ACR CT; definition A11",
      {"cnr", "contrast_hu"},
      {"background", "pooled"},
      {},
      {"CT"},
      run_cnr};
}

}  // namespace iqgate::measure
