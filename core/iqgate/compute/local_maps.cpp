#include "iqgate/compute/local_maps.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <stdexcept>

#include "iqgate/base/parallel_guard.hpp"
#include "iqgate/compute/clones.hpp"
#include "iqgate/compute/stream_row.hpp"
#include "iqgate/compute/value_sums.hpp"

namespace iqgate::compute {
namespace {

constexpr std::size_t maps = 4;  // mean, sd, snr, cv

IQGATE_CLONES void add_row(const float* __restrict row, double offset, double* __restrict sum,
                           double* __restrict square, std::size_t n) {
  for (std::size_t x = 0; x < n; ++x) {
    const double v = row[x] - offset;
    sum[x] += v;
    square[x] += v * v;
  }
}

IQGATE_CLONES void add_row_with_rest(const float* __restrict row, double offset, double* __restrict sum,
                                     double* __restrict sum_rest, double* __restrict square,
                                     double* __restrict square_rest, std::size_t n) {
  for (std::size_t x = 0; x < n; ++x) {
    const double v = row[x] - offset;
    add_term(sum[x], sum_rest[x], v);
    add_term(square[x], square_rest[x], v * v);
  }
}

IQGATE_CLONES void replace_row(const float* __restrict enter, const float* __restrict leave, double offset,
                               double* __restrict sum, double* __restrict square, std::size_t n) {
  for (std::size_t x = 0; x < n; ++x) {
    const double e = enter[x] - offset, l = leave[x] - offset;
    sum[x] += e - l;
    square[x] += e * e - l * l;
  }
}

IQGATE_CLONES void replace_row_with_rest(const float* __restrict enter, const float* __restrict leave, double offset,
                                         double* __restrict sum, double* __restrict sum_rest, double* __restrict square,
                                         double* __restrict square_rest, std::size_t n) {
  for (std::size_t x = 0; x < n; ++x) {
    const double e = enter[x] - offset, l = leave[x] - offset;
    double s = sum[x], r = sum_rest[x], q = square[x], t = square_rest[x];
    add_term(s, r, e);
    add_term(s, r, -l);
    add_term(q, t, e * e);
    add_term(q, t, -(l * l));
    sum[x] = s, sum_rest[x] = r, square[x] = q, square_rest[x] = t;
  }
}

IQGATE_CLONES void mean_and_sd(const double* __restrict sum, const double* __restrict square, double count,
                               double freedom, double offset, float* __restrict mean, float* __restrict sd,
                               std::size_t n) {
  const double share = 1 / count, of_freedom = 1 / freedom;
  for (std::size_t x = 0; x < n; ++x) {
    const WindowValues w = window_values(sum[x], square[x], share, of_freedom, offset);
    mean[x] = w.mean, sd[x] = w.sd;
  }
}

IQGATE_CLONES void add_wider(double* __restrict to, const double* __restrict from, std::size_t n) {
  for (std::size_t x = 0; x < n; ++x) to[x] += from[x];
}

// Adds to a row of windows what lies `reach` to either side.
IQGATE_CLONES void add_both_sides(const double* __restrict padded, std::size_t half, std::size_t reach,
                                  double* __restrict sums, std::size_t n) {
  const double *left = padded + half - reach, *right = padded + half + reach;
  for (std::size_t x = 0; x < n; ++x) sums[x] += left[x] + right[x];
}

IQGATE_CLONES void ratio(const float* __restrict a, const float* __restrict b, float* __restrict to, std::size_t n) {
  for (std::size_t x = 0; x < n; ++x) to[x] = b[x] != 0 ? a[x] / b[x] : NAN;
}

}  // namespace

BallRows ball_rows(double radius_mm, Vec3 spacing_mm) {
  BallRows ball;
  const double r2 = radius_mm * radius_mm * (1 + 1e-12);
  const long nz = static_cast<long>(radius_mm / spacing_mm.z + 1e-9),
             ny = static_cast<long>(radius_mm / spacing_mm.y + 1e-9);
  for (long dz = -nz; dz <= nz; ++dz)
    for (long dy = -ny; dy <= ny; ++dy) {
      const double z = double(dz) * spacing_mm.z, y = double(dy) * spacing_mm.y, rest = r2 - z * z - y * y;
      if (rest < 0) continue;
      const std::size_t half = static_cast<std::size_t>(std::sqrt(rest) / spacing_mm.x);
      ball.rows.push_back({dz, dy, half});
      ball.count += 2 * half + 1;
      ball.half.half_x = std::max(ball.half.half_x, half);
    }
  ball.half.half_y = static_cast<std::size_t>(ny);
  ball.half.half_z = static_cast<std::size_t>(nz);
  return ball;
}

struct LocalMapPass::Work : BoxChannels, BoxRowTaker {
  Size3 size;
  LocalMapJob job;
  LocalMapSinks sinks;
  BallRows ball;
  BoxShape half;
  std::unique_ptr<BoxSweep> sweep;
  double count = 0;
  bool begun = false;
  double offset = 0;
  std::size_t not_finite = 0;
  std::array<ValueSums, maps> total;
  // Of the slab in work.
  const Slab* slab = nullptr;
  const FiniteSlab* finite = nullptr;
  std::array<float*, maps> room{};
  mutable std::vector<std::array<ValueSums, maps>> rows;

