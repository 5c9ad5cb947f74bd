#include "iqgate/pipeline/worker.hpp"

#include <omp.h>

#include <algorithm>
#include <chrono>
#include <new>

#include "iqgate/base/error.hpp"
#include "iqgate/base/path_text.hpp"
#include "iqgate/base/sha256.hpp"
#include "iqgate/base/voxels.hpp"
#include "iqgate/pipeline/configuration.hpp"
#include "iqgate/pipeline/find_groups.hpp"
#include "iqgate/pipeline/job.hpp"
#include "iqgate/read/find_scans.hpp"

namespace iqgate::pipeline {
namespace {

using Clock = std::chrono::steady_clock;
double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

read::IntakeLimits limits_of(json::Fields& job) {
  read::IntakeLimits limits;
  limits.max_scan_bytes = static_cast<std::uint64_t>(job.number("max_scan_bytes"));
  return limits;
}

std::vector<std::string> paths_of(json::Fields& job, const char* key) {
  std::vector<std::string> paths = job.texts(key);
  for (std::string& path : paths) path = path_from_text(path);
  return paths;
}

json::Value find(json::Fields& job, const Part& part) {
  const auto start = Clock::now();
  const std::vector<std::string> paths = paths_of(job, "paths"), without = paths_of(job, "without");
  const read::IntakeLimits limits = limits_of(job);
  job.done();
  for (const ScanGroup& group : find_groups(paths, limits, {without.begin(), without.end()})) part(group_json(group));
  json::Value v;
  v.set("ok", true), v.set("seconds", seconds_since(start));
  return v;
}

// The scan as it lies there now; it may have gone or grown since it was found.
std::vector<read::ScanHeader> members_of(const std::string& group, const std::vector<std::string>& paths,
                                         const read::IntakeLimits& limits) {
  std::vector<read::ScanHeader> members;
  for (read::ScanHeader& h : read::find_scans(paths, limits, read::Gather::tree)) {
    const bool asked = h.group == group || h.id == group;
    if (asked && !h.usable) throw InputError(h.code, "scan " + group, h.reason);
    if (asked) members.push_back(std::move(h));
  }
  if (members.empty())
    throw InputError("input_changed", "scan " + group, "is not what it was when it was found",
                     "wait until it is written, then run again");
  return members;
}

json::Value check(json::Fields& job) {
  const auto start = Clock::now();
  Request request;
  request.phantom = job.text("phantom"), request.limits = job.texts("limits"), request.metrics = job.texts("metrics");
  request.judge = job.flag_or("judge", true), request.context_file = job.text("context");
  request.backend = compute::backend_choice(job.text("backend"));
  request.intake = limits_of(job);
  const std::string group = job.text("group"), output = job.text("output"), configuration = job.text("configuration");
  const std::vector<std::string> paths = paths_of(job, "paths");
  omp_set_num_threads(std::max(1, static_cast<int>(job.number("threads"))));
  job.done();
  double reading_s = 0;
  std::optional<Clock::time_point> reading_since;
  request.progress = [&](const std::string& step) {
    const bool reading = step.rfind("reading", 0) == 0;
    if (reading && !reading_since) reading_since = Clock::now();
    if (!reading && reading_since) reading_s += seconds_since(*reading_since), reading_since.reset();
  };
  if (const std::string digest = configuration_digest(request); digest != configuration)
    throw UsageError("configuration_changed", "batch", "phantom, limits or context changed since the run began",
                     "run again");
  const auto members = members_of(group, paths, request.intake);
  const double finding_s = seconds_since(start);
  report::Document document = run_job(request, members);
  write_results(document, output);
  std::vector<std::string> inputs;
  for (const report::ScanRecord& scan : document.scans)
    inputs.insert(inputs.end(), scan.sha256.begin(), scan.sha256.end());
  std::sort(inputs.begin(), inputs.end()), inputs.erase(std::unique(inputs.begin(), inputs.end()), inputs.end());
  json::Value files;
  for (const auto& [kind, name] : document.files) files.set(name, sha256_file(output + "/" + name));
  const auto& verdicts = document.judgement.verdicts;
  json::Value v;
  v.set("ok", true), v.set("exit_code", exit_code(document, request.judge));
  v.set("overall", request.judge ? std::string(judge::word(document.judgement.overall)) : "no_limit");
  v.set("warned", std::any_of(verdicts.begin(), verdicts.end(),
                              [](const judge::Verdict& d) { return d.state == judge::State::warn; }));
  v.set("inputs", json::array_of(inputs)), v.set("files", std::move(files));
  v.set("seconds", seconds_since(start)), v.set("reading_seconds", finding_s + reading_s);
  return v;
}

const char* word(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::usage: return "usage";
    case ErrorKind::input: return "input";
    case ErrorKind::output: return "output";
    case ErrorKind::resource: return "resource";
    case ErrorKind::device: return "device";
  }
  return "internal";
}

json::Value fault(const std::string& kind, const std::string& code, const std::string& reason) {
  json::Value v;
  v.set("ok", false), v.set("kind", kind), v.set("code", code), v.set("reason", reason);
  return v;
}

}  // namespace

json::Value answer_job(const json::Value& request, const Part& part) {
  json::Value answer;
  try {
    json::Fields job(request, "job", "", ErrorKind::usage);
    const std::string what = job.text("do");
    if (what == "find") answer = find(job, part);
    else if (what == "check") answer = check(job);
    else job.fail("do", "unknown_value", "is neither find nor check");
  } catch (const Error& error) {
    answer = fault(word(error.kind), error.code, error.why);
  } catch (const std::bad_alloc&) {
    answer = fault("resource", "no_memory", "memory could not be had");
  } catch (const std::exception& error) {  // the worker's edge: the batch goes on
    answer = fault("internal", "internal", error.what());
  }
  release_kept_voxels();
  return answer;
}

}  // namespace iqgate::pipeline
