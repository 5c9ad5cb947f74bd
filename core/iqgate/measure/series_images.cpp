#include "iqgate/measure/series_images.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "iqgate/base/parallel_guard.hpp"
#include "iqgate/compute/temporal.hpp"

namespace iqgate::measure {
namespace {

constexpr double spike_limit = 5;

Measurement number(const char* name, const char* variant, const std::string& where, double value, const char* unit,
                   const char* method, const char* standard) {
  Measurement m = measurement(name, variant, where, value, unit);
  m.method = method;
  m.standard = standard;
  m.flags = {"ci_scope=within_scan"};
  return m;
}

void add_maps(const Job& job, const VolumeSeries& series, const compute::TemporalMaps& maps, const std::string& where,
              Results& results) {
  const auto add = [&](const char* name, const Voxels& values, double scale) {
    Map map{.name = name, .where = where, .unit = "1", .width = series.size.x, .height = series.size.y};
    map.spacing_x_mm = job.grid().spacing_mm.x;
    map.spacing_y_mm = job.grid().spacing_mm.y;
    for (const float v : values) map.values.push_back(std::isfinite(v) ? float(scale * v) : 0.0f);
    results.maps.push_back(std::move(map));
  };
  add("signal", maps.mean, 1);
  add("temporal_fluctuation_noise", maps.residual_sd, 1);
  add("sfnr", maps.sfnr, 1);
  add("static_spatial_noise", maps.odd_minus_even, 1 / std::sqrt(double(series.frames.size())));
}

// True for pixels within `reach` pixels of a set one.
std::vector<char> grown(const std::vector<char>& mask, Size3 size, long reach) {
  std::vector<char> wide(mask.size(), 0);
  for (long y = 0; y < long(size.y); ++y)
    for (long x = 0; x < long(size.x); ++x)
      if (mask[std::size_t(y) * size.x + std::size_t(x)])
        for (long b = std::max(0l, y - reach); b <= std::min(long(size.y) - 1, y + reach); ++b)
          for (long a = std::max(0l, x - reach); a <= std::min(long(size.x) - 1, x + reach); ++a)
            wide[std::size_t(b) * size.x + std::size_t(a)] = 1;
  return wide;
}

void add_ghosts(const Job& job, const Voxels& mean, double half_signal, const std::string& where, Results& results) {
  const Size3 size = job.grid().size;
  const auto along_x = job.scans.front().scan->phase_along_rows();
  if (!along_x) return results.skip("ghost_mean_pct", where, "the direction of phase encoding is not known");
  std::vector<char> phantom(size.x * size.y), shifted(phantom.size());
  for (std::size_t k = 0; k < phantom.size(); ++k) phantom[k] = mean[k] > half_signal;
  for (std::size_t y = 0; y < size.y; ++y)
    for (std::size_t x = 0; x < size.x; ++x) {
      const std::size_t to_x = *along_x ? (x + size.x / 2) % size.x : x,
                        to_y = *along_x ? y : (y + size.y / 2) % size.y;
      shifted[to_y * size.x + to_x] = phantom[y * size.x + x];
    }
  // Two pixels clear of the phantom's edge, which rings and blurs.
  const std::vector<char> near_phantom = grown(phantom, size, 2), near_ghost = grown(shifted, size, 2);
  double signal = 0, n_signal = 0, floor = 0, n_floor = 0;
  std::vector<double> ghost;
  for (std::size_t k = 0; k < phantom.size(); ++k) {
    if (phantom[k]) signal += mean[k], n_signal += 1;
    else if (!near_phantom[k] && shifted[k]) ghost.push_back(mean[k]);
    else if (!near_phantom[k] && !near_ghost[k]) floor += mean[k], n_floor += 1;
  }
  if (ghost.size() < 30 || n_signal < 30)
    return results.skip("ghost_mean_pct", where,
                        "the phantom shifted by half the image along phase encoding leaves no room beside itself");
  signal /= n_signal;
  std::sort(ghost.begin(), ghost.end());
  const std::size_t tenth = std::max<std::size_t>(1, ghost.size() / 10);
  double top = 0;
  for (std::size_t k = ghost.size() - tenth; k < ghost.size(); ++k) top += ghost[k] / double(tenth);
  const double level = mean_of(ghost);
  const char* standard = "Friedman and Glover, JMRI 2006 (fBIRN)";
  results.add(number("ghost_mean_pct", "fbirn", where, 100 * level / signal, "%",
                     "100 x mean over the phantom's mask shifted by half the image along phase encoding / mean signal",
                     standard));
  results.add(number("ghost_top10_pct", "fbirn", where, 100 * top / signal, "%",
                     "as ghost_mean_pct, of the brightest tenth of the pixels", standard));
  if (n_floor >= 30)
    results.add(number("ghost_mean_pct", "background_subtracted", where, 100 * (level - floor / n_floor) / signal, "%",
                       "less the mean where neither phantom nor ghost lies", "AAPM Report 100"));
}

void add_smoothness(const Job& job, const VolumeSeries& series, std::size_t slice, std::size_t x, std::size_t y,
                    std::size_t side, const std::string& where, Results& results) {
  const std::size_t n = series.frames.size(), below = (side - 1) / 2, pixels = side * side;
  const std::vector<double> polynomials = compute::time_polynomials(n, 2);
  // The square's residuals in its slice and, for z, in the next one.
  const std::size_t slices = series.size.z > 1 ? 2 : 1, first = slice + slices > series.size.z ? slice - 1 : slice;
  std::vector<std::vector<double>> rest(slices * pixels);
  for (std::size_t k = 0; k < slices; ++k)
    for (std::size_t p = 0; p < pixels; ++p) {
      const std::size_t at =
          ((first + k) * series.size.y + y - below + p / side) * series.size.x + x - below + p % side;
      std::vector<double> values(n);
      for (std::size_t t = 0; t < n; ++t) values[t] = series.frames[t][at];
      rest[k * pixels + p] = residuals(values, polynomials, 2);
    }
  double variance = 0, steps[3] = {0, 0, 0}, counts[3] = {0, 0, 0};
  for (std::size_t t = 0; t < n; ++t)
    for (std::size_t k = 0; k < slices; ++k) {
      double mean = 0;
      for (std::size_t p = 0; p < pixels; ++p) mean += rest[k * pixels + p][t] / double(pixels);
      for (std::size_t p = 0; p < pixels; ++p) {
        const double own = rest[k * pixels + p][t];
        variance += (own - mean) * (own - mean) / double(slices * n * (pixels - 1));
        const auto step = [&](int axis, bool there, std::size_t other) {
          if (there) steps[axis] += std::pow(rest[other][t] - own, 2), counts[axis] += 1;
        };
        step(0, p % side + 1 < side, k * pixels + p + 1);
        step(1, p / side + 1 < side, k * pixels + p + side);
        step(2, k + 1 < slices, (k + 1) * pixels + p);
      }
    }
  static constexpr const char* names[] = {"fwhm_x_mm", "fwhm_y_mm", "fwhm_z_mm"};
  for (int axis = 0; axis < 3; ++axis) {
    if (counts[axis] == 0) {
      results.skip(names[axis], where, "the scan has one slice");
      continue;
    }
    const double rho = 1 - steps[axis] / counts[axis] / (2 * variance);
    if (!(rho > 3 / std::sqrt(counts[axis]))) {
      results.skip(names[axis], where, "neighbours along this axis are not correlated: no smoothness to tell");
      continue;
    }
    results.add(number(names[axis], "pooled", where,
                       job.grid().spacing_mm[axis] * std::sqrt(-2 * std::numbers::ln2 / std::log(rho)), "mm",
                       "d sqrt(-2 ln 2 / ln(1 - Var(step) / (2 Var))) of the residuals, variances pooled over time",
                       "Forman 1995"));
  }
}

// Slices whose mean at one time stands far from its polynomial.
void add_spikes(const VolumeSeries& series, float half_signal, const std::string& where, Results& results) {
  const std::size_t n = series.frames.size(), plane = series.size.x * series.size.y;
  const std::vector<double> polynomials = compute::time_polynomials(n, 2);
  std::vector<double> spikes(series.size.z, 0), by_mad(series.size.z, 0), used(series.size.z, 0);
  parallel_for(series.size.z, [&](std::size_t z) {
    std::vector<std::size_t> inside;
    for (std::size_t k = z * plane; k < (z + 1) * plane; ++k)
      if (series.frames.front()[k] > half_signal) inside.push_back(k);
    if (inside.size() < 30) return;
    std::vector<double> means(n, 0.0);
    for (std::size_t t = 0; t < n; ++t) {
      for (const std::size_t k : inside) means[t] += series.frames[t][k];
      means[t] /= double(inside.size());
    }
    const std::vector<double> rest = residuals(means, polynomials, 2);
    const double sd = robust_sd(rest), middle = median_of(rest);
    if (!(sd > 1e-9 * std::abs(mean_of(means)))) return;  // a slice that does not change
    for (const double r : rest) {
      spikes[z] += std::abs(r - middle) > spike_limit * sd;
      by_mad[z] += std::abs(r - middle) > spike_limit * sd / 1.4826;
    }
    used[z] = 1;
  });
  double count = 0, more = 0, slices = 0;
  for (std::size_t z = 0; z < series.size.z; ++z) count += spikes[z], more += by_mad[z], slices += used[z];
  if (slices == 0) return results.skip("n_spikes", where, "no slice shows the phantom");
  results.add(number("n_spikes", "mad5", where, more, "1",
                     "slice means more than 5 median distances (3.4 SDs: one in 1300 by chance) from their polynomial",
                     "definition E3"));
  results.add(number("n_spikes", "robust_sd5", where, count, "1",
                     "slice means more than 5 robust SDs (1.4826 median distance) from their polynomial in time",
                     "definition E3"));
}

}  // namespace

void add_series_images(const Job& job, const VolumeSeries& series, std::size_t slice, std::size_t x, std::size_t y,
                       std::size_t side, const std::string& where, Results& results) {
  const std::size_t plane = series.size.x * series.size.y;
  compute::TemporalJob temporal{.size = {series.size.x, series.size.y, 1}, .order = 2};
  for (const float* frame : series.frames) temporal.frames.push_back(frame + slice * plane);
  compute::TemporalMaps maps;
  job.backend->temporal_maps(temporal, maps);
  add_maps(job, series, maps, where, results);
  std::vector<double> square;
  for (std::size_t b = 0; b < side; ++b)
    for (std::size_t a = 0; a < side; ++a)
      square.push_back(maps.mean[(y - (side - 1) / 2 + b) * series.size.x + x - (side - 1) / 2 + a]);
  const double half_signal = 0.5 * median_of(std::move(square));
  add_ghosts(job, maps.mean, half_signal, where, results);
  add_smoothness(job, series, slice, x, y, side, where, results);
  add_spikes(series, float(half_signal), where, results);
}

}  // namespace iqgate::measure
