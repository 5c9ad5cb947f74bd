#include "iqgate/measure/nps_curve.hpp"

#include <algorithm>
#include <cmath>

namespace iqgate::measure {

double folded_frequency(std::size_t k, std::size_t n, double spacing) {
  return double(k <= n / 2 ? k : n - k) / (double(n) * spacing);
}

RadialNps radial_mean(const std::vector<double>& nps, Size3 box, const Grid& grid) {
  const double df = 1 / (double(std::min(box.x, box.y)) * std::max(grid.spacing_mm.x, grid.spacing_mm.y));
  const double nyquist = 1 / (2 * std::max(grid.spacing_mm.x, grid.spacing_mm.y));
  const std::size_t count = static_cast<std::size_t>(nyquist / df + 0.5) + 1;
  RadialNps r{std::vector<double>(count, 0), std::vector<double>(count, 0), std::vector<double>(count, 0)};
  for (std::size_t y = 0; y < box.y; ++y)
    for (std::size_t x = 0; x < box.x; ++x) {
      if (x == 0 && y == 0) continue;
      const double f =
          std::hypot(folded_frequency(x, box.x, grid.spacing_mm.x), folded_frequency(y, box.y, grid.spacing_mm.y));
      if (f > nyquist * (1 + 1e-12)) continue;
      const std::size_t k = static_cast<std::size_t>(f / df + 0.5);
      if (k >= count) continue;
      double plane = 0;
      for (std::size_t z = 0; z < box.z; ++z) plane += nps[(z * box.y + y) * box.x + x];
      r.f_per_mm[k] += f;
      r.nps[k] += plane;
      r.bins[k] += 0.5;
    }
  RadialNps kept;
  for (std::size_t k = 1; k < count; ++k)
    if (r.bins[k] > 0) {
      kept.f_per_mm.push_back(r.f_per_mm[k] / (2 * r.bins[k]));
      kept.nps.push_back(r.nps[k] / (2 * r.bins[k]));
      kept.bins.push_back(r.bins[k]);
    }
  return kept;
}

NpsScalars nps_scalars(const RadialNps& r, double power) {
  NpsScalars s;
  s.noise = std::sqrt(power);
  const std::size_t n = r.nps.size();
  double area = 0, moment = 0, moment_2d = 0;
  std::vector<double> cumulative(n, 0);
  for (std::size_t k = 0; k < n; ++k) {
    // Constant between the middles of the steps, and from 0 to the first of them: exact for white noise.
    const double left = k == 0 ? 0 : 0.5 * (r.f_per_mm[k] + r.f_per_mm[k - 1]),
                 right = k + 1 == n ? r.f_per_mm[k] : 0.5 * (r.f_per_mm[k] + r.f_per_mm[k + 1]);
    area += r.nps[k] * (right - left);
    moment += r.nps[k] * (right * right - left * left) / 2;
    moment_2d += r.nps[k] * (right * right * right - left * left * left) / 3;
    cumulative[k] = area;
  }
  if (area > 0) {
    s.average = moment / area;
    s.average_2d = moment_2d / moment;
    for (std::size_t k = 0; k < n; ++k)
      if (cumulative[k] >= 0.5 * area) {
        const double left = k == 0 ? 0 : 0.5 * (r.f_per_mm[k] + r.f_per_mm[k - 1]),
                     before = k == 0 ? 0 : cumulative[k - 1];
        s.median = left + (0.5 * area - before) / r.nps[k];
        break;
      }
  }
  if (n >= 6) {
    double sx = 0, sy = 0, sxx = 0, sxy = 0;
    for (std::size_t k = 1; k < 6; ++k)
      sx += r.f_per_mm[k], sy += r.nps[k], sxx += r.f_per_mm[k] * r.f_per_mm[k], sxy += r.f_per_mm[k] * r.nps[k];
    s.at_zero = (sy * sxx - sx * sxy) / (5 * sxx - sx * sx);
  }
  if (n >= 5) {
    std::vector<double> smooth(n);
    for (std::size_t k = 0; k < n; ++k)
      smooth[k] = (r.nps[k == 0 ? 0 : k - 1] + r.nps[k] + r.nps[std::min(k + 1, n - 1)]) / 3;
    const std::size_t best =
        static_cast<std::size_t>(std::max_element(smooth.begin() + 1, smooth.end()) - smooth.begin());
    s.peak = r.f_per_mm[best];
    if (best + 1 < n) {
      const double a = smooth[best - 1], b = smooth[best], c = smooth[best + 1], curvature = a - 2 * b + c;
      if (curvature < 0)
        s.peak +=
            std::clamp(0.5 * (a - c) / curvature, -1.0, 1.0) * 0.5 * (r.f_per_mm[best + 1] - r.f_per_mm[best - 1]);
    }
  }
  return s;
}

}  // namespace iqgate::measure
