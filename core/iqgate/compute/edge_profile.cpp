#include "iqgate/compute/edge_profile.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>

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

// Largest finite magnitude of a row.
IQGATE_CLONES float largest_in_row(const float* row, std::size_t n) {
  constexpr std::size_t lanes = 16;
  float largest[lanes] = {};
  const auto one = [&](float value, std::size_t l) {
    const float magnitude = value < 0 ? -value : value;
    largest[l] = magnitude - magnitude == 0 && magnitude > largest[l] ? magnitude : largest[l];
  };
  std::size_t x = 0;
  for (; x + lanes <= n; x += lanes)
    for (std::size_t l = 0; l < lanes; ++l) one(row[x + l], l);
  for (std::size_t l = 0; x < n; ++x, ++l) one(row[x], l);
  return *std::max_element(largest, largest + lanes);
}

struct Entry {
  std::int64_t sum = 0, count = 0, offset = 0, unused = 0;
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
  const std::size_t entries = std::size_t(job.sectors) * std::size_t(job.bins), n = job.high[0] - job.low[0];
  std::int64_t not_finite = 0;
#pragma omp parallel reduction(+ : not_finite)
  {
    std::vector<int> entry(n), sector(n), offset(n);
    std::vector<std::int64_t> value(n);
    std::vector<Entry> sums(entries + 2);
#pragma omp for schedule(dynamic)
    for (std::size_t z = job.low[2]; z < job.high[2]; ++z) {
      std::fill(sums.begin(), sums.end(), Entry{});
      for (std::size_t y = job.low[1]; y < job.high[1]; ++y) {
        row_bins(job, volume.spacing_mm.x, static_cast<int>(job.low[0]), double(y) * volume.spacing_mm.y,
                 double(z) * volume.spacing_mm.z, volume.values + (z * volume.size.y + y) * volume.size.x + job.low[0],
                 profile.scale, {entry.data(), sector.data(), offset.data(), value.data()}, static_cast<int>(n));
        for (std::size_t k = 0; k < n; ++k) {
          Entry& to = sums[static_cast<std::size_t>(entry[k])];
          to.sum += value[k];
          to.count += 1;
          to.offset += offset[k];
        }
      }
      not_finite += sums[entries + 1].count;
      const std::size_t slice = (z - job.low[2]) * entries;
      for (std::size_t k = 0; k < entries; ++k) {
        profile.sums[slice + k] = sums[k].sum;
        profile.counts[slice + k] = sums[k].count;
        profile.offsets[slice + k] = sums[k].offset;
      }
    }
  }
  profile.not_finite = not_finite;
  return profile;
}

}  // namespace iqgate::compute
