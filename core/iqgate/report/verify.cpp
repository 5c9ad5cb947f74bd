#include "iqgate/report/verify.hpp"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <string>
#include <vector>

#include "iqgate/base/file_bytes.hpp"
#include "iqgate/base/file_kind.hpp"
#include "iqgate/base/sha256.hpp"
#include "iqgate/report/decision_log.hpp"
#include "iqgate/report/exports.hpp"
#include "iqgate/report/hdf5_writer.hpp"
#include "iqgate/report/html.hpp"
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

// The text in result.h5 was written with the numbers; what stands beside it must be the same, and what people open too.
Verified verify_result(const std::string& folder) {
  Verified v{
      "result", "result.json, result.h5, measurements.csv and report.html agree; curves.csv is not looked at", {}};
  const auto bytes = [&](const std::string& name) { return file_bytes(folder + "/" + name); };
  if (!is_there(folder + "/result.h5")) {
    v.faults.push_back("result.h5 is missing");
    return v;
  }
  const StoredPictures stored = read_result_hdf5(folder + "/result.h5");
  if (stored.result_json != bytes("result.json"))
    v.faults.push_back("result.json is not the one that was written with result.h5");
  const json::Value result = read_result(folder);
  if (lies_there(folder + "/measurements.csv") && bytes("measurements.csv") != measurements_csv(result))
    v.faults.push_back("measurements.csv is not that of result.json");
  if (lies_there(folder + "/report.html") && bytes("report.html") != html_report(result, stored.pictures, stored.maps))
    v.faults.push_back("report.html is not that of result.json (or was drawn where gnuplot differs)");
  return v;
}

// The entry of the log that holds a comparison by its digest; nullptr: none.
const json::Value* entry_of(const CheckedLog& log, const std::string& comparison_sha256) {
  for (const json::Value& e : log.entries)
    if (json::text_at(&e, "comparison_sha256") == comparison_sha256) return &e;
  return nullptr;
}

std::vector<std::string> names_in(const std::string& folder) {
  std::vector<std::string> names;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error); !error && entry != fs::end(entry); entry.increment(error))
    names.push_back(entry->path().filename().string());
  if (error) throw InputError("cannot_read", folder, error.message(), "check the permission of the folder");
  return names;
}

void verify_files(const std::string& folder, const json::Value& manifest, Verified& v) {
  std::set<std::string> named{"dossier.json"};
  const json::Value* files = manifest.find("files");
  if (files && files->object())
    for (const json::Member& m : *files->object()) {
      named.insert(m.key);
      const std::string file = folder + "/" + m.key;
      if (m.key.find('/') != std::string::npos) v.faults.push_back(m.key + " is no file of the dossier");
      else if (!is_there(file)) v.faults.push_back(m.key + " is missing");
      else if (!m.value.string() || sha256_file(file) != *m.value.string()) v.faults.push_back(m.key + " was changed");
    }
  if (!named.count("dossier.html")) v.faults.push_back("dossier.json does not name dossier.html");
  for (const std::string& name : names_in(folder))
    if (!named.count(name)) v.faults.push_back(name + " was added");
  v.what = std::to_string(named.size() - 1) + " files";
}

Verified verify_dossier(const std::string& folder, const std::string& log_path) {
  const std::string path = folder + "/dossier.json";
  const json::Value manifest = json::parse_file(path, ErrorKind::input);
  if (!manifest.object()) throw InputError("nothing_to_verify", path, "is no dossier");
  json::Object rest;
  for (const json::Member& m : *manifest.object())
    if (m.key != "digest") rest.push_back(m);
  Verified v{"dossier", "", {}};
  if (json::text_at(&manifest, "digest") != sha256_hex(json::write(json::Value(rest), 0)))
    v.faults.push_back("dossier.json was changed: its digest is not that of its text");
  verify_files(folder, manifest, v);
  const json::Value* chain = manifest.find("log");
  const auto length = json::number_at(chain, "length");
  if (log_path.empty()) {
    v.what += length ? "; NOT checked against the log it speaks of (--log)" : "; it speaks of no log";
    return v;
  }
  if (!length) {
    v.faults.push_back("the dossier speaks of no log");
    return v;
  }
  const CheckedLog log =
      read_log(log_path, LogState{static_cast<std::size_t>(*length), json::text_at(chain, "last_digest")});
  if (log.fault) v.faults.push_back("the log: " + fault_text(*log.fault));
  v.what += ", log of " + std::to_string(log.state.length) + " entries";
  if (!lies_there(folder + "/comparison.json")) return v;
  // Digests can be worked out anew; what the log holds cannot.
  const json::Value* entry = entry_of(log, sha256_file(folder + "/comparison.json"));
  if (!entry) {
    v.faults.push_back("comparison.json is in no entry of the log");
    return v;
  }
  for (const json::Value& digest : json::list_at(entry, "result_sha256")) {
    bool found = false;
    for (const std::string& name : names_in(folder)) {
      const std::string file = folder + "/" + name;
      found = found || (is_file(file) && digest.string() && sha256_file(file) == *digest.string());
    }
    if (!found) v.faults.push_back("a result that the log's entry names is not in the dossier");
  }
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
  const json::Value* entry = entry_of(log, sha256_file(path));
  if (!entry) v.faults.push_back("comparison.json is in no entry of the log, or was changed since");
  v.what = "entry " + json::number_text(json::number_at(entry, "index").value_or(0)) + " of the log";
  return v;
}

}  // namespace

Verified verify(const std::string& path, const std::string& log) {
  std::error_code error;
  const std::string name = fs::path(path).filename().string();
  const std::string folder = fs::path(path).has_parent_path() ? fs::path(path).parent_path().string() : ".";
  for (const char* document : {"result.json", "comparison.json", "dossier.json"})
    if (name == document && fs::is_regular_file(path, error)) return verify(folder, log);
  if (fs::is_regular_file(path, error)) return verify_log(path);
  if (fs::is_regular_file(path + "/dossier.json", error)) return verify_dossier(path, log);
  if (fs::is_regular_file(path + "/comparison.json", error)) return verify_comparison(path, log);
  if (fs::is_regular_file(path + "/result.json", error)) return verify_result(path);
  throw InputError("nothing_to_verify", path, "is no decision log, result, comparison or dossier",
                   "give a .jsonl file, or a folder with result.json, comparison.json or dossier.json");
}

}  // namespace iqgate::report
