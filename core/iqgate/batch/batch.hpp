#pragma once
// A tree of scans, each measured once: found, queued, measured by workers, judged, filed; resumable at any point.
#include <functional>
#include <string>
#include <vector>

#include "iqgate/batch/discovery.hpp"
#include "iqgate/batch/options.hpp"
#include "iqgate/store/store.hpp"

namespace iqgate::batch {

/// A scan that was settled just now.
struct Settled {
  const FoundScan& found;
  const store::Outcome& outcome;
  std::string result_folder;  ///< of a done one
};

struct BatchRun {
  store::Run run;
  std::vector<std::string> keys;  ///< that this pass found, each once, in order
  std::size_t skipped = 0, not_scans = 0, other_shards = 0, same_bytes = 0;
  bool stopped = false;
};

/// Finds and measures. Throws OutputError when store or results cannot be written: what was not finished stays queued.
BatchRun run_batch(const BatchOptions& options, store::Store& store, WorkerPool& pool,
                   const std::function<void(const Settled&)>& settled, int stop_fd);

/// Where the result of a scan lies below the results folder.
std::string result_folder(const std::string& results_folder, const std::string& key);

}  // namespace iqgate::batch
