#pragma once
// Draws a phantom from its closed forms: blurred by a Gaussian PSF along the image axes, with a pose, a pixel aperture
// and seeded noise. Nothing is thresholded on a grid: what is drawn is the truth at each pixel centre.
#include <cstdint>
#include <string>
#include <vector>

#include "iqgate/base/placement.hpp"
#include "iqgate/base/volume.hpp"
#include "iqgate/phantom/model.hpp"

namespace iqgate::compute {

enum class NoiseKind { none, white, gaussian, ramp };

/// white: independent, SD sd. gaussian: white of that SD per voxel filtered so that NPS = sd^2 dx dy exp(-4 pi^2 tau^2
/// f^2) (and along z with tau_z_mm). ramp: NPS = A f exp(-(f/f0)^2) in each slice, scaled to SD sd. channels > 0:
/// magnitude of that many complex channels (MR); 1 is Rician. The SD is that of one real channel.
struct NoiseJob {
  NoiseKind kind = NoiseKind::none;
  double sd = 0, tau_mm = 0, tau_z_mm = 0, f0_per_mm = 0.3;
  int channels = 0;
  std::uint64_t seed = 1, repeat = 0;
};

/// Multiplies the signal: 1 + cupping * (r / radius)^2 + gradient . (p - centre), about the phantom's centre.
struct ShadingJob {
  double cupping = 0, radius_mm = 1;
  Vec3 gradient_per_mm;
};

/// One volume of a time series, by NoiseJob::repeat: the signal times 1 + drift t / (volumes - 1) + fluctuation x (one
/// normal number a volume, the same for all voxels), and a ghost: that share of it again, half the image along y away.
struct SeriesJob {
  std::size_t volumes = 1;
  double drift = 0, fluctuation = 0, ghost = 0;
};

/// A displacement field about the origin of the patient's coordinates: what lies at p is drawn at p + scale p +
/// cubic |p|^2 p, component by component.
struct DistortionJob {
  Vec3 scale, cubic_per_mm2;
  Vec3 at(Vec3 p) const {
    const double r2 = dot(p, p);
    return {(scale.x + cubic_per_mm2.x * r2) * p.x, (scale.y + cubic_per_mm2.y * r2) * p.y,
            (scale.z + cubic_per_mm2.z * r2) * p.z};
  }
  bool any() const { return norm(scale) != 0 || norm(cubic_per_mm2) != 0; }
};

struct RenderJob {
  Grid grid;
  Placement pose;
  Vec3 psf_sigma_mm{0.5, 0.5, 0.5};  ///< along i, j, k; 0: ideal along that axis
  bool pixel_aperture = false;       ///< also average over the pixel in the slice plane
  double slice_thickness_mm = 0;     ///< of a box profile along k, about the slice's middle; 0: the PSF alone
  int slice_samples = 20;            ///< thin slices that it is the mean of
  std::string quantity = "ct_number_hu";
  ShadingJob shading;
  DistortionJob distortion;
  SeriesJob series;
  NoiseJob noise;
};

/// Deterministic for any thread count. Throws UsageError when a material lacks the quantity.
Volume render(const phantom::Model& model, const RenderJob& job);

/// The noise-free values at points given in patient mm.
std::vector<double> rendered_values(const phantom::Model& model, const RenderJob& job,
                                    const std::vector<Vec3>& patient_mm);
double rendered_value(const phantom::Model& model, const RenderJob& job, Vec3 patient_mm);

}  // namespace iqgate::compute
