#pragma once
// The dossier: an evidence pack for a governance board. The answer stands on page one, in plain words.
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "iqgate/base/json.hpp"
#include "iqgate/report/decision_log.hpp"
#include "iqgate/report/document.hpp"

namespace iqgate::report {

struct DossierResult {
  std::string name;  ///< of its folder
  json::Value result;
  std::string sha256;  ///< of result.json
};

struct DossierParts {
  std::vector<DossierResult> results;
  std::vector<Picture> pictures;  ///< of the first result
  std::vector<Map> maps;
  std::optional<json::Value> comparison, selftest;
  std::string comparison_sha256;
  std::optional<CheckedLog> log;
  std::map<std::string, std::string> context;  ///< goes before that of the comparison and of the results
  std::string created_utc, version;
};

/// Throws InputError where the comparison was made from other results than these, or is not in the log.
void check_parts(const DossierParts& parts);
/// One self-contained page.
std::string dossier_html(const DossierParts& parts);
/// dossier.json: SHA-256 of each file of the folder, the log's length and last digest, and its own digest.
json::Value dossier_manifest(const std::map<std::string, std::string>& file_sha256, const DossierParts& parts);

}  // namespace iqgate::report
