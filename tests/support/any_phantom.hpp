#pragma once
// A shipped phantom as one scan, a little off its place, in a grid that holds all that is measured of it.
#include "support/support.hpp"

namespace iqgate::test {

struct AnyPhantom {
  phantom::Model model;
  std::string modality;
  compute::RenderJob job;  ///< with the true pose
  Scan scan;
};

/// 15 mm of air beside all that is measured, pixels that are not square; `noise`: SD of white noise (0: none), in MR of
/// each of the two channels.
AnyPhantom any_phantom(const std::string& name, double noise);

/// All metrics at the true pose, of the phantom's scan with these voxels.
Results measured(const AnyPhantom& what, const Volume& volume, std::size_t bootstrap_draws = 100);

/// Those that take one scan: no time series, no series of inversion or echo times.
std::vector<std::string> phantoms_of_one_scan();

}  // namespace iqgate::test
