// A1: mean, SD (n - 1), median, extremes, percentiles (type 7), area and standard error of the mean of each region.
#include <algorithm>
#include <cmath>

#include "iqgate/measure/localisation.hpp"
#include "iqgate/measure/metrics.hpp"
#include "iqgate/measure/noise_correlation.hpp"

namespace iqgate::measure {
namespace {

// What both rules share: the mean and the SD with the noise correlation that the centres show.
struct Level {
  compute::Moments moments;
  double n_mean = 0, n_variance = 0;  ///< effective numbers of values
  bool many = false;

  double sem() const { return std::sqrt(moments.variance / n_mean); }
};

// Weights count as (sum w)^2 / sum w^2 values.
Level level_of(const Job& job, std::size_t s, const compute::Mask& mask, const NoiseCorrelation& correlation) {
  Level level{.moments = job.backend->region_moments(*job.scans[s].volume, mask)};
  double n = double(level.moments.n);
  if (!mask.weights.empty()) {
    double sum = 0, squares = 0;
    for (const float w : mask.weights) sum += w, squares += double(w) * w;
    n = sum * sum / squares;
  }
  level.n_mean = correlation.n_eff_mean(n);
  level.n_variance = correlation.n_eff_variance(n);
  level.many = n >= 30 && level.moments.variance > 0;
  return level;
}

class Writer {
 public:
  Writer(const Job& job, std::string variant, std::string where, std::string method, std::vector<std::string> flags,
         Results& results)
      : unit_(job.unit()),
        variant_(std::move(variant)),
        where_(std::move(where)),
        method_(std::move(method)),
        flags_(std::move(flags)),
        results_(results) {
    flags_.push_back("ci_scope=within_scan");
  }
  void add(const char* name, double value, const std::string& unit) { results_.add(bare(name, value, unit)); }
  void add(const char* name, double value) { add(name, value, unit_); }
  /// `placed`: standard error of the mean that comes from the placement.
  void add_level(const Level& level, double placed) {
    const double sd = std::sqrt(level.moments.variance), freedom = level.n_variance - 1;
    Measurement mean = bare("roi_mean", level.moments.mean, unit_), spread = bare("roi_sd", sd, unit_);
    mean.n_eff = level.n_mean;
    spread.n_eff = level.n_variance;
    if (level.many) {
      mean.se = std::hypot(level.sem(), placed);
      mean.se_localisation = placed;
      mean.ci95 = symmetric_interval(mean.value, *mean.se, level.n_mean - 1);
      spread.se = sd / std::sqrt(2 * std::max(freedom, 1.0));
      spread.ci95 = sd_interval(sd, freedom);
    }
    results_.add(std::move(mean));
    results_.add(std::move(spread));
  }

 private:
  Measurement bare(const char* name, double value, const std::string& unit) const {
    Measurement m = measurement(name, variant_, where_, value, unit);
    m.method = method_;
    m.flags = flags_;
    return m;
  }

  std::string unit_, variant_, where_, method_;
  std::vector<std::string> flags_;
  Results& results_;
};

void by_centres(const Job& job, std::size_t s, const RegionVoxels& voxels, const NoiseCorrelation& correlation,
                double placed, const std::string& where, Results& results) {
  const VolumeView volume = job.scans[s].volume->host();
  const Level level = level_of(job, s, voxels.mask, correlation);
  std::vector<double> sorted;
  sorted.reserve(level.moments.n);
  for (const std::size_t o : voxels.mask.offsets) sorted.push_back(volume.values[o]);
  std::sort(sorted.begin(), sorted.end());
  Writer writer(job, "center", where, "voxel centres inside the region; noise correlation from its own autocorrelation",
                voxels.flags, results);
  const double n = double(level.moments.n);
  writer.add_level(level, placed);
  writer.add("roi_median", quantile(sorted, 0.5));
  writer.add("roi_min", sorted.front());
  writer.add("roi_max", sorted.back());
  writer.add("roi_p01", quantile(sorted, 0.01));
  writer.add("roi_p99", quantile(sorted, 0.99));
  writer.add("roi_area_mm2", n * job.grid().pixel_area_mm2() / double(voxels.last_slice - voxels.first_slice + 1),
             "mm2");
  writer.add("roi_n", n, "1");
  if (level.many) writer.add("roi_sem", level.sem());
}

void by_shares(const Job& job, std::size_t s, const Region& region, const NoiseCorrelation& correlation, double placed,
               const std::string& where, Results& results) {
  if (region.shape == RegionShape::sphere) return;
  const RegionVoxels voxels = region_coverage(region, job.grid());
  if (!voxels.good()) return results.skip("roi_mean", where, "variant area: " + voxels.reason);
  Writer writer(job, "area", where, "voxels weighted by the share of them that lies inside the region", voxels.flags,
                results);
  writer.add_level(level_of(job, s, voxels.mask, correlation), placed);
  writer.add("roi_area_mm2", voxels.area_mm2, "mm2");
}

void run(const Job& job, const std::vector<Region>& regions, Results& results) {
  for (std::size_t s = 0; s < job.scans.size(); ++s)
    for (const Region& region : regions) {
      const std::string where = job.prefix(s) + region.name;
      const RegionVoxels voxels = region_voxels(region, job.grid());
      if (!voxels.good()) {
        results.skip("roi_mean", where, voxels.reason);
        continue;
      }
      const NoiseCorrelation correlation = noise_correlation(job.scans[s].volume->host(), voxels.mask);
      const double placed = localisation_se(job.placement, region, [&](const Region& moved) -> std::optional<double> {
        const RegionVoxels there = region_voxels(moved, job.grid());
        if (!there.good()) return std::nullopt;
        return job.backend->region_moments(*job.scans[s].volume, there.mask).mean;
      });
      by_centres(job, s, voxels, correlation, placed, where, results);
      by_shares(job, s, region, correlation, placed, where, results);
    }
}

}  // namespace

Metric region_statistics_metric() {
  return {
      "roi",
      "Region statistics",
      "Mean, SD (n - 1), median, minimum, maximum, 1st and 99th percentile (type 7) of the voxels whose centres "
      "lie in the region (variant center); mean, variance = sum w (x - mean)^2 / (sum w - sum w^2 / sum w) and area "
      "with voxels weighted by the share w of them inside (variant area; no spheres); "
      "SEM from the noise autocorrelation: Var(mean) = s^2/N sum(rho).",
      "definition A1",
      {"roi_mean", "roi_sd", "roi_median", "roi_min", "roi_max", "roi_p01", "roi_p99", "roi_area_mm2", "roi_n",
       "roi_sem"},
      {"center", "area"},
      {"uniform", "insert", "background"},
      {},
      run};
}

}  // namespace iqgate::measure
