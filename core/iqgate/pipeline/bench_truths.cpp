#include "iqgate/pipeline/bench_truths.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <functional>
#include <numbers>
#include <numeric>

#include "iqgate/pipeline/bench_cases.hpp"

namespace iqgate::pipeline {
namespace {

using compute::Backend;

constexpr Size3 small{33, 29, 17};
constexpr Vec3 slope{2, -3, 5};  // of the ramp, a voxel; whole numbers, so that sums are exact

Volume painted(Size3 size, const std::function<double(double, double, double)>& value) {
  Volume v;
  v.grid.size = size;
  for (std::size_t z = 0; z < size.z; ++z)
    for (std::size_t y = 0; y < size.y; ++y)
      for (std::size_t x = 0; x < size.x; ++x)
        v.values.push_back(static_cast<float>(value(double(x), double(y), double(z))));
  return v;
}

double ramp_at(double x, double y, double z) { return 100 + slope.x * x + slope.y * y + slope.z * z; }
Volume ramp() { return painted(small, ramp_at); }
std::size_t index_of(std::size_t x, std::size_t y, std::size_t z) { return (z * small.y + y) * small.x + x; }

// Variance of 0, 1, ... n - 1.
double variance_of(double n) { return (n * n - 1) / 12; }

std::string differs(const char* what, double got, double truth, double tolerance) {
  if (std::abs(got - truth) <= tolerance * std::max(1.0, std::abs(truth))) return {};
  char text[160];
  std::snprintf(text, sizeof text, "%s is %.9g, the truth is %.9g", what, got, truth);
  return text;
}

std::string first_of(std::initializer_list<std::string> faults) {
  for (const std::string& fault : faults)
    if (!fault.empty()) return fault;
  return {};
}

// Where the whole window lies inside, a symmetric window leaves a ramp as it is.
std::string keeps_the_ramp(const char* what, const Voxels& map, std::size_t reach, double tolerance) {
  for (std::size_t z = reach; z + reach < small.z; ++z)
    for (std::size_t y = reach; y + reach < small.y; ++y)
      for (std::size_t x = reach; x + reach < small.x; ++x)
        if (std::string fault =
                differs(what, double(map[index_of(x, y, z)]), ramp_at(double(x), double(y), double(z)), tolerance);
            !fault.empty())
          return fault;
  return {};
}

}  // namespace

std::string statistics_fault(const Backend& b) {
  const Volume v = ramp();
  const auto s = b.volume_statistics(*b.upload(v.view()), {0, 50, 100});
  const double middle = ramp_at(16, 14, 8);
  const double variance = 4 * variance_of(small.x) + 9 * variance_of(small.y) + 25 * variance_of(small.z);
  return first_of({differs("the mean of a ramp", s.mean, middle, 1e-12),
                   differs("the SD of a ramp", s.sd, std::sqrt(variance), 1e-12),
                   differs("the median of a ramp", s.percentiles.at(1), middle, 1e-12),
                   differs("the largest value", s.maximum, ramp_at(32, 0, 16), 0),
                   differs("the 0th percentile", s.percentiles.at(0), ramp_at(0, 28, 0), 0)});
}

std::string moments_fault(const Backend& b) {
  const Volume v = ramp();
  compute::Mask all;
  all.offsets.resize(small.count());
  std::iota(all.offsets.begin(), all.offsets.end(), 0);
  const auto m = b.region_moments(*b.upload(v.view()), all);
  const double n = double(small.count()),
               variance = 4 * variance_of(small.x) + 9 * variance_of(small.y) + 25 * variance_of(small.z);
  return first_of({differs("the mean of a ramp", m.mean, ramp_at(16, 14, 8), 1e-12),
                   differs("the variance of a ramp", m.variance, variance * n / (n - 1), 1e-11)});
}

std::string histogram_fault(const Backend& b) {
  const Volume v = painted(small, [](double x, double, double) { return x; });
  const auto h = b.volume_histogram(*b.upload(v.view()), 1, 1, 31);
  const double each = double(small.y * small.z);
  std::string fault = first_of(
      {differs("the count below", double(h.below), each, 0), differs("the count above", double(h.above), each, 0)});
  for (const std::int64_t count : h.counts)
    if (fault.empty()) fault = differs("a bin's count", double(count), each, 0);
  return fault;
}

std::string local_maps_fault(const Backend& b) {
  const Volume v = ramp();
  compute::LocalMaps maps;
  b.local_maps(*b.upload(v.view()), {.half = {2, 2, 2}}, true, maps);
  const double sd = std::sqrt((4 + 9 + 25) * variance_of(5));
  return first_of({keeps_the_ramp("the local mean of a ramp", maps.mean, 2, 1e-6),
                   differs("the local SD of a ramp", double(maps.sd[index_of(10, 10, 8)]), sd, 1e-6)});
}

std::string local_statistics_fault(const Backend& b) {
  const Volume v = ramp();
  const auto s = b.local_statistics(*b.upload(v.view()), {.slices = small.z, .low = -1e4, .high = 1e4});
  const std::size_t at = index_of(10, 10, 8);
  return first_of(
      {differs("the window mean of a ramp", double(s.mean[at]), ramp_at(10, 10, 8), 1e-6),
       differs("the window SD of a ramp", double(s.sd[at]), std::sqrt((4 + 9) * variance_of(7) * 49 / 48), 1e-6)});
}

std::string gaussian_fault(const Backend& b) {
  const Volume v = ramp();
  Voxels out;
  b.gaussian(*b.upload(v.view()), {1, 1, 1, 4}, out);
  Volume point = painted(small, [](double, double, double) { return 0; });
  point.values[index_of(16, 14, 8)] = 1000;
  Voxels spread;
  b.gaussian(*b.upload(point.view()), {1, 1, 1, 4}, spread);
  double sum = 0;
  for (int k = -4; k <= 4; ++k) sum += std::exp(-0.5 * k * k);
  return first_of({keeps_the_ramp("a smoothed ramp", out, 4, 1e-5),
                   differs("a smoothed point", double(spread[index_of(16, 14, 8)]), 1000 / (sum * sum * sum), 1e-5)});
}

std::string median_fault(const Backend& b) {
  const Volume v = ramp();
  Voxels out;
  b.median(*b.upload(v.view()), out);
  return keeps_the_ramp("the median of a ramp", out, 1, 0);
}

std::string similarity_fault(const Backend& b) {
  const Volume v = ramp();
  Volume shifted = v;
  for (float& x : shifted.values) x += 3;
  const auto same = b.similarity(*b.upload(v.view()), *b.upload(v.view()), {.data_range = 300}),
             other = b.similarity(*b.upload(v.view()), *b.upload(shifted.view()), {.data_range = 300});
  return first_of({differs("the SSIM of a volume with itself", same.ssim, 1, 1e-12),
                   differs("the RMSE of a shift by 3", other.rmse, 3, 1e-12),
                   differs("the PSNR of a shift by 3", other.psnr_db, 40, 1e-12)});
}

std::string edge_profile_fault(const Backend& b) {
  // Distance from a plane in eighths: each voxel's value is the distance itself, so a bin's mean is its place.
  const Volume v = painted(small, [](double x, double, double) { return x; });
  const compute::EdgeProfileJob job{.first_mm = -0.5,
                                    .bin_mm = 1,
                                    .bins = 33,
                                    .half_along_mm = 100,
                                    .half_third_mm = 100,
                                    .high = {small.x, small.y, small.z}};
  const auto p = b.edge_profile(*b.upload(v.view()), job);
  std::vector<double> sums(33, 0), counts(33, 0);
  for (std::size_t k = 0; k < p.sums.size(); ++k)
    sums[k % 33] += double(p.sums[k]) / p.scale, counts[k % 33] += double(p.counts[k]);
  std::string fault;
  for (std::size_t k = 0; k < 33 && fault.empty(); ++k)
    fault = first_of({differs("a bin's count", counts[k], double(small.y * small.z), 0),
                      differs("a bin's mean", sums[k] / counts[k], double(k), 1e-9)});
  return fault;
}

std::string spectrum_fault(const Backend& b) {
  // A cosine of amplitude 8 at (3, 0, 0) of 16: all its power, (8 N / 2)^2, in two lines.
  const Volume v =
      painted({32, 32, 16}, [](double x, double, double) { return 8 * std::cos(2 * std::numbers::pi * 3 * x / 16); });
  compute::PowerSpectrumJob job = half_overlapping_boxes({32, 32, 16}, 16, compute::Precision::twofold);
  job.detrend = compute::Detrend::constant;
  const auto p = b.power_spectrum(*b.upload(v.view()), job);
  double all = 0;
  for (const double s : p.spectra[0]) all += s;
  const double line = std::pow(4 * 16 * 16 * 16.0, 2);
  return first_of({differs("the line of a cosine", p.spectra[0][3], line, 1e-6),
                   differs("the power of a cosine", all, 2 * line, 1e-6),
                   differs("the variance of a cosine", p.box_variance[0], 32, 1e-6)});
}

std::string components_fault(const Backend& b) {
  // Cubes of 3 a side, 8 apart.
  const Volume v = painted(small, [](double x, double y, double z) {
    return std::fmod(x, 8) < 3 && std::fmod(y, 8) < 3 && std::fmod(z, 8) < 3 ? 1.0 : 0.0;
  });
  VoxelArray<std::int32_t> labels;
  const auto shapes = b.components(*b.upload(v.view()), {0.5f, 2, compute::Connectivity::all}, &labels);
  const double cubes = 5 * 4 * 3;  // those at the far x and z edges are cut to one voxel
  std::string fault = differs("the number of cubes", double(shapes.size()), cubes, 0);
  if (!fault.empty()) return fault;
  return first_of({differs("the voxels of a cube", double(shapes[0].voxels), 27, 0),
                   differs("the middle of a cube", shapes[1].centroid(0), 9, 1e-12),
                   differs("the label there", labels[index_of(9, 1, 1)], 2, 0)});
}

std::string disc_fault(const Backend& b) {
  const Volume v = ramp();
  const auto d = b.disc_search(
      *b.upload(v.view()), {.slice = 8, .center_x = 16, .center_y = 14, .large_radius_mm = 12, .disc_radius_mm = 3.3});
  return first_of(
      {differs("the largest mean of a disc on a ramp", d.maximum, ramp_at(double(d.max_x), double(d.max_y), 8), 1e-9),
       differs("the smallest", d.minimum, ramp_at(double(d.min_x), double(d.min_y), 8), 1e-9),
       differs("the disc's area", d.disc_pixels, std::numbers::pi * 3.3 * 3.3, 1e-12)});
}

std::string temporal_fault(const Backend& b) {
  // Each voxel a parabola in time and an alternation of 2, which a parabola does not see over an even number of times
  // but for its ends; with 200 times its residual SD is 2 to within 1 / 200.
  std::vector<Volume> frames;
  for (int t = 0; t < 200; ++t)
    frames.push_back(painted({9, 5, 3}, [&](double x, double, double) {
      return 1000 + x + 0.1 * t - 0.001 * t * t + (t % 2 == 0 ? 2 : -2);
    }));
  compute::TemporalJob job{.size = {9, 5, 3}};
  for (const Volume& f : frames) job.frames.push_back(f.values.data());
  compute::TemporalMaps maps;
  b.temporal_maps(job, maps);
  return first_of({differs("the temporal mean", double(maps.mean[4]), 1004 + 0.1 * 99.5 - 0.001 * 199 * 399 / 6, 1e-6),
                   differs("the residual SD", double(maps.residual_sd[4]), 2 * std::sqrt(200.0 / 197), 1e-3)});
}

std::string resample_fault(const Backend& b) {
  const Volume v = ramp();
  Voxels out;
  b.resample(*b.upload(v.view()), {.origin_mm = {3.25, 4.5, 5.75}, .step_x_mm = {0, 0.5, 0}, .size = {10, 4, 4}}, out);
  return first_of({differs("a ramp between voxels", double(out[0]), ramp_at(3.25, 4.5, 5.75), 1e-6),
                   differs("a ramp along y", double(out[9]), ramp_at(3.25, 9, 5.75), 1e-6)});
}

std::string bootstrap_fault(const Backend& b) {
  compute::BootstrapJob job{.blocks = 50, .points = 3, .draws = 2000};
  for (std::size_t k = 0; k < 50; ++k)
    for (const double scale : {0.0, 1.0, 2.0}) job.curves.push_back(7 + scale * double(k));
  const auto means = b.bootstrap_curves(job);
  double sum = 0, square = 0;
  for (std::size_t d = 0; d < 2000; ++d) sum += means[3 * d + 1], square += means[3 * d + 1] * means[3 * d + 1];
  const double mean = sum / 2000, sd = std::sqrt(square / 2000 - mean * mean);
  // Standard error of a mean of 50: sqrt(variance / 50); over 2000 draws it is known to 1 / sqrt(4000), 5 of them.
  return first_of({differs("the mean of equal curves", means[0], 7, 1e-12),
                   differs("the bootstrap SD", sd / std::sqrt(variance_of(50) / 50), 1, 5 / std::sqrt(4000.0))});
}

}  // namespace iqgate::pipeline
