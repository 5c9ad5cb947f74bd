#include "iqgate/compute/power_spectrum.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <stdexcept>

#include "iqgate/base/parallel_guard.hpp"
#include "iqgate/compute/clones.hpp"
#include "iqgate/compute/cpu_backend.hpp"
#include "iqgate/compute/fft.hpp"

namespace iqgate::compute {
namespace {

constexpr std::size_t lanes = 8, boxes_in_chunk = 8;

// Products of a row with the three polynomials along x, in eight lanes.
IQGATE_CLONES void row_moments(const float* row, double offset, const double* polynomials, std::size_t n,
                               double* moments) {
  double sum[3][lanes] = {};
  const double *p1 = polynomials + n, *p2 = p1 + n;
  std::size_t x = 0;
  for (; x + lanes <= n; x += lanes)
    for (std::size_t l = 0; l < lanes; ++l) {
      const double v = row[x + l] - offset;
      sum[0][l] += v, sum[1][l] += v * p1[x + l], sum[2][l] += v * p2[x + l];
    }
  for (std::size_t l = 0; x < n; ++x, ++l) {
    const double v = row[x] - offset;
    sum[0][l] += v, sum[1][l] += v * p1[x], sum[2][l] += v * p2[x];
  }
  for (int k = 0; k < 3; ++k) {
    moments[k] = 0;
    for (std::size_t l = 0; l < lanes; ++l) moments[k] += sum[k][l];
  }
  moments[0] *= polynomials[0];
}

// The row less its trend; returns its sum of squares.
template <class T>
inline __attribute__((always_inline)) double residual(const float* row, double offset, const double* polynomials,
                                                      const double* trend, T* to, std::size_t n) {
  double square[lanes] = {};
  const double *p1 = polynomials + n, *p2 = p1 + n, level = offset + trend[0] * polynomials[0];
  std::size_t x = 0;
  const auto one = [&](std::size_t at, std::size_t l) {
    const double r = row[at] - level - (trend[1] * p1[at] + trend[2] * p2[at]);
    square[l] += r * r;
    to[at] = static_cast<T>(r);
  };
  for (; x + lanes <= n; x += lanes)
    for (std::size_t l = 0; l < lanes; ++l) one(x + l, l);
  for (std::size_t l = 0; x < n; ++x, ++l) one(x, l);
  double sum = 0;
  for (const double s : square) sum += s;
  return sum;
}
IQGATE_CLONES double residual_row(const float* row, double offset, const double* polynomials, const double* trend,
                                  float* to, std::size_t n) {
  return residual(row, offset, polynomials, trend, to, n);
}
IQGATE_CLONES double residual_row(const float* row, double offset, const double* polynomials, const double* trend,
                                  double* to, std::size_t n) {
  return residual(row, offset, polynomials, trend, to, n);
}

IQGATE_CLONES void add_power(const std::complex<float>* f, float* to, std::size_t n) {
  const float* v = reinterpret_cast<const float*>(f);
  for (std::size_t k = 0; k < n; ++k) to[k] += v[2 * k] * v[2 * k] + v[2 * k + 1] * v[2 * k + 1];
}
IQGATE_CLONES void add_power(const std::complex<double>* f, double* to, std::size_t n) {
  const double* v = reinterpret_cast<const double*>(f);
  for (std::size_t k = 0; k < n; ++k) to[k] += v[2 * k] * v[2 * k] + v[2 * k + 1] * v[2 * k + 1];
}

// Boxes of one slice and one block.
struct Chunk {
  std::size_t slice;
  int block;
  std::vector<std::size_t> boxes;
};

}  // namespace

std::vector<double> box_polynomials(std::size_t n) {
  std::vector<double> p(3 * n, 0.0);
  for (std::size_t order = 0; order < std::min<std::size_t>(3, n); ++order) {
    double* own = p.data() + order * n;
    for (std::size_t i = 0; i < n; ++i) own[i] = std::pow(n > 1 ? 2.0 * double(i) / double(n - 1) - 1 : 0.0, order);
    for (int pass = 0; pass < 2; ++pass)
      for (std::size_t other = 0; other < order; ++other) {
        double dot = 0;
        for (std::size_t i = 0; i < n; ++i) dot += own[i] * p[other * n + i];
        for (std::size_t i = 0; i < n; ++i) own[i] -= dot * p[other * n + i];
      }
    double length = 0;
    for (std::size_t i = 0; i < n; ++i) length += own[i] * own[i];
    for (std::size_t i = 0; i < n; ++i) own[i] /= std::sqrt(length);
  }
  return p;
}

std::vector<std::array<int, 3>> detrend_terms(Size3 box, Detrend detrend) {
  std::vector<std::array<int, 3>> terms;
  const int highest = detrend == Detrend::none ? -1 : detrend == Detrend::constant ? 0 : 2;
  for (int total = 0; total <= highest; ++total)
    for (int z = 0; z <= (box.z > 1 ? total : 0); ++z)
      for (int y = 0; y <= (box.y > 1 ? total - z : 0); ++y)
        if (total - y - z == 0 || box.x > 1) terms.push_back({total - y - z, y, z});
  return terms;
}

void check_power_spectrum(Size3 volume, const PowerSpectrumJob& job) {
  if (job.corners.empty() || job.block.size() != job.corners.size() || job.blocks < 1 || job.box.count() == 0)
    throw std::logic_error("power spectrum without boxes");
  for (const Size3 c : job.corners)
    if (c.x + job.box.x > volume.x || c.y + job.box.y > volume.y || c.z + job.box.z > volume.z)
      throw std::logic_error("power spectrum: a box lies outside the volume");
}

struct PowerSpectrumPass::Work {
  Size3 volume;
  PowerSpectrumJob job;
  std::vector<Chunk> chunks;  // by slice
  std::size_t next = 0;
  std::vector<double> px, py, pz;
  std::vector<std::array<int, 3>> terms;
  std::unique_ptr<RealFft<float>> single;
  std::unique_ptr<RealFft<double>> twofold;
  std::vector<std::vector<double>> halves;  // by block
  PowerSpectrum result;

