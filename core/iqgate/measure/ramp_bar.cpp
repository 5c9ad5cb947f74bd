#include "iqgate/measure/ramp_bar.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "iqgate/measure/slice_sampler.hpp"
#include "iqgate/measure/statistics.hpp"

namespace iqgate::measure {

double mean_between(const std::vector<double>& p, double from, double to) {
  double sum = 0, n = 0;
  for (long k = std::max(0l, std::lround(from)); k <= std::min(long(p.size()) - 1, std::lround(to)); ++k)
    sum += p[std::size_t(k)], n += 1;
  return n > 0 ? sum / n : NAN;
}

Bar bar_of(const std::vector<double>& p, double half_mm, double pixel_mm, double clear_mm, double base_mm) {
  Bar bar;
  const std::size_t n = p.size(), window = static_cast<std::size_t>(8 / bar_step_mm);
  // Roughly: the brightest 8 mm, and the dark level.
  std::size_t top = 0;
  double best = -INFINITY;
  for (std::size_t k = 0; k + window < n; ++k) {
    double sum = 0;
    for (std::size_t j = 0; j < window; ++j) sum += p[k + j];
    if (sum > best) best = sum, top = k + window / 2;
  }
  std::vector<double> sorted = p;
  std::sort(sorted.begin(), sorted.end());
  double high = best / double(window), low_left = quantile(sorted, 0.1), low_right = low_left;
  double left = 0, right = 0, se = 0;
  const double pixel = pixel_mm / bar_step_mm, noise = pixel_noise(p, pixel);
  // The line through a crossing is fitted over 3 mm each way: less than half the edge of a 1 mm slot on a 10:1 ramp.
  const std::size_t fit = static_cast<std::size_t>(3 / bar_step_mm);
  for (int round = 0; round < 4; ++round) {
    const auto a = level_crossing(p, top, -1, 0.5 * (high + low_left), fit),
               b = level_crossing(p, top, 1, 0.5 * (high + low_right), fit);
    if (!a || !b || !(b->at > a->at)) {
      bar.reason = "the bright bar has no end in the region";
      return bar;
    }
    left = a->at, right = b->at;
    se = std::hypot(crossing_se(*a, noise, pixel, double(fit)), crossing_se(*b, noise, pixel, double(fit)));
    const double length = right - left;
    high = mean_between(p, left + 0.25 * length, right - 0.25 * length);
    low_left = mean_between(p, left - (clear_mm + base_mm) / bar_step_mm, left - clear_mm / bar_step_mm);
    low_right = mean_between(p, right + clear_mm / bar_step_mm, right + (clear_mm + base_mm) / bar_step_mm);
    if (!std::isfinite(low_left) || !std::isfinite(low_right)) {
      bar.reason = "the bright bar reaches the end of the region: the slice lies too far from the middle of the ramps";
      return bar;
    }
    top = static_cast<std::size_t>(0.5 * (left + right));
  }
  bar.length_mm = (right - left) * bar_step_mm;
  bar.centre_mm = 0.5 * (left + right) * bar_step_mm - half_mm;
  bar.se_mm = std::max(se, 0.2) * bar_step_mm;
  bar.level = high;
  bar.base = 0.5 * (low_left + low_right);
  return bar;
}

double exact_width(double one_mm, double other_mm, double slope) {
  const double angle = std::numbers::pi - 2 * std::atan(slope), c = std::cos(angle), d = std::sin(angle),
               sum = one_mm + other_mm;
  return (sum * c + std::sqrt(sum * sum * c * c + 4 * one_mm * other_mm * d * d)) / (2 * d);
}

}  // namespace iqgate::measure
