#include "iqgate/compute/similarity.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "iqgate/base/parallel_guard.hpp"
#include "iqgate/compute/box_sweep.hpp"
#include "iqgate/compute/clones.hpp"

namespace iqgate::compute {
namespace {

constexpr std::size_t lanes = 8;
constexpr int moments = 5;  // a, b, aa, bb, ab

IQGATE_CLONES void add_moments(const float* __restrict a, const float* __restrict b, double a0, double b0,
                               double* __restrict sa, double* __restrict sb, double* __restrict saa,
                               double* __restrict sbb, double* __restrict sab, double weight, std::size_t n) {
  for (std::size_t x = 0; x < n; ++x) {
    const double u = a[x] - a0, v = b[x] - b0;
    sa[x] += weight * u, sb[x] += weight * v, saa[x] += weight * (u * u), sbb[x] += weight * (v * v),
        sab[x] += weight * (u * v);
  }
}

IQGATE_CLONES void replace_moments(const float* __restrict a, const float* __restrict b, const float* __restrict c,
                                   const float* __restrict d, double a0, double b0, double* __restrict sa,
                                   double* __restrict sb, double* __restrict saa, double* __restrict sbb,
                                   double* __restrict sab, std::size_t n) {
  for (std::size_t x = 0; x < n; ++x) {
    const double u = a[x] - a0, v = b[x] - b0, p = c[x] - a0, q = d[x] - b0;
    sa[x] += u - p, sb[x] += v - q, saa[x] += u * u - p * p, sbb[x] += v * v - q * q, sab[x] += u * v - p * q;
  }
}

// Sum of the structural similarity over a row of windows, in a fixed order of eight lanes.
IQGATE_CLONES double similarity_of(const double* const* s, const SimilarityTerms& terms, std::size_t n) {
  double sum[lanes] = {};
  const SimilarityTerms t = terms;
  const auto one = [&](std::size_t x) { return window_similarity(s[0][x], s[1][x], s[2][x], s[3][x], s[4][x], t); };
  std::size_t x = 0;
  for (; x + lanes <= n; x += lanes)
    for (std::size_t l = 0; l < lanes; ++l) sum[l] += one(x + l);
  for (std::size_t l = 0; x < n; ++x, ++l) sum[l] += one(x);
  return ((sum[0] + sum[1]) + (sum[2] + sum[3])) + ((sum[4] + sum[5]) + (sum[6] + sum[7]));
}

IQGATE_CLONES void differences(const float* a, const float* b, std::size_t n, double& sum, double& square) {
  double s[lanes] = {}, q[lanes] = {};
  std::size_t x = 0;
  for (; x + lanes <= n; x += lanes)
    for (std::size_t l = 0; l < lanes; ++l) {
      const double d = double(a[x + l]) - double(b[x + l]);
      s[l] += d, q[l] += d * d;
    }
  for (std::size_t l = 0; x < n; ++x, ++l) {
    const double d = double(a[x]) - double(b[x]);
    s[l] += d, q[l] += d * d;
  }
  for (std::size_t l = 0; l < lanes; ++l) sum += s[l], square += q[l];
}

}  // namespace

struct SimilarityPass::Work : BoxChannels, BoxRowTaker {
  Size3 size;
  SimilarityJob job;
  std::size_t half = 3;
  std::vector<double> kernel;  // gaussian: half of it
  std::unique_ptr<BoxSweep> sweep;
  double a0 = 0, b0 = 0;
  SimilarityTerms terms{};
  bool begun = false;
  std::size_t not_finite = 0;
  std::vector<SimilaritySums> slices;
  Slab a, b;
  const FiniteSlab *finite_a = nullptr, *finite_b = nullptr;
  mutable std::vector<SimilaritySums> rows;

