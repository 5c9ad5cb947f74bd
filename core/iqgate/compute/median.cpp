// Median of 27. The three values along z of a column are sorted once and serve nine windows; rows are worked on a
// vector at a time by exchanges of pairs.
#include <algorithm>
#include <optional>

#include "iqgate/base/parallel_guard.hpp"
#include "iqgate/compute/clones.hpp"
#include "iqgate/compute/filters.hpp"
#include "iqgate/compute/stream_row.hpp"

namespace iqgate::compute {
namespace {

constexpr std::size_t strip_rows = 16, block = 16;
using Block = float __attribute__((vector_size(block * sizeof(float))));

IQGATE_INLINE void order(Block& a, Block& b) {
  const Block low = a < b ? a : b;
  b = a < b ? b : a;
  a = low;
}

IQGATE_INLINE Block least(Block a, Block b) { return a < b ? a : b; }
IQGATE_INLINE Block most(Block a, Block b) { return a < b ? b : a; }

// Sorts three.
IQGATE_INLINE void sort3(Block& a, Block& b, Block& c) {
  order(a, b);
  order(b, c);
  order(a, b);
}

// Smallest of n to the front and largest to the back: what cannot be the median leaves.
template <int n>
IQGATE_INLINE void extremes_out(Block* v) {
  for (int i = 0; i < n / 2; ++i) order(v[i], v[n - 1 - i]);
  for (int i = 1; i < (n + 1) / 2; ++i) order(v[0], v[i]);
  for (int i = n / 2; i < n - 1; ++i) order(v[i], v[n - 1]);
}

template <int n>
struct Forget {
  static IQGATE_INLINE Block median(Block* v, const Block* rest) {
    extremes_out<n>(v);
    v[0] = rest[0];
    return Forget<n - 1>::median(v, rest + 1);
  }
};
template <>
struct Forget<3> {
  static IQGATE_INLINE Block median(Block* v, const Block*) {
    return most(least(v[0], v[1]), least(most(v[0], v[1]), v[2]));
  }
};

// low, middle and high of the z-triples of three rows, padded by one on each side.
IQGATE_CLONES void median_row(const float* const* low, const float* const* middle, const float* const* high, float* to,
                              std::size_t n) {
  for (std::size_t x = 0; x < n; x += block) {
    Block l[9], m[9], h[9];
    for (int r = 0; r < 3; ++r)
      for (std::size_t d = 0; d < 3; ++d) {
        const int k = 3 * r + static_cast<int>(d);
        l[k] = loaded<Block>(low[r] + x + d);
        m[k] = loaded<Block>(middle[r] + x + d);
        h[k] = loaded<Block>(high[r] + x + d);
      }
    // Columns come sorted, l <= m <= h; sorting along x and then y keeps that.
    for (int r = 0; r < 9; r += 3)
      sort3(l[r], l[r + 1], l[r + 2]), sort3(m[r], m[r + 1], m[r + 2]), sort3(h[r], h[r + 1], h[r + 2]);
    for (int c = 0; c < 3; ++c)
      sort3(l[c], l[c + 3], l[c + 6]), sort3(m[c], m[c + 3], m[c + 6]), sort3(h[c], h[c + 3], h[c + 6]);
    // Sorted along all three axes: element (i, j, k) has (i+1)(j+1)(k+1) - 1 elements not above it and
    // (3-i)(3-j)(3-k) - 1 not below it; more than 13 of either kind rule it out.
    Block v[27];
    int count = 0;
    for (int k = 0; k < 3; ++k)
      for (int j = 0; j < 3; ++j)
        for (int i = 0; i < 3; ++i) {
          if ((i + 1) * (j + 1) * (k + 1) - 1 > 13 || (3 - i) * (3 - j) * (3 - k) - 1 > 13) continue;
          v[count++] = k == 0 ? l[3 * j + i] : k == 1 ? m[3 * j + i] : h[3 * j + i];
        }
    // Nineteen are left: eleven at a time, each step drops the extremes and takes one more.
    stored(Forget<11>::median(v, v + 11), to + x);
  }
}

IQGATE_CLONES void sort_columns(const float* __restrict a, const float* __restrict b, const float* __restrict c,
                                float* __restrict low, float* __restrict middle, float* __restrict high,
                                std::size_t n) {
  for (std::size_t x = 0; x < n; ++x) {
    const float ab = a[x] < b[x] ? a[x] : b[x], ba = a[x] < b[x] ? b[x] : a[x];
    const float top = ba < c[x] ? c[x] : ba, rest = ba < c[x] ? ba : c[x];
    high[x] = top;
    low[x] = ab < rest ? ab : rest;
    middle[x] = ab < rest ? rest : ab;
  }
}

// Three rows of sorted columns and room for the next, padded by one on each side and a block at the end.
class ColumnRows {
 public:
  ColumnRows(std::size_t nx) : nx_(nx), stride_(nx + 2 + block), values_(9 * stride_) {}
  void fill(std::size_t slot, const float* below, const float* here, const float* above) {
    float* rows[3];
    for (std::size_t k = 0; k < 3; ++k) rows[k] = at(slot, k);
    sort_columns(below, here, above, rows[0] + 1, rows[1] + 1, rows[2] + 1, nx_);
    for (float* row : rows) {
      row[0] = row[1];
      for (std::size_t x = nx_ + 1; x < stride_; ++x) row[x] = row[nx_];
    }
  }
  float* at(std::size_t slot, std::size_t rank) { return values_.data() + (slot * 3 + rank) * stride_; }

