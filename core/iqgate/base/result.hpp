#pragma once
// What a measurement carries. (name, variant, where) identifies a number; an unknown uncertainty is absent, never zero.
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "iqgate/base/geometry.hpp"
#include "iqgate/base/region.hpp"

namespace iqgate {

struct Interval {
  double low = 0, high = 0;
};

struct Measurement {
  std::string name, variant, where;
  double value = 0;
  std::string unit;
  std::optional<double> se;               ///< of everything that is known
  std::optional<double> se_localisation;  ///< the part of it that comes from the placement
  std::optional<Interval> ci95;
  std::optional<double> n_eff;
  std::string method, standard;
  std::vector<std::string> flags;
};

/// `outputs`: every number of the family at this place that may be missing with it.
struct NotMeasured {
  std::string name, where, reason;
  std::vector<std::string> outputs;
};

struct Axis {
  std::string name, unit;
  std::vector<double> values;
};

/// A curve with an optional 95 % band.
struct Curve {
  std::string name, variant, where;
  Axis x, y;
  std::vector<double> ci95_lo, ci95_hi;
};

/// A two-dimensional map, x fastest; NaN-free: values outside the mask are given by `outside`.
struct Map {
  std::string name, where, unit;
  std::size_t width = 0, height = 0;
  double spacing_x_mm = 1, spacing_y_mm = 1;
  std::vector<float> values;
  float outside = 0;
};

/// Everything that the measuring stage hands on.
struct Results {
  std::vector<Measurement> measurements;
  std::vector<NotMeasured> not_measured;
  std::vector<Curve> curves;
  std::vector<Map> maps;
  std::vector<Region> regions;  ///< patient mm, as measured

  /// Adds a number; one that is not finite becomes NotMeasured, so that no NaN leaves this stage.
  void add(Measurement m);
  void skip(std::string name, std::string where, std::string reason);
  const Measurement* find(std::string_view name, std::string_view variant = {}, std::string_view where = {}) const;
};

/// A unit of the contract with its UCUM code and that code's meaning.
struct Unit {
  std::string_view name, ucum, meaning;
};
/// nullptr where it is none of the contract's.
const Unit* find_unit(std::string_view name);
/// True for the units of the contract (HU, mm, 1/mm, HU2 mm2...); anything else is our mistake.
bool known_unit(std::string_view unit);

}  // namespace iqgate