  const float* row_a(std::size_t z, std::size_t y) const { return a.slice(z) + y * size.x; }
  const float* row_b(std::size_t z, std::size_t y) const { return b.slice(z) + y * size.x; }
  int channels() const override { return moments; }
  void add_row(std::size_t z, std::size_t y, const RunningSum* s) const override {
    add_moments(row_a(z, y), row_b(z, y), a0, b0, s[0].sum, s[1].sum, s[2].sum, s[3].sum, s[4].sum, 1, size.x);
  }
  void replace_row(std::size_t enter, std::size_t leave, std::size_t y, const RunningSum* s) const override {
    replace_moments(row_a(enter, y), row_b(enter, y), row_a(leave, y), row_b(leave, y), a0, b0, s[0].sum, s[1].sum,
                    s[2].sum, s[3].sum, s[4].sum, size.x);
  }
  bool inside(std::size_t z, std::size_t y) const {
    return z >= half && z + half < size.z && y >= half && y + half < size.y;
  }
  void take(std::size_t z, std::size_t y, const double* const* sums) const override {
    if (!inside(z, y) || size.x < 2 * half + 1) return;
    const double* at[moments];
    for (int k = 0; k < moments; ++k) at[k] = sums[k] + half;
    SimilaritySums& row = rows[(z - a.begin) * size.y + y];
    const std::size_t n = size.x - 2 * half;
    // Whether a row is summed in lanes depends on its own windows alone, not on what else the slab holds.
    std::vector<float> good(finite_a->all_finite() && finite_b->all_finite() ? 0 : size.x, 0.0f);
    if (!good.empty()) {
      const std::size_t reach[3] = {half, half, half};
      finite_a->mark(z, y, reach, good.data());
      finite_b->mark(z, y, reach, good.data());
    }
    if (std::all_of(good.begin(), good.end(), [](float g) { return g == 0; })) {
      row.ssim = similarity_of(at, terms, n);
      row.windows = double(n);
      return;
    }
    for (std::size_t x = 0; x < n; ++x) {
      if (good[x + half] != 0) continue;
      const double* one[moments];
      for (int k = 0; k < moments; ++k) one[k] = at[k] + x;
      row.ssim += similarity_of(one, terms, 1);
      row.windows += 1;
    }
  }

