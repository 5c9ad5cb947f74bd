#pragma once
#include <cmath>

#include "iqgate/base/volume.hpp"
#include "iqgate/base/voxels.hpp"

namespace iqgate::compute {

/// A grid laid through a volume: voxel (i, j, k) lies at origin + i step_x + j step_y + k step_z, in the volume frame
/// (mm along its axes from voxel 0). Linear between voxels; outside the volume (beyond the outermost voxel centres)
/// `outside`.
struct ResampleJob {
  Vec3 origin_mm, step_x_mm{1, 0, 0}, step_y_mm{0, 1, 0}, step_z_mm{0, 0, 1};
  Size3 size;
  float outside = 0;
};

/// The value at a point, in voxels; NaN among the eight neighbours that count gives NaN.
IQGATE_HD inline float linear_value(const VolumeView& v, Vec3 at, float outside) {
  const double top[3] = {double(v.size.x) - 1, double(v.size.y) - 1, double(v.size.z) - 1};
  if (!(at.x >= 0 && at.y >= 0 && at.z >= 0 && at.x <= top[0] && at.y <= top[1] && at.z <= top[2])) return outside;
  const std::size_t x = static_cast<std::size_t>(at.x), y = static_cast<std::size_t>(at.y),
                    z = static_cast<std::size_t>(at.z);
  const double fx = at.x - double(x), fy = at.y - double(y), fz = at.z - double(z);
  double sum = 0;
  for (int c = 0; c < 8; ++c) {
    const int dx = c & 1, dy = c >> 1 & 1, dz = c >> 2;
    const double w = (dx ? fx : 1 - fx) * (dy ? fy : 1 - fy) * (dz ? fz : 1 - fz);
    if (w > 0)
      sum += w * double(v(x + static_cast<std::size_t>(dx), y + static_cast<std::size_t>(dy),
                          z + static_cast<std::size_t>(dz)));
  }
  return static_cast<float>(sum);
}

/// A voxel's own number where rounding has left it beside it: its neighbours have no part in it then.
IQGATE_HD inline double snapped(double at) {
  const double nearest = std::floor(at + 0.5), off = at - nearest;
  return off < 1e-9 && off > -1e-9 ? nearest : at;
}

IQGATE_HD inline Vec3 resampled_at(const ResampleJob& job, const VolumeView& v, std::size_t i, std::size_t j,
                                   std::size_t k) {
  const double a = static_cast<double>(i), b = static_cast<double>(j), c = static_cast<double>(k);
  return {
      snapped((job.origin_mm.x + a * job.step_x_mm.x + b * job.step_y_mm.x + c * job.step_z_mm.x) / v.spacing_mm.x),
      snapped((job.origin_mm.y + a * job.step_x_mm.y + b * job.step_y_mm.y + c * job.step_z_mm.y) / v.spacing_mm.y),
      snapped((job.origin_mm.z + a * job.step_x_mm.z + b * job.step_y_mm.z + c * job.step_z_mm.z) / v.spacing_mm.z)};
}

/// Each output voxel once, in parallel.
void resample(const VolumeView& volume, const ResampleJob& job, Voxels& out);

}  // namespace iqgate::compute
