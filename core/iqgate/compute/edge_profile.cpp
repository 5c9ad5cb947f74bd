#include "iqgate/compute/edge_profile.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "iqgate/compute/cpu_backend.hpp"

namespace iqgate::compute {

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
  for (std::size_t z = job.low[2]; z < job.high[2]; ++z)
    for (std::size_t y = job.low[1]; y < job.high[1]; ++y)
      for (std::size_t x = job.low[0]; x < job.high[0]; ++x) largest = std::max(largest, std::abs(volume(x, y, z)));
  profile.scale = profile_scale(largest, voxels);
  profile.sums.assign(profile.slices * std::size_t(job.sectors) * std::size_t(job.bins), 0);
  profile.counts = profile.offsets = profile.sums;
  return profile;
}

EdgeProfile CpuBackend::edge_profile(const DeviceVolume& uploaded, const EdgeProfileJob& job) const {
  const VolumeView volume = uploaded.host();
  EdgeProfile profile = prepare_edge_profile(volume, job);
#pragma omp parallel for schedule(dynamic)
  for (std::size_t z = job.low[2]; z < job.high[2]; ++z) {
    const std::size_t slice = (z - job.low[2]) * std::size_t(job.sectors);
    for (std::size_t y = job.low[1]; y < job.high[1]; ++y)
      for (std::size_t x = job.low[0]; x < job.high[0]; ++x) {
        const EdgeBin at = edge_bin(
            job, {double(x) * volume.spacing_mm.x, double(y) * volume.spacing_mm.y, double(z) * volume.spacing_mm.z});
        if (at.bin < 0) continue;
        const std::size_t index = (slice + std::size_t(at.sector)) * std::size_t(job.bins) + std::size_t(at.bin);
        profile.sums[index] += scaled_value(volume(x, y, z), profile.scale);
        ++profile.counts[index];
        profile.offsets[index] += at.offset;
      }
  }
  return profile;
}

}  // namespace iqgate::compute
