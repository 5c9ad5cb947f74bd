#include "iqgate/compute/disc_search.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "iqgate/base/error.hpp"
#include "iqgate/base/parallel_guard.hpp"
#include "iqgate/compute/clones.hpp"
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

namespace {

// One run of a disc's row, or one pixel of its rim, as it meets the first of a line of positions.
struct Run {
  const double *upper, *lower;
};
struct Tap {
  const float* value;
  double weight;
};

constexpr std::size_t lanes = 8, block = 4 * lanes;
using Doubles = double __attribute__((vector_size(lanes * sizeof(double))));
using Floats = float __attribute__((vector_size(lanes * sizeof(float))));

// Sums of the disc at `block` neighbouring positions, the first of them `shift` on. Four vectors that stay in
// registers.
IQGATE_CLONES void disc_sums(const Run* runs, std::size_t run_count, const Tap* taps, std::size_t tap_count,
                             std::size_t shift, double* to) {
  Doubles a{}, b{}, c{}, d{};
  for (std::size_t r = 0; r < run_count; ++r) {
    const double *upper = runs[r].upper + shift, *lower = runs[r].lower + shift;
    a += loaded<Doubles>(upper) - loaded<Doubles>(lower);
    b += loaded<Doubles>(upper + lanes) - loaded<Doubles>(lower + lanes);
    c += loaded<Doubles>(upper + 2 * lanes) - loaded<Doubles>(lower + 2 * lanes);
    d += loaded<Doubles>(upper + 3 * lanes) - loaded<Doubles>(lower + 3 * lanes);
  }
  for (std::size_t t = 0; t < tap_count; ++t) {
    const float* value = taps[t].value + shift;
    const double weight = taps[t].weight;
    a += weight * __builtin_convertvector(loaded<Floats>(value), Doubles);
    b += weight * __builtin_convertvector(loaded<Floats>(value + lanes), Doubles);
    c += weight * __builtin_convertvector(loaded<Floats>(value + 2 * lanes), Doubles);
    d += weight * __builtin_convertvector(loaded<Floats>(value + 3 * lanes), Doubles);
  }
  stored(a, to), stored(b, to + lanes), stored(c, to + 2 * lanes), stored(d, to + 3 * lanes);
}

void disc_sums_of_some(const Run* runs, std::size_t run_count, const Tap* taps, std::size_t tap_count,
                       std::size_t shift, double* to, std::size_t n) {
  for (std::size_t x = 0; x < n; ++x) {
    double sum = 0;
    for (std::size_t r = 0; r < run_count; ++r) sum += runs[r].upper[shift + x] - runs[r].lower[shift + x];
    for (std::size_t t = 0; t < tap_count; ++t) sum += taps[t].weight * taps[t].value[shift + x];
    to[x] = sum;
  }
}

}  // namespace

std::vector<DiscRow> disc_rows(double sx, double sy, double radius, double& pixels) {
  std::vector<DiscRow> rows;
  const long nx = static_cast<long>(std::ceil(radius / sx + 0.5)), ny = static_cast<long>(std::ceil(radius / sy + 0.5));
  for (long dy = -ny; dy <= ny; ++dy) {
    DiscRow row{.dy = dy};
    for (long dx = 0; dx <= nx; ++dx) {
      const double w = disc_coverage(double(dx) * sx, double(dy) * sy, sx, sy, radius);
      if (w > 1 - 1e-12 && dx == row.whole + 1) row.whole = dx;
      else if (w > 0) {
        row.edge.emplace_back(dx, w);
        if (dx > 0) row.edge.emplace_back(-dx, w);
      }
    }
    if (row.whole < 0 && row.edge.empty()) continue;
    if (row.whole >= 0) pixels += double(2 * row.whole + 1);
    for (const auto& [dx, w] : row.edge) pixels += w;
    rows.push_back(std::move(row));
  }
  return rows;
}

DiscSpan disc_span(const VolumeView& v, const DiscSearchJob& job, const std::vector<DiscRow>& rows, long y) {
  long wide = 0;
  for (const DiscRow& row : rows) {
    wide = std::max(wide, row.whole);
    for (const auto& edge : row.edge) wide = std::max(wide, edge.first);
  }
  const long nx = static_cast<long>(v.size.x), ny = static_cast<long>(v.size.y);
  const double reach = job.large_radius_mm - job.disc_radius_mm, ey = (double(y) - job.center_y) * v.spacing_mm.y,
               rest = reach * reach - ey * ey;
  if (rest < 0 || y + rows.front().dy < 0 || y + rows.back().dy >= ny) return {};
  const double half = std::sqrt(rest) / v.spacing_mm.x;
  return {std::max(wide, static_cast<long>(std::ceil(job.center_x - half - 1))),
          std::min(nx - 1 - wide, static_cast<long>(std::floor(job.center_x + half + 1)))};
}

