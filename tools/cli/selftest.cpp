#include <chrono>
#include <cmath>
#include <cstdio>

#include "cli/options.hpp"
#include "iqgate/base/atomic_file.hpp"
#include "iqgate/base/json.hpp"
#include "iqgate/compute/render.hpp"
#include "iqgate/locate/registration.hpp"
#include "iqgate/measure/catalogue.hpp"
#include "iqgate/pipeline/data_files.hpp"
#include "iqgate/pipeline/job.hpp"
#include "iqgate/pipeline/truth.hpp"
#include "iqgate/report/tables.hpp"

namespace iqgate::cli {
namespace {

struct Case {
  const char *phantom, *modality;
  Size3 size;
  Vec3 voxel_mm, psf_mm;
  double noise_sd;
  int repeats;
  double slice_mm = 0, z_mm = 0.4;  ///< thickness of a box profile; place of the phantom along z
};

struct Row {
  std::string backend, phantom, name, variant, where, unit;
  double truth = 0, value = NAN, se = NAN;
  bool good = false;
};

compute::RenderJob render_job(const Case& c, std::uint64_t seed) {
  compute::RenderJob job;
  job.grid.size = c.size;
  job.grid.spacing_mm = c.voxel_mm;
  job.grid.origin_mm = Vec3{} - job.grid.middle_mm();
  job.psf_sigma_mm = c.psf_mm;
  job.pose.translation_mm = {1.17, -0.83, c.z_mm};
  job.slice_thickness_mm = c.slice_mm;
  const bool mr = std::string(c.modality) == "MR";
  job.quantity = mr ? "mr_signal" : "ct_number_hu";
  job.noise = {.kind = compute::NoiseKind::white, .sd = c.noise_sd, .channels = mr ? 1 : 0, .seed = seed};
  return job;
}

// Within the systematic tolerance of the truth and 4 standard errors of the noise.
bool agrees(const Row& r, double tolerance) {
  return std::isfinite(r.value) &&
         std::abs(r.value - r.truth) <= tolerance * std::abs(r.truth) + 4 * (std::isfinite(r.se) ? r.se : 0);
}

std::vector<Row> run_case(const Case& c, const std::shared_ptr<const compute::Backend>& backend, std::uint64_t seed) {
  const phantom::Model model = phantom::read_model(pipeline::find_phantom(c.phantom));
  compute::RenderJob rendering = render_job(c, seed);
  std::vector<Scan> scans;
  for (int r = 0; r < c.repeats; ++r) {
    rendering.noise.repeat = std::uint64_t(r);
    rendering.series.volumes = std::size_t(c.repeats);
    scans.push_back({.id = "selftest",
                     .modality = c.modality,
                     .value_unit = pipeline::value_unit_of(c.modality),
                     .role = c.repeats > 1 ? "repeat_" + std::to_string(r + 1) : "",
                     .volume = compute::render(model, rendering)});
  }
  measure::Job job{.backend = backend};
  job.settings.bootstrap_draws = 200;
  job.settings.receive_channels = 1;
  for (const Scan& scan : scans) job.scans.push_back({&scan, backend->upload(scan.volume.view())});
  job.placement = locate::locate_phantom(scans.front(), model);
  job.phantom_placed = true;
  job.regions = phantom::place_features(model, job.placement, c.modality);
  const Results results = measure::measure_all(job, {});
  std::vector<Row> rows;
  for (const pipeline::Truth& t : pipeline::truths(model, rendering, c.modality)) {
    Row row{backend->info().name, c.phantom, t.name, t.variant, t.where, t.unit, t.value};
    const Measurement* m = results.find(t.name, t.variant, t.where);
    if (!m) m = results.find(t.name, t.variant, "repeat_1/" + t.where);
    if (m) row.value = m->value, row.se = m->se.value_or(NAN);
    row.good = agrees(row, t.tolerance);
    // A mean near zero has no relative tolerance: 0.05 HU stands for it.
    if (t.value == 0 && std::isfinite(row.value))
      row.good = std::abs(row.value) <= 0.05 + 4 * (std::isfinite(row.se) ? row.se : 0);
    rows.push_back(std::move(row));
  }
  return rows;
}

std::string evidence(const std::vector<Row>& rows) {
  json::Array list;
  for (const Row& r : rows) {
    json::Value v;
    v.set("backend", r.backend);
    v.set("phantom", r.phantom);
    v.set("name", r.name);
    v.set("variant", r.variant);
    v.set("where", r.where);
    v.set("unit", r.unit);
    v.set("truth", r.truth);
    v.set("value", std::isfinite(r.value) ? json::Value(r.value) : json::Value());
    v.set("se", std::isfinite(r.se) ? json::Value(r.se) : json::Value());
    v.set("verdict", r.good ? "pass" : "fail");
    list.push_back(std::move(v));
  }
  json::Value v;
  v.set("schema", "iqgate.selftest/1");
  json::Object software;
  for (const auto& [key, value] : pipeline::software_record()) software.push_back({key, value});
  v.set("software", std::move(software));
  v.set("rows", std::move(list));
  return json::write(v);
}

}  // namespace

int run_selftest(const Options& options) {
  static const std::vector<Case> cases{
      {"water_cylinder", "CT", {256, 256, 24}, {0.9, 0.9, 2.5}, {0.6, 0.6, 0.9}, 10, 1},
      {"insert_discs", "CT", {320, 320, 10}, {0.7, 0.7, 2.5}, {0.6, 0.6, 0.9}, 8, 1},
      {"catphan_504", "CT", {320, 320, 84}, {0.7, 0.7, 2}, {0.6, 0.6, 1}, 5, 1},
      {"edge_block", "CT", {320, 320, 8}, {0.65, 0.65, 2.5}, {0.55, 0.55, 0.9}, 4, 1},
      {"wire", "CT", {280, 280, 10}, {0.4, 0.4, 2}, {0.5, 0.5, 0.8}, 4, 1},
      {"bead", "CT", {280, 280, 14}, {0.4, 0.4, 1}, {0.5, 0.5, 0.6}, 2, 1},
      {"ball", "CT", {240, 240, 130}, {0.75, 0.75, 0.5}, {0.5, 0.5, 0.8}, 20, 1},
      {"acr_mri_large", "MR", {256, 256, 11}, {0.98, 0.98, 10}, {0.6, 0.6, 0.6}, 5, 2, 5, -49.3},
      {"fbirn_sphere", "MR", {64, 64, 26}, {4, 4, 8}, {1.5, 1.5, 1.5}, 10, 40},
      {"uniform_cylinder", "MR", {256, 256, 1}, {0.98, 0.98, 5}, {0.8, 0.8, 2}, 20, 2}};
  std::vector<std::shared_ptr<const compute::Backend>> backends{compute::cpu_backend()};
  std::string reason;
  if (options.backend != "cpu")
    if (auto cuda = compute::open_cuda(reason)) backends.push_back(cuda);
  if (options.backend == "cuda" && backends.size() == 1)
    compute::open_backend(compute::BackendChoice::cuda);  // throws with the reason
  const auto start = std::chrono::steady_clock::now();
  std::vector<Row> rows;
  Progress progress(options);
  for (const auto& backend : backends)
    for (const Case& c : cases) {
      progress.step(std::string("selftest: ") + c.phantom + " on " + backend->info().name);
      for (Row& row : run_case(c, backend, options.seed)) rows.push_back(std::move(row));
    }
  progress.done();
  std::size_t failed = 0;
  for (const Row& r : rows) failed += !r.good;
  if (!options.output.empty()) {
    make_folder(options.output);
    write_file_atomically(options.output + "/selftest.json", evidence(rows) + "\n");
  }
  if (options.json) {
    std::printf("%s\n", evidence(rows).c_str());
  } else {
    std::printf("%-8s%-18s%-32s%-24s%-14s%-14s%-12s%-6s%s\n", "backend", "phantom", "metric", "where", "truth",
                "measured", "se", "unit", "verdict");
    for (const Row& r : rows)
      std::printf("%-8s%-18s%-32s%-24s%-14s%-14s%-12s%-6s%s\n", r.backend.c_str(), r.phantom.c_str(),
                  (r.name + (r.variant.empty() ? "" : "[" + r.variant + "]")).c_str(), r.where.c_str(),
                  report::short_number(r.truth).c_str(), report::short_number(r.value).c_str(),
                  std::isfinite(r.se) ? report::short_number(r.se).c_str() : "-", r.unit.c_str(),
                  r.good ? "pass" : "FAIL");
    std::printf("%zu passed, %zu failed\n", rows.size() - failed, failed);
  }
  if (backends.size() == 1 && options.backend != "cpu")
    std::fprintf(stderr, "iqgate: cuda was not tested: %s\n", reason.c_str());
  if (options.verbose > 0)
    std::fprintf(stderr, "iqgate: selftest took %.1f s\n",
                 std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  return failed == 0 ? exit_ok : exit_internal;
}

}  // namespace iqgate::cli
