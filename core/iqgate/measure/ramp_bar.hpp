#pragma once
// What the two kinds of crossed ramps share: bright slots in plastic, and plates that take signal away.
#include <string>
#include <vector>

namespace iqgate::measure {

inline constexpr double bar_step_mm = 0.25;

/// What a ramp shows of the slice profile: a bright bar on a dark strip.
struct Bar {
  double length_mm = 0, centre_mm = 0, se_mm = 0, level = 0, base = 0;
  std::string reason;  ///< why there is none
};

/// Mean of values from one index to another, both inside; NaN where there are none.
double mean_between(const std::vector<double>& p, double from, double to);

/// The bright part of a strip sampled every bar_step_mm: between the half levels of its plateau (its middle half) and
/// of `base_mm` of the strip on either side, `clear_mm` beyond its ends. `half_mm`: the strip's middle.
Bar bar_of(const std::vector<double>& p, double half_mm, double pixel_mm, double clear_mm, double base_mm);

/// Slice width from what two ramps show that rise against each other by the same slope (rise over run), by the angle
/// between them: right for a tilted object too (NEMA MS 5).
double exact_width(double one_mm, double other_mm, double slope);

}  // namespace iqgate::measure
