#include "iqgate/measure/point_centre.hpp"

#include <algorithm>
#include <cmath>

namespace iqgate::measure {
namespace {

struct Sample {
  Vec3 local;  // along the region's axes
  double value;
};

}  // namespace

PointCentre point_centre(const Job& job, std::size_t scan, const Region& region, bool along_axis) {
  PointCentre result;
  const Grid& grid = job.grid();
  const RegionVoxels voxels = region_voxels(region, grid);
  if (!voxels.good()) {
    result.reason = voxels.reason;
    return result;
  }
  const VolumeView v = job.scans[scan].volume->host();
  std::vector<Sample> samples;
  std::vector<double> ring;
  for (const std::size_t o : voxels.mask.offsets) {
    const Vec3 mm =
        grid.to_mm({double(o % v.size.x), double(o / v.size.x % v.size.y), double(o / (v.size.x * v.size.y))});
    samples.push_back({region.local(mm), v.values[o]});
    if (std::hypot(samples.back().local.x, samples.back().local.y) > 0.75 * region.radius_mm)
      ring.push_back(v.values[o]);
  }
  if (ring.size() < 12) {
    result.reason = "the region is too small to tell the object from its background";
    return result;
  }
  std::sort(ring.begin(), ring.end());
  const double background = quantile(ring, 0.5), noise = (quantile(ring, 0.841) - quantile(ring, 0.159)) / 2;
  double peak = 0;
  for (const Sample& s : samples)
    if (std::abs(s.value - background) > std::abs(peak)) peak = s.value - background;
  result.peak_to_noise = noise > 0 ? std::abs(peak) / noise : 1e9;
  if (result.peak_to_noise < 6) {
    result.reason = "no object stands out from its background by 6 times the noise";
    return result;
  }
  const double sign = peak > 0 ? 1 : -1, level = std::max(0.2 * std::abs(peak), 2 * noise);
  Vec3 centre;
  double window = 0.75 * region.radius_mm;
  for (int iteration = 0; iteration < 30; ++iteration) {
    Vec3 sum;
    double total = 0;
    for (const Sample& s : samples) {
      if (std::hypot(s.local.x - centre.x, s.local.y - centre.y) > window) continue;
      const double w = sign * (s.value - background) - level;
      if (w <= 0) continue;
      total += w;
      sum = sum + w * s.local;
    }
    if (!(total > 0)) {
      result.reason = "the object leaves the region";
      return result;
    }
    const Vec3 next = (1 / total) * sum;
    const double moved = std::hypot(next.x - centre.x, next.y - centre.y);
    centre = {next.x, next.y, along_axis ? next.z : 0};
    if (moved < 1e-4) break;
  }
  if (std::hypot(centre.x, centre.y) > 0.6 * region.radius_mm) {
    result.reason = "the object lies at the edge of the region";
    return result;
  }
  double total = 0, spread = 0;
  for (const Sample& s : samples) {
    const double dx = s.local.x - centre.x, dy = s.local.y - centre.y, w = sign * (s.value - background) - level;
    if (dx * dx + dy * dy > window * window || w <= 0) continue;
    total += w;
    spread += 0.5 * (dx * dx + dy * dy);
  }
  // Noise, and a fiftieth of a pixel for where the object lies between pixels.
  const double pixel = std::max(grid.spacing_mm.x, grid.spacing_mm.y);
  result.se_mm = std::hypot(noise * std::sqrt(spread) / total, 0.02 * pixel);
  result.patient_mm =
      region.center_mm + centre.x * region.in_plane + centre.y * region.second_axis() + centre.z * region.normal;
  result.good = true;
  return result;
}

}  // namespace iqgate::measure
