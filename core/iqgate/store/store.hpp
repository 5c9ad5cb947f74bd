#pragma once
// The history: what became of every scan, and the ledger of batches. One store serves many processes at once.
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "iqgate/base/result.hpp"

namespace iqgate::store {

enum class State { queued, running, done, failed, quarantined };
std::string_view word(State state);

/// What is known of a scan before it is measured; `key` = SHA-256 of input, configuration and program version.
struct Scan {
  std::string key, input_sha256, configuration_sha256, program, scan_id, modality, scanner, rule;
};

/// How it ended.
struct Outcome {
  State state = State::failed;
  std::string code, reason;  ///< of what was not analysed
  std::string overall;       ///< pass, fail, no_verdict, no_limit
  bool warned = false;       ///< a limit of the kind warn is passed
  int exit_code = 0;         ///< the one that `check` would give
  std::string phantom, taken;
  std::string gate;                          ///< GO, NO-GO, INCONCLUSIVE; empty: not compared
  std::map<std::string, std::string> files;  ///< of the result folder: name, SHA-256
  double seconds = 0, reading_seconds = 0;   ///< of the worker
  std::vector<Measurement> measurements;
};

struct Entry {
  Scan scan;
  Outcome outcome;  ///< measurements are left out
  int attempts = 0;
  bool computed = false;  ///< by the run that was asked about
  std::string settled_utc;
  std::string seal;  ///< SHA-256 of all that was settled
};

/// A run of a batch: one that was broken off goes on under its name.
struct Run {
  std::string id, started_utc;
  std::string pass;  ///< this process's part of it
  bool resumed = false;
};

/// What a newly found scan is to the store.
struct Standing {
  State state = State::queued;
  bool twice = false;     ///< found a second time in this pass: the same bytes elsewhere
  bool computed = false;  ///< final, and by this run
  bool taken = false;     ///< another living process is at it
};

class Store {
 public:
  /// `location`: a folder (iqgate.sqlite lies in it), or postgresql://... Throws OutputError.
  explicit Store(const std::string& location);
  ~Store();
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  /// Goes on with the unfinished run of this root, configuration and program, or begins one.
  Run begin_run(const std::string& root_sha256, const std::string& configuration_sha256, const std::string& program);
  /// Ends it where no scan of it is left queued or running; false where one is. Queued ones that are not among `found`
  /// have gone, and are left out of it.
  bool finish_run(const Run& run, const std::set<std::string>& found);

  /// Adds scans as queued where they are new, and to the run, and notes their arrival. `again`: a failed or quarantined
  /// one is queued anew. All or none of them.
  std::vector<Standing> enlist(const Run& run, const std::vector<Scan>& scans, bool again);
  /// Makes a queued scan (or one whose owner is dead) ours; false where another was faster.
  bool claim(const std::string& key);
  /// True, and the lease is renewed, where the scan is still ours.
  bool hold(const std::string& key);
  /// Back to queued; `failed_attempt` counts it.
  void release(const std::string& key, bool failed_attempt);
  /// Final. False, and nothing is changed, where the scan is no longer ours.
  bool settle(const Run& run, const Scan& scan, const Outcome& outcome);
  /// Tells other machines that we live; to be called every half minute.
  void renew();

  int attempts(const std::string& key);
  State state(const std::string& key);
  /// The latest arrival of a scan whose scanner contains the text (any case); empty: none.
  std::string last_arrival(const std::string& scanner_part);

  /// Scans of a run, or (empty id) all, in order of key.
  void each(const std::string& run_id, const std::function<void(const Entry&)>& visit);
  std::vector<Measurement> measurements(const std::string& key);
  /// After files of a result were given up on purpose (retention): they are no longer expected.
  void forget_files(Entry entry, const std::vector<std::string>& names);
  /// What was changed behind the store's back: damage of the database, rows that do not bear their seal.
  std::vector<std::string> faults();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Where a URL store keeps nothing on disk: true for postgresql://.
bool is_url(const std::string& location);
/// The journal that SQLite may use on a file system of this magic number (statfs): WAL needs one host.
const char* journal_mode(std::int64_t file_system);

}  // namespace iqgate::store
