#include "iqgate/measure/noise_correlation.hpp"

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <cstdint>

#include "iqgate/compute/clones.hpp"

namespace iqgate::measure {
namespace {

constexpr long reach_xy = 8, reach_z = 2;
constexpr std::size_t most_voxels = 150000;

struct Dense {
  std::size_t nx = 0, ny = 0, nz = 0;
  std::vector<double> residual;  // 0 outside
  std::vector<float> inside;     // 1, or 0 outside
  std::size_t count = 0;
};

constexpr int most_terms = 6;

// Terms of the trend for a slice with this many voxels: the surface takes few of the noise's degrees of freedom only
// there.
int trend_terms(std::size_t voxels_in_slice) { return voxels_in_slice >= 4000 ? 6 : voxels_in_slice >= 1500 ? 3 : 1; }

// The masked voxels in a box, about a trend fitted in each slice.
Dense detrended(const VolumeView& v, std::vector<std::size_t> offsets, int terms) {
  const std::size_t plane = v.size.x * v.size.y;
  std::size_t x0 = SIZE_MAX, x1 = 0, y0 = SIZE_MAX, y1 = 0;
  for (const std::size_t o : offsets) {
    const std::size_t x = o % v.size.x, y = o / v.size.x % v.size.y;
    x0 = std::min(x0, x), x1 = std::max(x1, x), y0 = std::min(y0, y), y1 = std::max(y1, y);
  }
  const std::size_t z0 = offsets.front() / plane, z1 = offsets.back() / plane;
  Dense d{.nx = x1 - x0 + 1, .ny = y1 - y0 + 1, .nz = z1 - z0 + 1};
  d.residual.assign(d.nx * d.ny * d.nz, 0.0);
  d.inside.assign(d.residual.size(), 0);
  d.count = offsets.size();
  const double cx = 0.5 * double(x0 + x1), cy = 0.5 * double(y0 + y1), sx = 0.5 * double(d.nx) + 1,
               sy = 0.5 * double(d.ny) + 1;
  for (std::size_t first = 0; first < offsets.size();) {
    std::size_t last = first;
    while (last < offsets.size() && offsets[last] / plane == offsets[first] / plane) ++last;
    using Vector = Eigen::Matrix<double, most_terms, 1>;
    Eigen::Matrix<double, most_terms, most_terms> normal = decltype(normal)::Zero();
    Vector right = Vector::Zero();
    const auto row = [&](std::size_t o) {
      const double x = (double(o % v.size.x) - cx) / sx, y = (double(o / v.size.x % v.size.y) - cy) / sy;
      Vector all{1, x, y, x * x, x * y, y * y};
      for (int k = terms; k < most_terms; ++k) all[k] = 0;
      return all;
    };
    const double offset = v.values[offsets[first]];
    for (std::size_t k = first; k < last; ++k) {
      const Vector r = row(offsets[k]);
      normal += r * r.transpose();
      right += (v.values[offsets[k]] - offset) * r;
    }
    for (int k = 0; k < most_terms; ++k) normal(k, k) += k < terms ? 1e-9 * double(last - first) : 1;
    const Vector fit = normal.ldlt().solve(right);
    for (std::size_t k = first; k < last; ++k) {
      const std::size_t o = offsets[k];
      const std::size_t at = ((o / plane - z0) * d.ny + (o / v.size.x % v.size.y - y0)) * d.nx + (o % v.size.x - x0);
      d.residual[at] = v.values[o] - offset - fit.dot(row(o));
      d.inside[at] = 1;
    }
    first = last;
  }
  return d;
}

struct Lag {
  long x, y, z;
  double covariance = 0;
  double share = 0;  // pairs at this lag, of all voxels
  int ring() const { return static_cast<int>(std::lround(std::hypot(double(x), double(y)))); }
};

// Products of neighbours along a row, and how many of them lie inside, in a fixed order of lanes.
IQGATE_CLONES void add_products(const double* a, const double* b, const float* inside_a, const float* inside_b,
                                std::size_t n, double& sum, double& pairs) {
  constexpr std::size_t lanes = 8;
  double sums[lanes] = {};
  float counts[lanes] = {};
  std::size_t x = 0;
  for (; x + lanes <= n; x += lanes)
    for (std::size_t l = 0; l < lanes; ++l) {
      sums[l] += a[x + l] * b[x + l];
      counts[l] += inside_a[x + l] * inside_b[x + l];
    }
  for (std::size_t l = 0; x < n; ++x, ++l) {
    sums[l] += a[x] * b[x];
    counts[l] += inside_a[x] * inside_b[x];
  }
  for (std::size_t l = 0; l < lanes; ++l) sum += sums[l], pairs += double(counts[l]);
}

// Half of the lags (the other half is equal): z > 0, or z = 0 and to the right or below.
std::vector<Lag> autocovariance(const Dense& d) {
  std::vector<Lag> lags;
  for (long z = 0; z <= std::min<long>(reach_z, long(d.nz) - 1); ++z)
    for (long y = -reach_xy; y <= reach_xy; ++y)
      for (long x = -reach_xy; x <= reach_xy; ++x)
        if (z > 0 || y > 0 || (y == 0 && x > 0)) lags.push_back({x, y, z});
#pragma omp parallel for schedule(dynamic)
  for (std::size_t l = 0; l < lags.size(); ++l) {
    Lag& lag = lags[l];
    double sum = 0, pairs = 0;
    const std::size_t left = std::size_t(std::max(0L, -lag.x)), reach = std::size_t(std::abs(lag.x));
    for (std::size_t z = 0; z + std::size_t(lag.z) < d.nz && reach < d.nx; ++z)
      for (long y = std::max(0L, -lag.y); y < long(d.ny) - std::max(0L, lag.y); ++y) {
        const std::size_t a = (z * d.ny + std::size_t(y)) * d.nx + left,
                          b = ((z + std::size_t(lag.z)) * d.ny + std::size_t(y + lag.y)) * d.nx +
                              std::size_t(long(left) + lag.x);
        add_products(&d.residual[a], &d.residual[b], &d.inside[a], &d.inside[b], d.nx - reach, sum, pairs);
      }
    if (pairs < 20) continue;
    lag.covariance = sum / pairs;
    lag.share = pairs / double(d.count);
  }
  return lags;
}

// The last ring of lags in the slice whose mean correlation stands out; two quiet rings end the search.
int ring_cutoff(const std::vector<Lag>& lags, double variance, double count) {
  double sum[reach_xy + 1] = {}, n[reach_xy + 1] = {};
  for (const Lag& lag : lags)
    if (lag.z == 0 && lag.ring() <= reach_xy) sum[lag.ring()] += lag.covariance / variance, n[lag.ring()] += 1;
  int last = 0;
  for (int ring = 1; ring <= reach_xy && ring <= last + 2; ++ring)
    if (n[ring] > 0 && std::abs(sum[ring] / n[ring]) > std::max(0.01, 2 / std::sqrt(count))) last = ring;
  return last;
}

}  // namespace

NoiseCorrelation noise_correlation(const VolumeView& volume, const compute::Mask& mask) {
  NoiseCorrelation result;
  if (mask.offsets.size() < 30) return result;
  // A large region is represented by its middle slices.
  std::vector<std::size_t> offsets = mask.offsets;
  if (offsets.size() > most_voxels) {
    const std::size_t plane = volume.size.x * volume.size.y;
    const std::size_t middle = offsets[offsets.size() / 2] / plane;
    std::size_t spread = 0;
    const auto within = [&](std::size_t s) {
      return std::count_if(offsets.begin(), offsets.end(),
                           [&](std::size_t o) { return o / plane + s >= middle && o / plane <= middle + s; });
    };
    while (within(spread + 1) <= static_cast<std::ptrdiff_t>(most_voxels)) ++spread;
    std::erase_if(offsets, [&](std::size_t o) { return o / plane + spread < middle || o / plane > middle + spread; });
  }
  const std::size_t slices =
      offsets.back() / (volume.size.x * volume.size.y) - offsets.front() / (volume.size.x * volume.size.y) + 1;
  const double in_slice = double(offsets.size()) / double(slices);
  const int terms = trend_terms(static_cast<std::size_t>(in_slice));
  const Dense d = detrended(volume, std::move(offsets), terms);
  double variance = 0;
  for (const double r : d.residual) variance += r * r;
  variance /= double(d.count);
  if (!(variance > 0)) return result;
  const std::vector<Lag> lags = autocovariance(d);
  const int last_ring = ring_cutoff(lags, variance, double(d.count));
  // A neighbouring slice counts when its zero lag does; then out to the same ring.
  const double threshold = 3 / std::sqrt(double(d.count));
  bool slice_counts[reach_z + 1] = {true};
  for (const Lag& lag : lags)
    if (lag.x == 0 && lag.y == 0 && lag.z > 0)
      slice_counts[lag.z] = slice_counts[lag.z - 1] && std::abs(lag.covariance) > threshold * variance;
  const auto counts = [&](const Lag& lag) { return slice_counts[lag.z] && lag.ring() <= last_ring; };
  double sum = variance, window = 1;
  for (const Lag& lag : lags)
    if (counts(lag)) sum += 2 * lag.covariance, window += lag.z == 0 ? 2 : 0;
  const double kept = std::max(0.2, 1 - terms * window / in_slice);
  const double taken = std::max(0.0, terms * sum / kept / in_slice);  // from each lag of a slice
  const double sigma2 = variance + taken;
  result.residual_sd = std::sqrt(sigma2);
  for (const Lag& lag : lags) {
    const double rho = (lag.covariance + (lag.z == 0 ? taken : 0)) / sigma2;
    if (lag.x == 1 && lag.y == 0 && lag.z == 0) result.rho_x1 = rho;
    if (!counts(lag)) continue;
    if (lag.x == 0 && lag.y == 0) result.sum_rho_squared_z += 2 * rho * rho;
    result.sum_rho += 2 * rho * lag.share;
    result.sum_rho_squared += 2 * rho * rho * lag.share;
  }
  result.sum_rho = std::max(result.sum_rho, 0.02);
  return result;
}

}  // namespace iqgate::measure
