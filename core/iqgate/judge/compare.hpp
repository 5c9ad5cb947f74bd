#pragma once
// A site's scans against a reference profile: each metric with its margin, and over all GO, NO-GO or INCONCLUSIVE.
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "iqgate/judge/decision.hpp"
#include "iqgate/judge/margin_test.hpp"
#include "iqgate/judge/power.hpp"
#include "iqgate/judge/profile.hpp"
#include "iqgate/judge/record.hpp"

namespace iqgate::judge {

enum class MetricState { equivalent, noninferior, different, inconclusive, not_assessable };
std::string_view word(MetricState s);

/// A condition of the profile that a scan does not meet, or does not tell.
struct ConditionDifference {
  std::string tag, wanted, found, scan;
};
std::vector<ConditionDifference> condition_differences(const Profile& profile, const std::vector<Record>& records);

struct MetricVerdict {
  ProfileMetric metric;
  MetricState state = MetricState::not_assessable;
  std::string reason, advice;  ///< why it is not assessable, and what would help
  bool go_allowed = false;     ///< enough scans for a GO
  std::size_t n_site = 0;
  std::optional<double> site_mean, reference_mean;  ///< in the unit; of log and logit scales the mean of that scale
  std::optional<double> site_sd, reference_sd;      ///< on the scale (log: relative)
  std::optional<MarginTest> test;
  std::optional<double> p_noninferior, p_inferior;
  /// Distance of the site's mean from the worst acceptable value, in the unit, + inside (a shortfall is negative), with
  /// the interval of 1 - 2 alpha_go; and that value.
  std::optional<double> room, room_low, room_high, acceptable;
  std::optional<double> sd_ratio_p;  ///< p of the F test that the site repeats no worse
  std::vector<std::string> flags;
};

struct CompareOptions {
  bool force = false;               ///< compare under differing conditions; never more than INCONCLUSIVE
  std::optional<std::size_t> look;  ///< which look at this site it is, from the decision log
  std::vector<Record> paired;       ///< reference records, one for each site record, in order
  std::uint64_t seed = 1;
  bool plan = true;  ///< work out how many scans would be needed
};

struct Comparison {
  GateWord overall = GateWord::inconclusive;
  bool provisional = false;  ///< a GO after looks or scans that were not planned: to be confirmed with fresh scans
  std::vector<MetricVerdict> metrics;
  std::vector<std::size_t> named;  ///< that decide: NO-GO, all inferior ones; GO, the closest; else all unmet ones
  std::vector<ConditionDifference> differences;
  std::vector<std::string> flags;
  double alpha_go = 0.05, alpha_nogo = 0.05;  ///< for this look
  std::size_t n_site = 0, days = 0;           ///< days on which they were taken; 0: not told
  ScansNeeded needed_if_equal, needed_as_observed;
  std::optional<double> power_if_equal;  ///< with the scans that there are
};

/// Throws InputError: no scans, the same scan twice, a scan of the reference among them, scans of several scanners,
/// differing conditions without `force`; UsageError: units that differ.
Comparison compare(const Profile& profile, const std::vector<Record>& site, const CompareOptions& options);

}  // namespace iqgate::judge
