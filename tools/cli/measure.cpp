#include <cstdio>
#include <filesystem>

#include "cli/options.hpp"
#include "iqgate/base/error.hpp"
#include "iqgate/base/json.hpp"
#include "iqgate/pipeline/job.hpp"
#include "iqgate/report/tables.hpp"

namespace iqgate::cli {
namespace {

pipeline::Request request_of(const Options& options, bool judge, Progress& progress) {
  pipeline::Request request;
  request.paths = options.paths;
  request.phantom = options.phantom;
  if (!options.pose.empty()) request.pose = pipeline::read_pose(options.pose);
  request.roi_file = options.roi;
  request.metrics = options.metrics;
  request.series = options.series;
  request.judge = judge;
  request.limits = options.limits;
  request.backend = compute::backend_choice(options.backend);
  request.settings.seed = options.seed;
  request.settings.receive_channels = options.receive_channels;
  request.settings.skipped_volumes = static_cast<std::size_t>(options.skipped_volumes);
  request.settings.repetition_time_s = options.repetition_time_s;
  request.settings.phantom_temperature_degc = options.temperature_degc;
  request.settings.data_range = options.data_range;
  request.settings.bootstrap_draws = static_cast<std::size_t>(options.draws);
  request.context_file = options.context;
  request.tasks_file = options.tasks;
  request.intake.max_scan_bytes = parse_bytes(options.max_memory);
  if (!options.spacing_mm.empty())
    request.spacing_mm = Vec3{options.spacing_mm[0], options.spacing_mm[1], options.spacing_mm[2]};
  for (const std::string& role : options.roles) {
    const std::size_t equals = role.find('=');
    if (equals == std::string::npos || equals == 0)
      throw UsageError("bad_value", "--role", "\"" + role + "\" is not NAME=PATH", "write --role noise=FOLDER");
    request.roles.emplace_back(role.substr(0, equals), role.substr(equals + 1));
  }
  if (!options.quiet) request.progress = [&progress](const std::string& step) { progress.step(step); };
  return request;
}

void print_document(const report::Document& document, const Options& options, bool judge, bool one_line) {
  if (options.json) {
    std::printf("%s\n", json::write(report::document_json(document), one_line ? 0 : 2).c_str());
    return;
  }
  std::printf("%s", report::terminal_table(document, colour_wanted(options)).c_str());
  if (judge) std::printf("overall: %s\n", std::string(judge::word(document.judgement.overall)).c_str());
}

}  // namespace

int run_measure(const Options& options, bool judge) {
  Progress progress(options);
  const pipeline::Request request = request_of(options, judge, progress);
  pipeline::check_request(request);
  const pipeline::Choice choice = pipeline::choose_scans(request);
  const auto& groups = choice.groups;
  if (options.dry_run) {
    progress.done();
    for (const auto& group : groups)
      for (const auto& h : group)
        std::printf("would %s %s scan %s, %zu x %zu x %zu, %zu file(s)%s%s, with %s\n", judge ? "check" : "measure",
                    h.modality.c_str(), h.id.c_str(), h.grid.size.x, h.grid.size.y, h.grid.size.z, h.files,
                    h.role.empty() ? "" : ", role ", h.role.c_str(),
                    request.phantom.empty() ? request.roi_file.c_str() : request.phantom.c_str());
    return exit_ok;
  }
  int code = exit_ok;
  bool written = false;
  for (const read::ScanHeader& h : choice.refused) {
    progress.done();
    InputError refused(h.code, h.display, h.reason, "iqgate inspect lists every scan");
    hide_found_names(options, refused);
    code = worse(code, report_error(refused));
  }
  const bool alone = groups.size() == 1 && choice.refused.empty();
  for (const auto& group : groups) {
    try {
      report::Document document = pipeline::run_job(request, group);
      if (!options.output.empty()) {
        progress.step("writing the report");
        pipeline::write_results(document, alone ? options.output : options.output + "/" + group.front().group);
        written = true;
      }
      progress.done();
      print_document(document, options, judge, !alone);
      code = worse(code, pipeline::exit_code(document, judge));
    } catch (Error& error) {
      progress.done();
      if (alone) throw;
      hide_found_names(options, error);
      code = worse(code, report_error(error));
    }
  }
  if (written && !options.quiet) std::fprintf(stderr, "iqgate: results lie in %s\n", options.output.c_str());
  return code;
}

}  // namespace iqgate::cli
