#pragma once
// One shape of a phantom, placed and blurred: its share (0..1) at any point of the patient frame.
#include <array>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "iqgate/compute/render.hpp"
#include "iqgate/phantom/closed_form.hpp"

namespace iqgate::compute {

/// Tables of blurred discs, one for each radius and blur: a phantom has many rods alike.
class DiscTables {
 public:
  std::shared_ptr<const phantom::DiscTable> of(double radius_mm, double sigma_mm);

 private:
  std::map<std::pair<double, double>, std::shared_ptr<const phantom::DiscTable>> tables_;
};

class ShapeField {
 public:
  ShapeField(const phantom::Shape& shape, const RenderJob& job, DiscTables& tables);
  double operator()(Vec3 patient_mm) const;
  /// Corners of a box in the patient frame beyond which the share is 0; none for endless shapes.
  std::optional<std::array<Vec3, 8>> bounds_mm() const;

 private:
  double isotropic(Vec3 local) const;         // blurred by sigma_ (or sigma_radial_ / sigma_axial_)
  double distance_outside(Vec3 local) const;  // signed distance to the surface, negative inside
  Vec3 to_local(Vec3 patient_mm) const;

  phantom::Shape shape_;
  Mat3 rotation_;  // patient to shape frame (rows: in_plane, second, axis)
  Vec3 center_;
  double sigma_radial_ = 0, sigma_axial_ = 0;  // cylinder; equal otherwise
  Vec3 sigma_box_;
  double reach_ = 0;  // beyond it the shape is 0 or 1
  std::shared_ptr<const phantom::DiscTable> disc_;
  std::vector<Vec3> offsets_;  // quadrature over the PSF's excess, in the shape frame
  std::vector<double> weights_;
};

}  // namespace iqgate::compute
