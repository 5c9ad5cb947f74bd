#include "iqgate/locate/given_pose.hpp"

#include <cmath>
#include <cstdio>

#include "iqgate/base/error.hpp"
#include "iqgate/locate/rings_finish.hpp"

namespace iqgate::locate {
namespace {

constexpr double least_contrast_hu = 100;  // any plastic or water against air, table or holder
constexpr std::size_t least_voxels = 50, most_of_a_slice = 20000;

struct Level {
  double median = 0, spread = 0;
};

Level level_of(std::vector<float> values) {
  Level level{median_of(values), 0};
  for (float& v : values) v = std::abs(v - float(level.median));
  level.spread = 1.4826 * median_of(std::move(values));
  return level;
}

}  // namespace

void check_given_pose(const Scan& scan, const phantom::Model& model, const Placement& placement) {
  const bool sphere = model.body.kind == phantom::BodyKind::sphere;
  if (model.body.kind != phantom::BodyKind::cylinder && !sphere) return;
  const Volume& v = scan.volume;
  const double radius = placement.radius_mm.value_or(model.body.radius_mm);
  if (!(radius > 0)) return;
  const Mat3 back = placement.rotation.transposed();
  const std::size_t plane = v.grid.size.x * v.grid.size.y, step = plane / most_of_a_slice | 1;
  bool has_inside = false, has_around = false;
  char why[200] = "no voxel of the scan lies where the given pose puts the phantom";
  for (std::size_t z = 0; z < v.grid.size.z; ++z) {
    std::vector<float> inside, around;
    for (std::size_t o = 0; o < plane; o += step) {
      const Vec3 at = v.grid.to_mm({double(o % v.grid.size.x), double(o / v.grid.size.x), double(z)});
      const Vec3 p = back * (at - placement.translation_mm);
      const double r = (sphere ? norm(p) : std::hypot(p.x, p.y)) / radius;
      if (r < 0.7) inside.push_back(v.values[z * plane + o]);
      else if (r > 1.15 && r < 1.5) around.push_back(v.values[z * plane + o]);
    }
    if (inside.size() < least_voxels) continue;
    has_inside = true;
    if (around.size() < least_voxels) continue;
    has_around = true;
    const Level in = level_of(inside), out = level_of(around);
    const double contrast = std::abs(in.median - out.median);
    if (contrast > in.spread + out.spread && (scan.value_unit != "HU" || contrast >= least_contrast_hu)) return;
    std::snprintf(why, sizeof why,
                  "nothing stands out where the given pose puts the phantom: %.4g inside, %.4g around it", in.median,
                  out.median);
  }
  if (has_inside && !has_around) return;
  throw InputError("phantom_not_found", "scan " + scan.id, why, "check the pose, and that this is the phantom's scan");
}

}  // namespace iqgate::locate
