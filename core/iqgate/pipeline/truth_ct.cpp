// Truths of the metrics of whole CT phantoms.
#include <algorithm>
#include <cmath>
#include <map>
#include <numbers>

#include "iqgate/measure/transfer_curve.hpp"
#include "iqgate/pipeline/truth.hpp"

namespace iqgate::pipeline {
namespace {

constexpr double fwhm_of_sigma = 2.354820, fwtm_of_sigma = 4.291932;

bool asks(const Region& region, const char* family) {
  return std::find(region.metrics.begin(), region.metrics.end(), family) != region.metrics.end();
}

// Contrast of the drawn shape whose middle lies at the region's.
std::optional<double> contrast_at(const phantom::Model& model, const compute::RenderJob& job, Vec3 patient_mm) {
  for (const phantom::Shape& s : model.shapes) {
    const Vec3 d = job.pose.rotation * s.center_mm + job.pose.translation_mm - patient_mm;
    const Vec3 axis = job.pose.rotation * s.axis;
    if (s.inside == "background" || norm(d - dot(d, axis) * axis) > 1e-6 || s.radius_mm > 20) continue;
    return model.contrast_of(s, job.quantity);
  }
  return std::nullopt;
}

void add_distances(const std::map<std::string, std::vector<Region>>& folders, std::vector<Truth>& list) {
  for (const auto& [folder, objects] : folders)
    for (std::size_t a = 0; a < objects.size(); ++a)
      for (std::size_t b = a + 1; b < objects.size(); ++b)
        list.push_back({"distance_mm", "", folder + "/" + own_name(objects[a].name) + "-" + own_name(objects[b].name),
                        norm(objects[b].center_mm - objects[a].center_mm), "mm", 1e-3, "distance in the phantom"});
}

}  // namespace

void add_ct_truths(const phantom::Model& model, const compute::RenderJob& job, const std::vector<Region>& regions,
                   const std::vector<double>& values, std::vector<Truth>& list) {
  const double sxy = job.psf_sigma_mm.x, sz = job.psf_sigma_mm.z,
               pixel = std::max(job.grid.spacing_mm.x, job.grid.spacing_mm.y), slice = job.grid.spacing_mm.z;
  const bool round = std::abs(job.psf_sigma_mm.x - job.psf_sigma_mm.y) < 1e-12 && sxy > 0 && !job.pixel_aperture;
  const bool upright = std::abs(dot(job.pose.rotation.column(2), job.grid.direction.column(2))) > 1 - 1e-9;
  std::map<std::string, std::vector<Region>> pins;
  std::map<std::string, double> coarsest;  // bars: widest of each folder, mm
  for (std::size_t k = 0; k < regions.size(); ++k) {
    const Region& region = regions[k];
    if (asks(region, "ct_number"))
      list.push_back({"ct_number_hu", "", region.name, values[k], "HU", 1e-3, "CT number of the material"});
    if (asks(region, "distances")) pins[folder_of(region.name)].push_back(region);
    if (asks(region, "slice_thickness_ramp") && region.nominal.contains("ramp_angle_deg") && upright && sz > 0) {
      const double t = std::tan(region.nominal.at("ramp_angle_deg") * std::numbers::pi / 180);
      list.push_back({"slice_thickness_mm", "ramp_wires", region.name, fwhm_of_sigma * std::hypot(sz, sxy * t), "mm",
                      0.02, "2.3548 sqrt(sigma_z^2 + (sigma tan)^2)"});
    }
    if (asks(region, "ssp") && upright && fwhm_of_sigma * sz > 2.6 * slice) {
      // Straight lines between slices: 0.33 and 1.68 h^2 / (4 sigma) of a crossing's place, two crossings.
      const double h2 = slice * slice / (4 * sz * sz);
      list.push_back({"ssp_fwhm_mm", "bead", region.name, fwhm_of_sigma * sz, "mm", 0.005 + 0.33 * h2 / fwhm_of_sigma,
                      "2.3548 sigma_z"});
      list.push_back({"ssp_fwtm_mm", "bead", region.name, fwtm_of_sigma * sz, "mm", 0.005 + 1.68 * h2 / fwtm_of_sigma,
                      "4.2919 sigma_z"});
    }
    if (asks(region, "low_contrast") && region.radius_mm > 4 * sxy)
      if (const auto contrast = contrast_at(model, job, region.center_mm))
        list.push_back({"rod_contrast_hu", "", region.name, *contrast, "HU", 0.02, "contrast of the rod's material"});
    if (asks(region, "line_pairs") && region.nominal.contains("line_pairs_per_cm")) {
      double& widest = coarsest[folder_of(region.name)];
      widest = std::max(widest, 5 / region.nominal.at("line_pairs_per_cm"));
    }
  }
  add_distances(pins, list);
  // The coarsest bars must show their own value, and a thin pattern must lie whole in its slice.
  for (const auto& [folder, width] : coarsest)
    if (round && width >= 5 * pixel && width > 6 * sxy)
      list.push_back(
          {"mtf50_per_mm", "fundamental", folder, measure::f50_sigma / sxy, "1/mm", 0.03, "0.187391 / sigma"});
}

}  // namespace iqgate::pipeline
