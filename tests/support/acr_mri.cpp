#include "support/acr_mri.hpp"

namespace iqgate::test {

AcrRendered acr_scan(const phantom::Model& model, const AcrScan& what) {
  AcrRendered r;
  const double pixel = what.field_mm / double(what.matrix);
  r.job.grid = centred_grid({what.matrix, what.matrix, what.slices}, {pixel, pixel, 10});
  r.job.grid.origin_mm.z = 0;
  r.job.quantity = "mr_signal";
  r.job.psf_sigma_mm = {what.psf_mm, what.psf_mm, what.psf_mm};
  r.job.slice_thickness_mm = what.thickness_mm;
  const Mat3 turned = rotation_from_degrees(what.pitch_deg, what.yaw_deg, what.roll_deg);
  r.job.pose.rotation = what.feet_first ? turned * rotation_from_degrees(180, 0, 0) : turned;
  // The middle of slice 1, or of slice 11 where it is turned over, at z = 0.
  const Vec3 first{0, 0, what.feet_first ? 100.0 : 0.0};
  r.job.pose.translation_mm = Vec3{what.x_mm, what.y_mm, -what.z_mm} - r.job.pose.rotation * first;
  r.job.series.ghost = what.ghost;
  r.job.shading = {.cupping = what.shading, .radius_mm = 95};
  if (what.noise > 0)
    r.job.noise = {.kind = compute::NoiseKind::white, .sd = what.noise, .channels = 1, .seed = what.seed};
  r.scan = {.id = "acr", .modality = "MR", .value_unit = "1", .volume = compute::render(model, r.job)};
  r.scan.tags = {{"SliceThickness", "5"}, {"MagneticFieldStrength", "1.5"}, {"InPlanePhaseEncodingDirection", "COL"}};
  return r;
}

}  // namespace iqgate::test
