#include <cstdio>

#include "cli/options.hpp"
#include "iqgate/base/atomic_file.hpp"
#include "iqgate/base/error.hpp"
#include "iqgate/base/utc_time.hpp"
#include "iqgate/pipeline/job.hpp"
#include "iqgate/report/result_file.hpp"
#include "iqgate/report/trend.hpp"

namespace iqgate::cli {

int run_trend(const Options& options) {
  report::TrendOptions trend_options;
  trend_options.metrics = options.metrics;
  trend_options.baseline = options.baseline_points;
  trend_options.now = now_utc();
  if (options.rules == "nelson") trend_options.rules = judge::RuleSet::nelson;
  else if (options.rules != "western_electric")
    throw UsageError("unknown_value", "--rules", "\"" + options.rules + "\" is neither western_electric nor nelson");
  const std::vector<report::Event> events =
      options.events.empty() ? std::vector<report::Event>{} : report::read_events(options.events);
  std::vector<report::DatedRecord> records;
  for (const std::string& file : result_files(options.paths)) {
    records.push_back(report::dated_record(report::read_result(file), result_name(file)));
  }
  const json::Value trend = report::trend_json(std::move(records), events, trend_options);
  if (!options.output.empty()) {
    make_folder(options.output);
    write_file_atomically(options.output + "/trend.json", json::write(trend) + "\n");
    write_file_atomically(options.output + "/trend.html", report::trend_html(trend));
  }
  if (options.json) std::printf("%s\n", json::write(trend).c_str());
  else std::printf("%s", report::trend_table(trend).c_str());
  return report::trend_alarm(trend) ? exit_limit_broken : exit_ok;
}

}  // namespace iqgate::cli
