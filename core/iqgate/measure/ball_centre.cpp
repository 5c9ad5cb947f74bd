#include "iqgate/measure/ball_centre.hpp"

#include <algorithm>
#include <cmath>

namespace iqgate::measure {
namespace {

constexpr double window_radii = 1.5, shell_radii = 2.0;
constexpr double least_contrast_to_noise = 3;  // of the mean over the ball, in SDs of a voxel around it

// Calls for every voxel within a distance of a point; false where the sphere leaves the scan.
template <class Call>
bool around(const Grid& grid, Vec3 middle_mm, double reach_mm, const Call& call) {
  const Vec3 c = grid.to_index(middle_mm);
  const std::size_t n[3] = {grid.size.x, grid.size.y, grid.size.z};
  long low[3], high[3];
  for (int d = 0; d < 3; ++d) {
    const double half = reach_mm / grid.spacing_mm[d];
    low[d] = long(std::ceil(c[d] - half));
    high[d] = long(std::floor(c[d] + half));
    if (low[d] < 0 || high[d] >= long(n[d])) return false;
  }
  for (long z = low[2]; z <= high[2]; ++z)
    for (long y = low[1]; y <= high[1]; ++y)
      for (long x = low[0]; x <= high[0]; ++x) {
        const Vec3 d = grid.to_mm({double(x), double(y), double(z)}) - middle_mm;
        call(d, norm(d), std::size_t(x), std::size_t(y), std::size_t(z));
      }
  return true;
}

}  // namespace

BallCentre ball_centre(const VolumeView& volume, const Grid& grid, Vec3 guess_mm, double radius_mm, double bright,
                       double most_mm) {
  BallCentre found{.patient_mm = guess_mm};
  const double voxel = std::max({grid.spacing_mm.x, grid.spacing_mm.y, grid.spacing_mm.z}),
               reach = window_radii * radius_mm, shell = shell_radii * radius_mm + 0.5 * voxel;
  for (int round = 0; round < 40; ++round) {
    std::vector<double> rim;
    Vec3 moment;
    double mass = 0, square = 0, core = 0, voxels = 0;
    bool inside =
        around(grid, found.patient_mm, shell, [&](Vec3, double r, std::size_t x, std::size_t y, std::size_t z) {
          if (r > reach && r <= shell) rim.push_back(volume(x, y, z));
        });
    if (!inside || rim.size() < 8) {
      found.reason = inside ? "too few voxels lie around it" : "it lies at the edge of the scan";
      return found;
    }
    const double background = median_of(rim), noise = robust_sd(rim);
    around(grid, found.patient_mm, reach + voxel, [&](Vec3 d, double r, std::size_t x, std::size_t y, std::size_t z) {
      const double weight = std::clamp((reach - r) / voxel + 0.5, 0.0, 1.0);
      const double v = bright * (volume(x, y, z) - background);
      mass += weight * v;
      moment = moment + (weight * v) * d;
      square += weight * weight * (d.x * d.x + d.y * d.y + d.z * d.z) / 3;
      if (r < radius_mm) core += v, voxels += 1;
    });
    if (!(mass > 0) || voxels == 0 || core / voxels < least_contrast_to_noise * noise) {
      found.reason = "no ball stands out from its surroundings";
      return found;
    }
    const Vec3 step = (1 / mass) * moment;
    found.patient_mm = found.patient_mm + step;
    found.se_mm = noise * std::sqrt(square) / mass;
    found.contrast = bright * core / voxels;
    if (norm(found.patient_mm - guess_mm) > most_mm) {
      found.reason = "it lies too far from where it should be";
      return found;
    }
    if (norm(step) < 0.01 * voxel) return found;
  }
  found.reason = "its centroid does not settle";
  return found;
}

}  // namespace iqgate::measure
