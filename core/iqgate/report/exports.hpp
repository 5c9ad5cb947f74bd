#pragma once
// A result in the forms that a department already reads. Texts; each holds the numbers of result.json to the last
// digit.
#include <string>
#include <vector>

#include "iqgate/base/json.hpp"
#include "iqgate/report/structured_report.hpp"

namespace iqgate::report {

struct NamedResult {
  std::string name;
  json::Value result;
};

/// RFC 4180, UTF-8, dot decimals; a text cell that a spreadsheet would run as a formula gets an apostrophe.
std::string measurements_csv(const json::Value& result);
/// One cell of such a file.
std::string csv_cell(std::string text);
/// Text as XML and as the value of a Prometheus label hold it.
std::string xml_text(const std::string& text);
std::string prometheus_label(const std::string& text);
/// JUnit XML: a suite a result, a case a judged number. fail: failure; undecided and not_measured: error; no limit:
/// skipped.
std::string junit_xml(const std::vector<NamedResult>& results);
/// Prometheus textfile: values, standard errors, the state of each limit, the overall verdict.
std::string prometheus_text(const std::vector<NamedResult>& results);
/// Body of a POST to QATrack+'s test list instances: tests by slug. `collection`: the URL of the unit's test
/// collection.
json::Value qatrack_json(const json::Value& result, const std::string& collection);
/// The slug that a number has in QATrack+: its name, variant and place in letters, digits and underscores.
std::string qatrack_slug(const ResultRow& row);
/// A workbook with a sheet of numbers, and one of what was not measured.
void write_xlsx(const std::string& path, const json::Value& result);
/// Header of SR and encapsulated PDF. `kind` tells the two instances apart.
SrHeader sr_header(const json::Value& result, const std::string& kind);

}  // namespace iqgate::report
