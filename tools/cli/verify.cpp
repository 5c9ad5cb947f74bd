#include <cstdio>
#include <filesystem>

#include "cli/options.hpp"
#include "iqgate/base/error.hpp"
#include "iqgate/base/file_kind.hpp"
#include "iqgate/base/json.hpp"
#include "iqgate/batch/verify_store.hpp"
#include "iqgate/report/verify.hpp"

namespace iqgate::cli {

namespace {

bool is_store(const std::string& path) { return store::is_url(path) || is_file(path + "/iqgate.sqlite"); }

report::Verified verify_store(const std::string& path, const Options& options) {
  if (store::is_url(path) && options.results.empty())
    throw UsageError("wrong_use", "verify", "a database keeps no files",
                     "name the folder of its results with --results");
  store::Store store(path);
  const batch::VerifiedStore v = batch::verify_store(store, options.results.empty() ? path : options.results);
  return {"store", std::to_string(v.results) + " results, " + std::to_string(v.files) + " files", v.faults};
}

}  // namespace

int run_verify(const Options& options) {
  int code = exit_ok;
  json::Array answers;
  for (const std::string& path : options.paths) {
    report::Verified verified;
    try {
      verified = is_store(path) ? verify_store(path, options) : report::verify(path, options.log);
    } catch (const Error& error) {
      code = worse(code, report_error(error));
      verified = {"none", "", {error.what()}};
      if (!options.json) continue;
    }
    if (!verified.faults.empty() && verified.kind != "none") code = worse(code, exit_output);
    if (options.json) {
      json::Value entry;
      entry.set("path", path), entry.set("kind", verified.kind);
      entry.set("unchanged", verified.faults.empty()), entry.set("faults", json::array_of(verified.faults));
      answers.push_back(std::move(entry));
      continue;
    }
    for (const std::string& fault : verified.faults) std::printf("%s: CHANGED: %s\n", path.c_str(), fault.c_str());
    if (verified.faults.empty())
      std::printf("%s: unchanged (%s, %s)\n", path.c_str(), verified.kind.c_str(), verified.what.c_str());
  }
  if (options.json) std::printf("%s\n", json::write(json::Value(std::move(answers))).c_str());
  return code;
}

}  // namespace iqgate::cli
