// A5, MR: per cent image uniformity (exact 1 cm2 disc search), NEMA MS 3, and the IPEM profile measure.
#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <numbers>

#include "iqgate/measure/metrics.hpp"

namespace iqgate::measure {
namespace {

constexpr double disc_radius_mm = 5.6418958354775626;  // 1 cm2

// SD of white noise from second differences along rows, which shading hardly touches.
double step_noise(const VolumeView& v, const compute::Mask& mask) {
  std::vector<double> bends;
  for (std::size_t k = 2; k < mask.offsets.size(); ++k)
    if (mask.offsets[k] == mask.offsets[k - 2] + 2)
      bends.push_back(double(v.values[mask.offsets[k - 2]]) - 2 * double(v.values[mask.offsets[k - 1]]) +
                      double(v.values[mask.offsets[k]]));
  return bends.empty() ? NAN : robust_sd(bends) / std::sqrt(6.0);
}

void run_piu(const Job& job, const std::vector<Region>& regions, Results& results) {
  const Grid& grid = job.grid();
  for (std::size_t s = 0; s < job.scans.size(); ++s)
    for (const Region& region : regions) {
      const std::string where = job.prefix(s) + region.name;
      const auto slice = centre_slice(region, grid);
      const RegionVoxels voxels = region_voxels(region, grid);
      if (!voxels.good() || !slice) {
        results.skip("piu_pct", where, voxels.good() ? "the region lies outside the scan" : voxels.reason);
        continue;
      }
      const bool round = region.shape == RegionShape::disc || region.shape == RegionShape::cylinder;
      if (!round || !lies_in_slice(region, grid) || region.radius_mm < 3 * disc_radius_mm) {
        results.skip("piu_pct", where,
                     "needs a round region in the slice plane, at least three times as wide as the 1 cm2 disc");
        continue;
      }
      const Vec3 centre = grid.to_index(region.center_mm);
      const compute::DiscSearch d = job.backend->disc_search(*job.scans[s].volume, {.slice = *slice,
                                                                                    .center_x = centre.x,
                                                                                    .center_y = centre.y,
                                                                                    .large_radius_mm = region.radius_mm,
                                                                                    .disc_radius_mm = disc_radius_mm});
      if (d.positions == 0 || !(d.maximum + d.minimum > 0)) {
        results.skip("piu_pct", where, "no position of the disc lies in the region");
        continue;
      }
      const double piu = 100 * (1 - (d.maximum - d.minimum) / (d.maximum + d.minimum));
      Measurement m = measurement("piu_pct", "acr", where, piu, "%");
      m.method = "largest and smallest mean of a 1 cm2 disc with exact pixel coverage, wholly inside the region";
      m.standard = "ACR MRI QC manual";
      m.flags = {"no_interval_for_extreme"};
      results.add(m);
      // Noise raises the largest and lowers the smallest mean by about 3 s / sqrt(pixels of the disc).
      Measurement b = measurement("piu_noise_bias_pct", "acr", where,
                                  -100 * 6 * step_noise(job.scans[s].volume->host(), voxels.mask) /
                                      std::sqrt(d.disc_pixels) / (d.maximum + d.minimum),
                                  "%");
      b.method =
          "-6 s / sqrt(pixels of the disc) / (max + min), s from second differences along rows: about what white noise "
          "takes "
          "from PIU";
      results.add(std::move(b));
      std::vector<double> sorted;
      const VolumeView v = job.scans[s].volume->host();
      for (const std::size_t o : voxels.mask.offsets) sorted.push_back(v.values[o]);
      std::sort(sorted.begin(), sorted.end());
      const double low = quantile(sorted, 0.01), high = quantile(sorted, 0.99);
      if (high + low > 0) {
        Measurement p =
            measurement("piu_p01_p99_pct", "percentile", where, 100 * (1 - (high - low) / (high + low)), "%");
        p.method = "1st and 99th percentile of pixels in place of disc means: another number than PIU";
        results.add(std::move(p));
      }
    }
}

// 3 x 3 kernel [1 2 1; 2 4 2; 1 2 1] / 16 at one voxel.
double smoothed(const VolumeView& v, std::size_t x, std::size_t y, std::size_t z) {
  static constexpr std::array<int, 3> w{1, 2, 1};
  double sum = 0;
  for (int b = -1; b <= 1; ++b)
    for (int a = -1; a <= 1; ++a)
      sum += w[std::size_t(a + 1)] * w[std::size_t(b + 1)] * v(x + std::size_t(a), y + std::size_t(b), z);
  return sum / 16;
}

void run_nema(const Job& job, const std::vector<Region>& regions, Results& results) {
  const Size3 size = job.grid().size;
  for (std::size_t s = 0; s < job.scans.size(); ++s)
    for (const Region& region : regions) {
      const std::string where = job.prefix(s) + region.name;
      const RegionVoxels voxels = region_voxels(region, job.grid());
      if (!voxels.good()) {
        results.skip("nema_ms3_peak_deviation_pct", where, voxels.reason);
        continue;
      }
      const VolumeView v = job.scans[s].volume->host();
      const compute::Moments m = job.backend->region_moments(*job.scans[s].volume, voxels.mask);
      if (!(m.mean > 0)) {
        results.skip("nema_ms3_peak_deviation_pct", where, "the mean signal is not positive");
        continue;
      }
      for (const bool smooth : {false, true}) {
        double low = INFINITY, high = -INFINITY, deviation = 0;
        std::array<double, 5> classes{};
        bool border = false;
        for (const std::size_t o : voxels.mask.offsets) {
          const std::size_t x = o % size.x, y = o / size.x % size.y, z = o / (size.x * size.y);
          border = border || x == 0 || y == 0 || x + 1 == size.x || y + 1 == size.y;
          if (smooth && border) break;
          const double value = smooth ? smoothed(v, x, y, z) : v.values[o];
          low = std::min(low, value);
          high = std::max(high, value);
          deviation += std::abs(value - m.mean);
          const double relative = value / m.mean - 1;
          ++classes[relative > 0.2 ? 0 : relative > 0.1 ? 1 : relative >= -0.1 ? 2 : relative >= -0.2 ? 3 : 4];
        }
        const std::string variant = smooth ? "smoothed_3x3" : "unsmoothed";
        if (smooth && border) {
          results.skip("nema_ms3_peak_deviation_pct", where,
                       "variant smoothed_3x3: the region touches the image border");
          continue;
        }
        if (!(high + low > 0)) {
          results.skip("nema_ms3_peak_deviation_pct", where, "the signal is not positive");
          continue;
        }
        const double n = double(m.n);
        const auto add = [&](const std::string& name, double value, const char* method, bool extreme) {
          Measurement r = measurement(name, variant, where, value, name.find("map") != std::string::npos ? "1" : "%");
          r.method = method;
          r.standard = "NEMA MS 3-2008";
          if (extreme) r.flags = {"no_interval_for_extreme"};
          r.flags.insert(r.flags.end(), voxels.flags.begin(), voxels.flags.end());
          results.add(std::move(r));
        };
        add("nema_ms3_peak_deviation_pct", 100 * (high - low) / (high + low),
            "100 (max - min) / (max + min) of single pixels", true);
        add("nema_ms3_naad_pct", 100 * (1 - deviation / (n * m.mean)), "100 (1 - mean |S - mean| / mean)", false);
        static constexpr std::array<const char*, 5> names{"nema_ms3_map_above_20", "nema_ms3_map_10_to_20",
                                                          "nema_ms3_map_within_10", "nema_ms3_map_minus_10_to_20",
                                                          "nema_ms3_map_below_minus_20"};
        for (std::size_t k = 0; k < 5; ++k)
          add(names[k], classes[k] / n, "share of pixels in this class of deviation from the mean", false);
      }
    }
}

// Share of a central profile (mean of 10 lines, 160 pixels) within 10 % of the modal value of the centre.
void run_ipem(const Job& job, const std::vector<Region>& regions, Results& results) {
  constexpr long half_profile = 80, half_lines = 5;
  for (std::size_t s = 0; s < job.scans.size(); ++s)
    for (const Region& region : regions) {
      const std::string where = job.prefix(s) + region.name;
      const auto slice = centre_slice(region, job.grid());
      if (!slice) {
        results.skip("ipem_fractional_uniformity", where, "the region lies outside the scan");
        continue;
      }
      const Vec3 centre = job.grid().to_index(region.center_mm);
      const long cx = std::lround(centre.x), cy = std::lround(centre.y);
      const Size3 size = job.grid().size;
      if (cx < half_profile || cy < half_profile || cx + half_profile > long(size.x) ||
          cy + half_profile > long(size.y)) {
        results.skip("ipem_fractional_uniformity", where, "a profile of 160 pixels does not fit into the image");
        continue;
      }
      const VolumeView v = job.scans[s].volume->host();
      std::map<double, int> counts;
      for (long y = cy - half_lines; y < cy + half_lines; ++y)
        for (long x = cx - half_lines; x < cx + half_lines; ++x) ++counts[v(std::size_t(x), std::size_t(y), *slice)];
      const double mode = std::max_element(counts.begin(), counts.end(), [](const auto& a, const auto& b) {
                            return a.second < b.second;
                          })->first;
      for (const bool horizontal : {true, false}) {
        int within = 0;
        for (long p = -half_profile; p < half_profile; ++p) {
          double mean = 0;
          for (long l = -half_lines; l < half_lines; ++l)
            mean += v(std::size_t(cx + (horizontal ? p : l)), std::size_t(cy + (horizontal ? l : p)), *slice) /
                    (2.0 * half_lines);
          within += mean > 0.9 * mode && mean < 1.1 * mode;
        }
        Measurement m = measurement("ipem_fractional_uniformity", horizontal ? "horizontal" : "vertical", where,
                                    within / (2.0 * half_profile), "1");
        m.method =
            "share of a profile of 160 pixels (mean of 10 lines) within 10 % of the mode of the central 10 x 10 pixels";
        m.standard = "IPEM 112 as practised by open tools";
        results.add(std::move(m));
      }
    }
}

}  // namespace

Metric piu_metric() {
  return {"piu",
          "Per cent image uniformity",
          "PIU = 100 (1 - (max - min) / (max + min)) of the mean of a 1.0 cm2 disc (exact pixel coverage) that lies "
          "wholly inside the large region, over all pixel positions.",
          "ACR MRI QC manual",
          {"piu_pct", "piu_noise_bias_pct", "piu_p01_p99_pct"},
          {"acr", "percentile"},
          {"uniform"},
          {"MR"},
          run_piu};
}

Metric nema_uniformity_metric() {
  return {
      "nema_ms3",
      "NEMA MS 3 uniformity",
      "Peak deviation 100 (max - min) / (max + min) of single pixels (unsmoothed, or after the 3 x 3 kernel 1 2 1); "
      "normalised average absolute deviation 100 (1 - mean |S - mean| / mean); share of pixels per class of deviation.",
      "NEMA MS 3-2008",
      {"nema_ms3_peak_deviation_pct", "nema_ms3_naad_pct", "nema_ms3_map_above_20", "nema_ms3_map_10_to_20",
       "nema_ms3_map_within_10", "nema_ms3_map_minus_10_to_20", "nema_ms3_map_below_minus_20"},
      {"unsmoothed", "smoothed_3x3"},
      {"uniform"},
      {"MR"},
      run_nema};
}

Metric ipem_uniformity_metric() {
  return {"ipem_uniformity",
          "IPEM fractional uniformity",
          "Share of a central profile of 160 pixels (mean of 10 lines) within 10 % of the modal value of the central "
          "10 x 10 pixels, along rows and along columns. In pixels, as the practice has it: it depends on the matrix.",
          "IPEM 112 as practised by open tools",
          {"ipem_fractional_uniformity"},
          {"horizontal", "vertical"},
          {},
          {"MR"},
          run_ipem};
}

}  // namespace iqgate::measure
