#pragma once
// How alike two volumes are: structural similarity in windows, peak signal to noise, root mean square difference.
#include <memory>

#include "iqgate/compute/slab.hpp"

namespace iqgate::compute {

/// uniform: box of 7 voxels a side, covariances with n - 1; gaussian: sigma 1.5 out to 3.5 sigma (11 voxels a side),
/// covariances as weighted means. (Wang et al. 2004; the two usual conventions of the window.) Mean over the windows
/// that lie wholly inside the volume. C1 = (k1 L)^2, C2 = (k2 L)^2 with the data range L, which must be given.
struct SimilarityJob {
  enum class Window { uniform, gaussian } window = Window::uniform;
  double data_range = 0;
  double k1 = 0.01, k2 = 0.03;
  bool ssim = true;  ///< else only the one-pass numbers
};

struct Similarity {
  double ssim = 0;
  std::size_t windows = 0;  ///< those without a value that is not finite
  double rmse = 0, mean_difference = 0;
  double psnr_db = 0;                 ///< 20 log10(L / rmse); infinite for equal volumes
  std::size_t n = 0, not_finite = 0;  ///< voxels that are finite in both, the others
};

/// Two sources, slab by slab; sums in double, a partial a slice.
class SimilarityPass : public SlabOperation {
 public:
  SimilarityPass(Size3 volume, const SimilarityJob& job);
  ~SimilarityPass() override;
  std::size_t halo_slices() const override;
  void add(const Slab& slab, const Slab* other) override;
  Similarity finish() const;

 private:
  struct Work;
  std::unique_ptr<Work> work_;
};

}  // namespace iqgate::compute
