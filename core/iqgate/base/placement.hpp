#pragma once
#include <optional>
#include <string>
#include <vector>

#include "iqgate/base/geometry.hpp"

namespace iqgate {

/// What the inserts of one part of a phantom say of its turn, beyond that of the whole.
struct ModuleRoll {
  std::string name;
  double residual_roll_deg = 0, se_deg = 0;
};

/// Where a phantom lies: patient = rotation * phantom + translation_mm, with what is known of its uncertainty.
struct Placement {
  std::string method = "given";  ///< given, cylinder_fit, sphere_fit, registration
  bool mirrored = false;         ///< the phantom's x is reversed first: the scan is stored in a mirror
  Mat3 rotation;
  Vec3 translation_mm;
  std::optional<double> center_se_mm;  ///< standard error of the centre across the axis
  std::optional<double> axis_se_deg;   ///< standard error of the axis direction
  std::optional<double> axial_se_mm;   ///< standard error of the place along the axis
  std::optional<double> roll_se_deg;   ///< standard error of the turn about the axis
  std::optional<double> radius_mm, radius_se_mm;
  std::optional<double> length_mm;  ///< absent where an end lies outside the scan
  double fit_rms_mm = 0;
  double score = 1;  ///< share of surface points that lie on the fitted shape; registration: correlation with the model
  std::optional<double> least_part;  ///< registration: the lowest agreement of a part of the phantom along its axis
  std::optional<double> runner_up;   ///< the score of the best pose that is another one
  std::vector<ModuleRoll> modules;
  std::vector<std::string> flags;
};

}  // namespace iqgate
