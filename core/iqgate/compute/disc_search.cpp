#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "iqgate/compute/cpu_backend.hpp"

namespace iqgate::compute {
namespace {

// Integral of sqrt(r^2 - t^2) from 0 to x, 0 <= x <= r.
double under_arc(double x, double r) {
  return 0.5 * (x * std::sqrt(std::max(0.0, r * r - x * x)) + r * r * std::asin(std::clamp(x / r, -1.0, 1.0)));
}

// Area of the disc of radius r inside the rectangle [0, x] x [0, y], x, y >= 0.
double quadrant_area(double x, double y, double r) {
  x = std::min(x, r);
  y = std::min(y, r);
  if (x * x + y * y <= r * r) return x * y;
  const double x0 = std::sqrt(std::max(0.0, r * r - y * y));  // left of it the arc lies above y
  return x0 * y + under_arc(x, r) - under_arc(x0, r);
}

double signed_area(double x, double y, double r) {
  return (x < 0 ? -1 : 1) * (y < 0 ? -1 : 1) * quadrant_area(std::abs(x), std::abs(y), r);
}

}  // namespace

double disc_coverage(double dx, double dy, double sx, double sy, double radius) {
  const double x0 = dx - 0.5 * sx, x1 = dx + 0.5 * sx, y0 = dy - 0.5 * sy, y1 = dy + 0.5 * sy;
  const double area = signed_area(x1, y1, radius) - signed_area(x0, y1, radius) - signed_area(x1, y0, radius) +
                      signed_area(x0, y0, radius);
  return std::clamp(area / (sx * sy), 0.0, 1.0);
}

DiscSearch CpuBackend::disc_search(const DeviceVolume& uploaded, const DiscSearchJob& job) const {
  const VolumeView v = uploaded.host();
  const double sx = v.spacing_mm.x, sy = v.spacing_mm.y, reach = job.large_radius_mm - job.disc_radius_mm;
  if (job.slice >= v.size.z || !(reach > 0)) throw std::logic_error("disc search: no room for the disc");
  struct Tap {
    long dx, dy;
    double weight;
  };
  std::vector<Tap> taps;
  const long nx = static_cast<long>(std::ceil(job.disc_radius_mm / sx + 0.5)),
             ny = static_cast<long>(std::ceil(job.disc_radius_mm / sy + 0.5));
  DiscSearch result;
  for (long dy = -ny; dy <= ny; ++dy)
    for (long dx = -nx; dx <= nx; ++dx)
      if (const double w = disc_coverage(double(dx) * sx, double(dy) * sy, sx, sy, job.disc_radius_mm); w > 0) {
        taps.push_back({dx, dy, w});
        result.disc_pixels += w;
      }
  struct Best {
    double high = -INFINITY, low = INFINITY;
    std::size_t high_x = 0, low_x = 0, count = 0;
  };
  std::vector<Best> rows(v.size.y);
#pragma omp parallel for schedule(dynamic, 8)
  for (std::size_t y = 0; y < v.size.y; ++y) {
    Best best;
    for (std::size_t x = 0; x < v.size.x; ++x) {
      const double ex = (double(x) - job.center_x) * sx, ey = (double(y) - job.center_y) * sy;
      if (ex * ex + ey * ey > reach * reach) continue;
      double sum = 0;
      bool inside = true;
      for (const Tap& tap : taps) {
        const long px = static_cast<long>(x) + tap.dx, py = static_cast<long>(y) + tap.dy;
        if (px < 0 || py < 0 || px >= static_cast<long>(v.size.x) || py >= static_cast<long>(v.size.y)) {
          inside = false;
          break;
        }
        sum += tap.weight * v(static_cast<std::size_t>(px), static_cast<std::size_t>(py), job.slice);
      }
      if (!inside) continue;
      const double mean = sum / result.disc_pixels;
      ++best.count;
      if (mean > best.high) best.high = mean, best.high_x = x;
      if (mean < best.low) best.low = mean, best.low_x = x;
    }
    rows[y] = best;
  }
  Best total;
  for (std::size_t y = 0; y < rows.size(); ++y) {
    result.positions += rows[y].count;
    if (rows[y].high > total.high) total.high = rows[y].high, result.max_x = rows[y].high_x, result.max_y = y;
    if (rows[y].low < total.low) total.low = rows[y].low, result.min_x = rows[y].low_x, result.min_y = y;
  }
  result.maximum = total.high;
  result.minimum = total.low;
  return result;
}

}  // namespace iqgate::compute