 private:
  std::size_t nx_, stride_;
  std::vector<float> values_;
};

}  // namespace

void MedianPass::add(const Slab& slab, const Slab*) {
  const FiniteSlab finite(slab);
  const Slab clean = finite.clean();
  float* out = sink_.room(slab.begin, slab.end);
  const std::size_t strips = (size_.y + strip_rows - 1) / strip_rows, slices = slab.end - slab.begin, nx = size_.x;
  ParallelGuard guard;
#pragma omp parallel
  {
    std::optional<ColumnRows> rows;
    std::vector<float> done;
    guard.run([&] {
      rows.emplace(nx);
      done.resize(nx + block);
    });
#pragma omp for schedule(dynamic)
    for (std::size_t s = 0; s < strips; ++s)
      guard.run([&] {
        ColumnRows& columns = *rows;
        for (std::size_t k = 0; k < slices; ++k) {
          const long z = static_cast<long>(slab.begin + k);
          const float* planes[3];
          for (long d = -1; d <= 1; ++d) planes[d + 1] = clean.slice(reflected(z + d, size_.z));
          const long y0 = static_cast<long>(s * strip_rows),
                     y1 = std::min(static_cast<long>(size_.y), y0 + static_cast<long>(strip_rows));
          const auto fill = [&](long y) {
            const std::size_t at = reflected(y, size_.y) * nx;
            columns.fill(static_cast<std::size_t>(y + 3) % 3, planes[0] + at, planes[1] + at, planes[2] + at);
          };
          fill(y0 - 1);
          fill(y0);
          for (long y = y0; y < y1; ++y) {
            fill(y + 1);
            const float *low[3], *middle[3], *high[3];
            for (long d = 0; d < 3; ++d) {
              const std::size_t slot = static_cast<std::size_t>(y + 2 + d) % 3;
              low[d] = columns.at(slot, 0), middle[d] = columns.at(slot, 1), high[d] = columns.at(slot, 2);
            }
            median_row(low, middle, high, done.data(), nx);
            if (!finite.all_finite()) {
              const std::size_t reach[3] = {1, 1, 1};
              finite.mark(static_cast<std::size_t>(z), static_cast<std::size_t>(y), reach, done.data());
            }
            stream_row(out + (k * size_.y + static_cast<std::size_t>(y)) * nx, done.data(), nx);
          }
          stream_fence();
        }
      });
  }
  guard.rethrow();
  sink_.done();
}

}  // namespace iqgate::compute
