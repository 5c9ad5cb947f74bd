#pragma once
// Limits as data (iqgate.limits/1), each with its source and edition, and the verdicts they give.
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "iqgate/base/result.hpp"

namespace iqgate::judge {

/// null bound: open to that side.
struct Bounds {
  std::optional<double> low, high;
};

enum class RelativeTo { none, nominal, baseline };
/// How a bound decides (JCGM 106): undecided while it lies inside the 95 % interval; by the value alone (simple
/// acceptance); or moved inwards by 1.645 standard errors (guarded acceptance).
enum class Decision { interval, value, guarded };

struct Limit {
  std::string name, variant = "*", where = "*", unit;  ///< in variant and where a * stands for any text
  Bounds act, warn;
  bool open = false;  ///< true: the bound itself is outside
  RelativeTo relative_to = RelativeTo::none;
  Decision decision = Decision::interval;
  std::map<std::string, Bounds> when;  ///< field_strength_t, tube_voltage_kv
  std::optional<double> due_days;      ///< the test is to be repeated within so many days
  std::string certainty, source;       ///< source names document and edition
};

struct LimitsFile {
  std::string name, source, edition, phantom, digest;
  std::vector<Limit> limits;
};

/// Reads and checks a limits file; throws UsageError naming file and key.
LimitsFile read_limits(const std::string& path);

enum class State { pass, warn, fail, undecided, not_measured, no_limit };
enum class Overall { pass, fail, no_verdict, no_limit };
std::string_view word(Decision decision);
std::string_view word(State state);
std::string_view word(Overall overall);

struct Verdict {
  std::string name, variant, where;
  State state = State::no_limit;
  std::optional<Limit> limit;
  std::optional<Bounds> applied;  ///< in the unit of the value, after relative_to
  std::vector<std::string>
      flags;  ///< near_limit, no_interval, in_guard_band, no_uncertainty, no_baseline, no_nominal_value
};

struct Judgement {
  std::vector<Verdict> verdicts;
  Overall overall = Overall::no_limit;
};

/// What relative limits and conditions refer to.
struct Reference {
  std::map<std::string, double> conditions;  ///< field_strength_t, tube_voltage_kv
  std::vector<Measurement> baseline;         ///< of an earlier result
  std::vector<Region> regions;               ///< their `nominal` values
};

/// One verdict a measurement (the last limit that fits it wins); one `not_measured` a limit that met no number, and one
/// for each place where the measuring stage says that a number with a limit is missing.
/// Throws UsageError when a limit's unit is not that of the number it fits.
Judgement judge(const Results& results, const std::vector<LimitsFile>& files, const Reference& reference);

}  // namespace iqgate::judge
