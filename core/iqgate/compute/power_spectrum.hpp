#pragma once
#include <array>
#include <memory>

#include "iqgate/compute/operations.hpp"
#include "iqgate/compute/slab.hpp"

namespace iqgate::compute {

/// Orthonormal polynomials of order 0, 1, 2 over n points, [order * n + point]; those that n points cannot tell apart
/// are 0.
std::vector<double> box_polynomials(std::size_t n);

/// The detrend as products of the polynomials along x, y and z: (order x, order y, order z) of each term.
std::vector<std::array<int, 3>> detrend_terms(Size3 box, Detrend detrend);

/// std::logic_error unless the boxes are there and lie inside the volume.
void check_power_spectrum(Size3 volume, const PowerSpectrumJob& job);

/// Fills `spectra` (full grids, means over the boxes of each block) from the sums of half spectra of each block.
void unfold_spectra(const std::vector<std::vector<double>>& halves, PowerSpectrum& result);

/// Boxes are taken by their slice, then block, then order in the job, at most 8 to a partial sum, partial sums joined
/// in that order: any slab and thread count gives the same bits.
class PowerSpectrumPass : public SlabOperation {
 public:
  PowerSpectrumPass(Size3 volume, const PowerSpectrumJob& job);
  ~PowerSpectrumPass() override;
  std::size_t halo_slices() const override;
  void add(const Slab& slab, const Slab* other) override;
  PowerSpectrum finish() const;

 private:
  struct Work;
  std::unique_ptr<Work> work_;
};

}  // namespace iqgate::compute
