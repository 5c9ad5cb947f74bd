#pragma once
// Whole phantoms rendered at a seeded pose with a seeded defect, as a scanner would have stored them.
#include "support/support.hpp"

namespace iqgate::test {

enum class Defect { none, bubble, couch, holder, cut_end, streaks, cupping, scale, second_body, mirrored, count };

struct PlacedPhantom {
  phantom::Model model;
  compute::RenderJob job;  ///< true pose
  Scan scan;
  Defect defect = Defect::none;
  double slice_mm = 0;
  std::string text;  ///< what it is, for messages
};

/// Pitch and yaw within 10 degrees, any roll, head or feet first, 20 mm off the middle, pixels of 0.5 to 1 mm, slices
/// of 1 to 5 mm (each the mean of four: a box profile), noise of 5 to 40 HU; all by the seed. Anything the scan needs
/// more than the phantom's own 30 mm at either end is air.
PlacedPhantom placed_phantom(const std::string& name, std::uint64_t seed, Defect defect);

/// Turn between two placements (degrees), distance across and along the axis (mm), at the phantom's origin.
struct PoseError {
  double turn_deg = 0, across_mm = 0, along_mm = 0;
};
PoseError pose_error(const Placement& found, const compute::RenderJob& job);

}  // namespace iqgate::test
