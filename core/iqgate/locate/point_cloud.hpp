#pragma once
// A phantom of many small balls: where the scan shows balls, and the pose that lays the model's over them.
#include "iqgate/base/placement.hpp"
#include "iqgate/base/scan.hpp"
#include "iqgate/phantom/model.hpp"

namespace iqgate::locate {

struct Blob {
  Vec3 patient_mm;
  double strength = 0;
};
/// Local extremes of the scan between two Gaussians (half and 1.2 times the ball's radius), at least 0.35 times as
/// strong as the strong ones usually are; the strongest `most` of them. `bright`: balls brighter than what is around.
std::vector<Blob> find_balls(const Scan& scan, double radius_mm, bool bright, std::size_t most);

/// Names of the model's shapes that are control points: spheres, of the radius that most of them have.
std::vector<phantom::Shape> control_points(const phantom::Model& model);

/// The phantom standing upright within about 8 degrees and as far off its place as the scan reaches: closest points
/// from many starts, then a rigid fit of the matched ones. Throws InputError: phantom_not_found where fewer than half
/// of the model's points (or 12) are matched, pose_ambiguous where another place matches nearly as many.
Placement locate_points(const Scan& scan, const phantom::Model& model);

}  // namespace iqgate::locate
