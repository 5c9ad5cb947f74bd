#include "iqgate/measure/profile_width.hpp"

#include <algorithm>
#include <cmath>

#include "iqgate/measure/statistics.hpp"

namespace iqgate::measure {

Peak find_peak(const std::vector<double>& profile) {
  Peak peak;
  // The lower half of the values is background as long as the peak fills less than half of the profile.
  std::vector<double> sorted = profile;
  std::sort(sorted.begin(), sorted.end());
  const std::size_t half = sorted.size() / 2;
  std::vector<double> lower(sorted.begin(), sorted.begin() + std::ptrdiff_t(std::max<std::size_t>(half, 1)));
  peak.background = quantile(lower, 0.6);
  peak.noise = (quantile(lower, 0.6) - quantile(lower, 0.1)) / 1.0;
  peak.at = static_cast<std::size_t>(std::max_element(profile.begin(), profile.end()) - profile.begin());
  // The top of the parabola through the largest three: a sample beside the top would lower every level.
  peak.height = profile[peak.at] - peak.background;
  if (peak.at > 0 && peak.at + 1 < profile.size()) {
    const double a = profile[peak.at - 1], b = profile[peak.at], c = profile[peak.at + 1], bend = a - 2 * b + c;
    if (bend < 0) peak.height = b - (c - a) * (c - a) / (8 * bend) - peak.background;
  }
  return peak;
}

std::optional<Width> full_width(const std::vector<double>& profile, const Peak& peak, double fraction) {
  const double level = peak.background + fraction * peak.height;
  if (!(peak.height > 0)) return std::nullopt;
  double edges[2];
  for (const int side : {-1, 1}) {
    long k = long(peak.at);
    while (k >= 0 && k < long(profile.size()) && profile[std::size_t(k)] > level) k += side;
    if (k < 0 || k >= long(profile.size())) return std::nullopt;
    const double outside = profile[std::size_t(k)], inside = profile[std::size_t(k - side)];
    edges[side > 0] = double(k) - side * (level - outside) / (inside - outside);
  }
  return Width{edges[1] - edges[0], 0.5 * (edges[0] + edges[1])};
}

}  // namespace iqgate::measure
