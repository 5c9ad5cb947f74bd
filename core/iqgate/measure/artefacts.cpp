// A13: rings and streaks in a uniform region.
#include <algorithm>
#include <cmath>
#include <map>
#include <numbers>

#include "iqgate/measure/metrics.hpp"
#include "iqgate/measure/noise_correlation.hpp"

namespace iqgate::measure {
namespace {

constexpr double trend_mm = 15, least_radius_mm = 5, sector_deg = 5, sector_step_deg = 2.5;

struct Bin {
  double sum = 0, count = 0;
  double mean() const { return count > 0 ? sum / count : 0; }
};

// `closed`: the values lie on a circle, the last beside the first.
double running_median(const std::vector<double>& values, std::size_t at, std::size_t half, bool closed) {
  const std::size_t count = values.size();
  std::vector<double> window;
  for (std::size_t k = count + at - half; k <= count + at + half; ++k)
    if (closed || (k >= count && k < 2 * count)) window.push_back(values[k % count]);
  std::nth_element(window.begin(), window.begin() + std::ptrdiff_t(window.size() / 2), window.end());
  return window[window.size() / 2];
}

// Largest departure of several independent normal deviates: the level that noise alone passes once in a hundred times.
double family_level(double count) { return normal_quantile(1 - 0.005 / std::max(count, 1.0)); }

struct Departure {
  double amplitude = 0, z = 0, at = 0, tested = 0;
};

// Means of bins about the running median of their neighbours, and how far the largest lies beyond its own noise.
Departure largest(const std::vector<double>& places, const std::vector<Bin>& bins, std::size_t half, double least_place,
                  double sd, double sum_rho, double least_count, bool closed) {
  std::vector<double> means;
  for (const Bin& b : bins) means.push_back(b.mean());
  Departure d;
  for (std::size_t k = 0; k < bins.size(); ++k) {
    if (places[k] < least_place || bins[k].count < least_count) continue;
    const double departure = means[k] - running_median(means, k, half, closed);
    const double z = std::abs(departure) / (sd * std::sqrt(sum_rho / bins[k].count));
    d.tested += 1;
    if (z > d.z) d.z = z, d.amplitude = departure, d.at = places[k];
  }
  return d;
}

void report(const char* name, const char* zname, const char* at_name, const char* at_unit, const std::string& where,
            const Departure& d, const char* method, Results& results) {
  const double level = family_level(d.tested);
  Measurement m = measurement(name, "", where, std::abs(d.amplitude), "HU");
  m.se = d.z > 0 ? std::abs(d.amplitude) / d.z : 0;
  m.method = method;
  m.standard = "definition A13 (this project's own: published standards judge by eye)";
  m.flags = {d.z > level ? "seen" : "not_seen", "no_interval_for_extreme"};
  if (!(*m.se > 0)) m.se.reset();
  Measurement z = measurement(zname, "", where, d.z, "1"), at = measurement(at_name, "", where, d.at, at_unit);
  z.method = "the amplitude over its standard error; noise alone passes " + std::to_string(level).substr(0, 4) +
             " once in a hundred scans";
  at.method = "where the largest departure lies";
  results.add(std::move(m));
  results.add(std::move(z));
  results.add(std::move(at));
}

void one_region(const Job& job, std::size_t s, const Region& region, Results& results) {
  const std::string where = job.prefix(s) + region.name;
  const Grid& grid = job.grid();
  const RegionVoxels voxels = region_voxels(region, grid);
  if (!voxels.good()) return results.skip("ring_amplitude_hu", where, voxels.reason);
  if (region.shape != RegionShape::disc && region.shape != RegionShape::cylinder)
    return results.skip("ring_amplitude_hu", where, "the region must be a disc or a cylinder");
  // Rings lie about the middle of the reconstruction, which is that of the image unless a tag says otherwise.
  const VolumeView v = job.scans[s].volume->host();
  const double cx = 0.5 * double(v.size.x - 1) * v.spacing_mm.x, cy = 0.5 * double(v.size.y - 1) * v.spacing_mm.y;
  const Vec3 own = to_volume_frame(grid, region.center_mm);
  const double step = std::max(v.spacing_mm.x, v.spacing_mm.y), off = std::hypot(own.x - cx, own.y - cy);
  if (off > 0.5 * region.radius_mm)
    return results.skip("ring_amplitude_hu", where, "the middle of the image lies too far from that of the region");
  const NoiseCorrelation c = noise_correlation(v, voxels.mask);
  if (!(c.residual_sd > 0) || voxels.mask.offsets.size() < 1000)
    return results.skip("ring_amplitude_hu", where,
                        "the region holds no noise to compare with, or fewer than 1000 voxels");
  const std::size_t count = static_cast<std::size_t>((region.radius_mm + off) / step) + 1;
  std::vector<Bin> rings(count), sectors(std::size_t(360 / sector_step_deg));
  std::vector<double> radii(count), angles(sectors.size());
  for (std::size_t k = 0; k < count; ++k) radii[k] = (double(k) + 0.5) * step;
  for (std::size_t k = 0; k < angles.size(); ++k) angles[k] = double(k) * sector_step_deg;
  // Edges belong to the outer ring, and to both sectors: the same however the image is turned or mirrored.
  const auto ring_of = [&](double r) { return std::min(count - 1, static_cast<std::size_t>(r / step + 1e-6)); };
  const auto polar = [&](std::size_t o, double& r, double& angle) {
    const double x = double(o % v.size.x) * v.spacing_mm.x - cx,
                 y = double(o / v.size.x % v.size.y) * v.spacing_mm.y - cy;
    r = std::hypot(x, y);
    angle = std::fmod(std::atan2(y, x) * 180 / std::numbers::pi + 360, 360.0);
  };
  double r = 0, angle = 0;
  for (const std::size_t o : voxels.mask.offsets) {
    polar(o, r, angle);
    Bin& bin = rings[ring_of(r)];
    bin.sum += v.values[o];
    bin.count += 1;
  }
  for (const std::size_t o : voxels.mask.offsets) {
    polar(o, r, angle);
    if (r < least_radius_mm || r > 0.85 * region.radius_mm) continue;
    const double rest = v.values[o] - rings[ring_of(r)].mean();
    const long first = std::lround(std::ceil((angle - 0.5 * sector_deg) / sector_step_deg - 1e-9)),
               last = std::lround(std::floor((angle + 0.5 * sector_deg) / sector_step_deg + 1e-9));
    for (long k = first; k <= last; ++k) {
      Bin& bin = sectors[(std::size_t(k) + sectors.size()) % sectors.size()];
      bin.sum += rest;
      bin.count += 1;
    }
  }
  const std::size_t half = std::max<std::size_t>(3, static_cast<std::size_t>(0.5 * trend_mm / step));
  // A ring that the region holds only in part is no ring.
  const double slices = double(voxels.last_slice - voxels.first_slice + 1);
  std::vector<Bin> whole = rings;
  for (std::size_t k = 0; k < count; ++k) {
    const double full = 2 * std::numbers::pi * radii[k] * step / grid.pixel_area_mm2() * slices;
    if (rings[k].count < 0.6 * full) whole[k].count = 0;
  }
  while (!whole.empty() && whole.back().count == 0) whole.pop_back(), radii.pop_back();
  if (whole.size() < 2 * half) return results.skip("ring_amplitude_hu", where, "the region is too small for rings");
  report("ring_amplitude_hu", "ring_z", "ring_radius_mm", "mm", where,
         largest(radii, whole, half, least_radius_mm, c.residual_sd, c.sum_rho, 12, false),
         "largest departure of the mean round the middle of the image, in rings a pixel wide, from the running median "
         "over "
         "15 mm",
         results);
  report("streak_amplitude_hu", "streak_z", "streak_angle_deg", "deg", where,
         largest(angles, sectors, 12, 0, c.residual_sd, c.sum_rho, 12, true),
         "largest departure of a sector of 5 degrees, the rings taken out, from the running median over 60 degrees; "
         "sectors begin every 2.5 degrees",
         results);
}

void run(const Job& job, const std::vector<Region>& regions, Results& results) {
  if (job.unit() != "HU") return results.skip("ring_amplitude_hu", "scan", "the values are not HU");
  each_region(job, regions, results, one_region);
}

}  // namespace

Metric artefacts_metric() {
  return {"artefacts",
          "Rings and streaks",
          "Mean round the middle of the image in rings a pixel wide, less its running median over 15 mm: the largest "
          "departure by its standard error (noise with its correlation), from 5 mm on; and of sectors of 5 degrees, "
          "one each 2.5 degrees, with the rings taken out. seen: beyond the level that noise alone passes once in a "
          "hundred scans (Bonferroni).",
          "definition A13",
          {"ring_amplitude_hu", "ring_z", "ring_radius_mm", "streak_amplitude_hu", "streak_z", "streak_angle_deg"},
          {},
          {},
          {"CT"},
          run};
}

}  // namespace iqgate::measure
