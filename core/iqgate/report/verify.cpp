#include "iqgate/report/verify.hpp"

#include <filesystem>
#include <fstream>
#include <iterator>

#include "iqgate/base/sha256.hpp"
#include "iqgate/report/decision_log.hpp"
#include "iqgate/report/hdf5_writer.hpp"
#include "iqgate/report/result_file.hpp"

namespace iqgate::report {
namespace {
namespace fs = std::filesystem;

std::string fault_text(const LogFault& fault) { return "entry " + std::to_string(fault.line) + " " + fault.why; }

Verified verify_log(const std::string& path) {
  const CheckedLog log = read_log(path);
  Verified v{"decision log", std::to_string(log.state.length) + " entries, last digest " + log.state.last_digest, {}};
  if (log.fault) v.faults.push_back(fault_text(*log.fault));
  return v;
}

// The text in result.h5 was written with the numbers; what stands beside it must be the same.
Verified verify_result(const std::string& folder) {
  Verified v{"result", "result.json and result.h5 agree", {}};
  std::ifstream stream(folder + "/result.json", std::ios::binary);
  const std::string beside{std::istreambuf_iterator<char>(stream), {}};
  if (!fs::exists(folder + "/result.h5")) {
    v.faults.push_back("result.h5 is missing");
  } else if (read_result_hdf5(folder + "/result.h5").result_json != beside) {
    v.faults.push_back("result.json is not the one that was written with result.h5");
  }
  return v;
}

Verified verify_dossier(const std::string& folder, const std::string& log_path) {
  const std::string path = folder + "/dossier.json";
  const json::Value manifest = json::parse_file(path, ErrorKind::input);
  json::Object rest;
  for (const json::Member& m : *manifest.object())
    if (m.key != "digest") rest.push_back(m);
  Verified v{"dossier", "", {}};
  if (json::text_at(&manifest, "digest") != sha256_hex(json::write(json::Value(rest), 0)))
    v.faults.push_back("dossier.json was changed: its digest is not that of its text");
  const json::Value* files = manifest.find("files");
  std::size_t count = 0;
  if (files && files->object())
    for (const json::Member& m : *files->object()) {
      ++count;
      const std::string file = folder + "/" + m.key;
      if (m.key.find('/') != std::string::npos) v.faults.push_back(m.key + " is no file of the dossier");
      else if (!fs::exists(file)) v.faults.push_back(m.key + " is missing");
      else if (!m.value.string() || sha256_file(file) != *m.value.string()) v.faults.push_back(m.key + " was changed");
    }
  v.what = std::to_string(count) + " files";
  const json::Value* chain = manifest.find("log");
  if (log_path.empty() || !chain || !chain->object()) {
    v.what += chain && chain->object() ? "; the log it speaks of was not given (--log)" : "; it speaks of no log";
    return v;
  }
  const auto length = chain->find("length") ? chain->find("length")->number() : std::nullopt;
  const CheckedLog log =
      read_log(log_path, LogState{static_cast<std::size_t>(length.value_or(0)), json::text_at(chain, "last_digest")});
  if (log.fault) v.faults.push_back("the log: " + fault_text(*log.fault));
  v.what += ", log of " + std::to_string(log.state.length) + " entries";
  return v;
}

// The comparison that stands in the log, in a log that holds all that it held then.
Verified verify_comparison(const std::string& folder, const std::string& log_path) {
  const std::string path = folder + "/comparison.json";
  const json::Value comparison = json::parse_file(path, ErrorKind::input);
  Verified v{"comparison", "", {}};
  if (log_path.empty())
    throw UsageError("wrong_use", path, "a comparison is checked against the decision log", "name it with --log");
  const json::Value* before = comparison.find("log_before");
  const auto length = json::number_at(before, "length");
  const CheckedLog log =
      read_log(log_path,
               length ? std::optional(LogState{static_cast<std::size_t>(*length), json::text_at(before, "last_digest")})
                      : std::nullopt);
  if (log.fault) v.faults.push_back("the log: " + fault_text(*log.fault));
  const std::string digest = sha256_file(path);
  std::size_t entry = 0;
  for (std::size_t k = 0; k < log.entries.size(); ++k)
    if (json::text_at(&log.entries[k], "comparison_sha256") == digest) entry = k + 1;
  if (entry == 0) v.faults.push_back("comparison.json is in no entry of the log, or was changed since");
  v.what = "entry " + std::to_string(entry) + " of the log";
  return v;
}

}  // namespace

Verified verify(const std::string& path, const std::string& log) {
  std::error_code error;
  if (fs::is_regular_file(path, error)) return verify_log(path);
  if (fs::is_regular_file(path + "/dossier.json", error)) return verify_dossier(path, log);
  if (fs::is_regular_file(path + "/comparison.json", error)) return verify_comparison(path, log);
  if (fs::is_regular_file(path + "/result.json", error)) return verify_result(path);
  throw InputError("nothing_to_verify", path, "is no decision log, result, comparison or dossier",
                   "give a .jsonl file, or a folder with result.json, comparison.json or dossier.json");
}

}  // namespace iqgate::report
