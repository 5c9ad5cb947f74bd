#pragma once
// Smoothing: a separable Gaussian and the median of 3 x 3 x 3, reflected at the borders (half-sample).
#include <memory>

#include "iqgate/compute/slab.hpp"

namespace iqgate::compute {

/// Sampled at the voxel centres out to `truncate` sigma (rounded) and normalised to 1; sigma 0 along an axis:
/// untouched.
struct GaussianJob {
  double sigma_x = 1, sigma_y = 1, sigma_z = 1;  ///< voxels
  double truncate = 4;
};

/// Half of a kernel: weight of the centre, of the neighbours, ...
std::vector<float> gaussian_kernel(double sigma_voxels, double truncate);

/// z, y and x in one sweep over strips that stay in cache; single precision about the volume's first value.
class GaussianPass : public SlabOperation {
 public:
  GaussianPass(Size3 volume, const GaussianJob& job, SliceSink& sink);
  std::size_t halo_slices() const override { return z_.size() - 1; }
  void add(const Slab& slab, const Slab* other) override;

 private:
  void rows(const Slab& slab, const FiniteSlab& finite, std::size_t z, std::size_t y0, std::size_t y1, float* out,
            std::vector<float>& scratch) const;

  Size3 size_;
  std::vector<float> x_, y_, z_;
  SliceSink& sink_;
  bool begun_ = false;
  float offset_ = 0;
};

class MedianPass : public SlabOperation {
 public:
  MedianPass(Size3 volume, SliceSink& sink) : size_(volume), sink_(sink) {}
  std::size_t halo_slices() const override { return 1; }
  void add(const Slab& slab, const Slab* other) override;

 private:
  Size3 size_;
  SliceSink& sink_;
};

}  // namespace iqgate::compute
