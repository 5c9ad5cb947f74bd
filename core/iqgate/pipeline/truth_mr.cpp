// Truths of the metrics of MR phantoms: the ACR set, time series, distortion.
#include <algorithm>
#include <cmath>

#include "iqgate/pipeline/truth.hpp"

namespace iqgate::pipeline {
namespace {

bool upright(const compute::RenderJob& job) {
  return std::abs(dot(job.pose.rotation.column(2), job.grid.direction.column(2))) > 1 - 1e-6;
}

// Place of the slice nearest to a region, beyond the region, along the phantom's axis.
double slice_beyond(const compute::RenderJob& job, const Region& region) {
  const double at = job.grid.to_index(region.center_mm).z;
  return (std::round(at) - at) * job.grid.spacing_mm.z *
         (dot(job.pose.rotation.column(2), job.grid.direction.column(2)) > 0 ? 1 : -1);
}

void add_acr(const phantom::Model& model, const compute::RenderJob& job, const Region& region,
             std::vector<Truth>& list) {
  const bool round = !model.shapes.empty() && model.shapes.front().kind == phantom::ShapeKind::cylinder;
  if (region.kind == "diameters" && round && !job.distortion.any())
    for (const char* name : {"diameter_h_mm", "diameter_mean_mm"})
      list.push_back({name, "", region.name, 2 * model.shapes.front().radius_mm, "mm", 1e-3, "diameter of the body"});
  if (region.kind == "ramp_pair" && job.slice_thickness_mm > 0)
    list.push_back({"slice_thickness_mm", "exact", region.name, job.slice_thickness_mm, "mm", 0.01,
                    "width of the slice's box profile"});
  if (region.kind == "wedge_pair" && upright(job))
    if (const double beyond = slice_beyond(job, region); std::abs(beyond) > 0.25)
      list.push_back({"bar_difference_mm", "", region.name, 2 * beyond, "mm", 0.05 / std::abs(beyond) / 2,
                      "twice how far the slice lies beyond the crossing of the wedges"});
}

// Noise s of each voxel, a fluctuation g of all; W voxels, N volumes.
void add_stability(const compute::RenderJob& job, const Region& region, double value, std::vector<Truth>& list) {
  const double s = job.noise.sd, g = job.series.fluctuation * value,
               w = region.nominal.count("side_px") ? region.nominal.at("side_px") : 21;
  const double n = double(job.series.volumes) - 2 - double(job.series.volumes % 2);
  if (n < 20 || !(s > 0) || !(w >= 3 && w <= 101)) return;
  const double own = std::hypot(s, g), mean = std::hypot(g, s / w), chance = 1 / std::sqrt(2 * (n - 3));
  list.push_back({"snr_static", "fbirn", region.name, value / s, "1", 0.005, "signal over the noise of a voxel"});
  list.push_back({"sfnr", "fbirn", region.name, value / own * (1 + 3 / (4 * (n - 3))), "1", g > 0 ? 3 * chance : 0.005,
                  "signal / sqrt(s^2 + g^2) (1 + 3 / (4 (N - 3)))"});
  list.push_back({"percent_fluctuation_pct", "fbirn", region.name, 100 * mean / value, "%", 3 * chance,
                  "100 sqrt(g^2 + s^2 / W^2) / signal"});
  list.push_back(
      {"rdc_avg_px", "fbirn", region.name, own / mean, "px", 3 * chance, "sqrt((g^2 + s^2) / (g^2 + s^2 / W^2))"});
}

void add_distortion(const compute::RenderJob& job, const std::vector<Region>& regions, std::vector<Truth>& list) {
  double square = 0, n = 0;
  for (const Region& region : regions)
    if (region.kind == "control_point") {
      const Vec3 d = job.distortion.at(region.center_mm);
      square += dot(d, d), n += 1;
    }
  if (n > 0 && square > 0)
    list.push_back({"distortion_rms_mm", "", "control_points", std::sqrt(square / n), "mm", 0.1,
                    "root mean square of the field at the balls, about the origin"});
}

}  // namespace

void add_mr_truths(const phantom::Model& model, const compute::RenderJob& job, const std::vector<Region>& regions,
                   const std::vector<double>& values, std::vector<Truth>& list) {
  for (std::size_t k = 0; k < regions.size(); ++k) {
    add_acr(model, job, regions[k], list);
    if (regions[k].kind == "time_series") add_stability(job, regions[k], values[k], list);
    if (regions[k].kind == "ghost_signal" && job.noise.channels == 0)
      list.push_back({"psg_pct", "acr", folder_of(regions[k].name), 100 * job.series.ghost, "%", 0.02,
                      "the ghost's share, where the air regions lie whole in it"});
  }
  add_distortion(job, regions, list);
}

}  // namespace iqgate::pipeline
