#include "iqgate/pipeline/job.hpp"

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "iqgate/base/atomic_file.hpp"
#include "iqgate/base/error.hpp"
#include "iqgate/base/sha256.hpp"
#include "iqgate/base/utc_time.hpp"
#include "iqgate/locate/given_pose.hpp"
#include "iqgate/locate/registration.hpp"
#include "iqgate/measure/catalogue.hpp"
#include "iqgate/pipeline/data_files.hpp"
#include "iqgate/pipeline/identify.hpp"
#include "iqgate/pipeline/pictures.hpp"
#include "iqgate/pipeline/reference_image.hpp"
#include "iqgate/pipeline/request.hpp"
#include "iqgate/read/find_scans.hpp"
#include "iqgate/report/exports.hpp"
#include "iqgate/report/hdf5_writer.hpp"
#include "iqgate/report/html.hpp"
#include "iqgate/report/result_file.hpp"
#include "iqgate/report/tables.hpp"

namespace iqgate::pipeline {
namespace {

void say(const Request& request, const std::string& step) {
  if (request.progress) request.progress(step);
}

std::vector<Scan> load_group(const Request& request, const std::vector<read::ScanHeader>& group,
                             report::Document& document) {
  std::vector<Scan> scans;
  for (const read::ScanHeader& header : group) {
    say(request, "reading " + std::to_string(header.files) + " file(s) of " + header.modality + " scan " + header.id);
    const bool missing = std::find(header.flags.begin(), header.flags.end(), "spacing_missing") != header.flags.end();
    if (missing && !request.spacing_mm)
      throw InputError("no_pixel_spacing", header.display,
                       "does not tell its voxel spacing: no length in mm can be measured",
                       "give it with --spacing X Y Z");
    report::ScanRecord record{header.id,         header.role,   header.modality,
                              header.value_unit, header.grid,   header.slice_spacing_known,
                              header.files,      header.frames, header.loader->input_hashes(),
                              header.flags,      header.tags};
    for (Scan& scan : read::load_scan(header)) {
      if (request.spacing_mm) {
        scan.volume.grid.spacing_mm = *request.spacing_mm;
        scan.flags.push_back("spacing_given");
      }
      scans.push_back(std::move(scan));
    }
    if (header.loader->input_hashes() != record.sha256)
      throw InputError("input_changed", "scan " + header.id, "was written to while it was read",
                       "wait until it is whole");
    record.grid = scans.back().volume.grid;
    record.flags = scans.back().flags;
    document.scans.push_back(std::move(record));
  }
  return scans;
}

// Of inversion times or echoes, whose contrasts differ and pass through zero, the root mean square: the scan on which
// the phantom is looked for. Of others none: the first will do.
std::optional<Scan> combined(const std::vector<Scan>& scans) {
  const std::string& role = scans.front().role;
  if (role.rfind("ti_", 0) != 0 && role.rfind("echo_", 0) != 0) return std::nullopt;
  Scan scan = scans.front();
  for (std::size_t k = 0; k < scan.volume.values.size(); ++k) {
    double square = 0;
    for (const Scan& s : scans) square += double(s.volume.values[k]) * double(s.volume.values[k]);
    scan.volume.values[k] = static_cast<float>(std::sqrt(square / double(scans.size())));
  }
  return scan;
}

// Adds the regions to measure, and returns the phantom if there is one.
std::optional<phantom::Model> place(const Request& request, const Scan& scan, measure::Job& job,
                                    report::Document& document) {
  if (!request.roi_file.empty()) {
    for (Region& region : to_patient(read_region_file(request.roi_file), scan.volume.grid))
      job.regions.push_back(std::move(region));
    document.settings["roi_file_sha256"] = sha256_file(request.roi_file);
  }
  if (request.phantom.empty()) return std::nullopt;
  Candidate found;
  if (request.phantom == "auto") {
    say(request, "looking which phantom it is");
    found = identify_phantom(scan);
    job.placement = found.placement;
  } else {
    found.model = phantom::read_model(find_phantom(request.phantom));
  }
  const phantom::Model& model = found.model;
  if (!made_for(model, scan.modality))
    throw InputError("wrong_modality", "scan " + scan.id,
                     "is of modality " + scan.modality + ", phantom " + model.name + " is not made for it",
                     "choose another phantom");
  document.phantom_name = model.name;
  document.phantom_title = model.title;
  document.phantom_source = model.source;
  document.phantom_digest = model.digest;
  if (model.body.kind == phantom::BodyKind::none) {
    job.placement.translation_mm = scan.volume.grid.middle_mm();
    job.placement.rotation = scan.volume.grid.direction;
  } else if (request.phantom != "auto" && !request.pose.whole()) {
    say(request, "locating " + model.name);
    job.placement = locate::locate_phantom(scan, model);
  }
  apply_pose(request.pose, model.body.radius_mm, job.placement);
  if (request.pose.any()) locate::check_given_pose(scan, model, job.placement);
  document.placement = job.placement;
  job.phantom_placed = true;
  for (Region& region : phantom::place_features(model, job.placement, scan.modality))
    job.regions.push_back(std::move(region));
  return found.model;
}

// What was asked for, so that the result tells how to make it again.
void record_request(const Request& request, report::Document& document) {
  const auto joined = [](const std::vector<std::string>& list) {
    std::string all;
    for (const std::string& entry : list) all += (all.empty() ? "" : " ") + entry;
    return all;
  };
  if (!request.metrics.empty()) document.settings["metrics"] = joined(request.metrics);
  if (request.pose.any()) {
    json::Value pose;
    const auto set = [&](const char* key, const std::optional<double>& value) {
      if (value) pose.set(key, *value);
    };
    set("x_mm", request.pose.x_mm), set("y_mm", request.pose.y_mm), set("z_mm", request.pose.z_mm);
    set("pitch_deg", request.pose.pitch_deg), set("yaw_deg", request.pose.yaw_deg),
        set("roll_deg", request.pose.roll_deg);
    document.settings["pose"] = json::write(pose, 0);
  }
  if (!request.series.empty()) document.settings["series"] = request.series;
  if (!request.limits.empty()) document.settings["limits"] = joined(request.limits);
  if (!request.roles.empty()) {
    std::vector<std::string> roles;
    for (const auto& role : request.roles) roles.push_back(role.first);
    document.settings["roles"] = joined(roles);
  }
  if (request.spacing_mm)
    document.settings["spacing_mm"] = json::write(
        json::array_of(std::vector<double>{request.spacing_mm->x, request.spacing_mm->y, request.spacing_mm->z}), 0);
}

// Which backend it was, and what that could not do. Asked for by name it must do all.
void record_backend(const Request& request, const compute::Backend& backend, report::Document& document) {
  const compute::BackendInfo info = backend.info();
  std::string all = info.reason;
  for (const std::string& fallback : info.fallbacks) all += (all.empty() ? "" : "; ") + fallback;
  if (request.backend == compute::BackendChoice::cuda && !info.fallbacks.empty())
    throw ResourceError("device_memory", "--backend cuda", all, "use --backend auto, or a device with more memory");
  document.backend = info.name;
  document.device = info.device;
  document.backend_reason = all;
}

judge::Reference reference_of(const Scan& scan, const std::vector<Region>& regions, const Context& context) {
  judge::Reference reference;
  double value = 0;
  if (scan.tag_number("MagneticFieldStrength", value))
    reference.conditions["field_strength_t"] = value > 20 ? value / 10000 : value;  // old files say gauss
  if (scan.tag_number("KVP", value)) reference.conditions["tube_voltage_kv"] = value;
  if (!context.baseline.empty()) reference.baseline = report::read_measurements(context.baseline);
  reference.regions = regions;
  return reference;
}

}  // namespace

report::Document run_job(const Request& request, const std::vector<read::ScanHeader>& group) {
  check_request(request);
  report::Document document;
  document.software = software_record();
  document.created_utc = now_utc();
  const Context context = read_context(request.context_file);
  document.context = context.texts;
  std::vector<Scan> scans = load_group(request, group, document);
  const std::optional<Scan> reference = take_reference(scans);
  if (scans.empty() || (reference && request.phantom.empty()))
    throw UsageError("wrong_use", "--role reference", "needs a scan to compare with, and a phantom in both",
                     "name the phantom with --phantom");
  for (const Scan& scan : scans)
    if (!same_grid(scan.volume.grid, scans.front().volume.grid))
      throw InputError("different_grids", "scan " + scan.id, "does not lie on the grid of the first scan of its group");
  measure::Job job;
  job.backend = compute::open_backend(request.backend);
  job.settings = request.settings;
  job.settings.tasks = read_tasks(request.tasks_file);
  const std::optional<Scan> all = combined(scans);
  const std::optional<phantom::Model> model = place(request, all ? *all : scans.front(), job, document);
  if (request.judge) document.limits = limits_for(request, document.phantom_name, model ? model->limits : "");
  for (const Scan& scan : scans) job.scans.push_back({&scan, job.backend->upload(scan.volume.view())});
  if (reference) {
    say(request, "locating the phantom in the reference");
    add_reference(*reference, *model, job);
  }
  document.settings["seed"] = std::to_string(job.settings.seed);
  document.settings["bootstrap_draws"] = std::to_string(job.settings.bootstrap_draws);
  document.settings["receive_channels"] =
      job.settings.receive_channels == 0 ? "unknown" : std::to_string(job.settings.receive_channels);
  document.settings["skipped_volumes"] = std::to_string(job.settings.skipped_volumes);
  if (job.settings.repetition_time_s > 0)
    document.settings["repetition_time_s"] = std::to_string(job.settings.repetition_time_s);
  if (job.settings.phantom_temperature_degc)
    document.settings["phantom_temperature_degc"] = std::to_string(*job.settings.phantom_temperature_degc);
  if (job.settings.data_range > 0) document.settings["data_range"] = json::number_text(job.settings.data_range);
  record_request(request, document);
  say(request, "measuring");
  document.results = measure::measure_all(job, request.metrics);
  record_backend(request, *job.backend, document);
  if (request.judge)
    document.judgement =
        judge::judge(document.results, document.limits, reference_of(scans.front(), document.results.regions, context));
  document.pictures = make_pictures(scans.front(), job.regions, document.placement, model);
  return document;
}

int exit_code(const report::Document& document, bool judged) {
  if (document.results.measurements.empty()) return 3;
  if (!judged) return 0;
  switch (document.judgement.overall) {
    case judge::Overall::fail: return 1;
    case judge::Overall::no_verdict: return 3;
    case judge::Overall::pass:
    case judge::Overall::no_limit: return 0;
  }
  return 70;
}

void write_results(report::Document& document, const std::string& folder) {
  make_folder(folder);
  // First: without it nothing takes a folder for a whole result until the new one is there.
  std::error_code gone;
  std::filesystem::remove(folder + "/result.json", gone);
  document.files = {{"result_json", "result.json"},
                    {"result_h5", "result.h5"},
                    {"measurements_csv", "measurements.csv"},
                    {"curves_csv", "curves.csv"},
                    {"report_html", "report.html"}};
  const json::Value value = report::document_json(document);
  const std::string text = json::write(value) + "\n";
  report::write_result_hdf5(folder + "/result.h5", document, text);
  write_file_atomically(folder + "/measurements.csv", report::measurements_csv(value));
  write_file_atomically(folder + "/curves.csv", report::curves_csv(document));
  write_file_atomically(folder + "/report.html", report::html_report(value, document.pictures, document.results.maps));
  // Last: a result.json says that everything beside it is whole.
  write_file_atomically(folder + "/result.json", text);
}

}  // namespace iqgate::pipeline
