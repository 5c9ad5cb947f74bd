#include "iqgate/compute/volume_statistics.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "iqgate/base/parallel_guard.hpp"
#include "iqgate/compute/value_sums.hpp"

namespace iqgate::compute {
namespace {

float value_of(std::uint32_t key) {
  const std::uint32_t bits = key & 0x80000000u ? key & 0x7fffffffu : ~key;
  float value;
  __builtin_memcpy(&value, &bits, 4);
  return value;
}

// Slices that 32-bit counters can take.
std::size_t round(std::size_t plane) { return std::max<std::size_t>(1, (std::size_t{1} << 31) / plane); }

bool finite_key(std::uint32_t key) { return key >= 0x00800000u && key < 0xff800000u; }

}  // namespace

void VolumeStatisticsPass::add(const Slab& slab, const Slab*) {
  const std::size_t plane = slab.voxels.size.x * slab.voxels.size.y;
  std::size_t bad = 0;
#pragma omp parallel for schedule(static) reduction(+ : bad)
  for (std::size_t z = slab.begin; z < slab.end; ++z) {
    const float* values = slab.slice(z);
    const float* first = std::find_if(values, values + plane, [](float v) { return is_finite(v); });
    if (first == values + plane) {
      bad += plane;
      continue;
    }
    const ValueSums s = sum_values(values, plane, *first);
    bad += plane - static_cast<std::size_t>(s.n);
    slices_[z] = {s.n, *first + s.sum / s.n, std::max(0.0, s.square - s.sum * s.sum / s.n), s.low, s.high};
  }
  not_finite_ += bad;
}

VolumeStatistics join_slices(const std::vector<SliceMoments>& slices, std::size_t not_finite) {
  VolumeStatistics r{.not_finite = not_finite, .minimum = INFINITY, .maximum = -INFINITY};
  double n = 0, squares = 0;
  for (const SliceMoments& p : slices) {
    if (p.n == 0) continue;
    const double delta = p.mean - r.mean, both = n + p.n;
    r.mean += delta * p.n / both;
    squares += p.squares + delta * delta * n * p.n / both;
    n = both;
    r.minimum = std::min(r.minimum, double(p.low));
    r.maximum = std::max(r.maximum, double(p.high));
  }
  r.n = static_cast<std::size_t>(n);
  if (n == 0) return {.not_finite = not_finite};
  r.sd = std::sqrt(squares / n);
  return r;
}

VolumeStatistics VolumeStatisticsPass::finish() const { return join_slices(slices_, not_finite_); }

HistogramPass::HistogramPass(double first, double width, std::size_t bins) {
  if (bins == 0 || !(width > 0)) throw std::logic_error("histogram without bins");
  histogram_ = {.first = first, .width = width, .counts = std::vector<std::int64_t>(bins, 0)};
}

void HistogramPass::add(const Slab& slab, const Slab*) {
  const std::size_t plane = slab.voxels.size.x * slab.voxels.size.y, bins = histogram_.counts.size();
  ParallelGuard guard;
#pragma omp parallel
  {
    Histogram own{.first = histogram_.first, .width = histogram_.width};
    guard.run([&] { own.counts.assign(bins, 0); });
#pragma omp for schedule(static)
    for (std::size_t z = slab.begin; z < slab.end; ++z) {
      if (guard.failed()) continue;
      const float* values = slab.slice(z);
      for (std::size_t k = 0; k < plane; ++k) {
        if (!std::isfinite(values[k])) continue;
        const double position = (values[k] - own.first) / own.width;
        if (position < 0) ++own.below;
        else if (position >= double(bins)) ++own.above;
        else ++own.counts[static_cast<std::size_t>(position)];
      }
    }
#pragma omp critical(histogram)
    if (!guard.failed()) {
      for (std::size_t k = 0; k < bins; ++k) histogram_.counts[k] += own.counts[k];
      histogram_.below += own.below;
      histogram_.above += own.above;
    }
  }
  guard.rethrow();
}

struct OrderStatistics::Work {
  static constexpr std::size_t bins = 65536;
  std::vector<std::uint64_t> upper = std::vector<std::uint64_t>(bins, 0);
  std::uint64_t total = 0;
  std::vector<double> percentiles;
  std::vector<std::uint16_t> table_of;  // upper half -> index of its table, 0: none
  std::vector<std::uint32_t> chosen;    // upper halves, index from 1
  std::vector<std::uint64_t> lower;     // [table][lower half]

  struct Upper : SlabOperation {
    Work* work;
    std::size_t halo_slices() const override { return 0; }
    void add(const Slab& slab, const Slab*) override {
      const std::size_t plane = slab.voxels.size.x * slab.voxels.size.y;
      for (std::size_t first = slab.begin, last; first < slab.end; first = last) {
        last = std::min(slab.end, first + round(plane));
        ParallelGuard guard;
#pragma omp parallel
        {
          // Two tables, so that equal neighbours do not wait for each other.
          std::vector<std::uint32_t> even, odd;
          guard.run([&] {
            even.assign(bins, 0);
            odd.assign(bins, 0);
          });
#pragma omp for schedule(static)
          for (std::size_t z = first; z < last; ++z) {
            if (guard.failed()) continue;
            const float* values = slab.slice(z);
            std::size_t k = 0;
            for (; k + 2 <= plane; k += 2)
              ++even[ordered_key(values[k]) >> 16], ++odd[ordered_key(values[k + 1]) >> 16];
            if (k < plane) ++even[ordered_key(values[k]) >> 16];
          }
#pragma omp critical(order_statistics)
          for (std::size_t b = 0; b < bins && !guard.failed(); ++b) work->upper[b] += std::uint64_t{even[b]} + odd[b];
        }
        guard.rethrow();
      }
    }
  } upper_pass;

