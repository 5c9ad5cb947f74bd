#include "iqgate/measure/statistics.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <stdexcept>

#include "iqgate/base/parallel_guard.hpp"
#include "iqgate/compute/bootstrap.hpp"

namespace iqgate::measure {

double passing_p(std::vector<double> p, double q) {
  std::sort(p.begin(), p.end());
  double bound = -1;
  for (std::size_t k = 0; k < p.size(); ++k)
    if (p[k] <= q * double(k + 1) / double(p.size())) bound = p[k];
  return bound;
}

double quantile(const std::vector<double>& sorted, double p) {
  if (sorted.empty()) throw std::logic_error("quantile of nothing");
  const double position = p * double(sorted.size() - 1);
  const std::size_t low = static_cast<std::size_t>(position);
  if (low + 1 >= sorted.size()) return sorted.back();
  return sorted[low] + (position - double(low)) * (sorted[low + 1] - sorted[low]);
}

double mean_of(const std::vector<double>& values) {
  if (values.empty()) throw std::logic_error("mean of nothing");
  return std::accumulate(values.begin(), values.end(), 0.0) / double(values.size());
}

double median_of(std::vector<double> values) {
  if (values.empty()) throw std::logic_error("median of nothing");
  const std::size_t half = values.size() / 2;
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(half), values.end());
  const double upper = values[half];
  if (values.size() % 2 != 0) return upper;
  return 0.5 * (upper + *std::max_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(half)));
}

double robust_sd(const std::vector<double>& values) {
  const double middle = median_of(values);
  std::vector<double> distances;
  for (const double v : values) distances.push_back(std::abs(v - middle));
  return 1.4826 * median_of(std::move(distances));
}

Interval symmetric_interval(double value, double se, double freedom) {
  const double half = student_t_quantile(0.975, freedom) * se;
  return {value - half, value + half};
}

Interval log_interval(double value, double se, double freedom) {
  if (!(value > 0)) return symmetric_interval(value, se, freedom);
  const double factor = std::exp(student_t_quantile(0.975, freedom) * se / value);
  return {value / factor, value * factor};
}

Interval sd_interval(double sd, double freedom) {
  if (!(freedom >= 1)) return {NAN, NAN};
  return {sd * std::sqrt(freedom / chi_squared_quantile(0.975, freedom)),
          sd * std::sqrt(freedom / chi_squared_quantile(0.025, freedom))};
}

BootstrapResult bootstrap_blocks(std::size_t blocks, std::size_t draws, std::uint64_t seed,
                                 const std::function<std::vector<double>(const std::vector<int>&)>& evaluate) {
  BootstrapResult result;
  result.blocks = blocks;
  if (blocks < 2) return result;
  std::vector<std::vector<double>> values(draws);
  parallel_for(draws, [&](std::size_t d) {
    std::vector<int> times(blocks, 0);
    for (std::size_t k = 0; k < blocks; ++k) ++times[compute::drawn_block(seed, d, k, blocks)];
    values[d] = evaluate(times);
  });
  const std::size_t statistics = values.front().size();
  result.se.assign(statistics, NAN);
  result.sorted_draws.resize(statistics);
  for (std::size_t s = 0; s < statistics; ++s) {
    std::vector<double>& sorted = result.sorted_draws[s];
    for (const auto& draw : values)
      if (std::isfinite(draw[s])) sorted.push_back(draw[s]);
    std::sort(sorted.begin(), sorted.end());
    if (sorted.size() < draws * 9 / 10 || sorted.size() < 10) continue;  // too often not evaluable: no standard error
    double mean = 0, squares = 0;
    for (const double v : sorted) mean += v / double(sorted.size());
    for (const double v : sorted) squares += (v - mean) * (v - mean);
    result.se[s] = std::sqrt(squares / double(sorted.size() - 1) * double(blocks) / double(blocks - 1));
  }
  return result;
}

}  // namespace iqgate::measure
