#include "iqgate/compute/box_sweep.hpp"

#include <algorithm>

#include "iqgate/compute/clones.hpp"

namespace iqgate::compute {
namespace {

IQGATE_CLONES void add(double* __restrict to, const double* __restrict from, std::size_t n) {
  for (std::size_t x = 0; x < n; ++x) to[x] += from[x];
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

BoxSweep::BoxSweep(Size3 volume, BoxShape box, int channels)
    : size_(volume), box_(box), channels_(channels), strip_rows_(volume.y >= 256 ? 64 : 32) {
  strips_ = (size_.y + strip_rows_ - 1) / strip_rows_;
  state_.resize(strips_);
}

void BoxSweep::run(std::size_t begin, std::size_t end, const BoxChannels& in, const BoxRowTaker& out) {
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
#pragma omp parallel
  {
    VoxelArray<double> own;
#pragma omp for schedule(dynamic)
    for (std::size_t k = 0; k < items.size(); ++k) {
      const Item& item = items[k];
      const bool goes_on = item.begin == begin && item.begin % restart_slices != 0;
      const bool last = item.end == end && item.end % restart_slices != 0 && item.end < size_.z;
      VoxelArray<double>& columns = goes_on ? state_[item.strip] : own;
      strip(item.strip, item.begin, item.end, in, out, columns);
      if (last) kept[item.strip] = columns;
    }
  }
  state_ = std::move(kept);
  state_slice_ = end;
}

void BoxSweep::strip(std::size_t index, std::size_t begin, std::size_t end, const BoxChannels& in,
                     const BoxRowTaker& out, VoxelArray<double>& columns) const {
  const std::size_t nx = size_.x, y0 = index * strip_rows_, y1 = std::min(size_.y, y0 + strip_rows_),
                    rows = y1 - y0 + 2 * box_.half_y, padded = nx + 2 * box_.half_x;
  const std::size_t c = static_cast<std::size_t>(channels_), stride = (nx + 7) / 8 * 8;
  const long hz = static_cast<long>(box_.half_z);
  const auto row_of = [&](std::size_t r) {
    return reflected(static_cast<long>(y0 + r) - static_cast<long>(box_.half_y), size_.y);
  };
  std::vector<double*> at(c);
  const auto point_at = [&](std::size_t r) {
    for (std::size_t k = 0; k < c; ++k) at[k] = columns.data() + (r * c + k) * stride;
    return at.data();
  };
  VoxelArray<double> running(c * stride), window(padded + 8), sums(c * stride);
  std::vector<const double*> result(c);
  for (std::size_t k = 0; k < c; ++k) result[k] = sums.data() + k * stride;
  for (std::size_t z = begin; z < end; ++z) {
    const long zl = static_cast<long>(z);
    if (z % restart_slices == 0 || columns.size() != rows * c * stride) {
      columns.assign(rows * c * stride, 0.0);
      for (long d = -hz; d <= hz; ++d)
        for (std::size_t r = 0; r < rows; ++r) in.add_row(reflected(zl + d, size_.z), row_of(r), point_at(r));
    } else {
      for (std::size_t r = 0; r < rows; ++r)
        in.replace_row(reflected(zl + hz, size_.z), reflected(zl - hz - 1, size_.z), row_of(r), point_at(r));
    }
    for (std::size_t y = y0; y < y1; ++y) {
      const std::size_t r = y - y0;
      if (y == y0) {
        std::fill(running.begin(), running.end(), 0.0);
        for (std::size_t k = 0; k <= 2 * box_.half_y; ++k)
          add(running.data(), columns.data() + k * c * stride, c * stride);
      } else {
        slide(running.data(), columns.data() + (r + 2 * box_.half_y) * c * stride,
              columns.data() + (r - 1) * c * stride, c * stride);
      }
      for (std::size_t k = 0; k < c; ++k) {
        const double* line = running.data() + k * stride;
        std::copy_n(line, nx, window.data() + box_.half_x);
        for (std::size_t x = 0; x < box_.half_x; ++x) {
          window[x] = line[reflected(static_cast<long>(x) - static_cast<long>(box_.half_x), nx)];
          window[box_.half_x + nx + x] = line[reflected(static_cast<long>(nx + x), nx)];
        }
        window_sums(window.data(), sums.data() + k * stride, nx, 2 * box_.half_x + 1);
      }
      out.take(z, y, result.data());
    }
  }
}

}  // namespace iqgate::compute
