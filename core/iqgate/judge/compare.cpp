#include "iqgate/judge/compare.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <set>

#include "iqgate/base/error.hpp"
#include "iqgate/judge/compare_metric.hpp"

namespace iqgate::judge {
namespace {

void refuse_mixture(const std::vector<Record>& site) {
  for (const Record& record : site)
    if (record.scanner != site.front().scanner)
      throw InputError("several_scanners", record.source,
                       "is of " + record.scanner + ", " + site.front().source + " of " + site.front().scanner,
                       "compare one scanner at a time");
}

// Partners of the same raw data or insertion: each another scan, taken as the profile demands.
void check_pairs(const Profile& profile, const std::vector<Record>& site, const std::vector<Record>& paired) {
  if (profile.claim != Claim::mean)
    throw UsageError("wrong_use", "--pairs", "pairs speak of the mean only, the profile claims more");
  std::map<std::string, std::string> known;
  for (const Record& record : site)
    for (const std::string& hash : record.inputs) known[hash] = record.source;
  refuse_same_scan(known, paired);
  if (const auto differences = condition_differences(profile, paired); !differences.empty())
    throw InputError("conditions_differ", differences.front().scan,
                     "the partner's " + differences.front().tag + " is " + differences.front().found +
                         ", the profile asks for " + differences.front().wanted);
}

// Days on which the scans were taken; 0 where one does not tell.
std::size_t days_of(const std::vector<Record>& site) {
  std::set<std::string> days;
  for (const Record& r : site) {
    if (r.taken.empty()) return 0;
    days.insert(r.taken.substr(0, 10));
  }
  return days.size();
}

// Worst first: not assessable ones, then by the p of what is not shown.
std::vector<std::size_t> unmet(const Comparison& c, const std::vector<std::size_t>& gates) {
  std::vector<std::size_t> list;
  for (const std::size_t k : gates) {
    const MetricVerdict& v = c.metrics[k];
    if (!v.go_allowed || *v.p_noninferior > c.alpha_go) list.push_back(k);
  }
  std::stable_sort(list.begin(), list.end(), [&](std::size_t a, std::size_t b) {
    return c.metrics[a].p_noninferior.value_or(2) > c.metrics[b].p_noninferior.value_or(2);
  });
  return list;
}

void plan_scans(const Profile& profile, const std::vector<std::size_t>& gates, const CompareOptions& options,
                Comparison& c) {
  Outlook seen;
  for (const std::size_t k : gates) {
    const MetricVerdict& v = c.metrics[k];
    if (!v.test) return;
    seen.difference.push_back(v.test->difference);
    seen.sd.push_back(std::max(v.reference_sd.value_or(0), c.n_site >= 3 ? v.site_sd.value_or(0) : 0));
  }
  c.needed_if_equal = scans_needed(profile, {}, options.seed);
  c.power_if_equal = go_power(profile, {}, c.n_site, 0, 10000, options.seed);
  if (c.overall == GateWord::inconclusive) c.needed_as_observed = scans_needed(profile, seen, options.seed);
}

}  // namespace

std::string_view word(MetricState s) {
  static constexpr std::array words{"equivalent", "noninferior", "different", "inconclusive", "not_assessable"};
  return words[static_cast<std::size_t>(s)];
}

Comparison compare(const Profile& profile, const std::vector<Record>& site, const CompareOptions& options) {
  if (site.empty()) throw InputError("no_scans", "compare", "no results of the site are given");
  if (!options.paired.empty() && options.paired.size() != site.size())
    throw UsageError("wrong_use", "compare", "pairs need one reference result for each of the site");
  refuse_same_scan(profile.inputs(), site);
  refuse_mixture(site);
  if (!options.paired.empty()) check_pairs(profile, site, options.paired);
  Comparison c;
  c.n_site = site.size();
  c.differences = condition_differences(profile, site);
  if (!c.differences.empty() && !options.force) {
    const ConditionDifference& d = c.differences.front();
    throw InputError(
        "conditions_differ", d.scan,
        d.tag + " is " + d.found + ", the profile asks for " + d.wanted +
            (c.differences.size() > 1 ? " (and " + std::to_string(c.differences.size() - 1) + " more differences)"
                                      : ""),
        "scan as the profile asks, or look at the numbers with --force, which never gives a GO or NO-GO");
  }
  const std::size_t looks = profile.looks;
  c.alpha_go = profile.alpha_go / double(looks);
  c.alpha_nogo = profile.alpha_nogo / double(looks);
  const SetUps set_ups = set_ups_of(site);
  // The same phantom on both sides: what its certificate leaves open is in both and drops out.
  const bool same_phantom = !profile.phantom_serial.empty() &&
                            std::all_of(site.begin(), site.end(),
                                        [&](const Record& r) { return r.phantom_serial == profile.phantom_serial; });
  if (same_phantom) c.flags.push_back("same_phantom");
  std::vector<GateEvidence> evidence;
  std::vector<std::size_t> gates;
  for (std::size_t k = 0; k < profile.metrics.size(); ++k) {
    ProfileMetric metric = profile.metrics[k];
    if (same_phantom && !metric.limit && !profile.fixed) metric.systematic = 0;
    c.metrics.push_back(compare_metric(metric, profile, site, options.paired, set_ups, c.alpha_go));
    MetricVerdict& v = c.metrics.back();
    if (!metric.gate) continue;
    gates.push_back(k);
    evidence.push_back({v.go_allowed, v.p_noninferior.value_or(1), v.p_inferior.value_or(1)});
  }
  const GateDecision decision = decide(evidence, c.alpha_go, c.alpha_nogo);
  c.overall = c.differences.empty() ? decision.word : GateWord::inconclusive;
  if (c.overall == GateWord::no_go) {
    for (const std::size_t k : decision.inferior) c.named.push_back(gates[k]);
    std::stable_sort(c.named.begin(), c.named.end(), [&](std::size_t a, std::size_t b) {
      const auto relative = [&](std::size_t k) { return *c.metrics[k].room / std::abs(*c.metrics[k].acceptable); };
      return relative(a) < relative(b);
    });
  } else if (c.overall == GateWord::go) {
    c.named.push_back(gates[decision.deciding]);
  } else {
    c.named = unmet(c, gates);
  }
  if (!c.differences.empty()) c.flags.push_back("conditions_differ");
  if (!set_ups) c.flags.push_back("repositioning_unknown");
  else if (*set_ups < site.size()) c.flags.push_back("no_repositioning");
  if (!profile.repositioned) c.flags.push_back("reference_not_repositioned");
  if (!profile.sealed) c.flags.push_back("profile_without_digest");
  if (site.front().scanner.empty()) c.flags.push_back("scanner_not_told");
  c.days = days_of(site);
  if (c.days == 1 && site.size() > 1) c.flags.push_back("one_day");
  if (gates.empty()) c.flags.push_back("no_gate_metric");
  if (profile.conditions.empty()) c.flags.push_back("no_conditions");
  if (!options.look) c.flags.push_back("looks_not_counted");
  const bool unplanned =
      options.look.value_or(1) > looks || (profile.planned_scans > 0 && site.size() > profile.planned_scans);
  if (unplanned) c.flags.push_back("unplanned_look");
  // Whether it was the first look is known from the log alone.
  c.provisional = c.overall == GateWord::go && (unplanned || !options.look);
  if (options.plan && !gates.empty() && options.paired.empty()) plan_scans(profile, gates, options, c);
  return c;
}

}  // namespace iqgate::judge
