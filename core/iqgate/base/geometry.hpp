#pragma once
// Geometry in patient millimetres (DICOM: left, posterior, superior).
// x is the column index i, y the row index j, z the slice index k; a voxel's centre has whole-number indices.
#include <array>
#include <cmath>
#include <cstddef>

#include "iqgate/base/host_device.hpp"

namespace iqgate {

struct Vec3 {
  double x = 0, y = 0, z = 0;
  IQGATE_HD double& operator[](int axis) { return axis == 0 ? x : axis == 1 ? y : z; }
  IQGATE_HD double operator[](int axis) const { return axis == 0 ? x : axis == 1 ? y : z; }
};

IQGATE_HD inline Vec3 operator+(Vec3 a, Vec3 b) { return {a.x + b.x, a.y + b.y, a.z + b.z}; }
IQGATE_HD inline Vec3 operator-(Vec3 a, Vec3 b) { return {a.x - b.x, a.y - b.y, a.z - b.z}; }
IQGATE_HD inline Vec3 operator*(double s, Vec3 a) { return {s * a.x, s * a.y, s * a.z}; }
IQGATE_HD inline double dot(Vec3 a, Vec3 b) { return a.x * b.x + a.y * b.y + a.z * b.z; }
IQGATE_HD inline double norm(Vec3 a) { return std::sqrt(dot(a, a)); }
inline Vec3 cross(Vec3 a, Vec3 b) { return {a.y * b.z - a.z * b.y, a.z * b.x - a.x * b.z, a.x * b.y - a.y * b.x}; }
inline Vec3 normalised(Vec3 a) { return (1.0 / norm(a)) * a; }
/// A unit vector perpendicular to `axis`: the one closest to the first coordinate axis that is not nearly parallel.
inline Vec3 any_perpendicular(Vec3 axis) {
  const Vec3 seed = std::abs(axis.x) < 0.8 * norm(axis) ? Vec3{1, 0, 0} : Vec3{0, 1, 0};
  return normalised(seed - (dot(seed, axis) / dot(axis, axis)) * axis);
}

/// 3x3 matrix, row major.
struct Mat3 {
  std::array<double, 9> m{1, 0, 0, 0, 1, 0, 0, 0, 1};
  double operator()(int row, int column) const { return m[static_cast<std::size_t>(row * 3 + column)]; }
  double& operator()(int row, int column) { return m[static_cast<std::size_t>(row * 3 + column)]; }
  Vec3 column(int c) const { return {(*this)(0, c), (*this)(1, c), (*this)(2, c)}; }
  static Mat3 from_columns(Vec3 a, Vec3 b, Vec3 c) { return {{a.x, b.x, c.x, a.y, b.y, c.y, a.z, b.z, c.z}}; }
  Mat3 transposed() const { return {{m[0], m[3], m[6], m[1], m[4], m[7], m[2], m[5], m[8]}}; }
};

inline Vec3 operator*(const Mat3& a, Vec3 v) {
  return {a(0, 0) * v.x + a(0, 1) * v.y + a(0, 2) * v.z, a(1, 0) * v.x + a(1, 1) * v.y + a(1, 2) * v.z,
          a(2, 0) * v.x + a(2, 1) * v.y + a(2, 2) * v.z};
}
inline Mat3 operator*(const Mat3& a, const Mat3& b) {
  return Mat3::from_columns(a * b.column(0), a * b.column(1), a * b.column(2));
}

/// Rotation Ry(yaw) Rx(pitch) Rz(roll), degrees about the patient's x (pitch), y (yaw) and z (roll) axes.
Mat3 rotation_from_degrees(double pitch_deg, double yaw_deg, double roll_deg);
/// Pitch, yaw and roll of a rotation, pitch within +-90 degrees.
Vec3 degrees_from_rotation(const Mat3& rotation);

struct Size3 {
  std::size_t x = 0, y = 0, z = 0;
  IQGATE_HD std::size_t count() const { return x * y * z; }
  bool operator==(const Size3&) const = default;
};

/// Where the voxels of a volume lie: `direction`'s columns are the unit vectors of growing i, j, k.
struct Grid {
  Size3 size;
  Vec3 spacing_mm{1, 1, 1};
  Vec3 origin_mm;  ///< centre of voxel (0, 0, 0)
  Mat3 direction;

  Vec3 to_mm(Vec3 index) const {
    return origin_mm + direction * Vec3{index.x * spacing_mm.x, index.y * spacing_mm.y, index.z * spacing_mm.z};
  }
  /// Needs orthonormal direction columns, which the intake gate guarantees.
  Vec3 to_index(Vec3 mm) const {
    const Vec3 local = direction.transposed() * (mm - origin_mm);
    return {local.x / spacing_mm.x, local.y / spacing_mm.y, local.z / spacing_mm.z};
  }
  Vec3 middle_mm() const {
    return to_mm({0.5 * (double(size.x) - 1), 0.5 * (double(size.y) - 1), 0.5 * (double(size.z) - 1)});
  }
  double pixel_area_mm2() const { return spacing_mm.x * spacing_mm.y; }
};

/// True if both grids have the same size and agree in place to a thousandth of a voxel.
bool same_grid(const Grid& a, const Grid& b);

}  // namespace iqgate
