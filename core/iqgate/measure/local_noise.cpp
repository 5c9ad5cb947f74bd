// A4: local noise map and global noise index (Christianson 2015; AAPM 233).
#include <algorithm>
#include <cmath>

#include "iqgate/measure/metrics.hpp"

namespace iqgate::measure {
namespace {

constexpr double window_mm = 6, bin_hu = 0.2, tissue_low_hu = 0, tissue_high_hu = 100, most_bins = 1e6;

std::size_t half_window(double spacing_mm) {
  // The odd number of pixels nearest to 6 mm, at least 5.
  const long pixels = std::max(5L, 2 * std::lround((window_mm / spacing_mm - 1) / 2) + 1);
  return static_cast<std::size_t>(pixels / 2);
}

// Median and 1.4826 times the median absolute deviation: what most of the region is, whatever else lies in it.
std::pair<double, double> median_and_spread(const VolumeView& v, const compute::Mask& mask) {
  std::vector<double> values;
  for (const std::size_t o : mask.offsets) values.push_back(v.values[o]);
  const auto middle = [&] {
    std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2), values.end());
    return values[values.size() / 2];
  };
  const double median = middle();
  for (double& value : values) value = std::abs(value - median);
  return {median, 1.4826 * middle()};
}

// Mode of the histogram, refined by a parabola through a smoothed maximum and its neighbours.
double mode_of(const std::vector<double>& values, double bin) {
  double largest = 0;
  for (const double v : values) largest = std::max(largest, v);
  std::vector<double> counts(static_cast<std::size_t>(largest / bin) + 3, 0.0);
  for (const double v : values) counts[static_cast<std::size_t>(v / bin)] += 1;
  // A triangular window of half-width half the SD of the values steadies the maximum and keeps its place.
  double mean = 0, squares = 0;
  for (const double v : values) mean += v / double(values.size());
  for (const double v : values) squares += (v - mean) * (v - mean);
  const long half = std::max(1L, std::lround(0.5 * std::sqrt(squares / double(values.size())) / bin));
  std::vector<double> smooth(counts.size(), 0.0);
  for (long k = 0; k < long(counts.size()); ++k)
    for (long j = -half; j <= half; ++j)
      if (k + j >= 0 && k + j < long(counts.size()))
        smooth[std::size_t(k)] += counts[std::size_t(k + j)] * (1 - std::abs(double(j)) / double(half + 1));
  const std::size_t best = static_cast<std::size_t>(std::max_element(smooth.begin(), smooth.end()) - smooth.begin());
  // Parabola by least squares over the top of the peak.
  double s0 = 0, s2 = 0, s4 = 0, t0 = 0, t1 = 0, t2 = 0;
  for (long j = -half; j <= half; ++j) {
    const long k = long(best) + j;
    if (k < 0 || k >= long(smooth.size())) continue;
    const double x = double(j), y = smooth[std::size_t(k)];
    s0 += 1, s2 += x * x, s4 += x * x * x * x, t0 += y, t1 += x * y, t2 += x * x * y;
  }
  const double curvature = (s0 * t2 - s2 * t0) / (s0 * s4 - s2 * s2), slope = t1 / s2;
  const double shift = curvature < 0 ? std::clamp(-slope / (2 * curvature), -double(half), double(half)) : 0;
  return (double(best) + 0.5 + shift) * bin;
}

