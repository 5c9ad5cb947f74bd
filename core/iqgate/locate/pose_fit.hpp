#pragma once
// What inserts say of the pose, and the pose that fits it best.
#include <Eigen/Dense>
#include <numbers>
#include <vector>

#include "iqgate/base/placement.hpp"

namespace iqgate::locate {

inline constexpr double degree = std::numbers::pi / 180;

using Vector6 = Eigen::Matrix<double, 6, 1>;

/// One number that a mark says of the pose: the shift along `direction` (phantom frame) that it needs at `at`.
struct Shift {
  Vec3 at, direction;
  double value = 0, se = 1;
  std::size_t mark = 0;
};

struct Fit {
  Vector6 step = Vector6::Zero();  ///< shift, turn vector (phantom frame)
  Eigen::Matrix<double, 6, 6> covariance = Eigen::Matrix<double, 6, 6>::Identity();
  bool ends = false;  ///< a shift along the axis took part
};

/// The shift's derivative by the step.
Vector6 row_of(const Shift& s);
/// Weighted least squares with Tukey weights. `prior`: what the body has said, as the step back to it and its errors.
Fit fit_shifts(const std::vector<Shift>& shifts, const Vector6& prior, const Vector6& prior_se);
void move(Placement& pose, const Vector6& step);

/// Patient mm of a phantom point, and patient direction of a phantom direction.
Vec3 to_patient(const Placement& p, Vec3 mm);
Vec3 turned(const Placement& p, Vec3 v);

}  // namespace iqgate::locate
