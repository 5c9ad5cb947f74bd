#include <cstdio>

#include "cli/options.hpp"
#include "iqgate/base/error.hpp"
#include "iqgate/base/json.hpp"
#include "iqgate/batch/summary.hpp"
#include "iqgate/compute/backend.hpp"
#include "iqgate/pipeline/identify.hpp"
#include "iqgate/read/find_scans.hpp"

namespace iqgate::cli {
namespace {

// What the voxels of a scan say: the phantoms that fit, or why that was not asked.
struct Guess {
  std::vector<std::string> phantoms;
  std::string reason;
};

constexpr std::size_t most_voxels = std::size_t{1} << 28;  // 1 GiB of float: more is not read for a guess

Guess guess_phantom(read::ScanHeader& h, const Options& options) {
  if (!h.usable || !h.is_scan) return {{}, "not a usable scan"};
  if (options.headers_only) return {{}, "voxels are not read with --headers-only"};
  if (h.grid.size.count() > most_voxels) return {{}, "the scan is too large to be read for a guess"};
  try {
    const std::vector<Scan> scans = read::load_scan(h);
    Guess guess;
    for (const pipeline::Candidate& c : pipeline::phantoms_that_fit(scans.front()))
      guess.phantoms.push_back(c.model.name);
    if (guess.phantoms.empty()) guess.reason = "no shipped phantom fits the body in the scan";
    if (guess.phantoms.size() > 1) guess.reason = "the bodies of several phantoms fit";
    return guess;
  } catch (const InputError& e) {  // whole by its header, damaged inside
    h.usable = false;
    h.code = e.code;
    h.reason = e.why;
    return {{}, "not a usable scan"};
  } catch (const UsageError& e) {  // a fault of the data folder says nothing of the scan
    return {{}, e.what()};
  } catch (const ResourceError& e) {
    return {{}, e.what()};
  }
}

std::string joined(const std::vector<std::string>& names) {
  if (names.size() > 2) return std::to_string(names.size()) + " phantoms of this body";
  std::string all;
  for (const std::string& name : names) all += (all.empty() ? "" : "|") + name;
  return all.empty() ? "-" : all;
}

json::Value scan_json(const read::ScanHeader& h, const Guess& guess, bool show_names) {
  json::Value v;
  v.set("id", h.id);
  v.set("modality", h.modality);
  v.set("matrix", json::Array{json::Value(h.grid.size.x), json::Value(h.grid.size.y), json::Value(h.grid.size.z)});
  v.set("spacing_mm",
        h.usable ? json::Value(json::Array{json::Value(h.grid.spacing_mm.x), json::Value(h.grid.spacing_mm.y),
                                           h.slice_spacing_known ? json::Value(h.grid.spacing_mm.z) : json::Value()})
                 : json::Value());
  v.set("frames", h.frames);
  v.set("files", h.files);
  v.set("phantom", guess.phantoms.size() == 1 ? json::Value(guess.phantoms.front()) : json::Value());
  v.set("status", h.usable ? "ok" : "refused");
  v.set("reason", h.usable ? json::Value() : json::Value(h.code + ": " + h.reason));
  v.set("group", h.group);
  v.set("role", h.role);
  v.set("value_unit", h.value_unit);
  v.set("is_scan", h.is_scan);
  v.set("flags", json::array_of(h.flags));
  v.set("phantoms_that_fit", json::array_of(guess.phantoms));
  if (show_names) v.set("paths", json::array_of(h.paths));
  v.set("phantom_reason", guess.reason.empty() ? json::Value() : json::Value(guess.reason));
  return v;
}

}  // namespace

int run_inspect(const Options& options) {
  read::IntakeLimits limits;
  limits.max_scan_bytes = parse_bytes(options.max_memory);
  std::vector<read::ScanHeader> headers = read::find_scans(options.paths, limits);
  std::vector<Guess> guesses;
  bool usable = false;
  Progress progress(options);
  for (read::ScanHeader& h : headers) {
    if (h.usable && h.is_scan && !options.headers_only) progress.step("reading scan " + h.id);
    guesses.push_back(guess_phantom(h, options));
    usable = usable || h.usable;
  }
  progress.done();
  if (options.json) {
    json::Array scans;
    for (std::size_t k = 0; k < headers.size(); ++k)
      scans.push_back(scan_json(headers[k], guesses[k], options.show_names));
    json::Value v;
    v.set("schema", "iqgate.inspect/1");
    v.set("scans", std::move(scans));
    std::printf("%s\n", json::write(v).c_str());
  } else {
    std::printf("%-14s%-9s%-20s%-26s%-8s%-7s%-12s%-38s%s\n", "id", "modality", "matrix", "spacing mm", "frames",
                "files", "role", "phantom", "status");
    for (std::size_t k = 0; k < headers.size(); ++k) {
      const read::ScanHeader& h = headers[k];
      char matrix[64], spacing[80];
      std::snprintf(matrix, sizeof matrix, "%zu x %zu x %zu", h.grid.size.x, h.grid.size.y, h.grid.size.z);
      if (!h.usable) std::snprintf(spacing, sizeof spacing, "-");
      else if (h.slice_spacing_known)
        std::snprintf(spacing, sizeof spacing, "%.5g x %.5g x %.5g", h.grid.spacing_mm.x, h.grid.spacing_mm.y,
                      h.grid.spacing_mm.z);
      else std::snprintf(spacing, sizeof spacing, "%.5g x %.5g x ?", h.grid.spacing_mm.x, h.grid.spacing_mm.y);
      std::string flags;
      for (const std::string& f : h.flags) flags += " " + f;
      std::printf("%-14s%-9s%-20s%-26s%-8zu%-7zu%-12s%-38s%s\n", h.id.c_str(), h.modality.c_str(), matrix, spacing,
                  h.frames, h.files, h.role.c_str(), joined(guesses[k].phantoms).c_str(),
                  h.usable ? ("ok" + flags).c_str() : ("refused: " + h.code + ": " + h.reason).c_str());
      if (options.show_names)
        for (const std::string& path : h.paths) std::printf("              %s\n", batch::plain_text(path).c_str());
    }
  }
  if (headers.empty()) std::fprintf(stderr, "iqgate: no scan is found there\n");
  return usable ? exit_ok : exit_input;
}

int run_devices(const Options& options) {
  const auto cpu = compute::cpu_backend();
  std::string reason;
  const auto cuda = compute::open_cuda(reason);
  if (options.json) {
    json::Array list;
    for (const auto& backend : {cpu, cuda}) {
      json::Value v;
      v.set("backend", backend == cpu ? "cpu" : "cuda");
      v.set("available", backend != nullptr);
      v.set("device", backend ? backend->info().device : "");
      v.set("reason", backend ? "" : reason);
      list.push_back(std::move(v));
    }
    json::Value v;
    v.set("schema", "iqgate.devices/1");
    v.set("devices", std::move(list));
    std::printf("%s\n", json::write(v).c_str());
    return exit_ok;
  }
  std::printf("cpu    %s\n", cpu->info().device.c_str());
  if (cuda) std::printf("cuda   %s\n", cuda->info().device.c_str());
  else std::printf("cuda   not available: %s\n", reason.c_str());
  return exit_ok;
}

}  // namespace iqgate::cli
