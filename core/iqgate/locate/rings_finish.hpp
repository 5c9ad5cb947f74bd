#pragma once
#include "iqgate/locate/rings.hpp"

namespace iqgate::locate {

inline constexpr double model_blur_mm = 2;

double median_of(std::vector<float> values);
/// Turns values into what is compared, and transforms them around each ring. `contrast` must be set.
void finish(Rings& rings);

}  // namespace iqgate::locate
