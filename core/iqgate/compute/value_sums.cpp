#include "iqgate/compute/value_sums.hpp"

#include "iqgate/compute/clones.hpp"
#include "iqgate/compute/operations.hpp"

namespace iqgate::compute {
namespace {

constexpr std::size_t lanes = 32;

// As if all were finite: else the sum of squares is not.
IQGATE_CLONES ValueSums sum_all(const float* values, std::size_t n, double offset) {
  double sum[lanes] = {}, square[lanes] = {};
  float low[lanes], high[lanes];
  std::fill_n(low, lanes, INFINITY);
  std::fill_n(high, lanes, -INFINITY);
  std::size_t x = 0;
  for (; x + lanes <= n; x += lanes)
    for (std::size_t l = 0; l < lanes; ++l) {
      const float value = values[x + l];
      const double v = value - offset;
      sum[l] += v;
      square[l] += v * v;
      low[l] = value < low[l] ? value : low[l];
      high[l] = value > high[l] ? value : high[l];
    }
  ValueSums s;
  for (std::size_t l = 0; l < lanes; ++l) s.add({0, sum[l], square[l], low[l], high[l]});
  for (; x < n; ++x) {
    const double v = values[x] - offset;
    s.add({0, v, v * v, values[x], values[x]});
  }
  s.n = static_cast<double>(n);
  return s;
}

}  // namespace

ValueSums sum_values(const float* values, std::size_t n, double offset) {
  const ValueSums all = sum_all(values, n, offset);
  if (std::isfinite(all.square)) return all;
  ValueSums s;
  for (std::size_t x = 0; x < n; ++x)
    if (is_finite(values[x])) {
      const double v = values[x] - offset;
      s.add({1, v, v * v, values[x], values[x]});
    }
  return s;
}

}  // namespace iqgate::compute