  struct Lower : SlabOperation {
    Work* work;
    std::size_t halo_slices() const override { return 0; }
    void add(const Slab& slab, const Slab*) override {
      const std::size_t plane = slab.voxels.size.x * slab.voxels.size.y;
      if (work->chosen.empty()) return;
      for (std::size_t first = slab.begin, last; first < slab.end; first = last) {
        last = std::min(slab.end, first + round(plane));
        ParallelGuard guard;
#pragma omp parallel
        {
          // Table 0 takes what is not wanted, so that there is no branch.
          std::vector<std::uint32_t> own;
          guard.run([&] { own.assign((work->chosen.size() + 1) * bins, 0); });
#pragma omp for schedule(static)
          for (std::size_t z = first; z < last; ++z) {
            if (guard.failed()) continue;
            const float* values = slab.slice(z);
            for (std::size_t k = 0; k < plane; ++k) {
              const std::uint32_t key = ordered_key(values[k]);
              const std::size_t table = work->table_of[key >> 16];
              if (table != 0) ++own[table * bins + (key & 0xffff)];
            }
          }
#pragma omp critical(order_statistics)
          for (std::size_t b = bins; b < own.size() && !guard.failed(); ++b) work->lower[b] += own[b];
        }
        guard.rethrow();
      }
    }
  } lower_pass;

  Work() { upper_pass.work = lower_pass.work = this; }

  // The ranks beside a percentile, type 7.
  std::pair<std::uint64_t, double> rank(double percent) const {
    const double at = percent / 100 * double(total - 1);
    const double low = std::floor(at);
    return {static_cast<std::uint64_t>(low), at - low};
  }

  float value_at(std::uint64_t rank) const {
    std::uint64_t before = 0;
    for (std::uint32_t b = 0; b < bins; ++b) {
      if (rank >= before + upper[b]) {
        before += upper[b];
        continue;
      }
      const std::size_t table = table_of[b];
      for (std::uint32_t l = 0; l < bins; ++l) {
        before += lower[table * bins + l];
        if (rank < before) return value_of(b << 16 | l);
      }
    }
    throw std::logic_error("order statistics: the second pass saw other values than the first");
  }
};

OrderStatistics::OrderStatistics() : work_(std::make_unique<Work>()) {}
OrderStatistics::~OrderStatistics() = default;
SlabOperation& OrderStatistics::upper_pass() { return work_->upper_pass; }
SlabOperation& OrderStatistics::lower_pass() { return work_->lower_pass; }

void OrderStatistics::add_upper(const std::vector<std::int64_t>& counts) {
  for (std::size_t k = 0; k < halves; ++k) work_->upper[k] += static_cast<std::uint64_t>(counts[k]);
}
const std::vector<std::uint16_t>& OrderStatistics::tables() const { return work_->table_of; }
std::size_t OrderStatistics::table_count() const { return work_->chosen.size() + 1; }
void OrderStatistics::add_lower(const std::vector<std::int64_t>& counts) {
  for (std::size_t k = Work::bins; k < work_->lower.size(); ++k)
    work_->lower[k] += static_cast<std::uint64_t>(counts[k]);
}

void OrderStatistics::choose(const std::vector<double>& percentiles) {
  Work& w = *work_;
  w.percentiles = percentiles;
  w.table_of.assign(Work::bins, 0);
  w.total = 0;
  for (std::uint32_t b = 0; b < Work::bins; ++b) {
    if (!finite_key(b << 16)) w.upper[b] = 0;
    w.total += w.upper[b];
  }
  if (w.total == 0) return;
  for (const double p : percentiles) {
    if (!(p >= 0 && p <= 100)) throw std::logic_error("a percentile lies outside 0 to 100");
    const std::uint64_t low = w.rank(p).first;
    for (const std::uint64_t rank : {low, std::min(low + 1, w.total - 1)}) {
      std::uint64_t before = 0;
      std::uint32_t b = 0;
      while (rank >= before + w.upper[b]) before += w.upper[b++];
      if (w.table_of[b] != 0) continue;
      w.chosen.push_back(b);
      w.table_of[b] = static_cast<std::uint16_t>(w.chosen.size());
    }
  }
  w.lower.assign((w.chosen.size() + 1) * Work::bins, 0);
}

std::vector<double> OrderStatistics::finish() const {
  const Work& w = *work_;
  std::vector<double> values;
  if (w.total == 0) return values;
  for (const double p : w.percentiles) {
    const auto [low, part] = w.rank(p);
    const double a = w.value_at(low), b = w.value_at(std::min(low + 1, w.total - 1));
    values.push_back(a + part * (b - a));
  }
  return values;
}

}  // namespace iqgate::compute
