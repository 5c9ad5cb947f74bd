// What the scan shows on the rings, and what both sides share.
#include <algorithm>
#include <cmath>

#include "iqgate/base/parallel_guard.hpp"
#include "iqgate/compute/resample.hpp"
#include "iqgate/locate/rings.hpp"
#include "iqgate/locate/rings_finish.hpp"

namespace iqgate::locate {
namespace {

using Complex = std::complex<float>;
constexpr double clip = 0.3, pi = std::numbers::pi;

// Mean of nine neighbours in the plane, about as wide as the model's blur; NaN outside the scan.
float ring_value(const VolumeView& v, const Grid& grid, Vec3 mm, Vec3 e1, Vec3 e2) {
  constexpr double step = 2;
  float sum = 0;
  for (int j = -1; j <= 1; ++j)
    for (int i = -1; i <= 1; ++i) {
      Vec3 at = grid.to_index(mm + (i * step) * e1 + (j * step) * e2);
      for (int d = 0; d < 3; ++d) at[d] = compute::snapped(at[d]);
      if (at.z < 0 && at.z > -0.5) at.z = 0;
      if (at.z > double(v.size.z) - 1 && at.z < double(v.size.z) - 0.5) at.z = double(v.size.z) - 1;
      sum += compute::linear_value(v, at, NAN);
    }
  return sum / 9;
}

// As the model is blurred: what lies in one slice must not be missed between two planes.
void blur_along_axis(Rings& rings) {
  const std::size_t plane = rings.radius_mm.size() * angles, planes = rings.z_mm.size();
  std::vector<float> blurred(rings.values.size());
  parallel_for(planes, [&](std::size_t p) {
    std::vector<double> sum(plane, 0.0);
    double weights = 0;
    for (std::size_t q = 0; q < planes; ++q) {
      const double d = (rings.z_mm[q] - rings.z_mm[p]) / model_blur_mm;
      if (std::abs(d) > 3) continue;
      const double w = std::exp(-0.5 * d * d);
      weights += w;
      for (std::size_t k = 0; k < plane; ++k) sum[k] += w * rings.values[q * plane + k];
    }
    for (std::size_t k = 0; k < plane; ++k) blurred[p * plane + k] = static_cast<float>(sum[k] / weights);
  });
  rings.values = std::move(blurred);
}

}  // namespace

double median_of(std::vector<float> values) {
  if (values.empty()) return 0;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

void finish(Rings& rings) {
  const double level = median_of(rings.values);
  for (float& v : rings.values) v = static_cast<float>(std::clamp((v - level) / rings.contrast, -clip, clip));
  const std::size_t planes = rings.z_mm.size(), n = rings.radius_mm.size();
  rings.spectrum.assign(planes * n * harmonics, {});
  rings.square.assign(planes, 0);
  std::vector<Complex> turn(angles);
  for (int k = 0; k < angles; ++k) turn[std::size_t(k)] = std::polar(1.0F, float(-2 * pi * k / angles));
#pragma omp parallel for schedule(static)
  for (std::size_t p = 0; p < planes; ++p)
    for (std::size_t r = 0; r < n; ++r) {
      const float* row = rings.row(p, r);
      double mean = 0;
      for (int a = 0; a < angles; ++a) mean += row[a] / double(angles);
      for (int a = 0; a < angles; ++a) rings.square[p] += rings.radius_mm[r] * (row[a] - mean) * (row[a] - mean);
      for (int m = 0; m < harmonics; ++m) {
        Complex sum{};
        for (int a = 0; a < angles; ++a) sum += row[a] * turn[std::size_t(a * m % angles)];
        rings.spectrum[(p * n + r) * harmonics + std::size_t(m)] = sum;
      }
    }
}

Rings scan_rings(const Scan& scan, const Placement& body, const std::vector<double>& radii) {
  const Grid& grid = scan.volume.grid;
  const VolumeView v = scan.volume.view();
  const Vec3 e1 = body.rotation.column(0), e2 = body.rotation.column(1), axis = body.rotation.column(2);
  // Planes: through the slices where the axis stands on them and they lie apart, else every 2 mm.
  const double along = std::abs(dot(axis, grid.direction.column(2)));
  std::vector<double> places;
  if (along > 0.96 && (grid.spacing_mm.z >= plane_step_mm || grid.size.z < 4)) {
    for (std::size_t z = 0; z < grid.size.z; ++z) {
      const Vec3 d = grid.to_mm({0, 0, double(z)}) - body.translation_mm;
      places.push_back(dot(d, grid.direction.column(2)) / dot(axis, grid.direction.column(2)));
    }
    std::sort(places.begin(), places.end());
  } else {
    double low = INFINITY, high = -INFINITY;
    for (int c = 0; c < 8; ++c) {
      const double h = dot(grid.to_mm({c & 1 ? double(grid.size.x - 1) : 0, c & 2 ? double(grid.size.y - 1) : 0,
                                       c & 4 ? double(grid.size.z - 1) : 0}) -
                               body.translation_mm,
                           axis);
      low = std::min(low, h);
      high = std::max(high, h);
    }
    for (double h = low; h <= high; h += plane_step_mm) places.push_back(h);
  }
  Rings all;
  all.radius_mm = radii;
  all.values.assign(places.size() * radii.size() * angles, NAN);
  all.z_mm = places;
  std::vector<int> missing(places.size(), 0);
#pragma omp parallel for schedule(dynamic)
  for (std::size_t p = 0; p < places.size(); ++p)
    for (std::size_t r = 0; r < radii.size(); ++r)
      for (int a = 0; a < angles; ++a) {
        const double angle = 2 * pi * a / angles;
        const Vec3 mm = body.translation_mm + places[p] * axis + (radii[r] * std::cos(angle)) * e1 +
                        (radii[r] * std::sin(angle)) * e2;
        const float value = ring_value(v, grid, mm, e1, e2);
        all.row(p, r)[a] = value;
        missing[p] += std::isnan(value);
      }
  std::vector<float> around, whole;
  const double outer = 1.15 * body.radius_mm.value_or(radii.back());
  for (std::size_t p = 0; p < places.size(); p += 4)
    for (int a = 0; a < angles; a += 2) {
      const double angle = 2 * pi * a / angles;
      const float value = ring_value(
          v, grid,
          body.translation_mm + places[p] * axis + (outer * std::cos(angle)) * e1 + (outer * std::sin(angle)) * e2, e1,
          e2);
      if (!std::isnan(value)) around.push_back(value);
    }
  std::copy_if(all.values.begin(), all.values.end(), std::back_inserter(whole), [](float x) { return !std::isnan(x); });
  const double level = median_of(whole), surroundings = median_of(around);
  Rings kept;
  kept.radius_mm = radii;
  kept.contrast = around.size() > 20 ? std::abs(level - surroundings) : 0;
  if (!(kept.contrast > 0)) kept.contrast = scan.value_unit == "HU" ? 1000 : std::max(std::abs(level), 1e-9);
  // Planes that the scan holds nearly whole and that the body fills; what is missing counts as the plane's own middle.
  const std::size_t plane = radii.size() * angles;
  for (std::size_t p = 0; p < places.size(); ++p) {
    if (missing[p] > int(plane / 10)) continue;
    std::vector<float> values(all.values.begin() + std::ptrdiff_t(p * plane),
                              all.values.begin() + std::ptrdiff_t((p + 1) * plane));
    std::vector<float> seen;
    std::copy_if(values.begin(), values.end(), std::back_inserter(seen), [](float x) { return !std::isnan(x); });
    const double fill = median_of(seen),
                 rim = median_of({seen.end() - std::ptrdiff_t(seen.size() / radii.size()), seen.end()});
    if (around.size() > 20 && std::abs(rim - surroundings) < 0.5 * kept.contrast) continue;
    for (float& x : values)
      if (std::isnan(x)) x = static_cast<float>(fill);
    kept.z_mm.push_back(places[p]);
    kept.values.insert(kept.values.end(), values.begin(), values.end());
  }
  if (kept.z_mm.empty()) return kept;
  blur_along_axis(kept);
  finish(kept);
  return kept;
}

double noise_power(const Rings& rings) {
  const std::size_t plane = rings.radius_mm.size() * angles;
  constexpr std::size_t apart = 3;  // planes: neighbours share noise
  if (rings.z_mm.size() <= apart) return 0;
  std::vector<float> steps;
  for (std::size_t k = 0; k + apart * plane < rings.values.size(); k += 3)
    steps.push_back(std::abs(rings.values[k] - rings.values[k + apart * plane]));
  const double sd = 1.4826 * median_of(std::move(steps)) / std::numbers::sqrt2;
  double radii = 0;
  for (const double r : rings.radius_mm) radii += r;
  const double power = radii * angles * sd * sd;
  // Where planes lie far apart their steps are structure: noise is then no more than all that the quietest shows.
  if (rings.z_mm[1] - rings.z_mm[0] < 6) return power;
  return std::min(power, *std::min_element(rings.square.begin(), rings.square.end()));
}

}  // namespace iqgate::locate
