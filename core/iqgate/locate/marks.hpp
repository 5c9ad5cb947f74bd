#pragma once
// The marks that a phantom's own inserts are: rods by their axes and ends, boxes by their long faces.
#include "iqgate/base/scan.hpp"
#include "iqgate/locate/pose_fit.hpp"
#include "iqgate/phantom/model.hpp"

namespace iqgate::locate {

struct Rod {
  std::string module;
  Vec3 center_mm;
  double radius_mm = 0, half_length_mm = 0, contrast = 0;  ///< contrast in units of the body's
};
/// Cylinders along the axis, off the centre, of 2 to 40 mm diameter, that stand out from their surroundings.
std::vector<Rod> rods_of(const phantom::Model& model, const std::string& modality);
/// Each piece of a rod gives the shift of its axis, each end that is seen the place along the axis.
void look_at_rod(const Scan& scan, const Placement& pose, const Rod& rod, std::size_t index, double body_contrast,
                 std::vector<Shift>& shifts);

/// A face of a box, upright along the axis.
struct Face {
  Vec3 center_mm, normal, along;  ///< normal outwards
  double half_length_mm = 0, half_height_mm = 0, contrast = 0;
};
/// Faces at least 15 mm long and 8 mm high, of boxes that stand out by a third of the body's contrast.
std::vector<Face> faces_of(const phantom::Model& model, const std::string& modality);
/// In each slice that the face crosses whole, the shift of pieces of it along its normal (half level between what lies
/// on both sides).
void look_at_face(const Scan& scan, const Placement& pose, const Face& face, std::size_t index, double body_contrast,
                  std::vector<Shift>& shifts);

}  // namespace iqgate::locate
