#pragma once
// Sums over sliding boxes, for any number of channels a voxel (value, square, product with a second image...), in one
// sweep: column sums run along z, row sums along y, and the window along x is put together from sums of 1, 2, 4, ...
// neighbours, so that x is never the scan axis. Each running sum carries what its additions rounded off, so that a
// voxel leaves nothing behind when the window has passed it, however large it was. Work goes by strips of rows that
// stay in cache and by blocks of restart_slices slices; both are fixed by the volume alone, so any slab and any thread
// count give the same bits.
#include <cstdint>
#include <map>
#include <vector>

#include "iqgate/base/geometry.hpp"
#include "iqgate/base/voxels.hpp"
#include "iqgate/compute/slab.hpp"

namespace iqgate::compute {

struct BoxShape {
  std::size_t half_x = 0, half_y = 0, half_z = 0;
  std::size_t count() const { return (2 * half_x + 1) * (2 * half_y + 1) * (2 * half_z + 1); }
};

/// A sum and what is missing in it. Plain where `rest` is null: for sums that are exact, as those of small integers
/// are.
struct RunningSum {
  double *sum = nullptr, *rest = nullptr;
};
/// Adds a term to a running sum (Knuth's two-sum; every rounding error is kept).
inline void add_term(double& sum, double& rest, double term) {
  const double next = sum + term, part = next - sum;
  rest += (sum - (next - part)) + (term - part);
  sum = next;
}

/// What the sweep sums: adds the channels of one voxel row to `sums`, or adds those of `enter` and takes off those of
/// `leave`. Slice z and row y of the volume.
class BoxChannels {
 public:
  virtual ~BoxChannels() = default;
  virtual int channels() const = 0;
  virtual void add_row(std::size_t z, std::size_t y, const RunningSum* sums) const = 0;
  virtual void replace_row(std::size_t enter_z, std::size_t leave_z, std::size_t y, const RunningSum* sums) const = 0;
};

/// Gets the sums of one output row; rows of one slice come from several threads, each row once.
class BoxRowTaker {
 public:
  virtual ~BoxRowTaker() = default;
  virtual void take(std::size_t z, std::size_t y, const double* const* sums) const = 0;
};

/// Column sums of every strip at the end of a slab, which the next slab goes on from.
class BoxSweep {
 public:
  BoxSweep(Size3 volume, BoxShape box, int channels);
  /// Output slices [begin, end), in order from call to call. `exact`: no term or sum is ever rounded (see
  /// sums_are_exact); the result is the same, sooner.
  void run(std::size_t begin, std::size_t end, const BoxChannels& in, const BoxRowTaker& out, bool exact);
  std::size_t strips() const { return strips_; }

 private:
  void strip(std::size_t index, std::size_t begin, std::size_t end, const BoxChannels& in, const BoxRowTaker& out,
             bool exact, VoxelArray<double>& columns) const;

  Size3 size_;
  BoxShape box_;
  int channels_;
  std::size_t strip_rows_, strips_;
  std::vector<VoxelArray<double>> state_;  // by strip: [row of the strip][sum, then rest][channel][x]
  std::size_t state_slice_ = 0;            // slice that comes next
};

/// The slab is the whole volume, and its values less `offset` are integers so small that sums of `count` squares are
/// exact in double.
bool sums_are_exact(const Slab& slab, double offset, std::size_t count);

/// sums[i] = values[i] + ... + values[i + width - 1] for i < n; `values` holds n + width - 1 and is destroyed.
void window_sums(double* values, double* sums, std::size_t n, std::size_t width);

}  // namespace iqgate::compute
