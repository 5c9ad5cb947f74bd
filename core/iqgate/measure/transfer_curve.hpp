#pragma once
// A transfer function (MTF, TTF) as it is reported: crossings, value at Nyquist, widths, errors, the curve.
#include <functional>
#include <string>
#include <vector>

#include "iqgate/measure/metric.hpp"

namespace iqgate::measure {

/// Where the transform of a Gaussian of standard deviation s falls to a half: f50 = f50_sigma / s.
inline constexpr double f50_sigma = 0.187391;  // sqrt(ln 2 / 2) / pi

/// Spacing of the frequencies of a transform, at most.
inline constexpr double frequency_step_per_mm = 0.005;

/// Frequency of the first downward crossing of a level, linear between points; none if it is never crossed.
std::optional<double> first_crossing(const std::vector<double>& x, const std::vector<double>& y, double level);
double interpolate(const std::vector<double>& x, const std::vector<double>& y, double at);

/// Names of the outputs: mtf50_per_mm... or ttf50_per_mm...
struct ResponseNames {
  std::string stem = "mtf";  ///< mtf, ttf, ttf_xy, ttf_z
  std::string variant, method, standard;
  bool with_widths = true;
};

/// A transfer function, however it was had.
struct TransferCurve {
  bool good = false;
  std::string reason;
  std::vector<double> frequency_per_mm, value;
  std::optional<double> fwhm_mm, fwtm_mm;
  std::vector<double> se;  ///< of each value, where it is known without resampling
};

/// Adds the scalars of a transfer curve (bootstrap standard errors over `blocks`) and the curve with its band.
/// `evaluate` gets how often each block is taken; an empty list means once each. With fewer than two blocks the
/// curve's own standard errors serve, turned into those of a frequency by the slope. Returns the undisturbed curve.
TransferCurve add_transfer(const Job& job, Results& results, const ResponseNames& names, const std::string& where,
                           std::size_t blocks, const std::function<TransferCurve(const std::vector<int>&)>& evaluate,
                           double nyquist_per_mm, std::vector<std::string> flags);

}  // namespace iqgate::measure
