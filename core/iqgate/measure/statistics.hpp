#pragma once
// Quantiles, intervals and the bootstrap that the metrics share.
#include <functional>
#include <vector>

#include "iqgate/base/distributions.hpp"
#include "iqgate/base/result.hpp"

namespace iqgate::measure {

/// The largest p that Benjamini and Hochberg let pass at a false discovery rate q; -1: none.
double passing_p(std::vector<double> p, double q);

/// Quantile by linear interpolation, type 7. `sorted` must be ascending and not empty.
double quantile(const std::vector<double>& sorted, double p);

/// Mean and median of values that are not empty.
double mean_of(const std::vector<double>& values);
double median_of(std::vector<double> values);
/// 1.4826 times the median distance from the median: the SD of a normal distribution.
double robust_sd(const std::vector<double>& values);

/// value +- t(0.975, freedom) se; freedom absent or large: normal.
Interval symmetric_interval(double value, double se, double freedom = 1e9);
/// exp(log value +- t se/value): for ratios and positive quantities.
Interval log_interval(double value, double se, double freedom = 1e9);
/// Chi-square interval of a standard deviation s with this many degrees of freedom.
Interval sd_interval(double sd, double freedom);

/// Bootstrap over blocks: `evaluate` gets the number of times each block was drawn; returns one value per statistic
/// (NaN: could not be evaluated). Seeded and counter-based: the same draws on any machine.
struct BootstrapResult {
  std::vector<double> se;                         ///< per statistic, corrected by sqrt(n / (n - 1)) for few blocks
  std::vector<std::vector<double>> sorted_draws;  ///< per statistic, ascending, finite ones only
  std::size_t blocks = 0;
};
BootstrapResult bootstrap_blocks(std::size_t blocks, std::size_t draws, std::uint64_t seed,
                                 const std::function<std::vector<double>(const std::vector<int>&)>& evaluate);

}  // namespace iqgate::measure