  bool wanted(std::size_t map) const { return std::array{job.mean, job.sd, job.snr, job.cv}[map]; }
  SliceSink* sink(std::size_t map) const { return std::array{sinks.mean, sinks.sd, sinks.snr, sinks.cv}[map]; }
  const float* row(std::size_t z, std::size_t y) const { return slab->slice(z) + y * size.x; }

  int channels() const override { return 2; }
  void add_row(std::size_t z, std::size_t y, const RunningSum* s) const override {
    if (!s[0].rest) compute::add_row(row(z, y), offset, s[0].sum, s[1].sum, size.x);
    else add_row_with_rest(row(z, y), offset, s[0].sum, s[0].rest, s[1].sum, s[1].rest, size.x);
  }
  void replace_row(std::size_t enter, std::size_t leave, std::size_t y, const RunningSum* s) const override {
    if (!s[0].rest) compute::replace_row(row(enter, y), row(leave, y), offset, s[0].sum, s[1].sum, size.x);
    else replace_row_with_rest(row(enter, y), row(leave, y), offset, s[0].sum, s[0].rest, s[1].sum, s[1].rest, size.x);
  }

  void take(std::size_t z, std::size_t y, const double* const* sums) const override {
    thread_local std::vector<float> lines;
    lines.resize(3 * size.x);
    float *mean = lines.data(), *sd = mean + size.x, *other = sd + size.x;
    mean_and_sd(sums[0], sums[1], count, job.sample_sd ? std::max(1.0, count - 1) : count, offset, mean, sd, size.x);
    if (!finite->all_finite()) {
      if (ball.rows.empty()) {
        const std::size_t reach[3] = {half.half_x, half.half_y, half.half_z};
        finite->mark(z, y, reach, mean);
      }
      for (const BallRows::Row& r : ball.rows) finite->mark_row(z, y, r.dz, r.dy, r.half_x, mean);
      for (std::size_t x = 0; x < size.x; ++x)
        if (std::isnan(mean[x])) sd[x] = NAN;
    }
    for (std::size_t map = 0; map < maps; ++map) {
      if (!wanted(map)) continue;
      const float* line = map == 0 ? mean : map == 1 ? sd : other;
      if (map == 2) ratio(mean, sd, other, size.x);
      if (map == 3) ratio(sd, mean, other, size.x);
      if (room[map]) stream_row(room[map] + ((z - slab->begin) * size.y + y) * size.x, line, size.x);
      else rows[(z - slab->begin) * size.y + y][map] = sum_values(line, size.x, map == 0 ? offset : 0);
    }
    stream_fence();
  }

