#include "iqgate/locate/pose_fit.hpp"

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>

namespace iqgate::locate {
namespace {

using Vector6 = Eigen::Matrix<double, 6, 1>;

// The derivative of a shift by the step.
Vector6 row_of(const Shift& s) {
  const Vec3 moment = cross(s.at, s.direction);
  Vector6 row;
  row << s.direction.x, s.direction.y, s.direction.z, moment.x, moment.y, moment.z;
  return row;
}

}  // namespace

Vec3 to_patient(const Placement& p, Vec3 mm) {
  return p.rotation * Vec3{p.mirrored ? -mm.x : mm.x, mm.y, mm.z} + p.translation_mm;
}

Vec3 turned(const Placement& p, Vec3 v) { return p.rotation * Vec3{p.mirrored ? -v.x : v.x, v.y, v.z}; }

double arm_of_roll(const Shift& s) { return row_of(s)[5]; }

Fit fit_shifts(const std::vector<Shift>& shifts, const Step& prior, const Step& prior_se) {
  Fit fit;
  Vector6 step = Vector6::Zero();
  double scale = 1;
  for (int iteration = 0; iteration < 12; ++iteration) {
    Eigen::Matrix<double, 6, 6> normal = Eigen::Matrix<double, 6, 6>::Zero();
    Vector6 right = Vector6::Zero();
    for (int d = 0; d < 6; ++d) {
      const std::size_t k = static_cast<std::size_t>(d);
      const double w = 1 / (prior_se[k] * prior_se[k]);
      normal(d, d) += w;
      right[d] += w * prior[k];
    }
    fit.ends = false;
    std::vector<double> sizes;
    for (const Shift& s : shifts) {
      const Vector6 row = row_of(s);
      const double rest = (s.value - row.dot(step)) / s.se;
      sizes.push_back(std::abs(rest));
      double w = 1;
      if (iteration > 0) {
        const double t = rest / (4.685 * scale);
        w = std::abs(t) < 1 ? (1 - t * t) * (1 - t * t) : 0;
      }
      if (w > 0 && s.direction.z != 0) fit.ends = true;
      w /= s.se * s.se;
      normal += w * row * row.transpose();
      right += w * s.value * row;
    }
    step = normal.ldlt().solve(right);
    std::vector<double> after;
    for (const Shift& s : shifts) after.push_back(std::abs(s.value - row_of(s).dot(step)) / s.se);
    if (!after.empty()) {
      std::nth_element(after.begin(), after.begin() + std::ptrdiff_t(after.size() / 2), after.end());
      scale = std::max(1.0, 1.4826 * after[after.size() / 2]);
    }
    const Eigen::Matrix<double, 6, 6> covariance = normal.inverse() * scale * scale;
    for (int d = 0; d < 6; ++d) {
      fit.step[std::size_t(d)] = step[d];
      fit.se[std::size_t(d)] = std::sqrt(covariance(d, d));
    }
  }
  return fit;
}

void move(Placement& pose, const Step& step) {
  const double mirror = pose.mirrored ? -1 : 1;
  // A turn vector is axial: under a mirror of x its y and z change sign.
  const Vec3 turn{step[3], mirror * step[4], mirror * step[5]};
  pose.translation_mm = pose.translation_mm + pose.rotation * Vec3{mirror * step[0], step[1], step[2]};
  const double angle = norm(turn);
  if (angle < 1e-14) return;
  const Vec3 k = (1 / angle) * turn;
  const auto rotated = [&](Vec3 v) {
    return std::cos(angle) * v + std::sin(angle) * cross(k, v) + ((1 - std::cos(angle)) * dot(k, v)) * k;
  };
  pose.rotation = Mat3::from_columns(pose.rotation * rotated({1, 0, 0}), pose.rotation * rotated({0, 1, 0}),
                                     pose.rotation * rotated({0, 0, 1}));
}

}  // namespace iqgate::locate
