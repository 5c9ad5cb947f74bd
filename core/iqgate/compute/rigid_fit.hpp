#pragma once
#include <cstddef>
#include <optional>
#include <vector>

#include "iqgate/base/geometry.hpp"

namespace iqgate::compute {

/// to = rotation * from + translation, without a change of scale, by least squares (Kabsch).
struct RigidFit {
  Mat3 rotation;
  Vec3 translation_mm;
  double rms_mm = 0;
  Vec3 apply(Vec3 p) const { return rotation * p + translation_mm; }
};
/// Of three points or more that do not lie on a line (std::logic_error for fewer than three).
RigidFit fit_rigid(const std::vector<Vec3>& from, const std::vector<Vec3>& to);

/// to = matrix * from + translation: what scale and shear are left when a turn is taken out.
struct AffineFit {
  Mat3 matrix;
  Vec3 translation_mm;
};
/// Of four points or more; none where they lie in a plane.
std::optional<AffineFit> fit_affine(const std::vector<Vec3>& from, const std::vector<Vec3>& to);

}  // namespace iqgate::compute
