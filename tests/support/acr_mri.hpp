#pragma once
// The ACR MRI phantom as a scanner with its protocol would show it: 11 slices of 5 mm, 10 mm apart.
#include "support/support.hpp"

namespace iqgate::test {

struct AcrScan {
  double x_mm = 0, y_mm = 0, z_mm = 0;  ///< z: how far the slices lie beyond their places
  double pitch_deg = 0, yaw_deg = 0, roll_deg = 0;
  bool feet_first = false;  ///< turned over: slice 11 is scanned first
  double thickness_mm = 5;
  std::size_t matrix = 256;
  double field_mm = 250;
  double psf_mm = 0.6, noise = 0;  ///< noise: SD of one Rician channel; the water's signal is 1000
  double ghost = 0;
  double shading = 0;  ///< relative change of the signal 95 mm from the middle
  std::size_t slices = 11;
  std::uint64_t seed = 1;
};

struct AcrRendered {
  compute::RenderJob job;
  Scan scan;
};
AcrRendered acr_scan(const phantom::Model& model, const AcrScan& what);

}  // namespace iqgate::test
