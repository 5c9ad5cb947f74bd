#pragma once
#include <optional>
#include <string>
#include <vector>

#include "iqgate/base/json.hpp"

namespace iqgate::report {

/// A number of a result with its verdict, or what could not be measured (no value, with the reason in `method`): what
/// every table and export is made of.
struct ResultRow {
  std::string name, variant, where;
  std::optional<double> value;
  std::string unit;
  std::optional<double> se, ci95_lo, ci95_hi, n_eff;
  std::string method, standard;
  std::vector<std::string> flags;
  std::string state;  ///< pass, warn, fail, undecided, not_measured, no_limit; empty: not judged
  std::optional<double> limit_low, limit_high;
  std::string limit_source;
};

/// Measurements in their order, then what was not measured, then limits that met no number.
std::vector<ResultRow> rows_of(const json::Value& result);

}  // namespace iqgate::report
