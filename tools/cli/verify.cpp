#include <cstdio>
#include <filesystem>

#include "cli/options.hpp"
#include "iqgate/base/error.hpp"
#include "iqgate/base/json.hpp"
#include "iqgate/report/verify.hpp"

namespace iqgate::cli {

int run_verify(const Options& options) {
  int code = exit_ok;
  json::Array answers;
  for (const std::string& path : options.paths) {
    report::Verified verified;
    try {
      verified = report::verify(path, options.log);
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
