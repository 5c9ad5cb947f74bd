#pragma once
// What batch and watch share: from the command line to the values that core/batch takes.
#include "cli/options.hpp"
#include "iqgate/batch/batch.hpp"
#include "iqgate/batch/stop_signals.hpp"
#include "iqgate/batch/summary.hpp"

namespace iqgate::cli {

/// Reads rules, limits, phantoms and profiles, so that a wrong name ends the run before a scan is opened.
batch::BatchOptions batch_options(const Options& options);
/// Measures what lies under `roots`, prints, files; `batch` and each pass of `watch`. Returns the exit code.
int run_pass(const Options& options, const batch::BatchOptions& batch, store::Store& store, batch::WorkerPool& pool,
             batch::StopSignals& stop);
/// The pool that the options ask for.
batch::PoolOptions pool_options(const batch::BatchOptions& batch);

}  // namespace iqgate::cli
