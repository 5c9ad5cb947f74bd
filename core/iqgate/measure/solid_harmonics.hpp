#pragma once
#include <vector>

#include "iqgate/base/geometry.hpp"

namespace iqgate::measure {

/// A vector field as a sum of regular solid harmonics up to an order, each component by least squares.
struct HarmonicField {
  int order = 0;
  double scale_mm = 1;
  std::vector<Vec3> coefficients;  ///< of the terms, (order + 1)^2 of them
  double rest_rms_mm = 0;          ///< what is left at the points
  Vec3 at(Vec3 mm) const;
};
/// The values of all terms at a point, lengths in units of `scale_mm`: r^l P_lm(cos theta) cos or sin(m phi).
std::vector<double> solid_harmonics(Vec3 mm, int order, double scale_mm);
/// The highest order of `most` that leaves two points a term.
HarmonicField fit_harmonics(const std::vector<Vec3>& at, const std::vector<Vec3>& values, int most);

}  // namespace iqgate::measure
