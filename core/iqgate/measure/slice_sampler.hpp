#pragma once
// Values of one slice in the frame of a region, whatever the slices' thickness: nothing is interpolated across slices.
#include <optional>

#include "iqgate/measure/metric.hpp"

namespace iqgate::measure {

class SliceSampler {
 public:
  /// The slice nearest to the region's centre; empty where the region lies outside the scan or is tilted against it by
  /// more than 10 degrees.
  static std::optional<SliceSampler> of(const Job& job, std::size_t scan, const Region& region);

  /// u along in_plane, w along the second axis, mm from the region's centre: linear between pixels, NaN outside.
  double value(double u, double w) const;
  /// By the Lanczos kernel of five lobes, for images that are limited in frequency.
  double sharp_value(double u, double w) const;
  /// Along u (or w) from -half to half at equal steps, the mean of `lines` lines across from `low` to `high`; empty
  /// where that reaches outside the image.
  enum class Along { u, w };
  std::vector<double> strip(Along along, double half, double step, double low, double high, int lines) const;
  /// Pixel indices of a point, and the point of a pixel.
  Vec3 pixel(double u, double w) const;
  Vec3 point(double x, double y) const;  ///< u, w and 0
  const VolumeView& view() const { return view_; }
  std::size_t slice() const { return slice_; }
  double pixel_mm() const { return pixel_mm_; }

 private:
  VolumeView view_;
  Grid grid_;
  Region region_;
  std::size_t slice_ = 0;
  double pixel_mm_ = 1;
};

/// Why there is no sampler.
inline constexpr const char* not_sampled = "not scanned: the region lies outside the scan, or slices cross it aslant";

/// Where a line that fits the samples about a half-level crossing meets that level. `values` at equal steps; looked for
/// from `start` onwards in the direction of `step` (+1 or -1). The line is fitted over +- `half_width` samples.
struct Crossing {
  double at = 0, se = 0;  ///< in samples
  double slope = 0;       ///< per sample
};
/// SD of the noise of samples that are interpolated between pixels (`pixel` samples each) as independent pixels have
/// it: from second differences two pixels apart, linear interpolation's loss put back.
double pixel_noise(const std::vector<double>& values, double pixel);
/// Standard error of a crossing, in samples, from that noise: of a line fitted over +- half_width samples.
double crossing_se(const Crossing& crossing, double noise, double pixel, double half_width);
std::optional<Crossing> level_crossing(const std::vector<double>& values, std::size_t start, int step, double level,
                                       std::size_t half_width);

}  // namespace iqgate::measure
