#pragma once
#include <algorithm>
#include <cmath>
#include <cstddef>

namespace iqgate::compute {

/// Count, sums about an offset, and extremes of the finite values among some.
struct ValueSums {
  double n = 0, sum = 0, square = 0;
  float low = INFINITY, high = -INFINITY;
  void add(const ValueSums& o) {
    n += o.n, sum += o.sum, square += o.square;
    low = std::min(low, o.low), high = std::max(high, o.high);
  }
};

/// In a fixed order of lanes, the same for any vector width.
ValueSums sum_values(const float* values, std::size_t n, double offset);

}  // namespace iqgate::compute
