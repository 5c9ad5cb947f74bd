#pragma once
// Full widths of sampled profiles.
#include <optional>
#include <vector>

namespace iqgate::measure {

/// A profile at equal steps: its background (median of its outer parts, with a linear course between them), peak, and
/// the centre of what lies above half of it.
struct Peak {
  double background = 0, height = 0, noise = 0;
  std::size_t at = 0;
};
Peak find_peak(const std::vector<double>& profile);

/// Full width at a fraction of the peak, and its middle, in steps: linear crossings nearest to the peak on both sides.
struct Width {
  double width = 0, middle = 0;
};
std::optional<Width> full_width(const std::vector<double>& profile, const Peak& peak, double fraction);

}  // namespace iqgate::measure
