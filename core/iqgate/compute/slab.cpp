#include "iqgate/compute/slab.hpp"

#include <algorithm>
#include <cmath>
#include <exception>
#include <future>
#include <stdexcept>

#include "iqgate/base/error.hpp"
#include "iqgate/compute/clones.hpp"

namespace iqgate::compute {
namespace {

// Comparisons with NaN are false.
bool keeps(float value, float low, float high) { return value >= low && value <= high; }

IQGATE_CLONES bool row_keeps(const float* row, float low, float high, std::size_t n) {
  int bad = 0;
  for (std::size_t x = 0; x < n; ++x) bad |= !((row[x] >= low) & (row[x] <= high));
  return bad == 0;
}

// One volume's slices in memory: those of the source itself, or a buffer that is filled again and again.
struct Input {
  const VolumeSource* source;
  Voxels buffer;
  std::size_t first = 0, slices = 0;

  void load(std::size_t from, std::size_t last) {
    first = from, slices = last - from;
    if (!source->in_memory()) source->read(from, slices, buffer.data());
  }
  Slab slab(std::size_t begin, std::size_t end) const {
    const Size3 size = source->size();
    const float* memory = source->in_memory();
    return {{memory ? memory : buffer.data(), {size.x, size.y, memory ? size.z : slices}, source->spacing_mm()},
            memory ? 0 : first,
            begin,
            end,
            size.z};
  }
};

}  // namespace

Slab whole(const VolumeView& volume) {
  if (volume.size.count() == 0) throw std::logic_error("an empty volume");
  return {volume, 0, 0, volume.size.z, volume.size.z};
}

float working_offset(const Slab& first_slab) {
  const std::size_t plane = first_slab.voxels.size.x * first_slab.voxels.size.y,
                    step = std::max<std::size_t>(1, plane / 4096);
  std::vector<float> values;
  for (std::size_t k = 0; k < plane; k += step)
    if (std::isfinite(first_slab.voxels.values[k])) values.push_back(first_slab.voxels.values[k]);
  if (values.empty()) return 0;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

void run_in_slabs(const VolumeSource& source, const VolumeSource* other, std::span<SlabOperation* const> operations,
                  std::size_t memory_bytes) {
  const Size3 size = source.size();
  if (size.count() == 0) throw std::logic_error("an empty volume");
  const std::size_t plane = size.x * size.y * sizeof(float);
  const std::size_t inputs = other ? 2 : 1;
  std::size_t halo = 0;
  for (const SlabOperation* operation : operations) halo = std::max(halo, operation->halo_slices());
  // Three slabs of each input: the one in work, its copy without NaN, and the one that is being read.
  std::size_t step = size.z;
  const bool resident = source.in_memory() && (!other || other->in_memory());
  if (!resident && memory_bytes > 0) {
    release_kept_voxels();
    const std::size_t slices = memory_bytes / (3 * inputs * std::max<std::size_t>(plane, 1));
    const std::size_t least = std::min(size.z, 2 * halo + 1);
    if (slices < least)
      throw ResourceError(
          "memory_limit", "--max-memory",
          "not even one slice with its halo fits: " + std::to_string(least * 3 * inputs * plane) + " bytes are needed",
          "allow more memory");
    if (slices < size.z) step = slices - 2 * halo;
  }
  // Equal buffers, so that no memory is asked for between slabs.
  const auto inputs_for = [&] {
    std::vector<Input> list;
    for (const VolumeSource* s : {&source, other}) {
      if (!s) continue;
      list.push_back({.source = s});
      if (!s->in_memory()) list.back().buffer.resize(std::min(size.z, step + 2 * halo) * size.x * size.y);
    }
    return list;
  };
  const auto load = [&](std::vector<Input>& list, std::size_t begin) {
    for (Input& input : list) input.load(begin - std::min(begin, halo), std::min(size.z, begin + step + halo));
  };
  std::vector<Input> now = inputs_for(), next;
  if (step < size.z) next = inputs_for();
  load(now, 0);
  for (std::size_t begin = 0; begin < size.z; begin += step) {
    const std::size_t end = std::min(size.z, begin + step);
    std::future<void> reading;
    if (end < size.z) reading = std::async(std::launch::async, load, std::ref(next), end);
    const Slab first = now[0].slab(begin, end);
    const Slab second = other ? now[1].slab(begin, end) : first;
    for (SlabOperation* operation : operations) operation->add(first, other ? &second : nullptr);
    if (!reading.valid()) break;
    reading.get();
    std::swap(now, next);
  }
}

ValueRange range_about(double offset, double limit) {
  constexpr double largest = std::numeric_limits<float>::max();
  return {static_cast<float>(std::max(offset - limit, -largest)),
          static_cast<float>(std::min(offset + limit, largest))};
}

FiniteSlab::FiniteSlab(const Slab& slab, double offset, double limit) : clean_(slab) {
  const ValueRange range = range_about(offset, limit);
  const float low = range.low, high = range.high;  // clang takes no structured binding into a parallel region
  const std::size_t nx = slab.voxels.size.x, rows = slab.voxels.size.y * slab.voxels.size.z;
  std::vector<std::uint8_t> bad(rows, 0);
  std::size_t bad_rows = 0;
#pragma omp parallel for schedule(static) reduction(+ : bad_rows)
  for (std::size_t r = 0; r < rows; ++r)
    if (!row_keeps(slab.voxels.values + r * nx, low, high, nx)) bad[r] = 1, ++bad_rows;
  if (bad_rows == 0) return;
  copy_.assign(slab.voxels.values, slab.voxels.values + rows * nx);
  rows_.resize(rows);
  for (std::size_t r = 0; r < rows; ++r) {
    if (!bad[r]) continue;
    float* row = copy_.data() + r * nx;
    for (std::size_t x = 0; x < nx; ++x)
      if (!keeps(row[x], low, high)) {
        row[x] = static_cast<float>(offset);
        ++count_;
        if (!rows_[r].empty() && rows_[r].back().to == x) rows_[r].back().to = x + 1;
        else rows_[r].push_back({x, x + 1});
      }
  }
  clean_.voxels.values = copy_.data();
}

void FiniteSlab::mark(std::size_t z, std::size_t y, const std::size_t half[3], float* row) const {
  const long hy = static_cast<long>(half[1]), hz = static_cast<long>(half[2]);
  for (long dz = -hz; dz <= hz; ++dz)
    for (long dy = -hy; dy <= hy; ++dy) mark_row(z, y, dz, dy, half[0], row);
}

void FiniteSlab::mark_row(std::size_t z, std::size_t y, long dz, long dy, std::size_t half_x, float* row) const {
  if (rows_.empty()) return;
  const std::size_t rz = reflected(static_cast<long>(z) + dz, clean_.volume_slices) - clean_.first,
                    ry = reflected(static_cast<long>(y) + dy, clean_.voxels.size.y);
  const std::vector<Run>& runs = rows_[rz * clean_.voxels.size.y + ry];
  const long n = static_cast<long>(clean_.voxels.size.x), hx = static_cast<long>(half_x);
  const auto set = [&](long from, long to) {
    for (long x = std::max(0L, from); x < std::min(n, to); ++x) row[x] = NAN;
  };
  if (hx >= n && !runs.empty()) set(0, n);
  for (const Run run : runs) {
    const long from = static_cast<long>(run.from), to = static_cast<long>(run.to);
    set(from - hx, to + hx);
    set(-to - hx, -from + hx);  // its reflections at both ends
    set(2 * n - to - hx, 2 * n - from + hx);
  }
}

}  // namespace iqgate::compute
