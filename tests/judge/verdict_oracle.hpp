#pragma once
// A second, independent reading of the verdict contract, kept as a decision table: the facts of a row are spelled as a
// nine-letter code and exactly one pattern has to match it. table() generates the rows that it is compared on.

#include <algorithm>
#include <array>
#include <cmath>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace iqgate::oracle {

struct Row {
  enum Decision { interval, value_alone, guarded };
  enum RelativeTo { none, nominal, baseline };
  std::optional<double> value;  // nullopt: the number was not measured
  std::string value_unit;
  std::optional<std::pair<double, double>> ci95;
  std::optional<double> se;
  std::optional<double> act_low, act_high, warn_low, warn_high;  // null: no bound on that side
  bool open = false;                                             // true: a value equal to a bound is outside
  Decision decision = interval;
  RelativeTo relative_to = none;
  std::optional<double> reference;
  std::string limit_unit;
};

struct Outcome {
  std::string state;  // pass warn fail undecided not_measured error
  std::vector<std::string> flags;
};

using Bound = std::optional<double>;

struct Pattern {
  const char* code;  // one letter per fact as spelled by code_of(); '.' matches any
  const char* state;
  const char* flag;
};

// Columns: value, units, reference | decision, ci95, se | act zone, guarded act zone, warn zone.
inline constexpr std::array<Pattern, 26> patterns{{
    {"-........", "not_measured", ""},
    {"ve.......", "error", ""},
    {"vub......", "undecided", "no_baseline"},
    {"vun......", "undecided", "no_nominal_value"},
    {"vurA-.o..", "fail", "no_interval"},
    {"vurA-.i.o", "warn", "no_interval"},
    {"vurA-.i.i", "pass", "no_interval"},
    {"vurAx.o..", "fail", "near_limit"},
    {"vurAx.i.o", "warn", "near_limit"},
    {"vurAx.i.i", "pass", "near_limit"},
    {"vurAc.o..", "fail", ""},
    {"vurAc.i.o", "warn", ""},
    {"vurAc.i.i", "pass", ""},
    {"vurI-.o..", "fail", "no_interval"},
    {"vurI-.i.o", "warn", "no_interval"},
    {"vurI-.i.i", "pass", "no_interval"},
    {"vurIx....", "undecided", ""},
    {"vurIc.o..", "fail", ""},
    {"vurIc.i.o", "warn", ""},
    {"vurIc.i.i", "pass", ""},
    {"vurG.so..", "fail", ""},
    {"vurG.-o..", "fail", "no_uncertainty"},
    {"vurG.-i..", "undecided", "no_uncertainty"},
    {"vurG.siio", "warn", ""},
    {"vurG.sio.", "undecided", "in_guard_band"},
    {"vurG.siii", "pass", ""},
}};

// '<', '=' or '>': where v stands to a bound; '?' when they have no order (NaN).
inline char side_of(double v, double bound) {
  const std::partial_ordering order = v <=> bound;
  return order < 0 ? '<' : order > 0 ? '>' : order == 0 ? '=' : '?';
}

// 'i' or 'o': the zone of the number line that v lies in, from its side of the lower and of the upper bound.
inline char zone_of(double v, const Bound& low, const Bound& high, bool open) {
  constexpr double far = std::numeric_limits<double>::infinity();
  const std::string sides{side_of(v, low.value_or(-far)), side_of(v, high.value_or(far))};
  if (sides == "><") return 'i';
  if (sides == "=<" || sides == ">=" || sides == "==") return open ? 'o' : 'i';
  return 'o';
}

// The bound on the value's own scale.
inline Bound place(const Bound& bound, const Row& row) {
  if (!bound || row.relative_to == Row::none) return bound;
  const double ref = row.reference.value_or(0.0);  // the missing reference is caught by its own column
  const bool per_cent = row.limit_unit == "%" && row.value_unit != "%";
  return per_cent ? ref + std::fabs(ref) * *bound / 100.0 : ref + *bound;
}

inline std::string code_of(const Row& row) {
  std::string code = "-ur" + std::string(1, "IAG"[row.decision]) + "--iii";
  if (!row.value || !std::isfinite(*row.value)) return code;
  code[0] = 'v';
  const bool unit_free = row.relative_to != Row::none && row.limit_unit == "%";
  if (row.limit_unit != row.value_unit && !unit_free) code[1] = 'e';
  if (row.relative_to != Row::none && !row.reference) code[2] = row.relative_to == Row::baseline ? 'b' : 'n';

  const Bound low = place(row.act_low, row), high = place(row.act_high, row);
  if (row.ci95) {
    code[4] = 'c';
    for (const Bound& b : {low, high}) {
      if (b && zone_of(*b, row.ci95->first, row.ci95->second, true) == 'i') code[4] = 'x';
    }
  }
  code[6] = zone_of(*row.value, low, high, row.open);
  if (row.se) {
    code[5] = 's';
    const double g = 1.645 * *row.se;
    code[7] = zone_of(*row.value, low ? Bound(*low + g) : low, high ? Bound(*high - g) : high, row.open);
  }
  code[8] = zone_of(*row.value, place(row.warn_low, row), place(row.warn_high, row), row.open);
  return code;
}

