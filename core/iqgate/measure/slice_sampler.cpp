#include "iqgate/measure/slice_sampler.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "iqgate/compute/resample.hpp"

namespace iqgate::measure {
namespace {

constexpr int lobes = 5;

double lanczos(double t) {
  if (std::abs(t) < 1e-12) return 1;
  if (std::abs(t) >= lobes) return 0;
  const double x = std::numbers::pi * t;
  return std::sin(x) / x * std::sin(x / lobes) / (x / lobes);
}

}  // namespace

std::optional<SliceSampler> SliceSampler::of(const Job& job, std::size_t scan, const Region& region) {
  const auto slice = centre_slice(region, job.grid());
  if (!slice || !lies_in_slice(region, job.grid())) return std::nullopt;
  SliceSampler s;
  s.view_ = job.scans[scan].volume->host();
  s.grid_ = job.grid();
  s.region_ = region;
  s.slice_ = *slice;
  s.pixel_mm_ = std::max(s.grid_.spacing_mm.x, s.grid_.spacing_mm.y);
  return s;
}

Vec3 SliceSampler::pixel(double u, double w) const {
  Vec3 at = grid_.to_index(region_.center_mm + u * region_.in_plane + w * region_.second_axis());
  at.z = double(slice_);
  return at;
}

Vec3 SliceSampler::point(double x, double y) const {
  Vec3 index = grid_.to_index(region_.center_mm);
  index.x = x;
  index.y = y;
  const Vec3 local = region_.local(grid_.to_mm(index));
  return {local.x, local.y, 0};
}

double SliceSampler::value(double u, double w) const { return compute::linear_value(view_, pixel(u, w), NAN); }

std::vector<double> SliceSampler::strip(Along along, double half, double step, double low, double high,
                                        int lines) const {
  std::vector<double> values;
  for (double t = -half; t <= half + 1e-9; t += step) {
    double sum = 0;
    for (int k = 0; k < lines; ++k) {
      const double across = low + (high - low) * k / (lines - 1);
      sum += (along == Along::u ? value(t, across) : value(across, t)) / lines;
    }
    if (!std::isfinite(sum)) return {};
    values.push_back(sum);
  }
  return values;
}

double SliceSampler::sharp_value(double u, double w) const {
  const Vec3 at = pixel(u, w);
  const long x0 = std::lround(std::floor(at.x)), y0 = std::lround(std::floor(at.y));
  if (x0 - lobes + 1 < 0 || y0 - lobes + 1 < 0 || x0 + lobes >= long(view_.size.x) || y0 + lobes >= long(view_.size.y))
    return NAN;
  double sum = 0, weights = 0;
  for (long y = y0 - lobes + 1; y <= y0 + lobes; ++y)
    for (long x = x0 - lobes + 1; x <= x0 + lobes; ++x) {
      const double weight = lanczos(at.x - double(x)) * lanczos(at.y - double(y));
      sum += weight * view_(std::size_t(x), std::size_t(y), slice_);
      weights += weight;
    }
  return sum / weights;
}

std::optional<Crossing> level_crossing(const std::vector<double>& values, std::size_t start, int step, double level,
                                       std::size_t half_width) {
  const long n = long(values.size());
  long k = long(start);
  for (; k + step >= 0 && k + step < n; k += step)
    if ((values[std::size_t(k)] - level) * (values[std::size_t(k + step)] - level) <= 0 &&
        values[std::size_t(k)] != values[std::size_t(k + step)])
      break;
  if (k + step < 0 || k + step >= n) return std::nullopt;
  const long low = std::max(0l, k - long(half_width)), high = std::min(n - 1, k + long(half_width));
  const double count = double(high - low + 1);
  if (count < 3) return std::nullopt;
  double mx = 0, my = 0, sxx = 0, sxy = 0, syy = 0;
  for (long i = low; i <= high; ++i) mx += double(i) / count, my += values[std::size_t(i)] / count;
  for (long i = low; i <= high; ++i) {
    const double dx = double(i) - mx, dy = values[std::size_t(i)] - my;
    sxx += dx * dx, sxy += dx * dy, syy += dy * dy;
  }
  if (sxy == 0) return std::nullopt;
  const double slope = sxy / sxx, at = mx + (level - my) / slope;
  if (std::abs(at - double(k)) > double(half_width) + 1) return std::nullopt;
  const double rest = std::max(0.0, syy - sxy * sxy / sxx) / std::max(1.0, count - 2);
  return Crossing{at, std::sqrt(rest / count + rest * (at - mx) * (at - mx) / sxx) / std::abs(slope), slope};
}

double pixel_noise(const std::vector<double>& values, double pixel) {
  const std::size_t step = std::max<std::size_t>(1, static_cast<std::size_t>(std::lround(2 * pixel)));
  std::vector<double> bends;
  for (std::size_t k = 0; k + 2 * step < values.size(); ++k)
    bends.push_back(values[k] - 2 * values[k + step] + values[k + 2 * step]);
  if (bends.empty()) return 0;
  // Halfway between two pixels a linear value has half their variance; over all places two thirds.
  return robust_sd(bends) / std::sqrt(6.0) * (pixel > 1 ? std::sqrt(1.5) : 1);
}

double crossing_se(const Crossing& crossing, double noise, double pixel, double half_width) {
  const double independent = std::max(1.0, 2 * half_width / std::max(1.0, pixel));
  return std::max(crossing.se, noise / std::sqrt(independent) / std::abs(crossing.slope));
}

}  // namespace iqgate::measure
