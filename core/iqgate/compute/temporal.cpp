#include "iqgate/compute/temporal.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <stdexcept>

#include "iqgate/base/parallel_guard.hpp"
#include "iqgate/compute/clones.hpp"

namespace iqgate::compute {
namespace {

constexpr std::size_t chunk = 1024;  // voxels whose sums stay in cache

// One frame of a chunk into the sums of squares, of odd less even, and of each polynomial's product.
IQGATE_CLONES void add_frame(const float* __restrict values, const float* __restrict first, double sign,
                             const double* weights, int terms, double* __restrict square,
                             double* __restrict alternating, double* const* products, std::size_t n) {
  for (std::size_t x = 0; x < n; ++x) {
    const double v = double(values[x]) - double(first[x]);
    square[x] += v * v;
    alternating[x] += sign * double(values[x]);
  }
  for (int t = 0; t < terms; ++t) {
    double* __restrict to = products[t];
    const double w = weights[t];
    for (std::size_t x = 0; x < n; ++x) to[x] += w * (double(values[x]) - double(first[x]));
  }
}

// Residual SD of a series about the polynomials; its mean.
double residual_sd(const std::vector<double>& series, const std::vector<double>& polynomials, int order, double& mean) {
  const std::size_t n = series.size();
  mean = 0;
  for (const double v : series) mean += v / double(n);
  std::vector<double> rest(n);
  for (std::size_t t = 0; t < n; ++t) rest[t] = series[t] - mean;
  for (int k = 0; k <= order; ++k) {
    double product = 0;
    for (std::size_t t = 0; t < n; ++t) product += rest[t] * polynomials[std::size_t(k) * n + t];
    for (std::size_t t = 0; t < n; ++t) rest[t] -= product * polynomials[std::size_t(k) * n + t];
  }
  double square = 0;
  for (const double r : rest) square += r * r;
  return std::sqrt(square / (double(n) - order - 1));
}

}  // namespace

void check_temporal(const TemporalJob& job) {
  if (job.order < 0 || job.order + 1 > most_time_terms || job.frames.size() <= std::size_t(job.order) + 1 ||
      job.size.count() == 0)
    throw std::logic_error("temporal statistics: too few frames for the order of the polynomial");
}

std::vector<double> time_polynomials(std::size_t n, int order) {
  std::vector<double> p(std::size_t(order + 1) * n);
  for (int k = 0; k <= order; ++k) {
    double* own = p.data() + std::size_t(k) * n;
    for (std::size_t t = 0; t < n; ++t) own[t] = std::pow(n > 1 ? 2.0 * double(t) / double(n - 1) - 1 : 0.0, k);
    for (int pass = 0; pass < 2; ++pass)
      for (int j = 0; j < k; ++j) {
        const double* other = p.data() + std::size_t(j) * n;
        double product = 0;
        for (std::size_t t = 0; t < n; ++t) product += own[t] * other[t];
        for (std::size_t t = 0; t < n; ++t) own[t] -= product * other[t];
      }
    double length = 0;
    for (std::size_t t = 0; t < n; ++t) length += own[t] * own[t];
    for (std::size_t t = 0; t < n; ++t) own[t] /= std::sqrt(length);
  }
  return p;
}

void temporal_maps(const TemporalJob& job, TemporalMaps& maps) {
  check_temporal(job);
  const std::size_t n = job.frames.size(), voxels = job.size.count(), paired = n / 2 * 2;
  const int terms = job.order + 1;
  const std::vector<double> polynomials = time_polynomials(n, job.order);
  for (Voxels* map : {&maps.mean, &maps.residual_sd, &maps.sfnr, &maps.odd_minus_even}) map->resize(voxels);
  const std::size_t chunks = (voxels + chunk - 1) / chunk;
  std::vector<std::size_t> bad_in(chunks, 0);
  parallel_for(chunks, [&](std::size_t c) {
    std::vector<double> sums((2 + most_time_terms) * chunk, 0.0);
    double *square = sums.data(), *alternating = square + chunk, *products[most_time_terms];
    for (int t = 0; t < most_time_terms; ++t) products[t] = sums.data() + (2 + std::size_t(t)) * chunk;
    const std::size_t from = c * chunk, count = std::min(chunk, voxels - from);
    for (std::size_t t = 0; t < n; ++t) {
      double weights[most_time_terms];
      for (int k = 0; k < terms; ++k) weights[k] = polynomials[std::size_t(k) * n + t];
      add_frame(job.frames[t] + from, job.frames[0] + from,
                t >= paired  ? 0
                : t % 2 == 0 ? 1
                             : -1,
                weights, terms, square, alternating, products, count);
    }
    for (std::size_t x = 0; x < count; ++x) {
      double rest = square[x];
      for (int k = 0; k < terms; ++k) rest -= products[k][x] * products[k][x];
      const double mean = double(job.frames[0][from + x]) + products[0][x] / std::sqrt(double(n)),
                   sd = std::sqrt(std::max(0.0, rest) / (double(n) - terms));
      const bool finite = std::isfinite(square[x]);
      bad_in[c] += !finite;
      maps.mean[from + x] = finite ? float(mean) : NAN;
      maps.residual_sd[from + x] = finite ? float(sd) : NAN;
      maps.sfnr[from + x] = finite && sd > 0 ? float(mean / sd) : NAN;
      maps.odd_minus_even[from + x] = finite ? float(alternating[x]) : NAN;
    }
  });
  maps.not_finite = std::accumulate(bad_in.begin(), bad_in.end(), std::size_t{0});
}

SquareSeries square_series(const TemporalJob& job, std::size_t slice, std::size_t x, std::size_t y,
                           std::size_t largest) {
  check_temporal(job);
  const std::size_t below = (largest - 1) / 2;
  if (largest == 0 || slice >= job.size.z || x < below || y < below || x - below + largest > job.size.x ||
      y - below + largest > job.size.y)
    throw std::logic_error("square series: the largest square lies outside the slice");
  const std::size_t n = job.frames.size();
  const std::vector<double> polynomials = time_polynomials(n, job.order);
  SquareSeries result{.mean = std::vector<std::vector<double>>(largest, std::vector<double>(n)),
                      .cv = std::vector<double>(largest)};
  std::vector<std::vector<double>> pixel(largest * largest, std::vector<double>(n));
  parallel_for(n, [&](std::size_t t) {
    std::vector<double> table((largest + 1) * (largest + 1), 0.0);  // sums over the rectangle to the lower left
    const float* frame = job.frames[t] + slice * job.size.x * job.size.y;
    for (std::size_t j = 0; j < largest; ++j)
      for (std::size_t i = 0; i < largest; ++i) {
        const double v = frame[(y - below + j) * job.size.x + x - below + i];
        pixel[j * largest + i][t] = v;
        table[(j + 1) * (largest + 1) + i + 1] =
            v + table[j * (largest + 1) + i + 1] + table[(j + 1) * (largest + 1) + i] - table[j * (largest + 1) + i];
      }
    for (std::size_t side = 1; side <= largest; ++side) {
      const std::size_t low = below - (side - 1) / 2, high = low + side, w = largest + 1;
      result.mean[side - 1][t] =
          (table[high * w + high] - table[low * w + high] - table[high * w + low] + table[low * w + low]) /
          double(side * side);
    }
  });
  for (std::size_t side = 1; side <= largest; ++side) {
    double mean;
    const double sd = residual_sd(result.mean[side - 1], polynomials, job.order, mean);
    result.cv[side - 1] = sd / mean;
  }
  double squares = 0;
  for (const auto& series : pixel) {
    double mean;
    const double sd = residual_sd(series, polynomials, job.order, mean);
    squares += sd / mean * (sd / mean);
  }
  result.cv_one_voxel_rms = std::sqrt(squares / double(pixel.size()));
  return result;
}

}  // namespace iqgate::compute
