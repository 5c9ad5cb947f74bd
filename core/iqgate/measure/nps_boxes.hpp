#pragma once
#include <string>
#include <vector>

#include "iqgate/base/region.hpp"

namespace iqgate::measure {

/// Equal boxes of a noise power spectrum; none when they do not fit.
struct Boxes {
  Size3 box;
  std::vector<Size3> corners;
};

/// Half-overlapping boxes inside a region: side 64 pixels where at least four fit in all slices, else 48, 32, 24; in
/// three dimensions 64, 32 or 16 slices deep.
Boxes place_boxes(const Region& region, const Grid& grid, std::size_t first_slice, std::size_t last_slice,
                  bool three_dimensional);

/// Half-overlapping boxes of this many pixels a side, one slice deep: all that fit.
Boxes boxes_of_side(const Region& region, const Grid& grid, std::size_t first_slice, std::size_t last_slice,
                    std::size_t side);

/// A region of shape box is one box in each of its slices; regions given together share a spectrum (TG-233: a circle of
/// them). `reason` says why there are none.
Boxes given_boxes(const std::vector<Region>& regions, const Grid& grid, std::string& reason);

/// Overlapping boxes share noise: their periodograms correlate by the square of the shared part (rectangular window,
/// white noise). The number of independent boxes with the same variance of the mean.
double effective_boxes(const Boxes& boxes);

}  // namespace iqgate::measure
