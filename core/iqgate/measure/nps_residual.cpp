#include "iqgate/measure/nps_residual.hpp"

#include <Eigen/Dense>
#include <algorithm>

namespace iqgate::measure {
namespace {

using Terms = Eigen::Matrix<double, 6, 1>;

Volume slices_of(const Grid& grid, std::size_t slices) {
  Volume v{grid, {}};
  v.grid.size.z = slices;
  v.values.assign(v.grid.size.count(), 0.0f);
  return v;
}

}  // namespace

Volume minus_field(const VolumeView& volume, const Grid& grid, const RegionVoxels& voxels) {
  const std::size_t plane = volume.size.x * volume.size.y;
  Volume residual = slices_of(grid, voxels.last_slice - voxels.first_slice + 1);
  const std::vector<std::size_t>& offsets = voxels.mask.offsets;
  std::size_t x0 = SIZE_MAX, x1 = 0, y0 = SIZE_MAX, y1 = 0;
  for (const std::size_t o : offsets) {
    x0 = std::min(x0, o % volume.size.x), x1 = std::max(x1, o % volume.size.x);
    y0 = std::min(y0, o / volume.size.x % volume.size.y), y1 = std::max(y1, o / volume.size.x % volume.size.y);
  }
  const auto terms = [&](std::size_t at) {
    const double x = 2 * (double(at % volume.size.x) - double(x0)) / std::max(1.0, double(x1 - x0)) - 1,
                 y = 2 * (double(at / volume.size.x) - double(y0)) / std::max(1.0, double(y1 - y0)) - 1;
    return Terms{{1, x, y, x * x, x * y, y * y}};
  };
  for (std::size_t first = 0; first < offsets.size();) {
    const std::size_t z = offsets[first] / plane;
    std::size_t last = first;
    Eigen::Matrix<double, 6, 6> normal = Eigen::Matrix<double, 6, 6>::Zero();
    Terms right = Terms::Zero();
    const double level = volume.values[offsets[first]];
    for (; last < offsets.size() && offsets[last] / plane == z; ++last) {
      const Terms t = terms(offsets[last] % plane);
      normal += t * t.transpose();
      right += (volume.values[offsets[last]] - level) * t;
    }
    const Terms fit = normal.ldlt().solve(right);
    for (std::size_t y = y0; y <= y1; ++y)
      for (std::size_t x = x0; x <= x1; ++x) {
        const std::size_t at = y * volume.size.x + x;
        residual.values[(z - voxels.first_slice) * plane + at] =
            static_cast<float>(volume.values[z * plane + at] - level - fit.dot(terms(at)));
      }
    first = last;
  }
  return residual;
}

Volume minus_ensemble_mean(const Job& job, const std::vector<std::size_t>& scans, const RegionVoxels& voxels) {
  const std::size_t slices = voxels.last_slice - voxels.first_slice + 1, plane = job.grid().size.x * job.grid().size.y,
                    block = slices * plane;
  Volume residual = slices_of(job.grid(), slices * scans.size());
  for (std::size_t k = 0; k < block; ++k) {
    double mean = 0;
    for (const std::size_t s : scans) mean += job.scans[s].volume->host().values[voxels.first_slice * plane + k];
    mean /= double(scans.size());
    for (std::size_t i = 0; i < scans.size(); ++i)
      residual.values[i * block + k] =
          static_cast<float>(job.scans[scans[i]].volume->host().values[voxels.first_slice * plane + k] - mean);
  }
  return residual;
}

}  // namespace iqgate::measure
