#pragma once
#include "iqgate/measure/time_series.hpp"

namespace iqgate::measure {

/// What whole images of a series tell: the maps (mean signal, fluctuation noise, SFNR, static noise) of the slice,
/// ghosts shifted by half the image, smoothness of the residuals in the square, and slices that jump (spikes).
void add_series_images(const Job& job, const VolumeSeries& series, std::size_t slice, std::size_t x, std::size_t y,
                       std::size_t side, const std::string& where, Results& results);

}  // namespace iqgate::measure
