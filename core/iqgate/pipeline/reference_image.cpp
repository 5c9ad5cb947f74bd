#include "iqgate/pipeline/reference_image.hpp"

#include <algorithm>
#include <limits>

#include "iqgate/base/error.hpp"
#include "iqgate/locate/registration.hpp"

namespace iqgate::pipeline {
namespace {

// Both volume frames (mm along the axes from voxel 0) through the phantom: u' = turn u + shift.
compute::ResampleJob onto(const Grid& site, const Placement& here, const Grid& reference, const Placement& there) {
  const Mat3 between = there.rotation * here.rotation.transposed(), back = reference.direction.transposed();
  const Mat3 turn = back * between * site.direction;
  const Vec3 at = between * (site.origin_mm - here.translation_mm) + there.translation_mm;
  compute::ResampleJob job;
  job.origin_mm = back * (at - reference.origin_mm);
  job.step_x_mm = site.spacing_mm.x * turn.column(0);
  job.step_y_mm = site.spacing_mm.y * turn.column(1);
  job.step_z_mm = site.spacing_mm.z * turn.column(2);
  job.size = site.size;
  job.outside = std::numeric_limits<float>::quiet_NaN();
  return job;
}

// The phantom without its rim and ends, where a tenth of a millimetre of placement would be most of the difference.
Region image_region(const phantom::Model& model, const Placement& placement) {
  constexpr double share = 0.9;
  Region region;
  region.name = region.kind = "image";
  region.shape = RegionShape::cylinder;
  region.center_mm = placement.translation_mm;
  region.normal = placement.rotation.column(2);
  region.in_plane = placement.rotation.column(0);
  region.radius_mm = share * placement.radius_mm.value_or(model.body.radius_mm);
  region.length_mm = model.body.length_mm > 0 ? share * model.body.length_mm : 1e4;  // clipped where the scan ends
  if (model.body.kind == phantom::BodyKind::sphere) region.shape = RegionShape::sphere;
  return region;
}

}  // namespace

std::optional<Scan> take_reference(std::vector<Scan>& scans) {
  const auto found = std::find_if(scans.begin(), scans.end(), [](const Scan& s) { return s.role == "reference"; });
  if (found == scans.end()) return std::nullopt;
  std::optional<Scan> reference = std::move(*found);
  scans.erase(found);
  return reference;
}

void add_reference(const Scan& scan, const phantom::Model& model, measure::Job& job) {
  const Scan& site = *job.scans.front().scan;
  if (scan.value_unit != site.value_unit || scan.modality != site.modality)
    throw InputError("other_unit", "scan " + scan.id,
                     "is of " + scan.modality + " in " + scan.value_unit + ", the scan of " + site.modality + " in " +
                         site.value_unit);
  if (model.body.kind != phantom::BodyKind::cylinder && model.body.kind != phantom::BodyKind::sphere)
    throw InputError("no_body", "scan " + scan.id,
                     "the phantom " + model.name + " has no body to lay one over the other");
  const Placement there = locate::locate_phantom(scan, model);
  if (there.mirrored != job.placement.mirrored)
    throw InputError("mirrored", "scan " + scan.id, "one of both scans is stored in a mirror");
  auto reference = std::make_shared<measure::ReferenceImage>();
  reference->scan = {&scan, job.backend->upload(scan.volume.view())};
  reference->regions = phantom::place_features(model, there, scan.modality);
  reference->registered.grid = site.volume.grid;
  job.backend->resample(*reference->scan.volume, onto(site.volume.grid, job.placement, scan.volume.grid, there),
                        reference->registered.values);
  job.reference = std::move(reference);
  job.regions.push_back(image_region(model, job.placement));
}

}  // namespace iqgate::pipeline
