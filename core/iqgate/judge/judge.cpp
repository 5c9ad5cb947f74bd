#include <algorithm>
#include <array>
#include <cmath>

#include "iqgate/base/error.hpp"
#include "iqgate/judge/limits.hpp"

namespace iqgate::judge {
namespace {

// A star stands for any text; without one the names must be equal.
bool matches(std::string_view pattern, std::string_view text) {
  std::size_t p = 0, t = 0, star = std::string_view::npos, resume = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      resume = t;
    } else if (p < pattern.size() && pattern[p] == text[t]) {
      ++p, ++t;
    } else if (star != std::string_view::npos) {  // the last star takes one letter more
      p = star + 1;
      t = ++resume;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

// "*/water": the places of that name, where there are such. "*" and a plain name demand a number.
bool names_a_kind(const std::string& where) { return where.find('*') != std::string::npos && where != "*"; }

// "repeat_2/centre" also answers to a limit on "centre".
std::string without_role(const std::string& where) {
  const std::size_t slash = where.find('/');
  if (slash == std::string::npos) return where;
  for (const char* role : {"repeat_", "echo_", "ti_"})
    if (where.rfind(role, 0) == 0) return where.substr(slash + 1);
  return where;
}

bool where_matches(const std::string& pattern, const std::string& where) {
  return matches(pattern, where) || matches(pattern, without_role(where));
}

bool inside(double value, const Bounds& bounds, bool open) {
  if (bounds.low && (open ? !(value > *bounds.low) : value < *bounds.low)) return false;
  if (bounds.high && (open ? !(value < *bounds.high) : value > *bounds.high)) return false;
  return true;
}

// A condition that the scan does not tell is not met: a limit for 3 T is not used on an unknown magnet.
bool applies(const Limit& limit, const Reference& reference) {
  for (const auto& [key, bounds] : limit.when) {
    const auto found = reference.conditions.find(key);
    if (found == reference.conditions.end() || !inside(found->second, bounds, false)) return false;
  }
  return true;
}

std::optional<double> reference_value(const Limit& limit, const Measurement& m, const Reference& reference) {
  if (limit.relative_to == RelativeTo::baseline) {
    for (const Measurement& b : reference.baseline)
      if (b.name == m.name && b.variant == m.variant && b.where == m.where && b.unit == m.unit) return b.value;
    return std::nullopt;
  }
  for (const Region& region : reference.regions)
    if (region.name == m.where || region.name == without_role(m.where))
      if (const auto found = region.nominal.find(m.name); found != region.nominal.end()) return found->second;
  return std::nullopt;
}

Bounds shifted(const Bounds& bounds, double reference, bool per_cent) {
  const auto move = [&](const std::optional<double>& b) -> std::optional<double> {
    if (!b) return std::nullopt;
    return per_cent ? reference + std::abs(reference) * *b / 100 : reference + *b;
  };
  return {move(bounds.low), move(bounds.high)};
}

State with_warning(double value, const Bounds& warn, bool open) {
  return inside(value, warn, open) ? State::pass : State::warn;
}

// Guarded acceptance: the bounds moved inwards. Between the two nothing is shown; without an uncertainty, nowhere.
State decide_guarded(const Measurement& m, const Limit& limit, const Bounds& act, const Bounds& warn,
                     std::vector<std::string>& flags) {
  if (!m.se) flags.push_back("no_uncertainty");
  if (!inside(m.value, act, limit.open)) return State::fail;
  if (!m.se) return State::undecided;
  const double guard = 1.645 * *m.se;
  Bounds guarded = act;
  if (guarded.low) *guarded.low += guard;
  if (guarded.high) *guarded.high -= guard;
  if (inside(m.value, guarded, limit.open)) return with_warning(m.value, warn, limit.open);
  flags.push_back("in_guard_band");
  return State::undecided;
}

State decide(const Measurement& m, const Limit& limit, const Bounds& act, const Bounds& warn,
             std::vector<std::string>& flags) {
  if (limit.decision == Decision::guarded) return decide_guarded(m, limit, act, warn, flags);
  const auto in_interval = [&](const std::optional<double>& b) {
    return b && m.ci95 && m.ci95->low < *b && *b < m.ci95->high;
  };
  const bool near = in_interval(act.low) || in_interval(act.high);
  if (!m.ci95) flags.push_back("no_interval");
  if (near && limit.decision == Decision::interval) return State::undecided;
  if (near) flags.push_back("near_limit");
  if (!inside(m.value, act, limit.open)) return State::fail;
  return with_warning(m.value, warn, limit.open);
}

Verdict judge_one(const Measurement& m, const Limit& limit, const Reference& reference) {
  Verdict v{m.name, m.variant, m.where, State::undecided, limit, {}, {}};
  const bool per_cent = limit.relative_to != RelativeTo::none && limit.unit == "%" && m.unit != "%";
  if (limit.unit != m.unit && !per_cent)
    throw UsageError("unit_mismatch", "limit on " + limit.name,
                     "is in " + limit.unit + ", the measured value in " + m.unit,
                     "give the limit in the unit of the metric (see iqgate metrics)");
  Bounds act = limit.act, warn = limit.warn;
  if (limit.relative_to != RelativeTo::none) {
    const auto value = reference_value(limit, m, reference);
    if (!value) {
      v.flags.push_back(limit.relative_to == RelativeTo::baseline ? "no_baseline" : "no_nominal_value");
      return v;
    }
    act = shifted(act, *value, per_cent);
    warn = shifted(warn, *value, per_cent);
  }
  v.applied = act;
  v.state = decide(m, limit, act, warn, v.flags);
  return v;
}

// Equal, or equal but for a role that only one of both names ("centre" stands for the whole group of scans).
bool same_place(const std::string& a, const std::string& b) {
  return a == b || without_role(a) == b || a == without_role(b);
}

// Places that a limit covers, where the number is missing and no other variant that the limit takes stands for it.
std::vector<std::string> missing_places(const Limit& limit, const Results& results) {
  std::vector<std::string> places;
  for (const NotMeasured& n : results.not_measured) {
    const bool covers =
        n.name == limit.name || std::find(n.outputs.begin(), n.outputs.end(), limit.name) != n.outputs.end();
    if (!covers || !where_matches(limit.where, n.where)) continue;
    const bool stands =
        std::any_of(results.measurements.begin(), results.measurements.end(), [&](const Measurement& m) {
          return m.name == limit.name && matches(limit.variant, m.variant) && where_matches(limit.where, m.where) &&
                 same_place(m.where, n.where);
        });
    if (!stands && std::find(places.begin(), places.end(), n.where) == places.end()) places.push_back(n.where);
  }
  return places;
}

}  // namespace

std::string_view word(Decision decision) {
  static constexpr std::array words{"interval", "value", "guarded"};
  return words[static_cast<std::size_t>(decision)];
}

std::string_view word(State state) {
  static constexpr std::array words{"pass", "warn", "fail", "undecided", "not_measured", "no_limit"};
  return words[static_cast<std::size_t>(state)];
}

std::string_view word(Overall overall) {
  static constexpr std::array words{"pass", "fail", "no_verdict", "no_limit"};
  return words[static_cast<std::size_t>(overall)];
}

Judgement judge(const Results& results, const std::vector<LimitsFile>& files, const Reference& reference) {
  std::vector<const Limit*> limits;
  for (const LimitsFile& file : files)
    for (const Limit& limit : file.limits)
      if (applies(limit, reference)) limits.push_back(&limit);
  std::vector<bool> met(limits.size(), false);
  Judgement result;
  for (const Measurement& m : results.measurements) {
    const Limit* wins = nullptr;
    for (std::size_t k = 0; k < limits.size(); ++k)
      if (limits[k]->name == m.name && matches(limits[k]->variant, m.variant) &&
          where_matches(limits[k]->where, m.where)) {
        wins = limits[k];
        met[k] = true;
      }
    result.verdicts.push_back(wins ? judge_one(m, *wins, reference)
                                   : Verdict{m.name, m.variant, m.where, State::no_limit, {}, {}, {}});
  }
  for (std::size_t k = 0; k < limits.size(); ++k) {
    std::vector<std::string> places = missing_places(*limits[k], results);
    if (!met[k] && places.empty() && !names_a_kind(limits[k]->where)) places.push_back(limits[k]->where);
    for (std::string& place : places)
      result.verdicts.push_back(
          {limits[k]->name, limits[k]->variant, std::move(place), State::not_measured, *limits[k], {}, {}});
  }
  const auto any = [&](State s) {
    return std::any_of(result.verdicts.begin(), result.verdicts.end(), [&](const Verdict& v) { return v.state == s; });
  };
  if (any(State::fail)) result.overall = Overall::fail;
  else if (any(State::undecided) || any(State::not_measured)) result.overall = Overall::no_verdict;
  else if (any(State::pass) || any(State::warn)) result.overall = Overall::pass;
  // Limits were given and none of them applies here (field strength unknown, say): that is no pass.
  else
    result.overall = std::any_of(files.begin(), files.end(), [](const LimitsFile& f) { return !f.limits.empty(); })
                         ? Overall::no_verdict
                         : Overall::no_limit;
  return result;
}

}  // namespace iqgate::judge