  void gaussian();
  void one_pass();
};

// Weighted moments: along z and y row by row, then along x.
void SimilarityPass::Work::gaussian() {
  const std::size_t nx = size.x, h = half;
  ParallelGuard guard;
#pragma omp parallel
  {
    std::vector<double> column, weighted, sums;
    guard.run([&] {
      column.resize((2 * h + 1) * moments * nx);
      weighted.resize(moments * nx);
      sums.resize(moments * nx);
    });
#pragma omp for schedule(dynamic) collapse(2)
    for (std::size_t z = a.begin; z < a.end; ++z)
      for (std::size_t y0 = 0; y0 < size.y; y0 += 32) {
        if (z < h || z + h >= size.z || guard.failed()) continue;
        // Rows weighted along z, kept in a ring of the window's height.
        const auto fill = [&](std::size_t y) {
          double* c = column.data() + y % (2 * h + 1) * moments * nx;
          std::fill_n(c, moments * nx, 0.0);
          for (std::size_t k = 0; k <= 2 * h; ++k)
            add_moments(row_a(z - h + k, y), row_b(z - h + k, y), a0, b0, c, c + nx, c + 2 * nx, c + 3 * nx, c + 4 * nx,
                        kernel[k < h ? h - k : k - h], nx);
        };
        const std::size_t y1 = std::min(size.y, y0 + 32), low = std::max(y0, h);
        if (low >= y1 || low + h >= size.y) continue;
        for (std::size_t y = low - h; y < low + h; ++y) fill(y);
        for (std::size_t y = low; y < y1 && y + h < size.y; ++y) {
          fill(y + h);
          std::fill(weighted.begin(), weighted.end(), 0.0);
          for (std::size_t k = 0; k <= 2 * h; ++k) {
            const double* c = column.data() + (y - h + k) % (2 * h + 1) * moments * nx;
            const double w = kernel[k < h ? h - k : k - h];
            for (std::size_t x = 0; x < moments * nx; ++x) weighted[x] += w * c[x];
          }
          std::fill(sums.begin(), sums.end(), 0.0);
          for (int m = 0; m < moments; ++m)
            for (std::size_t k = 0; k <= 2 * h; ++k) {
              const double w = kernel[k < h ? h - k : k - h];
              const double* from = weighted.data() + std::size_t(m) * nx + k;
              double* to = sums.data() + std::size_t(m) * nx + h;
              for (std::size_t x = 0; x + 2 * h < nx; ++x) to[x] += w * from[x];
            }
          const double* const at[moments] = {sums.data(), sums.data() + nx, sums.data() + 2 * nx, sums.data() + 3 * nx,
                                             sums.data() + 4 * nx};
          guard.run([&] { take(z, y, at); });
        }
      }
  }
  guard.rethrow();
}

void SimilarityPass::Work::one_pass() {
  std::size_t bad = 0;
#pragma omp parallel for schedule(static) reduction(+ : bad)
  for (std::size_t z = a.begin; z < a.end; ++z) {
    SimilaritySums& p = slices[z];
    const std::size_t plane = size.x * size.y;
    const float *va = a.slice(z), *vb = b.slice(z);
    differences(va, vb, plane, p.difference, p.square);
    p.n = double(plane);
    if (std::isfinite(p.square)) continue;
    p.difference = p.square = p.n = 0;
    for (std::size_t k = 0; k < plane; ++k) {
      if (!std::isfinite(va[k]) || !std::isfinite(vb[k])) {
        ++bad;
        continue;
      }
      const double d = double(va[k]) - double(vb[k]);
      p.difference += d, p.square += d * d, p.n += 1;
    }
  }
  not_finite += bad;
}

SimilarityPass::SimilarityPass(Size3 volume, const SimilarityJob& job) : work_(std::make_unique<Work>()) {
  Work& w = *work_;
  if (!(job.data_range > 0)) throw std::logic_error("similarity: no data range");
  w.size = volume;
  w.job = job;
  w.slices.resize(volume.z);
  w.kernel = similarity_weights(job.window);
  w.half = w.kernel.size() - 1;
  if (job.window == SimilarityJob::Window::uniform)
    w.sweep = std::make_unique<BoxSweep>(volume, BoxShape{w.half, w.half, w.half}, moments);
}

SimilarityPass::~SimilarityPass() = default;

std::size_t SimilarityPass::halo_slices() const { return work_->job.ssim ? work_->half + 1 : 0; }

void SimilarityPass::add(const Slab& slab, const Slab* other) {
  if (!other) throw std::logic_error("similarity needs two volumes");
  Work& w = *work_;
  w.a = slab, w.b = *other;
  w.one_pass();
  if (!w.job.ssim) return;
  if (!w.begun) {
    w.a0 = working_offset(slab), w.b0 = working_offset(*other);
    w.terms = similarity_terms(w.job, w.a0, w.b0);
    w.begun = true;
  }
  const double limit = similarity_reach * w.job.data_range;
  const FiniteSlab finite_a(slab, w.a0, limit), finite_b(*other, w.b0, limit);
  w.a = finite_a.clean(), w.b = finite_b.clean();
  w.finite_a = &finite_a, w.finite_b = &finite_b;
  w.rows.assign((slab.end - slab.begin) * w.size.y, {});
  // What a running sum keeps of a value it has passed: at most 1.1e-16 x (1000 L)^2 in each of 160 steps (128 slices,
  // 32 rows), 2e-8 L^2, which is 2e-5 of C2.
  if (w.sweep) w.sweep->run(slab.begin, slab.end, w, w, true);
  else w.gaussian();
  for (std::size_t z = slab.begin; z < slab.end; ++z)
    for (std::size_t y = 0; y < w.size.y; ++y) {
      const SimilaritySums& row = w.rows[(z - slab.begin) * w.size.y + y];
      w.slices[z].ssim += row.ssim, w.slices[z].windows += row.windows;
    }
}

std::vector<double> similarity_weights(SimilarityJob::Window window) {
  if (window == SimilarityJob::Window::uniform) return std::vector<double>(4, 1.0);
  std::vector<double> weights;
  double sum = 0;
  for (int k = 0; k <= 5; ++k) {
    weights.push_back(std::exp(-0.5 * double(k * k) / 2.25));
    sum += k == 0 ? weights.back() : 2 * weights.back();
  }
  for (double& w : weights) w /= sum;
  return weights;
}

SimilarityTerms similarity_terms(const SimilarityJob& job, double a0, double b0) {
  const bool uniform = job.window == SimilarityJob::Window::uniform;
  constexpr double count = 7 * 7 * 7;
  const double l1 = job.k1 * job.data_range, l2 = job.k2 * job.data_range;
  return {uniform ? 1 / count : 1, uniform ? count / (count - 1) : 1, a0, b0, l1 * l1, l2 * l2};
}

Similarity join_similarity(const std::vector<SimilaritySums>& slices, std::size_t not_finite, double data_range) {
  SimilaritySums total;
  for (const SimilaritySums& p : slices)
    total.ssim += p.ssim, total.windows += p.windows, total.difference += p.difference, total.square += p.square,
        total.n += p.n;
  Similarity s{.windows = static_cast<std::size_t>(total.windows),
               .n = static_cast<std::size_t>(total.n),
               .not_finite = not_finite};
  s.ssim = total.windows > 0 ? total.ssim / total.windows : NAN;
  s.rmse = total.n > 0 ? std::sqrt(total.square / total.n) : NAN;
  s.mean_difference = total.n > 0 ? total.difference / total.n : NAN;
  s.psnr_db = 20 * std::log10(data_range / s.rmse);
  return s;
}

Similarity SimilarityPass::finish() const {
  return join_similarity(work_->slices, work_->not_finite, work_->job.data_range);
}

}  // namespace iqgate::compute
