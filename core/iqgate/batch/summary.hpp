#pragma once
// What a run came to: counts that add up, and the one exit code.
#include <map>
#include <string>
#include <vector>

#include "iqgate/base/json.hpp"
#include "iqgate/batch/batch.hpp"

namespace iqgate::batch {

/// How a scan stands, in one word: pass, warn, fail, no_verdict, no_limit, failed, quarantined, open.
std::string standing_of(const store::Outcome& outcome);

/// The same for people: `failed` is "not analysed", since `fail` is a limit that is broken.
std::string words_of(const std::string& standing);

/// A scanner that should have sent something.
struct Expectation {
  std::string scanner;  ///< a part of its name
  double hours = 24;
  std::string last_arrival;  ///< empty: never
  bool missing = false;
};
/// Reads "SCANNER@24h" or "SCANNER@7d"; throws UsageError.
Expectation read_expectation(const std::string& text);
/// Asks the store when it last saw something of each.
void look_for_arrivals(store::Store& store, const std::string& now, std::vector<Expectation>& expectations);

struct Summary {
  std::size_t found = 0, open = 0;                    ///< open: neither measured nor given up, after a stop
  std::map<std::string, std::size_t> computed, kept;  ///< by word: settled by this run, and before it
  std::vector<store::Entry> entries;                  ///< of this pass, in order of key
  std::vector<Expectation> expectations;
  double worker_seconds = 0, reading_seconds = 0, wall_seconds = 0;
};

/// The counts anew, from the entries.
void count(Summary& summary);
Summary summarise(const BatchRun& run, store::Store& store, std::vector<Expectation> expectations);
/// By the contract; `all`: what was settled before this run counts, too.
int exit_code(const Summary& summary, const BatchRun& run, bool all);
/// Schema iqgate.batch/1.
json::Value summary_json(const Summary& summary, const BatchRun& run, int exit_code);
/// One line for people.
std::string summary_line(const Summary& summary, const BatchRun& run);

/// Text of a scan for a terminal: control characters and those that turn the direction of writing become `?`.
std::string plain_text(const std::string& text);

}  // namespace iqgate::batch
