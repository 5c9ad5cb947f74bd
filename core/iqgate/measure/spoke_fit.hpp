#pragma once
// The statistics of low contrast discs in spokes: one least-squares fit of the whole insert.
#include <vector>

#include "iqgate/measure/slice_sampler.hpp"

namespace iqgate::measure {

inline constexpr int spokes = 10, discs = 3;

/// The pixels inside the ring, about its middle, in the region's frame (mm).
struct InsertPixels {
  std::vector<double> u, w, value;
  double radius_mm = 0, pixel_mm = 1;
};
InsertPixels insert_pixels(const SliceSampler& slice, double u_mm, double w_mm, double radius_mm);

/// Per disc, [spoke * discs + ring]: contrast, t and two-sided p.
struct SpokeFit {
  std::vector<double> beta, t, p;
  double noise = 0, level = 0;  ///< SD of what the fit leaves; mean signal. 0: nothing could be told
};
/// All discs in one fit on a background of order 4 and of rings about the middle; errors by what the same templates
/// show half-way between the spokes. `first_angle` (rad): the largest spoke; the others follow every 36 degrees.
SpokeFit fit_spokes(const InsertPixels& pixels, double first_angle);

/// How far, within 3 degrees, the three largest spokes are turned from `first_angle` to stand out most (rad).
double best_turn(const InsertPixels& pixels, double first_angle);

/// Discs found at the false discovery rate (1.25 %) and brighter, and spokes complete from the largest on.
std::vector<char> found_discs(const SpokeFit& fit);
int complete_spokes(const std::vector<char>& found);

}  // namespace iqgate::measure
