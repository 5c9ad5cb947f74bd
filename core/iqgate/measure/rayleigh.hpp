#pragma once

namespace iqgate::measure {

/// SD of the background of a sum-of-squares magnitude image of n equal, uncorrelated channels, for SD 1 of one real
/// channel: 0.65514 for n = 1 (Rayleigh), 0.7014 for n = 8.
double background_sd_factor(int channels);

}  // namespace iqgate::measure
