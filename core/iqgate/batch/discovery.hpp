#pragma once
// Which scans lie under the roots. Workers look; this process lists folders and opens no file.
#include <string>
#include <vector>

#include "iqgate/batch/options.hpp"
#include "iqgate/batch/worker_pool.hpp"
#include "iqgate/store/store.hpp"

namespace iqgate::batch {

struct FoundScan {
  store::Scan scan;                ///< without configuration and program, which its rule tells
  std::vector<std::string> paths;  ///< as text (path_to_text)
  std::size_t rule = 0;
  std::string code, reason;  ///< why it cannot be measured; empty: it can
  bool quarantined = false;  ///< a worker broke on it
};

struct Discovery {
  std::vector<FoundScan> scans;  ///< in order of key
  std::size_t skipped = 0;       ///< by a rule
  std::size_t not_scans = 0;     ///< structure sets, reports, topograms
  std::size_t other_shards = 0;
  bool stopped = false;
};

/// Looks at all roots together, since a series may lie in several folders. A part on which a worker breaks is looked at
/// in smaller parts, down to the file that breaks it.
Discovery discover(const BatchOptions& options, WorkerPool& pool, int stop_fd);

/// SHA-256 of input, configuration and program version: what makes a result the same result.
std::string scan_key(const std::string& input_sha256, const std::string& configuration_sha256,
                     const std::string& program);

}  // namespace iqgate::batch
