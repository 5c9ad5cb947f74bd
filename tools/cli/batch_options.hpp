#pragma once
// What batch and watch share: from the command line to the values that core/batch takes.
#include <exception>
#include <map>
#include <string>

#include "cli/options.hpp"
#include "iqgate/batch/batch.hpp"
#include "iqgate/batch/stop_signals.hpp"
#include "iqgate/batch/summary.hpp"

namespace iqgate::cli {

/// Reads rules, limits, phantoms and profiles, so that a wrong name ends the run before a scan is opened.
batch::BatchOptions batch_options(const Options& options);
/// What a `watch` has seen since it began: index and summary tell of all of it, not of the last delivery.
struct Session {
  std::map<std::string, store::Entry> entries;
  int code = exit_ok;
};

/// Measures what lies under `roots`, prints, files, raises the alarm; `batch` and each pass of `watch` (which has a
/// session). Returns the exit code.
int run_pass(const Options& options, const batch::BatchOptions& batch, store::Store& store, batch::WorkerPool& pool,
             batch::StopSignals& stop, Session* session);
/// Alarm and Prometheus text for a run that could not be made or finished.
void tell_of_fault(const Options& options, const std::exception& error, int code, int stop_fd);
/// Runs `work` with the signals caught; an error raises the alarm before it goes on.
int with_alarm(const Options& options, int (*work)(const Options&, batch::StopSignals&));
/// The pool that the options ask for.
batch::PoolOptions pool_options(const batch::BatchOptions& batch);

}  // namespace iqgate::cli
