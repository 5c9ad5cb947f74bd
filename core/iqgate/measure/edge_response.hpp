#pragma once
// From an edge profile to its transfer function, the part that slanted edge, disc and ball share.
// ESF = mean per bin; LSF = central difference; transform; division by the factors of the difference and of the bin.
#include <string>
#include <vector>

#include "iqgate/compute/edge_profile.hpp"
#include "iqgate/measure/metric.hpp"
#include "iqgate/measure/transfer_curve.hpp"

namespace iqgate::measure {

enum class Window { none, hann, tukey };
enum class Tail { none, exponential };

struct Conditioning {
  Window window = Window::none;
  double window_width_mm = 0;       ///< full width; 0: 15 times the 15-85 % rise
  bool monotone = false;            ///< isotonic regression of the ESF: hides overshoot, its own variant
  Tail tail = Tail::none;           ///< exponential: LSF beyond 1 % of the peak from a fit between 4 % and 1 %
  double largest_correction = 1e9;  ///< ISO caps the derivative correction at 10
};

/// Profile sums by block (the unit of resampling); distances from first_mm in steps of bin_mm.
struct BlockedProfile {
  double first_mm = 0, bin_mm = 0.1;
  std::size_t bins = 0, blocks = 0;
  std::vector<double> sums, counts, offsets;  ///< [block * bins + bin]; offsets in bins from the middle, or empty
};

enum class BlockBy { sector, sector_and_slice };
BlockedProfile blocked(const compute::EdgeProfile& profile, const compute::EdgeProfileJob& job, BlockBy by);

/// Mean per bin over all blocks, each taken `times[block]` times (empty: once), moved to the bin's middle by the local
/// slope; gaps filled linearly.
/// Returns false when more than a quarter of the bins are empty.
bool mean_profile(const BlockedProfile& profile, const std::vector<int>& times, std::vector<double>& esf);

struct Response {
  bool good = false;
  std::string reason;
  std::vector<double> distance_mm, esf, lsf;
  std::vector<double> frequency_per_mm, mtf;
  double low = 0, high = 0;  ///< plateaus: mean of the first and last sixth
  double rise_15_85_mm = 0, centre_mm = 0;
  std::optional<double> f50, fwhm_mm, fwtm_mm;
  double tail_fraction = 0;
};

/// `f_limit_per_mm`: the curve is given up to here.
Response edge_response(const BlockedProfile& profile, const std::vector<int>& times, const Conditioning& options,
                       double f_limit_per_mm);

/// The voxels within `reach_mm` of the centre (volume frame) along the first `dimensions` axes, as the job's box.
void set_box(compute::EdgeProfileJob& job, const Grid& grid, Vec3 centre_mm, double reach_mm, int dimensions);

/// add_transfer of an edge profile, with its edge spread as a curve.
void add_response(const Job& job, Results& results, const ResponseNames& names, const std::string& where,
                  const BlockedProfile& profile, const Conditioning& options, double nyquist_per_mm,
                  std::vector<std::string> flags);

}  // namespace iqgate::measure
