#pragma once
// A comparison as a document (schema iqgate.comparison/1), as a table and in words.
#include <map>
#include <string>
#include <vector>

#include "iqgate/judge/compare.hpp"
#include "iqgate/report/decision_log.hpp"

namespace iqgate::report {

struct ComparisonDocument {
  judge::Profile profile;
  judge::Comparison comparison;
  std::vector<judge::Record> site;
  std::vector<std::string> result_sha256;  ///< of each site result's file
  std::map<std::string, std::string> software, context;
  std::optional<std::size_t> look;
  std::optional<LogState> log_before;
  std::vector<std::string> partner_sha256;  ///< of each paired reference result
  std::string created_utc;
};

json::Value comparison_json(const ComparisonDocument& document);
/// For a terminal: the verdict, what decides, then every gate metric.
std::string comparison_table(const json::Value& comparison, bool colour);

}  // namespace iqgate::report