  void plan();
  template <class T>
  const RealFft<T>& fft() const;
  template <class T>
  void take(const Slab& slab);
  template <class T>
  bool periodogram(const Slab& slab, std::size_t box, T* in, std::complex<T>* out);
};

template <>
const RealFft<float>& PowerSpectrumPass::Work::fft() const {
  return *single;
}
template <>
const RealFft<double>& PowerSpectrumPass::Work::fft() const {
  return *twofold;
}

void PowerSpectrumPass::Work::plan() {
  std::vector<std::size_t> order(job.corners.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return job.corners[a].z != job.corners[b].z ? job.corners[a].z < job.corners[b].z : job.block[a] < job.block[b];
  });
  for (const std::size_t k : order) {
    const std::size_t z = job.corners[k].z;
    if (chunks.empty() || chunks.back().slice != z || chunks.back().block != job.block[k] ||
        chunks.back().boxes.size() == boxes_in_chunk)
      chunks.push_back({z, job.block[k], {}});
    chunks.back().boxes.push_back(k);
  }
}

// Transform of a box less its trend; false when it holds a value that is not finite.
template <class T>
bool PowerSpectrumPass::Work::periodogram(const Slab& slab, std::size_t box, T* in, std::complex<T>* out) {
  const Size3 c = job.corners[box], n = job.box;
  const auto row = [&](std::size_t z, std::size_t y) { return slab.slice(c.z + z) + (c.y + y) * volume.x + c.x; };
  const double offset = row(0, 0)[0];
  double fit[3][3][3] = {};  // [z][y][x]
  for (std::size_t z = 0; z < n.z; ++z)
    for (std::size_t y = 0; y < n.y; ++y) {
      double m[3];
      row_moments(row(z, y), offset, px.data(), n.x, m);
      for (int kz = 0; kz < 3; ++kz)
        for (int ky = 0; ky < 3 - kz; ++ky) {
          const double w = pz[std::size_t(kz) * n.z + z] * py[std::size_t(ky) * n.y + y];
          for (int kx = 0; kx < 3 - kz - ky; ++kx) fit[kz][ky][kx] += w * m[kx];
        }
    }
  const double mean = offset + fit[0][0][0] / std::sqrt(double(n.count()));
  double kept[3][3][3] = {};
  for (const auto& t : terms) kept[t[2]][t[1]][t[0]] = fit[t[2]][t[1]][t[0]];
  double square = 0;
  for (std::size_t z = 0; z < n.z; ++z)
    for (std::size_t y = 0; y < n.y; ++y) {
      double trend[3] = {};
      for (int kz = 0; kz < 3; ++kz)
        for (int ky = 0; ky < 3 - kz; ++ky) {
          const double w = pz[std::size_t(kz) * n.z + z] * py[std::size_t(ky) * n.y + y];
          for (int kx = 0; kx < 3; ++kx) trend[kx] += w * kept[kz][ky][kx];
        }
      square += residual_row(row(z, y), job.detrend == Detrend::none ? 0 : offset, px.data(), trend,
                             in + (z * n.y + y) * n.x, n.x);
    }
  const bool finite = std::isfinite(square);
  result.box_mean[box] = finite ? mean : NAN;
  result.box_variance[box] = finite ? square / double(n.count()) : NAN;
  if (finite) fft<T>().run(in, out);
  return finite;
}