void run(const Job& job, const std::vector<Region>& regions, Results& results) {
  if (job.unit() != "HU") return results.skip("gni_hu", "scan", "the values are not HU");
  const Grid& grid = job.grid();
  for (std::size_t s = 0; s < job.scans.size(); ++s) {
    for (const Region& region : regions) {
      const std::string where = job.prefix(s) + region.name;
      const RegionVoxels voxels = region_voxels(region, grid);
      if (!voxels.good()) {
        results.skip("gni_hu", where, voxels.reason);
        continue;
      }
      compute::LocalStatisticsJob local{.first_slice = voxels.first_slice,
                                        .slices = voxels.last_slice - voxels.first_slice + 1,
                                        .half_x = half_window(grid.spacing_mm.x),
                                        .half_y = half_window(grid.spacing_mm.y)};
      // The tissue band follows the material of the region when that is not soft tissue (water at 0 HU is cut in half
      // by 0..100).
      const auto [middle_hu, spread_hu] = median_and_spread(job.scans[s].volume->host(), voxels.mask);
      const bool tissue = middle_hu - 4 * spread_hu > tissue_low_hu && middle_hu + 4 * spread_hu < tissue_high_hu;
      local.low = tissue ? tissue_low_hu : middle_hu - 50 - 6 * spread_hu;
      local.high = tissue ? tissue_high_hu : middle_hu + 50 + 6 * spread_hu;
      const compute::LocalStatistics map = job.backend->local_statistics(*job.scans[s].volume, local);
      const std::size_t plane = grid.size.x * grid.size.y;
      std::vector<double> values;
      for (const std::size_t o : voxels.mask.offsets) {
        const std::size_t at = o - local.first_slice * plane;
        if (map.valid[at]) values.push_back(map.sd[at]);
      }
      if (values.size() < 500) {
        results.skip("gni_hu", where, "fewer than 500 windows lie wholly in the tissue band");
        continue;
      }
      double mean = 0, squares = 0;
      for (const double v : values) mean += v / double(values.size());
      for (const double v : values) squares += (v - mean) * (v - mean);
      if (!(mean > 0)) {
        results.skip("gni_hu", where, "all windows are constant");
        continue;
      }
      const double bin = std::min(bin_hu, mean / 50);
      if (!(*std::max_element(values.begin(), values.end()) / bin < most_bins)) {
        results.skip("gni_hu", where, "the noise of single windows lies too far apart for one histogram");
        continue;
      }
      const double sd = std::sqrt(squares / double(values.size() - 1));
      const double window = double((2 * local.half_x + 1) * (2 * local.half_y + 1));
      std::vector<std::string> flags{"ci_scope=within_scan"};
      if (!tissue) flags.push_back("tissue_band_about_region_median");
      char method[160];
      std::snprintf(method, sizeof method, "mode of SD in %zu x %zu px windows, %.0f..%.0f HU, bins %.1f HU",
                    2 * local.half_x + 1, 2 * local.half_y + 1, local.low, local.high, bin);
      Measurement g = measurement("gni_hu", "", where, mode_of(values, bin), "HU");
      g.n_eff = double(values.size()) / window;
      g.method = method;
      g.standard = "AAPM 233; Christianson 2015";
      g.flags = flags;
      results.add(std::move(g));
      Measurement u = measurement("noise_nonuniformity_pct", "", where, 100 * sd / mean, "%");
      u.method = "100 SD / mean of the noise map";
      u.flags = flags;
      results.add(std::move(u));
      const std::size_t middle = (voxels.first_slice + voxels.last_slice) / 2 - local.first_slice;
      Map image{.name = "noise_map",
                .where = where,
                .unit = "HU",
                .width = grid.size.x,
                .height = grid.size.y,
                .spacing_x_mm = grid.spacing_mm.x,
                .spacing_y_mm = grid.spacing_mm.y};
      image.values.assign(map.sd.begin() + static_cast<std::ptrdiff_t>(middle * plane),
                          map.sd.begin() + static_cast<std::ptrdiff_t>((middle + 1) * plane));
      results.maps.push_back(std::move(image));
    }
  }
}

}  // namespace

Metric local_noise_metric() {
  return {"gni",
          "Local noise map and global noise index",
          "SD (n - 1) in a sliding window of 6 mm (odd pixels) where all its pixels lie in the tissue band (0..100 HU, "
          "or a band about the region's median when that is not soft tissue); gni_hu = mode of the histogram; "
          "noise_nonuniformity_pct = 100 SD(map) / mean(map). "
          "Not comparable across kernels or pixel sizes: the window mean takes correlated noise away.",
          "AAPM 233; Christianson 2015",
          {"gni_hu", "noise_nonuniformity_pct"},
          {},
          {"uniform"},
          {"CT"},
          run};
}

}  // namespace iqgate::measure
