#include "support/any_phantom.hpp"

#include <algorithm>

#include "iqgate/pipeline/data_files.hpp"

namespace iqgate::test {
namespace {

struct Extent {
  Vec3 low{1e9, 1e9, 1e9}, high{-1e9, -1e9, -1e9};
};

Extent extent_of(const phantom::Model& model, const std::vector<Region>& regions) {
  Extent e;
  for (const Region& r : regions) {
    const bool ball = r.kind == "ball" || r.shape == RegionShape::sphere;
    const double across = std::max({(r.kind == "ball" ? 2.2 : 1) * r.radius_mm, 0.5 * r.size_mm.x, 0.5 * r.size_mm.y});
    const double along = ball ? across : 0.5 * std::max(r.length_mm, r.size_mm.z);
    for (int a = 0; a < 3; ++a) {
      e.low[a] = std::min(e.low[a], r.center_mm[a] - (a < 2 ? across : along));
      e.high[a] = std::max(e.high[a], r.center_mm[a] + (a < 2 ? across : along));
    }
  }
  for (int a = 0; a < 2; ++a) {
    e.low[a] = std::min(e.low[a], -model.body.radius_mm);
    e.high[a] = std::max(e.high[a], model.body.radius_mm);
  }
  return e;
}

}  // namespace

AnyPhantom any_phantom(const std::string& name, double noise) {
  AnyPhantom p{.model = shipped(name)};
  p.modality = p.model.modalities.empty() ? "CT" : p.model.modalities.front();
  const bool plane = name.starts_with("acr_mri");  // hundreds of holes: tilted, they take minutes to draw
  p.job.pose.rotation = plane ? rotation_from_degrees(0, 0, 7) : rotation_from_degrees(0.4, -0.3, 7);
  p.job.pose.translation_mm = {1.17, -0.83, 0.4};
  p.job.pose.radius_mm = p.model.body.radius_mm;
  const phantom::Shape& body = p.model.shapes.front();
  if (p.model.body.kind == phantom::BodyKind::cylinder && norm(body.center_mm) == 0 && body.length_mm > 0) {
    p.job.pose.method = "cylinder_fit";
    p.job.pose.length_mm = body.length_mm;
  }
  const Extent e = extent_of(p.model, phantom::place_features(p.model, p.job.pose, p.modality));
  const double pixel = std::max(0.4, (e.high.x - e.low.x + 30) / 260);
  const Vec3 spacing{pixel, 1.125 * pixel, plane ? 5.0 : 2.0};
  const auto voxels = [&](int a) { return std::size_t((e.high[a] - e.low[a] + (a < 2 ? 30 : 20)) / spacing[a]); };
  p.job.grid = centred_grid({voxels(0), voxels(1), voxels(2)}, spacing);
  p.job.grid.origin_mm = p.job.grid.origin_mm + 0.5 * (e.low + e.high) + Vec3{0.13 * pixel, 0.29 * pixel, 0.47};
  p.job.psf_sigma_mm = {1.1 * pixel, 1.1 * pixel, 1.2};
  p.job.quantity = p.modality == "MR" ? "mr_signal" : p.modality == "PT" ? "activity_bq_ml" : "ct_number_hu";
  if (noise > 0)
    p.job.noise = {.kind = compute::NoiseKind::white, .sd = noise, .channels = p.modality == "MR" ? 1 : 0, .seed = 11};
  p.scan = ct_scan(p.model, p.job);
  p.scan.modality = p.modality;
  p.scan.value_unit = p.modality == "CT" ? "HU" : "1";
  return p;
}

Results measured(const AnyPhantom& what, const Volume& volume, std::size_t bootstrap_draws) {
  std::vector<Scan> scans{what.scan};
  scans[0].volume = volume;
  measure::Job job = make_job(scans, phantom::place_features(what.model, what.job.pose, what.modality));
  job.placement = what.job.pose;
  job.phantom_placed = true;
  job.settings.bootstrap_draws = bootstrap_draws;
  return measure::measure_all(job, {});
}

std::vector<std::string> phantoms_of_one_scan() {
  std::vector<std::string> names{"acr_mri_large_plate"};
  for (const std::string& name : pipeline::shipped_phantoms())
    if (name != "fbirn_sphere" && !name.ends_with("_plate")) names.push_back(name);
  return names;
}

}  // namespace iqgate::test
