#pragma once
// H5: where a small object lies, to a fraction of a voxel.
#include "iqgate/measure/metric.hpp"

namespace iqgate::measure {

struct PointCentre {
  bool good = false;
  std::string reason;
  Vec3 patient_mm;
  double se_mm = 0;  ///< of one coordinate, from noise
  double peak_to_noise = 0;
};

/// Centroid of the values above (or below) a ring of background, over the region's slices summed along its normal: the
/// window follows the centre until it moves by less than a hundredth of a pixel. What is weaker than a fifth of the
/// peak does not count. `along_axis`: the third coordinate too, from the slices; else that of the region.
PointCentre point_centre(const Job& job, std::size_t scan, const Region& region, bool along_axis);

}  // namespace iqgate::measure
