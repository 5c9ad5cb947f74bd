#pragma once
// What the morning reads: index.html with trends, summary.json, junit.xml, iqgate.prom; and the alarm.
#include <string>
#include <vector>

#include "iqgate/batch/summary.hpp"

namespace iqgate::batch {

/// Writes them into the results folder, each whole or not at all; of a shard only its summary. Returns the summary's
/// text.
std::string write_outputs(const BatchOptions& options, const BatchRun& run, const Summary& summary, store::Store& store,
                          int exit_code, const std::string& now);

std::string batch_junit(const Summary& summary);
std::string batch_prometheus(const Summary& summary, const std::string& now, int exit_code,
                             const std::string& results_folder);
std::string index_html(const Summary& summary, const BatchRun& run, const json::Value& trend, const std::string& now);

/// Runs a command without a shell, with `text` on its standard input; ended after `limit_s`, or when `stop_fd` becomes
/// readable. Empty: it went well; else why not.
std::string run_alarm(const std::vector<std::string>& command, const std::string& text, double limit_s, int stop_fd);

}  // namespace iqgate::batch
