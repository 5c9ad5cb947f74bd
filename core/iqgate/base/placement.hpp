#pragma once
#include <optional>
#include <string>
#include <vector>

#include "iqgate/base/geometry.hpp"

namespace iqgate {

/// Where a phantom lies: patient = rotation * phantom + translation_mm, with what is known of its uncertainty.
struct Placement {
  std::string method = "given";  ///< given, cylinder_fit, sphere_fit
  Mat3 rotation;
  Vec3 translation_mm;
  std::optional<double> center_se_mm;  ///< standard error of the centre across the axis
  std::optional<double> axis_se_deg;   ///< standard error of the axis direction
  std::optional<double> radius_mm, radius_se_mm;
  std::optional<double> length_mm;  ///< absent where an end lies outside the scan
  double fit_rms_mm = 0;
  double score = 1;  ///< share of surface points that lie on the fitted shape
  std::vector<std::string> flags;
};

}  // namespace iqgate