  void balls() const;
};

// Rows of the ball by their half width: what reaches h to either side is a column sum of the rows at least that wide,
// so that a window is put together without taking anything off.
void LocalMapPass::Work::balls() const {
  const std::size_t hx = half.half_x, padded = (size.x + 2 * hx + 7) / 8 * 8;
  ParallelGuard guard;
#pragma omp parallel
  {
    std::vector<double> columns, sums;
#pragma omp for schedule(dynamic, 4) collapse(2)
    for (std::size_t z = slab->begin; z < slab->end; ++z)
      for (std::size_t y = 0; y < size.y; ++y)
        guard.run([&] {
          columns.assign((hx + 1) * 2 * padded, 0.0);
          sums.assign(2 * size.x, 0.0);
          for (const BallRows::Row& r : ball.rows) {
            double* to = columns.data() + r.half_x * 2 * padded + hx;
            compute::add_row(
                row(reflected(static_cast<long>(z) + r.dz, size.z), reflected(static_cast<long>(y) + r.dy, size.y)),
                offset, to, to + padded, size.x);
          }
          for (std::size_t h = hx + 1; h-- > 0;)
            for (std::size_t channel = 0; channel < 2; ++channel) {
              double* own = columns.data() + (2 * h + channel) * padded;
              if (h < hx) add_wider(own, own + 2 * padded, padded);
              for (std::size_t x = 0; x < hx; ++x) {
                own[x] = own[hx + reflected(static_cast<long>(x) - static_cast<long>(hx), size.x)];
                own[hx + size.x + x] = own[hx + reflected(static_cast<long>(size.x + x), size.x)];
              }
              double* to = sums.data() + channel * size.x;
              if (h > 0) add_both_sides(own, hx, h, to, size.x);
              else add_wider(to, own + hx, size.x);
            }
          const double* const at[] = {sums.data(), sums.data() + size.x};
          take(z, y, at);
        });
  }
  guard.rethrow();
}

LocalMapPass::LocalMapPass(Size3 volume, Vec3 spacing_mm, const LocalMapJob& job, LocalMapSinks sinks)
    : work_(std::make_unique<Work>()) {
  Work& w = *work_;
  w.size = volume;
  w.job = job;
  w.sinks = sinks;
  if (job.shape == WindowShape::ball) {
    if (!(job.radius_mm >= 0)) throw std::logic_error("local maps: no radius");
    w.ball = ball_rows(job.radius_mm, spacing_mm);
    w.half = w.ball.half;
    w.count = static_cast<double>(w.ball.count);
  } else {
    w.half = job.half;
    w.count = static_cast<double>(job.half.count());
    w.sweep = std::make_unique<BoxSweep>(volume, job.half, 2);
  }
}

LocalMapPass::~LocalMapPass() = default;

std::size_t LocalMapPass::halo_slices() const { return work_->half.half_z + 1; }

void LocalMapPass::add(const Slab& slab, const Slab*) {
  Work& w = *work_;
  const FiniteSlab finite(slab);
  const Slab clean = finite.clean();
  w.slab = &clean;
  w.finite = &finite;
  if (!w.begun) {
    w.offset = working_offset(slab);
    w.begun = true;
  }
  bool sums = false;
  for (std::size_t map = 0; map < maps; ++map) sums = sums || (w.wanted(map) && !w.sink(map));
  w.rows.assign(sums ? (slab.end - slab.begin) * w.size.y : 0, {});
  for (std::size_t map = 0; map < maps; ++map)
    w.room[map] = w.wanted(map) && w.sink(map) ? w.sink(map)->room(slab.begin, slab.end) : nullptr;
  const std::size_t window = static_cast<std::size_t>(w.count);
  if (w.sweep) w.sweep->run(slab.begin, slab.end, w, w, finite.all_finite() && sums_are_exact(slab, w.offset, window));
  else w.balls();
  for (std::size_t map = 0; map < maps; ++map) {
    if (w.room[map]) w.sink(map)->done();
    for (const auto& row : w.rows) w.total[map].add(row[map]);
  }
  // Halo slices are seen twice; each slice counts where results are due.
  if (!finite.all_finite())
    for (std::size_t z = slab.begin; z < slab.end; ++z)
      for (std::size_t k = 0; k < w.size.x * w.size.y; ++k) w.not_finite += !std::isfinite(slab.slice(z)[k]);
}

MapSummary map_summary(const ValueSums& p, double offset) {
  MapSummary s{.n = static_cast<std::size_t>(p.n)};
  if (p.n == 0) return s;
  s.mean = offset + p.sum / p.n;
  s.sd = p.n > 1 ? std::sqrt(std::max(0.0, (p.square - p.sum * p.sum / p.n) / (p.n - 1))) : 0;
  s.minimum = static_cast<double>(p.low), s.maximum = static_cast<double>(p.high);
  return s;
}

LocalMaps LocalMapPass::finish() const {
  const Work& w = *work_;
  LocalMaps result;
  result.not_finite = w.not_finite;
  std::optional<MapSummary>* summaries[] = {&result.mean_summary, &result.sd_summary, &result.snr_summary,
                                            &result.cv_summary};
  for (std::size_t map = 0; map < maps; ++map) {
    if (!w.wanted(map) || w.sink(map)) continue;
    *summaries[map] = map_summary(w.total[map], map == 0 ? w.offset : 0);
  }
  return result;
}

}  // namespace iqgate::compute
