#pragma once
// How alike two volumes are: structural similarity in windows, peak signal to noise, root mean square difference.
#include <memory>
#include <vector>

#include "iqgate/compute/slab.hpp"

namespace iqgate::compute {

/// uniform: box of 7 voxels a side, covariances with n - 1; gaussian: sigma 1.5 out to 3.5 sigma (11 voxels a side),
/// covariances as weighted means. (Wang et al. 2004; the two usual conventions of the window.) Mean over the windows
/// that lie wholly inside the volume and hold no value that is not finite or lies further than similarity_reach data
/// ranges from the others. C1 = (k1 L)^2, C2 = (k2 L)^2 with the data range L, which must be given.
inline constexpr double similarity_reach = 1000;
struct SimilarityJob {
  enum class Window { uniform, gaussian } window = Window::uniform;
  double data_range = 0;
  double k1 = 0.01, k2 = 0.03;
  bool ssim = true;  ///< else only the one-pass numbers
};

/// Of one window, from its weighted sums a, b, aa, bb, ab about offsets. share: 1 / sum of weights; unbias: n / (n - 1)
/// or 1.
struct SimilarityTerms {
  double share, unbias, a0, b0, c1, c2;
};
IQGATE_HD inline double window_similarity(double sa, double sb, double saa, double sbb, double sab,
                                          const SimilarityTerms& t) {
  const double a = sa * t.share, b = sb * t.share, ma = a + t.a0, mb = b + t.b0;
  const double vaa = (saa * t.share - a * a) * t.unbias, vbb = (sbb * t.share - b * b) * t.unbias,
               vab = (sab * t.share - a * b) * t.unbias;
  return (2 * ma * mb + t.c1) * (2 * vab + t.c2) / ((ma * ma + mb * mb + t.c1) * (vaa + vbb + t.c2));
}
/// Half the window, [0] its centre: ones, or the Gaussian normalised to 1 along one axis.
std::vector<double> similarity_weights(SimilarityJob::Window window);
SimilarityTerms similarity_terms(const SimilarityJob& job, double a0, double b0);

/// Sums that the numbers are made of, of a slice or of all.
struct SimilaritySums {
  double ssim = 0, windows = 0, difference = 0, square = 0, n = 0;
};

struct Similarity {
  double ssim = 0;
  std::size_t windows = 0;  ///< those that count
  double rmse = 0, mean_difference = 0;
  double psnr_db = 0;                 ///< 20 log10(L / rmse); infinite for equal volumes
  std::size_t n = 0, not_finite = 0;  ///< voxels that are finite in both, the others
};

/// In the order of the slices.
Similarity join_similarity(const std::vector<SimilaritySums>& slices, std::size_t not_finite, double data_range);

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
