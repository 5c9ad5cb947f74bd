#pragma once
// What inserts say of the pose, and the pose that fits it best.
#include <array>
#include <numbers>
#include <vector>

#include "iqgate/base/placement.hpp"

namespace iqgate::locate {

inline constexpr double degree = std::numbers::pi / 180;

/// A shift and a turn vector, both in the phantom frame.
using Step = std::array<double, 6>;

/// One number that a mark says of the pose: the shift along `direction` (phantom frame) that it needs at `at`.
struct Shift {
  Vec3 at, direction;
  double value = 0, se = 1;
  std::size_t mark = 0;
};

struct Fit {
  Step step{};
  Step se{};          ///< of each part of the step
  bool ends = false;  ///< a shift along the axis took part
};

/// How much the shift changes with a turn about the phantom's axis.
double arm_of_roll(const Shift& s);
/// Weighted least squares with Tukey weights. `prior`: what the body has said, as the step back to it and its errors.
Fit fit_shifts(const std::vector<Shift>& shifts, const Step& prior, const Step& prior_se);
void move(Placement& pose, const Step& step);

/// Patient mm of a phantom point, and patient direction of a phantom direction.
Vec3 to_patient(const Placement& p, Vec3 mm);
Vec3 turned(const Placement& p, Vec3 v);

}  // namespace iqgate::locate
