#pragma once
// Control charts of many results: per scanner, phantom and protocol, on the time axis (schema iqgate.trend/1).
#include <string>
#include <vector>

#include "iqgate/base/json.hpp"
#include "iqgate/judge/chart.hpp"
#include "iqgate/judge/record.hpp"

namespace iqgate::report {

struct DatedRecord {
  judge::Record record;
  std::string at;    ///< YYYY-MM-DDThh:mm:ss: of the scan, else of the result
  std::string made;  ///< when the result was made
  bool time_of_scan = false, serial_told = true;
  std::string place;                ///< site and room
  std::vector<std::string> judged;  ///< keys of the numbers that have a limit
  std::optional<double> due_days;   ///< the shortest of its limits
};
DatedRecord dated_record(const json::Value& result, const std::string& source);

/// Something that happened to a scanner (iqgate.events/1).
struct Event {
  std::string at, scanner, text;  ///< scanner "*": all
  bool resets_baseline = false;
};
std::vector<Event> read_events(const std::string& path);

struct TrendOptions {
  std::vector<std::string> metrics;  ///< names; empty: those with a limit
  judge::RuleSet rules = judge::RuleSet::western_electric;
  std::size_t baseline = 20;
  std::string now;  ///< for what is overdue
};

/// Throws InputError where nothing can be charted.
json::Value trend_json(std::vector<DatedRecord> records, const std::vector<Event>& events, const TrendOptions& options);
/// An alarm stands at the newest point of a chart, its number is missing or in another unit, or a test is overdue.
bool trend_alarm(const json::Value& trend);
std::string trend_table(const json::Value& trend);
/// One self-contained page with a picture of each chart.
std::string trend_html(const json::Value& trend);

}  // namespace iqgate::report
