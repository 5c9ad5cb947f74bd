#include <algorithm>
#include <cmath>

#include "iqgate/base/parallel_guard.hpp"
#include "iqgate/compute/clones.hpp"
#include "iqgate/compute/filters.hpp"
#include "iqgate/compute/stream_row.hpp"

namespace iqgate::compute {
namespace {

constexpr std::size_t strip_rows = 16;

IQGATE_CLONES void start(const float* __restrict centre, float offset, float weight, float* __restrict to,
                         std::size_t n) {
  for (std::size_t x = 0; x < n; ++x) to[x] = weight * (centre[x] - offset);
}

IQGATE_CLONES void add_pair(const float* __restrict a, const float* __restrict b, float offset, float weight,
                            float* __restrict to, std::size_t n) {
  for (std::size_t x = 0; x < n; ++x) to[x] += weight * ((a[x] - offset) + (b[x] - offset));
}

// Two pairs a visit: half the traffic of the sums.
IQGATE_CLONES void add_pairs(const float* __restrict a, const float* __restrict b, const float* __restrict c,
                             const float* __restrict d, float offset, float w1, float w2, float* __restrict to,
                             std::size_t n) {
  for (std::size_t x = 0; x < n; ++x)
    to[x] += w1 * ((a[x] - offset) + (b[x] - offset)) + w2 * ((c[x] - offset) + (d[x] - offset));
}

IQGATE_CLONES void along_x(const float* __restrict padded, std::size_t half, const float* __restrict weights,
                           float offset, float* __restrict to, std::size_t n) {
  constexpr std::size_t block = 64;
  for (std::size_t from = 0; from < n; from += block) {
    const std::size_t count = std::min(block, n - from);
    const float* c = padded + half + from;
    float sum[block];
    if (count == block) {
      for (std::size_t x = 0; x < block; ++x) sum[x] = weights[0] * c[x];
      for (std::size_t k = 1; k <= half; ++k) {
        const float *l = c - k, *r = c + k, w = weights[k];
        for (std::size_t x = 0; x < block; ++x) sum[x] += w * (l[x] + r[x]);
      }
      for (std::size_t x = 0; x < block; ++x) to[from + x] = sum[x] + offset;
    } else {
      for (std::size_t x = 0; x < count; ++x) {
        float s = weights[0] * c[x];
        for (std::size_t k = 1; k <= half; ++k) s += weights[k] * (c[x - k] + c[x + k]);
        to[from + x] = s + offset;
      }
    }
  }
}

// sum of weights times rows, symmetric: row(k) gives the k-th neighbour.
template <class Row>
void weighted_rows(const std::vector<float>& weights, float offset, float* to, std::size_t n, const Row& row) {
  start(row(0), offset, weights[0], to, n);
  const long half = static_cast<long>(weights.size()) - 1;
  long k = 1;
  for (; k + 1 <= half; k += 2)
    add_pairs(row(-k), row(k), row(-k - 1), row(k + 1), offset, weights[static_cast<std::size_t>(k)],
              weights[static_cast<std::size_t>(k + 1)], to, n);
  if (k <= half) add_pair(row(-k), row(k), offset, weights[static_cast<std::size_t>(k)], to, n);
}

}  // namespace

std::vector<float> gaussian_kernel(double sigma, double truncate) {
  if (!(sigma > 0)) return {1.0f};
  const std::size_t half = static_cast<std::size_t>(truncate * sigma + 0.5);
  std::vector<double> w(half + 1);
  double sum = 0;
  for (std::size_t k = 0; k <= half; ++k) {
    w[k] = std::exp(-0.5 * double(k * k) / (sigma * sigma));
    sum += k == 0 ? w[k] : 2 * w[k];
  }
  std::vector<float> result;
  for (const double v : w) result.push_back(static_cast<float>(v / sum));
  return result;
}

GaussianPass::GaussianPass(Size3 volume, const GaussianJob& job, SliceSink& sink)
    : size_(volume),
      x_(gaussian_kernel(job.sigma_x, job.truncate)),
      y_(gaussian_kernel(job.sigma_y, job.truncate)),
      z_(gaussian_kernel(job.sigma_z, job.truncate)),
      sink_(sink) {}

void GaussianPass::rows(const Slab& slab, const FiniteSlab& finite, std::size_t z, std::size_t y0, std::size_t y1,
                        float* out, std::vector<float>& scratch) const {
  const std::size_t nx = size_.x, hx = x_.size() - 1, hy = y_.size() - 1, padded = nx + 2 * hx;
  scratch.resize((strip_rows + 2 * hy) * nx + padded + nx);
  float *along_z = scratch.data(), *line = along_z + (strip_rows + 2 * hy) * nx, *done = line + padded;
  for (std::size_t r = 0; r < y1 - y0 + 2 * hy; ++r) {
    const std::size_t y = reflected(static_cast<long>(y0 + r) - static_cast<long>(hy), size_.y);
    weighted_rows(z_, offset_, along_z + r * nx, nx,
                  [&](long k) { return slab.slice(reflected(static_cast<long>(z) + k, size_.z)) + y * nx; });
  }
  for (std::size_t y = y0; y < y1; ++y) {
    weighted_rows(y_, 0, line + hx, nx,
                  [&](long k) { return along_z + static_cast<std::size_t>(static_cast<long>(y - y0 + hy) + k) * nx; });
    for (std::size_t k = 0; k < hx; ++k) {
      line[hx - 1 - k] = line[hx + reflected(-1 - static_cast<long>(k), nx)];
      line[hx + nx + k] = line[hx + reflected(static_cast<long>(nx + k), nx)];
    }
    along_x(line, hx, x_.data(), offset_, done, nx);
    if (!finite.all_finite()) {
      const std::size_t reach[3] = {hx, hy, z_.size() - 1};
      finite.mark(z, y, reach, done);
    }
    stream_row(out + (y - y0) * nx, done, nx);
  }
  stream_fence();
}

void GaussianPass::add(const Slab& slab, const Slab*) {
  const FiniteSlab finite(slab);
  const Slab clean = finite.clean();
  if (!begun_) offset_ = working_offset(slab);
  begun_ = true;
  float* out = sink_.room(slab.begin, slab.end);
  const std::size_t strips = (size_.y + strip_rows - 1) / strip_rows, slices = slab.end - slab.begin;
  ParallelGuard guard;
#pragma omp parallel
  {
    std::vector<float> scratch;
    // A strip's slices follow each other, so that its rows are still in cache.
#pragma omp for schedule(dynamic)
    for (std::size_t s = 0; s < strips; ++s)
      for (std::size_t k = 0; k < slices; ++k) {
        const std::size_t y0 = s * strip_rows, y1 = std::min(size_.y, y0 + strip_rows);
        guard.run([&] { rows(clean, finite, slab.begin + k, y0, y1, out + (k * size_.y + y0) * size_.x, scratch); });
      }
  }
  guard.rethrow();
  sink_.done();
}

}  // namespace iqgate::compute