template <class T>
void PowerSpectrumPass::Work::take(const Slab& slab) {
  constexpr std::size_t batch = 16;  // partial sums in flight, whatever the number of threads
  const std::size_t n = fft<T>().half() * job.box.y * job.box.z;
  std::size_t last = next;
  while (last < chunks.size() && chunks[last].slice < slab.end) ++last;
  std::vector<VoxelArray<T>> sums(std::min(batch, last - next));
  std::vector<int> taken(sums.size());
  for (; next < last; next += std::min(batch, last - next)) {
    const std::size_t count = std::min(batch, last - next);
    ParallelGuard guard;
#pragma omp parallel
    {
      decltype(fft<T>().reals()) in;
      decltype(fft<T>().complexes()) out;
      guard.run([&] {
        in = fft<T>().reals();
        out = fft<T>().complexes();
      });
#pragma omp for schedule(dynamic)
      for (std::size_t k = 0; k < count; ++k)
        guard.run([&] {
          sums[k].assign(n, T(0));
          taken[k] = 0;
          for (const std::size_t box : chunks[next + k].boxes)
            if (periodogram(slab, box, in.get(), out.get())) {
              add_power(out.get(), sums[k].data(), n);
              ++taken[k];
            }
        });
#pragma omp for schedule(static)
      for (std::size_t f = 0; f < n; ++f) {
        if (guard.failed()) continue;
        for (std::size_t k = 0; k < count; ++k) halves[std::size_t(chunks[next + k].block)][f] += double(sums[k][f]);
      }
    }
    guard.rethrow();
    for (std::size_t k = 0; k < count; ++k) {
      result.boxes_in_block[std::size_t(chunks[next + k].block)] += taken[k];
      result.left_out += static_cast<int>(chunks[next + k].boxes.size()) - taken[k];
    }
  }
}

PowerSpectrumPass::PowerSpectrumPass(Size3 volume, const PowerSpectrumJob& job) : work_(std::make_unique<Work>()) {
  check_power_spectrum(volume, job);
  Work& w = *work_;
  w.volume = volume;
  w.job = job;
  w.plan();
  w.px = box_polynomials(job.box.x), w.py = box_polynomials(job.box.y), w.pz = box_polynomials(job.box.z);
  w.terms = detrend_terms(job.box, job.detrend);
  std::size_t half = 0;
  if (job.precision == Precision::single) w.single = std::make_unique<RealFft<float>>(job.box), half = w.single->half();
  else w.twofold = std::make_unique<RealFft<double>>(job.box), half = w.twofold->half();
  w.halves.assign(std::size_t(job.blocks), std::vector<double>(half * job.box.y * job.box.z, 0.0));
  w.result.box = job.box;
  w.result.boxes_in_block.assign(std::size_t(job.blocks), 0);
  w.result.box_mean.assign(job.corners.size(), 0);
  w.result.box_variance.assign(job.corners.size(), 0);
}

PowerSpectrumPass::~PowerSpectrumPass() = default;

std::size_t PowerSpectrumPass::halo_slices() const { return work_->job.box.z - 1; }

void PowerSpectrumPass::add(const Slab& slab, const Slab*) {
  if (work_->single) work_->take<float>(slab);
  else work_->take<double>(slab);
}

void unfold_spectra(const std::vector<std::vector<double>>& halves, PowerSpectrum& result) {
  const Size3 n = result.box;
  const std::size_t half = n.x / 2 + 1;
  for (std::size_t b = 0; b < halves.size(); ++b) {
    std::vector<double> full(n.count());
    const double share = 1.0 / std::max(1, result.boxes_in_block[b]);
    for (std::size_t z = 0; z < n.z; ++z)
      for (std::size_t y = 0; y < n.y; ++y)
        for (std::size_t x = 0; x < n.x; ++x) {
          const bool mirrored = x >= half;
          const std::size_t mx = mirrored ? n.x - x : x, my = mirrored ? (n.y - y) % n.y : y,
                            mz = mirrored ? (n.z - z) % n.z : z;
          full[(z * n.y + y) * n.x + x] = share * halves[b][(mz * n.y + my) * half + mx];
        }
    result.spectra.push_back(std::move(full));
  }
}

PowerSpectrum PowerSpectrumPass::finish() const {
  PowerSpectrum result = work_->result;
  unfold_spectra(work_->halves, result);
  return result;
}

PowerSpectrum CpuBackend::power_spectrum(const DeviceVolume& uploaded, const PowerSpectrumJob& job) const {
  const VolumeView v = uploaded.host();
  PowerSpectrumPass pass(v.size, job);
  pass.add(whole(v), nullptr);
  return pass.finish();
}

}  // namespace iqgate::compute
