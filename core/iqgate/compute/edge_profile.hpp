#pragma once
// Edge profile: voxel values binned by distance from a plane, a cylinder axis or a centre.
// Sums are 64-bit integers (values scaled by a power of two), so they are exact, independent of order, thread count,
// slab and device, and need no floating-point atomics. Distances use only + - * / sqrt, the same bits on every device.
#include <cstdint>

#include "iqgate/base/volume.hpp"
#include "iqgate/base/voxels.hpp"
#include "iqgate/compute/operations.hpp"

namespace iqgate::compute {

enum class EdgeShape { plane, cylinder, sphere };

/// All lengths in mm in the volume frame: (i, j, k) times spacing.
struct EdgeProfileJob {
  EdgeShape shape = EdgeShape::plane;
  Vec3 origin;          ///< a point of the edge plane, of the axis, or the centre
  Vec3 axis{1, 0, 0};   ///< unit: plane normal; cylinder axis; polar axis of the cones
  Vec3 along{0, 1, 0};  ///< unit, perpendicular to axis: along the edge; zero angle of the sectors
  double first_mm = 0, bin_mm = 0.1;
  int bins = 0;
  double half_along_mm = 0;            ///< plane: half extent along the edge
  double half_third_mm = 0;            ///< plane: half extent across both; cylinder: half length along the axis
  double cos2_low = 0, cos2_high = 1;  ///< sphere: only voxels whose squared cosine to the axis lies in [low, high)
  int sectors = 1;                     ///< blocks along the edge or around the axis (for resampling)
  std::size_t low[3] = {0, 0, 0}, high[3] = {0, 0, 0};  ///< voxel box to visit, [low, high)
};

/// sums, counts and offsets indexed [(slice - low z) * sectors + sector] * bins + bin; value = sum / scale. offsets:
/// where in their bin the voxels lay, in bins from its middle times offset_scale (a bin of few voxels is not centred).
struct EdgeProfile {
  int bins = 0, sectors = 1;
  std::size_t slices = 0;
  double scale = 1;
  VoxelArray<std::int64_t> sums, counts, offsets;
  std::int64_t not_finite = 0;  ///< voxels of the box that are NaN or infinite, left out
};
inline constexpr double offset_scale = 1048576;

/// Power of two such that `voxels` values up to `largest` sum up below 2^62.
double profile_scale(double largest, std::size_t voxels);

/// Where a voxel falls: bin and sector, or outside (bin < 0); its offset from the bin's middle, scaled.
struct EdgeBin {
  int bin, sector, offset;
};

/// Position on the circle as a number in [0, 4), growing with the angle; no trigonometry, so equal on every device.
IQGATE_HD inline double diamond_angle(double x, double y) {
  const double ax = x < 0 ? -x : x, ay = y < 0 ? -y : y;
  const double sum = ax + ay;
  const bool upper = y >= 0, right = x >= 0;
  const double part = (upper == right ? ay : ax) / (sum == 0 ? 1 : sum);
  return part + (upper ? (right ? 0 : 1) : (right ? 3 : 2));
}

/// For one shape, with sectors or one block only; without branches, so that a row of voxels is worked on a vector at a
/// time.
template <EdgeShape Shape, bool Sectors>
IQGATE_HD inline EdgeBin edge_bin_of(const EdgeProfileJob& job, Vec3 point) {
  constexpr bool plane = Shape == EdgeShape::plane;
  const Vec3 d = point - job.origin;
  const double h = dot(d, job.axis);
  const double u = dot(d, job.along);
  const Vec3 across{job.axis.y * job.along.z - job.axis.z * job.along.y,
                    job.axis.z * job.along.x - job.axis.x * job.along.z,
                    job.axis.x * job.along.y - job.axis.y * job.along.x};
  const double w = dot(d, across);
  double distance = h;
  bool inside;
  if constexpr (plane) {
    inside = (w >= -job.half_third_mm) & (w <= job.half_third_mm) & (u >= -job.half_along_mm) & (u < job.half_along_mm);
  } else if constexpr (Shape == EdgeShape::cylinder) {
    distance = std::sqrt(u * u + w * w);
    inside = (h >= -job.half_third_mm) & (h <= job.half_third_mm);
  } else {
    const double r2 = u * u + w * w + h * h, h2 = h * h;
    distance = std::sqrt(r2);
    inside = (h2 >= job.cos2_low * r2) & (h2 < job.cos2_high * r2);
  }
  const double position = (distance - job.first_mm) * (1 / job.bin_mm);
  inside = inside & (position >= 0) & (position < job.bins);
  const double kept = inside ? position : 0.5;
  const int bin = static_cast<int>(kept);
  int sector = 0;
  if constexpr (Sectors) {
    const double fraction = plane ? (u + job.half_along_mm) / (2 * job.half_along_mm) : diamond_angle(u, w) / 4;
    const double at = inside ? fraction * job.sectors : 0;
    const int truncated = static_cast<int>(at);
    sector = truncated >= job.sectors ? job.sectors - 1 : truncated;
  }
  return {inside ? bin : -1, sector, static_cast<int>((kept - bin - 0.5) * offset_scale)};
}

IQGATE_HD inline EdgeBin edge_bin(const EdgeProfileJob& job, Vec3 point) {
  const bool sectors = job.sectors > 1;
  switch (job.shape) {
    case EdgeShape::plane:
      return sectors ? edge_bin_of<EdgeShape::plane, true>(job, point)
                     : edge_bin_of<EdgeShape::plane, false>(job, point);
    case EdgeShape::cylinder:
      return sectors ? edge_bin_of<EdgeShape::cylinder, true>(job, point)
                     : edge_bin_of<EdgeShape::cylinder, false>(job, point);
    default:
      return sectors ? edge_bin_of<EdgeShape::sphere, true>(job, point)
                     : edge_bin_of<EdgeShape::sphere, false>(job, point);
  }
}

/// The value as it is summed: exact for floats within 2^-35 of the largest.
IQGATE_HD inline std::int64_t scaled_value(float value, double scale) {
  const double v = static_cast<double>(value) * scale;
  return static_cast<std::int64_t>(v < 0 ? v - 0.5 : v + 0.5);
}

/// Checks sizes and that the box lies in the volume; std::logic_error otherwise. Returns an empty profile to fill.
EdgeProfile prepare_edge_profile(const VolumeView& volume, const EdgeProfileJob& job);

}  // namespace iqgate::compute
