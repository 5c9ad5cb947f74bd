#include "iqgate/base/geometry.hpp"

#include <algorithm>
#include <numbers>

namespace iqgate {

Mat3 rotation_from_degrees(double pitch_deg, double yaw_deg, double roll_deg) {
  const double to_rad = std::numbers::pi / 180.0;
  const double cp = std::cos(pitch_deg * to_rad), sp = std::sin(pitch_deg * to_rad);
  const double cy = std::cos(yaw_deg * to_rad), sy = std::sin(yaw_deg * to_rad);
  const double cr = std::cos(roll_deg * to_rad), sr = std::sin(roll_deg * to_rad);
  const Mat3 ry{{cy, 0, sy, 0, 1, 0, -sy, 0, cy}};
  const Mat3 rx{{1, 0, 0, 0, cp, -sp, 0, sp, cp}};
  const Mat3 rz{{cr, -sr, 0, sr, cr, 0, 0, 0, 1}};
  return ry * (rx * rz);
}

Vec3 degrees_from_rotation(const Mat3& r) {
  constexpr double to_deg = 180 / std::numbers::pi;
  return {std::asin(std::clamp(-r(1, 2), -1.0, 1.0)) * to_deg, std::atan2(r(0, 2), r(2, 2)) * to_deg,
          std::atan2(r(1, 0), r(1, 1)) * to_deg};
}

bool same_grid(const Grid& a, const Grid& b) {
  if (!(a.size == b.size)) return false;
  const double tolerance_mm = 1e-3 * std::min({a.spacing_mm.x, a.spacing_mm.y, a.spacing_mm.z});
  const Vec3 last{double(a.size.x - 1), double(a.size.y - 1), double(a.size.z - 1)};
  for (const Vec3 corner : {Vec3{0, 0, 0}, Vec3{last.x, 0, 0}, Vec3{0, last.y, 0}, Vec3{0, 0, last.z}})
    if (norm(a.to_mm(corner) - b.to_mm(corner)) > tolerance_mm) return false;
  return true;
}

}  // namespace iqgate
