#include "iqgate/batch/outputs.hpp"

#include <algorithm>
#include <filesystem>

#include "iqgate/base/atomic_file.hpp"
#include "iqgate/base/error.hpp"
#include "iqgate/base/utc_time.hpp"
#include "iqgate/report/exports.hpp"
#include "iqgate/report/result_file.hpp"
#include "iqgate/report/trend.hpp"

namespace iqgate::batch {
namespace {

using json::Value;

constexpr std::size_t charted = 200;  // newest results of a scanner and phantom that the index charts

// Results of a scanner and phantom, newest last; only those that can still be read.
std::map<std::string, std::vector<const store::Entry*>> by_scanner(const std::vector<store::Entry>& entries) {
  std::map<std::string, std::vector<const store::Entry*>> groups;
  for (const store::Entry& e : entries)
    if (e.outcome.state == store::State::done) groups[e.scan.scanner + "\n" + e.outcome.phantom].push_back(&e);
  for (auto& [name, group] : groups)
    std::sort(group.begin(), group.end(), [](const store::Entry* a, const store::Entry* b) {
      return std::tie(a->outcome.taken, a->settled_utc, a->scan.key) <
             std::tie(b->outcome.taken, b->settled_utc, b->scan.key);
    });
  return groups;
}

Value trend_of(store::Store& store, const std::string& results_folder, const std::string& now) {
  std::vector<store::Entry> all;
  store.each("", [&](const store::Entry& e) {
    if (e.outcome.state == store::State::done) all.push_back(e);
  });
  std::vector<report::DatedRecord> records;
  for (const auto& [name, group] : by_scanner(all))
    for (std::size_t k = group.size() > charted ? group.size() - charted : 0; k < group.size(); ++k) try {
        const std::string& key = group[k]->scan.key;
        records.push_back(
            report::dated_record(report::read_result(result_folder(results_folder, key)), key.substr(0, 12)));
      } catch (const InputError&) {  // without a time, or its files are gone: `verify` tells of those
      }
  report::TrendOptions options;
  options.now = now;
  try {
    return report::trend_json(std::move(records), {}, options);
  } catch (const InputError&) {  // nothing that is judged
    return {};
  }
}

std::string family(const std::string& name, const std::string& help, const std::string& lines) {
  return lines.empty() ? "" : "# HELP " + name + " " + help + "\n# TYPE " + name + " gauge\n" + lines;
}

}  // namespace

std::string batch_junit(const Summary& summary) {
  std::map<std::string, std::vector<const store::Entry*>> scanners;
  for (const store::Entry& e : summary.entries)
    scanners[e.scan.scanner.empty() ? "scanner not told" : e.scan.scanner].push_back(&e);
  std::string suites;
  for (const auto& [scanner, entries] : scanners) {
    std::string cases;
    std::size_t failures = 0, errors = 0;
    for (const store::Entry* e : entries) {
      const std::string standing = standing_of(e->outcome);
      std::string inner;
      if (standing == "fail" || e->outcome.exit_code == 1) {
        ++failures;
        inner = "<failure message=\"a limit is broken\"/>";
      } else if (e->outcome.state != store::State::done || standing == "no_verdict") {
        ++errors;
        inner = "<error message=\"" + report::xml_text(standing + ": " + e->outcome.code + ": " + e->outcome.reason) +
                "\"/>";
      }
      cases += "    <testcase classname=\"" +
               report::xml_text(scanner + "." + (e->outcome.phantom.empty() ? "none" : e->outcome.phantom)) +
               "\" name=\"scan " + e->scan.key.substr(0, 12) + "\">" + inner + "</testcase>\n";
    }
    suites += "  <testsuite name=\"" + report::xml_text(scanner) + "\" tests=\"" + std::to_string(entries.size()) +
              "\" failures=\"" + std::to_string(failures) + "\" errors=\"" + std::to_string(errors) + "\">\n" + cases +
              "  </testsuite>\n";
  }
  return "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n" + suites + "</testsuites>\n";
}

std::string batch_prometheus(const Summary& summary, const std::string& now, int exit_code,
                             const std::string& results_folder) {
  std::string scans, expected;
  for (const auto* counts : {&summary.computed, &summary.kept})
    for (const auto& [word, count] : *counts)
      scans += std::string("iqgate_batch_scans{run=\"") + (counts == &summary.computed ? "this" : "before") +
               "\",state=\"" + word + "\"} " + std::to_string(count) + "\n";
  for (const Expectation& e : summary.expectations)
    expected += "iqgate_batch_expected_missing{scanner=\"" + report::prometheus_label(e.scanner) + "\"} " +
                (e.missing ? "1" : "0") + "\n";
  const std::string time = std::to_string(utc_seconds(now).value_or(0));
  std::vector<report::NamedResult> newest;
  for (const auto& [name, group] : by_scanner(summary.entries)) try {
      const std::string& key = group.back()->scan.key;
      newest.push_back({key.substr(0, 12), report::read_result(result_folder(results_folder, key))});
    } catch (const InputError&) {  // its files were given up
    }
  return family("iqgate_batch_scans", "Scans found, by whether this run settled them and how they stand.", scans) +
         family("iqgate_batch_end_time_seconds", "When the run ended, Unix time.",
                "iqgate_batch_end_time_seconds " + time + "\n") +
         family("iqgate_batch_exit_code", "Exit code of the run.",
                "iqgate_batch_exit_code " + std::to_string(exit_code) + "\n") +
         family("iqgate_batch_seconds", "Wall-clock time of the run.",
                "iqgate_batch_seconds " + json::number_text(summary.wall_seconds) + "\n") +
         family("iqgate_batch_expected_missing", "1: nothing came from this scanner in time.", expected) +
         report::prometheus_text(newest);
}

std::string write_outputs(const BatchOptions& options, const BatchRun& run, const Summary& summary, store::Store& store,
                          int exit_code, const std::string& now) {
  const std::string text = json::write(summary_json(summary, run, exit_code), 0), &folder = options.results_folder;
  if (options.shards > 1) {
    write_file_atomically(
        folder + "/summary_shard_" + std::to_string(options.shard) + "_of_" + std::to_string(options.shards) + ".json",
        text + "\n");
    return text;
  }
  const Value trend = trend_of(store, folder, now);
  write_file_atomically(folder + "/summary.json", text + "\n");
  write_file_atomically(folder + "/junit.xml", batch_junit(summary));
  write_file_atomically(folder + "/iqgate.prom", batch_prometheus(summary, now, exit_code, folder));
  if (!trend.is_null()) {
    write_file_atomically(folder + "/trend.json", json::write(trend) + "\n");
    write_file_atomically(folder + "/trend.html", report::trend_html(trend));
  }
  write_file_atomically(folder + "/index.html", index_html(summary, run, trend, now));
  return text;
}

}  // namespace iqgate::batch
