#include "iqgate/compute/edge_profile.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "iqgate/base/parallel_guard.hpp"
#include "iqgate/compute/clones.hpp"
#include "iqgate/compute/cpu_backend.hpp"

namespace iqgate::compute {
namespace {

// Of each voxel of a row: its entry (from its bin and sector; those outside all bins and those that are not finite have
// entries of their own), where it lies in its bin, and its value as it is summed.
struct RowEntries {
  int *entry, *sector, *offset;
  std::int64_t* value;
};

template <EdgeShape Shape, bool Sectors>
inline __attribute__((always_inline)) void fill_row(const EdgeProfileJob& given, double step_mm, int x0, double y_mm,
                                                    double z_mm, const float* __restrict row, double scale,
                                                    RowEntries out, int n) {
  const EdgeProfileJob job = given;
  const int entries = job.sectors * job.bins;
  int* __restrict entry = out.entry;
  int* __restrict sector = out.sector;
  int* __restrict offset = out.offset;
  std::int64_t* __restrict value = out.value;
#pragma GCC ivdep
  for (int k = 0; k < n; ++k) {
    const EdgeBin at = edge_bin_of<Shape, Sectors>(job, {static_cast<double>(x0 + k) * step_mm, y_mm, z_mm});
    entry[k] = at.bin;
    if constexpr (Sectors) sector[k] = at.sector;
    offset[k] = at.offset;
  }
  for (int k = 0; k < n; ++k) {
    const int in_block = Sectors ? sector[k] * job.bins + entry[k] : entry[k];
    entry[k] = entry[k] < 0 ? entries : in_block;
  }
  for (int k = 0; k < n; ++k) value[k] = scaled_value(is_finite(row[k]) ? row[k] : 0.0f, scale);
  for (int k = 0; k < n; ++k) entry[k] = is_finite(row[k]) ? entry[k] : entries + 1;
}

IQGATE_CLONES void row_bins(const EdgeProfileJob& job, double step_mm, int x0, double y_mm, double z_mm,
                            const float* row, double scale, RowEntries out, int n) {
  const bool many = job.sectors > 1;
  if (job.shape == EdgeShape::plane && many)
    fill_row<EdgeShape::plane, true>(job, step_mm, x0, y_mm, z_mm, row, scale, out, n);
  else if (job.shape == EdgeShape::plane)
    fill_row<EdgeShape::plane, false>(job, step_mm, x0, y_mm, z_mm, row, scale, out, n);
  else if (job.shape == EdgeShape::cylinder && many)
    fill_row<EdgeShape::cylinder, true>(job, step_mm, x0, y_mm, z_mm, row, scale, out, n);
  else if (job.shape == EdgeShape::cylinder)
    fill_row<EdgeShape::cylinder, false>(job, step_mm, x0, y_mm, z_mm, row, scale, out, n);
  else if (many) fill_row<EdgeShape::sphere, true>(job, step_mm, x0, y_mm, z_mm, row, scale, out, n);
  else fill_row<EdgeShape::sphere, false>(job, step_mm, x0, y_mm, z_mm, row, scale, out, n);
}

// Largest finite magnitude of a row, found among the bits, which magnitudes share the order of.
IQGATE_CLONES float largest_in_row(const float* row, std::size_t n) {
  constexpr std::size_t lanes = 16;
  using Words = std::uint32_t __attribute__((vector_size(lanes * 4)));
  Words most{}, more{};
  const auto finite = [](auto bits) {
    const auto magnitude = bits & 0x7fffffffu;
    return magnitude < 0x7f800000u ? magnitude : decltype(magnitude){};
  };
  std::size_t x = 0;
  for (; x + 2 * lanes <= n; x += 2 * lanes) {
    const Words a = finite(loaded<Words>(row + x)), b = finite(loaded<Words>(row + x + lanes));
    most = a > most ? a : most;
    more = b > more ? b : more;
  }
  std::uint32_t largest = 0;
  for (std::size_t l = 0; l < lanes; ++l) largest = std::max({largest, most[l], more[l]});
  for (; x < n; ++x) {
    std::uint32_t bits;
    __builtin_memcpy(&bits, row + x, sizeof bits);
    largest = std::max(largest, finite(bits));
  }
  float value;
  __builtin_memcpy(&value, &largest, sizeof value);
  return value;
}

// Count and offsets in one number: counts from bit 40 on, below them the sum of up to 2^20 offsets of less than 2^19.
struct Entry {
  std::int64_t sum = 0, count_and_offset = 0;
};
constexpr std::int64_t one_count = std::int64_t{1} << 40;
constexpr std::size_t most_packed = std::size_t{1} << 20;

// Adds what was gathered to the sums of a slice, and starts anew.
struct SliceSums {
  std::int64_t *sums, *counts, *offsets;
  void take(std::vector<Entry>& entries, std::size_t n) const {
    for (std::size_t k = 0; k < n; ++k) {
      const std::int64_t count = (entries[k].count_and_offset + one_count / 2) >> 40;
      sums[k] += entries[k].sum;
      counts[k] += count;
      offsets[k] += entries[k].count_and_offset - count * one_count;
    }
    std::fill(entries.begin(), entries.end(), Entry{});
  }
};

}  // namespace

double profile_scale(double largest, std::size_t voxels) {
  const double room = 0x1p62 / (std::max(largest, 1e-300) * static_cast<double>(std::max<std::size_t>(voxels, 1)));
  return std::exp2(std::floor(std::log2(std::min(room, 0x1p900))));
}

EdgeProfile prepare_edge_profile(const VolumeView& volume, const EdgeProfileJob& job) {
  const std::size_t size[3] = {volume.size.x, volume.size.y, volume.size.z};
  std::size_t voxels = 1;
  for (int d = 0; d < 3; ++d) {
    if (job.low[d] >= job.high[d] || job.high[d] > size[d])
      throw std::logic_error("edge profile: the box lies outside the volume");
    voxels *= job.high[d] - job.low[d];
  }
  if (job.bins <= 0 || job.sectors <= 0 || !(job.bin_mm > 0)) throw std::logic_error("edge profile: no bins");
  EdgeProfile profile{.bins = job.bins, .sectors = job.sectors, .slices = job.high[2] - job.low[2]};
  float largest = 0;
#pragma omp parallel for schedule(static) reduction(max : largest)
  for (std::size_t z = job.low[2]; z < job.high[2]; ++z)
    for (std::size_t y = job.low[1]; y < job.high[1]; ++y)
      largest = std::max(largest, largest_in_row(&volume.values[(z * volume.size.y + y) * volume.size.x + job.low[0]],
                                                 job.high[0] - job.low[0]));
  profile.scale = profile_scale(largest, voxels);
  profile.sums.assign(profile.slices * std::size_t(job.sectors) * std::size_t(job.bins), 0);
  profile.counts = profile.offsets = profile.sums;
  return profile;
}

EdgeProfile CpuBackend::edge_profile(const DeviceVolume& uploaded, const EdgeProfileJob& job) const {
  const VolumeView volume = uploaded.host();
  EdgeProfile profile = prepare_edge_profile(volume, job);
  const std::size_t entries = std::size_t(job.sectors) * std::size_t(job.bins), n = job.high[0] - job.low[0],
                    rows_packed = std::max<std::size_t>(1, most_packed / n);
  std::int64_t not_finite = 0;
  ParallelGuard guard;
#pragma omp parallel reduction(+ : not_finite)
  {
    std::vector<int> entry, sector, offset;
    std::vector<std::int64_t> value, all;
    // Two tables, so that neighbours in one bin do not wait for each other. Two entries more: outside, not finite.
    std::vector<Entry> even, odd;
    guard.run([&] {
      for (std::vector<int>* line : {&entry, &sector, &offset}) line->resize(n);
      value.resize(n);
      all.resize(3 * (entries + 2));
      even.resize(entries + 2), odd.resize(entries + 2);
    });
#pragma omp for schedule(dynamic)
    for (std::size_t z = job.low[2]; z < job.high[2]; ++z) {
      if (guard.failed()) continue;
      const SliceSums slice{all.data(), all.data() + entries + 2, all.data() + 2 * (entries + 2)};
      std::fill(all.begin(), all.end(), 0);
      for (std::size_t y = job.low[1]; y < job.high[1]; ++y) {
        row_bins(job, volume.spacing_mm.x, static_cast<int>(job.low[0]), double(y) * volume.spacing_mm.y,
                 double(z) * volume.spacing_mm.z, volume.values + (z * volume.size.y + y) * volume.size.x + job.low[0],
                 profile.scale, {entry.data(), sector.data(), offset.data(), value.data()}, static_cast<int>(n));
        const auto add = [&](std::vector<Entry>& to, std::size_t k) {
          Entry& e = to[static_cast<std::size_t>(entry[k])];
          e.sum += value[k];
          e.count_and_offset += one_count + offset[k];
        };
        std::size_t k = 0;
        for (; k + 1 < n; k += 2) add(even, k), add(odd, k + 1);
        if (k < n) add(even, k);
        if ((y - job.low[1]) % rows_packed + 1 == rows_packed || y + 1 == job.high[1]) {
          slice.take(even, entries + 2);
          slice.take(odd, entries + 2);
        }
      }
      not_finite += slice.counts[entries + 1];
      const std::size_t at = (z - job.low[2]) * entries;
      std::copy_n(slice.sums, entries, profile.sums.begin() + static_cast<std::ptrdiff_t>(at));
      std::copy_n(slice.counts, entries, profile.counts.begin() + static_cast<std::ptrdiff_t>(at));
      std::copy_n(slice.offsets, entries, profile.offsets.begin() + static_cast<std::ptrdiff_t>(at));
    }
  }
  guard.rethrow();
  profile.not_finite = not_finite;
  return profile;
}

}  // namespace iqgate::compute