DiscBest best_of_row(const VolumeView& v, const DiscSearchJob& job, DiscSpan span, long y, const double* sums,
                     double pixels) {
  DiscBest best;
  const double reach = job.large_radius_mm - job.disc_radius_mm, ey = (double(y) - job.center_y) * v.spacing_mm.y;
  for (long x = span.x0; x <= span.x1; ++x) {
    const double ex = (double(x) - job.center_x) * v.spacing_mm.x;
    if (ex * ex + ey * ey > reach * reach) continue;
    const double mean = sums[x - span.x0] / pixels;
    ++best.count;
    if (mean > best.high) best.high = mean, best.high_x = std::size_t(x);
    if (mean < best.low) best.low = mean, best.low_x = std::size_t(x);
  }
  return best;
}

DiscSearch best_of_rows(const std::vector<DiscBest>& rows, double pixels) {
  DiscSearch result{.disc_pixels = pixels};
  DiscBest total;
  for (std::size_t y = 0; y < rows.size(); ++y) {
    result.positions += rows[y].count;
    if (rows[y].high > total.high) total.high = rows[y].high, result.max_x = rows[y].high_x, result.max_y = y;
    if (rows[y].low < total.low) total.low = rows[y].low, result.min_x = rows[y].low_x, result.min_y = y;
  }
  result.maximum = total.high;
  result.minimum = total.low;
  return result;
}

void check_disc_search(const VolumeView& v, const DiscSearchJob& job) {
  if (job.slice >= v.size.z || !(job.large_radius_mm - job.disc_radius_mm > 0))
    throw std::logic_error("disc search: no room for the disc");
  const float* slice = v.values + job.slice * v.size.x * v.size.y;
  if (!std::all_of(slice, slice + v.size.x * v.size.y, [](float value) { return is_finite(value); }))
    throw InputError("not_finite", "disc search", "the slice holds pixels that are not finite");
}

DiscSearch CpuBackend::disc_search(const DeviceVolume& uploaded, const DiscSearchJob& job) const {
  const VolumeView v = uploaded.host();
  check_disc_search(v, job);
  double pixels = 0;
  const std::vector<DiscRow> rows = disc_rows(v.spacing_mm.x, v.spacing_mm.y, job.disc_radius_mm, pixels);
  if (rows.empty()) throw std::logic_error("disc search: no disc");
  // Sums along each row up to each pixel.
  std::vector<double> prefix(v.size.y * (v.size.x + 1));
#pragma omp parallel for schedule(static)
  for (std::size_t y = 0; y < v.size.y; ++y) {
    double sum = 0, *to = prefix.data() + y * (v.size.x + 1);
    for (std::size_t x = 0; x <= v.size.x; ++x) {
      to[x] = sum;
      if (x < v.size.x) sum += v(x, y, job.slice);
    }
  }
  std::vector<DiscBest> bests(v.size.y);
  ParallelGuard guard;
#pragma omp parallel
  {
    std::vector<double> sums;
    std::vector<Run> runs;
    std::vector<Tap> taps;
    guard.run([&] { sums.resize(v.size.x); });
#pragma omp for schedule(dynamic, 8)
    for (std::size_t line = 0; line < v.size.y; ++line)
      guard.run([&] {
        const long y = static_cast<long>(line);
        const DiscSpan span = disc_span(v, job, rows, y);
        const auto [x0, x1] = span;
        if (x1 < x0) return;
        const std::size_t n = static_cast<std::size_t>(x1 - x0 + 1);
        runs.clear();
        taps.clear();
        for (const DiscRow& row : rows) {
          const std::size_t at = static_cast<std::size_t>(y + row.dy);
          const double* p = prefix.data() + at * (v.size.x + 1);
          if (row.whole >= 0) runs.push_back({p + x0 + row.whole + 1, p + x0 - row.whole});
          const float* values = v.values + (job.slice * v.size.y + at) * v.size.x;
          for (const auto& [dx, w] : row.edge) taps.push_back({values + x0 + dx, w});
        }
        std::size_t x = 0;
        for (; x + block <= n; x += block)
          disc_sums(runs.data(), runs.size(), taps.data(), taps.size(), x, sums.data() + x);
        disc_sums_of_some(runs.data(), runs.size(), taps.data(), taps.size(), x, sums.data() + x, n - x);
        bests[line] = best_of_row(v, job, span, y, sums.data(), pixels);
      });
  }
  guard.rethrow();
  return best_of_rows(bests, pixels);
}

}  // namespace iqgate::compute
