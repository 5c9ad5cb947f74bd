#include "iqgate/compute/box_sweep.hpp"

#include <algorithm>

#include "iqgate/base/parallel_guard.hpp"
#include "iqgate/compute/clones.hpp"

namespace iqgate::compute {
namespace {

IQGATE_CLONES void add(double* __restrict to, const double* __restrict from, std::size_t n) {
  for (std::size_t x = 0; x < n; ++x) to[x] += from[x];
}

IQGATE_CLONES void slide_with_rest(double* __restrict to, double* __restrict rest, const double* __restrict enter,
                                   const double* __restrict enter_rest, const double* __restrict leave,
                                   const double* __restrict leave_rest, std::size_t n) {
  for (std::size_t x = 0; x < n; ++x) {
    double s = to[x], r = rest[x] + (enter_rest[x] - leave_rest[x]);
    add_term(s, r, enter[x]);
    add_term(s, r, -leave[x]);
    to[x] = s, rest[x] = r;
  }
}

IQGATE_CLONES void add_with_rest(double* __restrict to, double* __restrict rest, const double* __restrict from,
                                 const double* __restrict from_rest, std::size_t n) {
  for (std::size_t x = 0; x < n; ++x) {
    double s = to[x], r = rest[x] + from_rest[x];
    add_term(s, r, from[x]);
    to[x] = s, rest[x] = r;
  }
}

IQGATE_CLONES void together(const double* __restrict sum, const double* __restrict rest, double* __restrict to,
                            std::size_t n) {
  for (std::size_t x = 0; x < n; ++x) to[x] = sum[x] + rest[x];
}

IQGATE_CLONES bool small_integers(const float* __restrict row, double offset, std::size_t n) {
  constexpr double most = 65536;
  int bad = 0;
  for (std::size_t x = 0; x < n; ++x) {
    const double v = row[x] - offset;
    const double inside = v < most && v > -most ? v : 0.5;
    bad += double(int(inside)) != inside;
  }
  return bad == 0;
}

IQGATE_CLONES void slide(double* __restrict to, const double* __restrict enter, const double* __restrict leave,
                         std::size_t n) {
  for (std::size_t x = 0; x < n; ++x) to[x] += enter[x] - leave[x];
}

IQGATE_CLONES void add_shifted(double* __restrict to, const double* __restrict values, std::size_t shift,
                               std::size_t n) {
  for (std::size_t x = 0; x < n; ++x) to[x] += values[x + shift];
}

// values[x] += values[x + shift], left to right: what is read has not been written yet.
IQGATE_CLONES void fold(double* values, std::size_t shift, std::size_t n) {
#pragma GCC ivdep
  for (std::size_t x = 0; x < n; ++x) values[x] += values[x + shift];
}

}  // namespace

void window_sums(double* values, double* sums, std::size_t n, std::size_t width) {
  std::size_t done = 0, have = n + width - 1;
  bool first = true;
  for (std::size_t power = 1; power <= width; power *= 2) {
    if (width & power) {
      if (first) std::copy_n(values, n, sums);
      else add_shifted(sums, values, done, n);
      first = false;
      done += power;
    }
    if (2 * power > width) break;
    have -= power;
    fold(values, power, have);
  }
}

bool sums_are_exact(const Slab& slab, double offset, std::size_t count) {
  const Size3 size = slab.voxels.size;
  if (slab.begin != 0 || slab.end != slab.volume_slices || count > (std::size_t{1} << 20)) return false;
  const std::size_t rows = size.y * size.z;
  bool all = true;
#pragma omp parallel for schedule(static) reduction(&& : all)
  for (std::size_t r = 0; r < rows; ++r) all = all && small_integers(slab.voxels.values + r * size.x, offset, size.x);
  return all;
}

BoxSweep::BoxSweep(Size3 volume, BoxShape box, int channels)
    : size_(volume), box_(box), channels_(channels), strip_rows_(32) {
  strips_ = (size_.y + strip_rows_ - 1) / strip_rows_;
  state_.resize(strips_);
}

void BoxSweep::run(std::size_t begin, std::size_t end, const BoxChannels& in, const BoxRowTaker& out, bool exact) {
  struct Item {
    std::size_t strip, begin, end;
  };
  std::vector<Item> items;
  for (std::size_t z = begin; z < end;) {
    const std::size_t stop = std::min(end, (z / restart_slices + 1) * restart_slices);
    for (std::size_t s = 0; s < strips_; ++s) items.push_back({s, z, stop});
    z = stop;
  }
  if (state_slice_ != begin) state_.assign(strips_, {});
  std::vector<VoxelArray<double>> kept(strips_);
  ParallelGuard guard;
#pragma omp parallel
  {
    VoxelArray<double> own;
#pragma omp for schedule(dynamic)
    for (std::size_t k = 0; k < items.size(); ++k)
      guard.run([&] {
        const Item& item = items[k];
        const bool goes_on = item.begin == begin && item.begin % restart_slices != 0;
        const bool last = item.end == end && item.end % restart_slices != 0 && item.end < size_.z;
        VoxelArray<double>& columns = goes_on ? state_[item.strip] : own;
        strip(item.strip, item.begin, item.end, in, out, exact, columns);
        if (last) kept[item.strip] = columns;
      });
  }
  guard.rethrow();
  state_ = std::move(kept);
  state_slice_ = end;
}

void BoxSweep::strip(std::size_t index, std::size_t begin, std::size_t end, const BoxChannels& in,
                     const BoxRowTaker& out, bool exact, VoxelArray<double>& columns) const {
  const std::size_t nx = size_.x, y0 = index * strip_rows_, y1 = std::min(size_.y, y0 + strip_rows_),
                    rows = y1 - y0 + 2 * box_.half_y, padded = nx + 2 * box_.half_x;
  const std::size_t c = static_cast<std::size_t>(channels_), stride = (nx + 7) / 8 * 8, line = c * stride,
                    row_length = exact ? line : 2 * line;
  const long hz = static_cast<long>(box_.half_z);
  const auto row_of = [&](std::size_t r) {
    return reflected(static_cast<long>(y0 + r) - static_cast<long>(box_.half_y), size_.y);
  };
  std::vector<RunningSum> at(c);
  const auto point_at = [&](std::size_t r) {
    double* row = columns.data() + r * row_length;
    for (std::size_t k = 0; k < c; ++k) at[k] = {row + k * stride, exact ? nullptr : row + line + k * stride};
    return at.data();
  };
  VoxelArray<double> running(2 * line), window(padded + 8), sums(line);
  double* rest = running.data() + line;
  std::vector<const double*> result(c);
  for (std::size_t k = 0; k < c; ++k) result[k] = sums.data() + k * stride;
  const auto enter = [&](const double* row) {
    if (exact) add(running.data(), row, line);
    else add_with_rest(running.data(), rest, row, row + line, line);
  };
  const auto move_on = [&](const double* in_row, const double* out_row) {
    if (exact) slide(running.data(), in_row, out_row, line);
    else slide_with_rest(running.data(), rest, in_row, in_row + line, out_row, out_row + line, line);
  };
  for (std::size_t z = begin; z < end; ++z) {
    const long zl = static_cast<long>(z);
    if (z % restart_slices == 0 || columns.size() != rows * row_length) {
      columns.assign(rows * row_length, 0.0);
      for (long d = -hz; d <= hz; ++d)
        for (std::size_t r = 0; r < rows; ++r) in.add_row(reflected(zl + d, size_.z), row_of(r), point_at(r));
    } else {
      for (std::size_t r = 0; r < rows; ++r)
        in.replace_row(reflected(zl + hz, size_.z), reflected(zl - hz - 1, size_.z), row_of(r), point_at(r));
    }
    for (std::size_t y = y0; y < y1; ++y) {
      const std::size_t r = y - y0;
      const auto column = [&](std::size_t k) { return columns.data() + k * row_length; };
      if (y == y0) {
        std::fill(running.begin(), running.end(), 0.0);
        for (std::size_t k = 0; k <= 2 * box_.half_y; ++k) enter(column(k));
      } else {
        move_on(column(r + 2 * box_.half_y), column(r - 1));
      }
      for (std::size_t k = 0; k < c; ++k) {
        double* middle = window.data() + box_.half_x;
        if (exact) std::copy_n(running.data() + k * stride, nx, middle);
        else together(running.data() + k * stride, rest + k * stride, middle, nx);
        for (std::size_t x = 0; x < box_.half_x; ++x) {
          window[x] = middle[reflected(static_cast<long>(x) - static_cast<long>(box_.half_x), nx)];
          middle[nx + x] = middle[reflected(static_cast<long>(nx + x), nx)];
        }
        window_sums(window.data(), sums.data() + k * stride, nx, 2 * box_.half_x + 1);
      }
      out.take(z, y, result.data());
    }
  }
}

}  // namespace iqgate::compute
