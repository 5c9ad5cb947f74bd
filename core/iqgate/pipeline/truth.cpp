#include "iqgate/pipeline/truth.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "iqgate/base/json.hpp"
#include "iqgate/measure/transfer_curve.hpp"

namespace iqgate::pipeline {
namespace {

constexpr double f10_sigma = 0.341541;  // exp(-2 pi^2 s^2 f^2) = 1/10
using measure::f50_sigma;

bool asks_for(const Region& region, const char* family, const char* kind) {
  return region.metrics.empty()
             ? region.kind == kind
             : std::find(region.metrics.begin(), region.metrics.end(), family) != region.metrics.end();
}

}  // namespace

std::string value_unit_of(const std::string& modality) {
  return modality == "CT" ? "HU" : modality == "PT" ? "Bq/mL" : "1";
}

std::vector<Truth> truths(const phantom::Model& model, const compute::RenderJob& job, const std::string& modality) {
  Placement pose = job.pose;
  for (const phantom::Shape& s : model.shapes)
    if (s.name == "body") pose.radius_mm = s.radius_mm;
  std::vector<Truth> list;
  const std::string unit = value_unit_of(modality);
  const bool shaded = job.shading.cupping != 0 || norm(job.shading.gradient_per_mm) != 0;
  const bool round_psf = std::abs(job.psf_sigma_mm.x - job.psf_sigma_mm.y) < 1e-12;
  const double sxy = job.psf_sigma_mm.x, sz = job.psf_sigma_mm.z;
  const compute::NoiseJob& noise = job.noise;
  const std::vector<Region> regions = phantom::place_features(model, pose, modality);
  std::vector<Vec3> middles;
  for (const Region& region : regions) middles.push_back(region.center_mm);
  const std::vector<double> values = compute::rendered_values(model, job, middles);
  if (modality == "CT" && !shaded) add_ct_truths(model, job, regions, values, list);
  if (modality == "MR" && !shaded) add_mr_truths(model, job, regions, values, list);
  for (std::size_t k = 0; k < regions.size(); ++k) {
    const Region& region = regions[k];
    const double value = values[k];
    if (asks_for(region, "roi", "uniform") && !shaded && noise.channels == 0)
      list.push_back(
          {"roi_mean", "center", region.name, value, unit, 1e-3, "CT number, signal or activity of the material"});
    if (noise.kind == compute::NoiseKind::white && noise.channels == 0 && !shaded) {
      if (asks_for(region, "noise", ""))
        list.push_back({"noise_sd_hu", "", region.name, noise.sd, "HU", 1e-3, "SD of the white noise"});
      if (asks_for(region, "nps", "")) {
        const double nyquist = 1 / (2 * std::max(job.grid.spacing_mm.x, job.grid.spacing_mm.y));
        list.push_back({"nps_avg_per_mm", "2d_poly2", region.name, nyquist / 2, "1/mm", 0.02,
                        "flat spectrum: half the Nyquist frequency"});
      }
    }
    if (noise.channels == 1 && asks_for(region, "snr", ""))
      list.push_back({"snr", "nema_ms1_m1", region.name, value / noise.sd, "1",
                      2 * noise.sd * noise.sd / (value * value), "signal over the SD of one channel"});
    if (!job.pixel_aperture && round_psf && sxy > 0) {
      if (asks_for(region, "mtf_edge", "edge"))
        for (const char* variant : {"iec", "iso"})
          list.push_back({"mtf50_per_mm", variant, region.name, f50_sigma / sxy, "1/mm", 0.01, "0.187391 / sigma"});
      if (asks_for(region, "mtf_point", "wire") || region.kind == "bead") {
        list.push_back({"mtf50_per_mm", "radial", region.name, f50_sigma / sxy, "1/mm", 0.01, "0.187391 / sigma"});
        list.push_back({"mtf10_per_mm", "radial", region.name, f10_sigma / sxy, "1/mm", 0.01, "0.341541 / sigma"});
      }
      if (asks_for(region, "ttf_disc", "insert"))
        list.push_back({"ttf50_per_mm", "tukey", region.name, f50_sigma / sxy, "1/mm",
                        0.01 + 0.25 * std::pow(sxy / region.radius_mm, 1.5),
                        "0.187391 / sigma, curvature of the rim within the tolerance"});
      if (asks_for(region, "ttf_ball", "ball")) {
        // Mean of cos^2 over a cone of 30 degrees: 0.8720; over the band of 30 degrees about the slice plane: 1/12.
        const double effective_z = std::sqrt(0.8720 * sz * sz + 0.1280 * sxy * sxy),
                     effective_xy = std::sqrt(sz * sz / 12 + sxy * sxy * 11 / 12);
        list.push_back({"ttf_xy50_per_mm", "cone30", region.name, f50_sigma / effective_xy, "1/mm", 0.03,
                        "0.187391 / rms blur over the band"});
        list.push_back({"ttf_z50_per_mm", "cone30", region.name, f50_sigma / effective_z, "1/mm", 0.03,
                        "0.187391 / rms blur over the cone"});
      }
    }
  }
  return list;
}

std::string truth_json(const phantom::Model& model, const compute::RenderJob& job, const std::string& modality) {
  json::Value v;
  v.set("schema", "iqgate.truth/1");
  v.set("phantom", model.name);
  v.set("phantom_sha256", model.digest);
  v.set("modality", modality);
  json::Value pose;
  json::Array rows;
  for (int r = 0; r < 3; ++r)
    rows.emplace_back(json::Array{json::Value(job.pose.rotation(r, 0)), json::Value(job.pose.rotation(r, 1)),
                                  json::Value(job.pose.rotation(r, 2))});
  pose.set("rotation", std::move(rows));
  pose.set("translation_mm", json::array_of(job.pose.translation_mm));
  v.set("pose", std::move(pose));
  v.set("psf_sigma_mm", json::array_of(job.psf_sigma_mm));
  v.set("pixel_aperture", job.pixel_aperture);
  v.set("slice_thickness_mm", job.slice_thickness_mm);
  json::Value series;
  series.set("volumes", static_cast<std::int64_t>(job.series.volumes));
  series.set("drift", job.series.drift);
  series.set("fluctuation", job.series.fluctuation);
  series.set("ghost", job.series.ghost);
  v.set("series", std::move(series));
  json::Value distortion;
  distortion.set("scale", json::array_of(job.distortion.scale));
  distortion.set("cubic_per_mm2", json::array_of(job.distortion.cubic_per_mm2));
  v.set("distortion", std::move(distortion));
  json::Value noise;
  noise.set("kind", job.noise.kind == compute::NoiseKind::none       ? "none"
                    : job.noise.kind == compute::NoiseKind::white    ? "white"
                    : job.noise.kind == compute::NoiseKind::gaussian ? "gaussian"
                                                                     : "ramp");
  noise.set("sd", job.noise.sd);
  noise.set("tau_mm", job.noise.tau_mm);
  noise.set("tau_z_mm", job.noise.tau_z_mm);
  noise.set("f0_per_mm", job.noise.f0_per_mm);
  noise.set("channels", job.noise.channels);
  noise.set("seed", static_cast<std::int64_t>(job.noise.seed));
  v.set("noise", std::move(noise));
  json::Array list;
  for (const Truth& t : truths(model, job, modality)) {
    json::Value item;
    item.set("name", t.name);
    item.set("variant", t.variant);
    item.set("where", t.where);
    item.set("value", t.value);
    item.set("unit", t.unit);
    item.set("relative_tolerance", t.tolerance);
    item.set("formula", t.formula);
    list.push_back(std::move(item));
  }
  v.set("truths", std::move(list));
  return json::write(v) + "\n";
}

}  // namespace iqgate::pipeline
