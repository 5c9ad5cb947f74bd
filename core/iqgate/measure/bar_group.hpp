#pragma once
// B5: one group of a bar pattern, from its pixels.
#include <string>

#include "iqgate/measure/metric.hpp"

namespace iqgate::measure {

struct BarGroup {
  double f_per_mm = 0, period_mm = 0;
  int bars = 0;
  double m2 = 0, noise2 = 0;                   // variance of the pixels within the bars; of their noise
  double fundamental = 0, fundamental_se = 0;  // amplitude of the first harmonic
  double bar = 0, gap = 0, modulation_se = 0;  // means about the middles of the bars, and of the gaps
  double bar_top = 0, gap_bottom = 0;          // the same closer to the middles: plateaus of wide bars
  double crest_to_trough = 0;                  // of the harmonics, at the middles themselves
  bool resolved = false;                       // every gap stands below its neighbours
};

/// Measures the group whose bars the region's nominal line_pairs_per_cm and bars tell; in_plane lies across the bars.
/// The pixels are taken as they are: interpolation between them would take modulation away. A pattern of nominal
/// pattern_thickness_mm is summed over the slices that share it. Harmonics by least squares over a whole number of
/// periods. False, with a reason, where that cannot be done.
bool measure_group(const Job& job, std::size_t scan, const Region& region, double nyquist_per_mm, BarGroup& group,
                   std::string& reason);

}  // namespace iqgate::measure
