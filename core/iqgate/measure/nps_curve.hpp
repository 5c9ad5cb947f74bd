#pragma once
#include <vector>

#include "iqgate/base/geometry.hpp"

namespace iqgate::measure {

/// Radial curve of a spectrum: ring means, up to the Nyquist frequency of the coarser direction.
struct RadialNps {
  std::vector<double> f_per_mm, nps;
  std::vector<double> bins;  ///< independent bins of the ring (a Hermitian pair counts once)
};

/// Frequency of bin k of n.
double folded_frequency(std::size_t k, std::size_t n, double spacing_mm);

/// Mean over rings of width 1 / (N d); the zero bin is left out; for three dimensions the sum over the axial
/// frequencies.
RadialNps radial_mean(const std::vector<double>& nps, Size3 box, const Grid& grid);

/// noise: square root of the whole power. average: integral f NPS / integral NPS of the radial curve; average_2d weighs
/// by f; median: half of the radial curve's area; peak: largest of the 3-ring mean, refined by a parabola; at_zero:
/// where a straight line through the rings 2 to 6 (the first that detrending leaves alone) meets zero.
struct NpsScalars {
  double noise = 0, peak = NAN, average = NAN, average_2d = NAN, median = NAN, at_zero = NAN;
};
NpsScalars nps_scalars(const RadialNps& radial, double power);

}  // namespace iqgate::measure