// The outcome of the one pattern that matches; throws if none or several do.
inline Outcome look_up(const std::string& code) {
  std::vector<Outcome> found;
  for (const Pattern& p : patterns) {
    bool matches = true;
    for (std::size_t i = 0; i < code.size(); ++i) matches = matches && (p.code[i] == '.' || p.code[i] == code[i]);
    if (matches) found.push_back({p.state, *p.flag ? std::vector<std::string>{p.flag} : std::vector<std::string>{}});
  }
  if (found.size() != 1) throw std::logic_error("not exactly one pattern for " + code);
  return found.front();
}

inline Outcome verdict(const Row& row) { return look_up(code_of(row)); }

// Factors of a row: value, interval, decision, open, se, act, warn, reference, units.
using Levels = std::array<int, 9>;

// Value x interval x decision x open is the full product, twice over (NaN and the infinities share one slot of value);
// the other factors are drawn with weights from a fixed sequence.
inline std::vector<Levels> level_rows() {
  std::uint64_t state = 20240607;
  const auto draw = [&state](const std::string& weighted) {  // a digit of the string, each character equally likely
    state = state * 6364136223846793005ULL + 1442695040888963407ULL;
    return weighted[(state >> 33) % weighted.size()] - '0';
  };
  std::vector<Levels> rows;
  for (int i = 0; i < 24 * 11 * 12; ++i) {
    const int v = i % 24, ci = i / 24 % 11, round = i / (24 * 11);
    const int value = v < 23 ? v : 23 + (ci + round) % 3;
    const int interval = ci < 10 ? ci : 10 + draw("01");
    rows.push_back({value, interval, round % 3, round / 3 % 2, draw("0111122"), draw("00000123"), draw("001111233"),
                    draw("001122223344556666778899"), draw("0000000001112222345")});
  }
  return rows;
}

inline Row row_of(const Levels& levels) {
  const auto [value, interval, decision, open, se, act, warn, reference, units] = levels;
  constexpr double infinite = std::numeric_limits<double>::infinity(), tiny = 1e-9;
  constexpr std::array<const char*, 6> value_units{"mm", "%", "mm", "mm", "%", ""};
  constexpr std::array<const char*, 6> limit_units{"mm", "%", "%", "s", "mm", ""};
  Row row;
  row.value_unit = value_units[units];
  row.limit_unit = limit_units[units];
  row.decision = static_cast<Row::Decision>(decision);
  row.open = open == 1;
  row.relative_to = reference < 2 ? Row::none : reference < 6 ? Row::nominal : Row::baseline;
  constexpr std::array<double, 4> references{50.0, -50.0, 0.0, 0.0};  // the last stands for an absent one
  if (reference == 1) row.reference = 50.0;                           // there, but the limits are not relative
  if (reference >= 2 && (reference - 2) % 4 != 3) row.reference = references[(reference - 2) % 4];
  if (se > 0) row.se = se == 1 ? 0.25 : 10.0;

  // All four bounds first, so that values and intervals sit at the same places whichever bounds the row keeps.
  const double scale = units == 2 ? 4.0 : 1.0;
  row.act_low = -2.0 * scale, row.act_high = 10.0 * scale, row.warn_low = 1.0 * scale, row.warn_high = 8.0 * scale;
  const double low = *place(row.act_low, row), high = *place(row.act_high, row);
  const double warn_low = *place(row.warn_low, row), warn_high = *place(row.warn_high, row);
  if (act == 2 || act == 3) row.act_low.reset();
  if (act == 1 || act == 3) row.act_high.reset();
  if (warn == 0 || warn == 2) row.warn_low.reset();
  if (warn == 0 || warn == 3) row.warn_high.reset();

  const double g = 1.645 * row.se.value_or(0.25), middle = (warn_low + warn_high) / 2;
  // clang-format off
  const std::array<double, 26> values{
      low - 30, low - tiny, low, low + tiny, low + g, low + g - tiny, low + g + tiny, (low + warn_low) / 2,
      warn_low - tiny, warn_low, warn_low + tiny, middle, warn_high - tiny, warn_high, warn_high + tiny,
      high - g - tiny, high - g, high - g + tiny, high - tiny, high, high + tiny, high + 30,
      0.0 /* missing */, std::nan(""), infinite, -infinite};
  // clang-format on
  if (value != 22) row.value = values[value];
  const double v = value < 22 ? values[value] : middle;
  const auto [low_side_from, low_side_to] = std::minmax({v, low});
  const auto [high_side_from, high_side_to] = std::minmax({v, high});
  // clang-format off
  const std::array<std::pair<double, double>, 12> intervals{{
      {0, 0} /* none */, {v - 1e-10, v + 1e-10}, {v - 0.125, v + 0.125},
      {low_side_from - 0.5, low_side_to + 0.5}, {high_side_from - 0.5, high_side_to + 0.5},
      {low_side_from - 1, high_side_to + 1},
      {low_side_from, low_side_to}, {high_side_from, high_side_to}, {low, high},  // these touch a bound exactly
      {v - 0.0625, v + 1e6}, {v - 1e6, v + 0.0625}, {v, v}}};
  // clang-format on
  if (interval > 0) row.ci95 = intervals[interval];
  return row;
}

inline std::vector<Row> table() {
  std::vector<Row> rows;
  for (const Levels& levels : level_rows()) rows.push_back(row_of(levels));
  return rows;
}

}  // namespace iqgate::oracle
