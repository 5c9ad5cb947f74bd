#pragma once
#include "iqgate/measure/metric.hpp"

namespace iqgate::measure {

/// Where a small ball lies: centroid of the values above (or below) what lies around it, in a sphere of 1.5 radii whose
/// edge counts in part, which follows the centroid until that moves by less than a hundredth of a voxel.
struct BallCentre {
  Vec3 patient_mm;
  double se_mm = 0;     ///< of one coordinate, from the noise around it taken as white
  double contrast = 0;  ///< mean over the ball above its surroundings, signed
  std::string reason;   ///< why there is none
  bool good() const { return reason.empty(); }
};
/// `most_mm`: how far from the first guess it may end. `bright` -1: darker than its surroundings.
BallCentre ball_centre(const VolumeView& volume, const Grid& grid, Vec3 guess_mm, double radius_mm, double bright,
                       double most_mm);

}  // namespace iqgate::measure
