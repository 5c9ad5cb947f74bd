#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "iqgate/base/parallel_guard.hpp"
#include "iqgate/compute/cpu_backend.hpp"

namespace iqgate::compute {
namespace {

// One slice. Sums run down the columns (x is never the running axis), values are taken relative to the middle of the
// range so that squares do not cancel, and a running column sum restarts every 128 rows.
void one_slice(const VolumeView& v, std::size_t z, const LocalStatisticsJob& job, float* sd, float* mean,
               std::uint8_t* valid) {
  const std::size_t width = v.size.x, height = v.size.y;
  const double offset = 0.5 * (job.low + job.high);
  const std::size_t rows = 2 * job.half_y + 1, columns = 2 * job.half_x + 1;
  const double n = double(rows * columns);
  std::vector<double> sum(width, 0.0), square(width, 0.0);
  std::vector<int> good(width, 0);
  const auto add_row = [&](std::size_t y, double sign) {
    for (std::size_t x = 0; x < width; ++x) {
      const double value = v(x, y, z);
      if (!(value >= job.low && value <= job.high)) continue;
      const double d = value - offset;
      sum[x] += sign * d;
      square[x] += sign * d * d;
      good[x] += sign > 0 ? 1 : -1;
    }
  };
  for (std::size_t y = job.half_y; y + job.half_y < height; ++y) {
    if (y == job.half_y || y % 128 == 0) {
      std::fill(sum.begin(), sum.end(), 0.0);
      std::fill(square.begin(), square.end(), 0.0);
      std::fill(good.begin(), good.end(), 0);
      for (std::size_t r = y - job.half_y; r <= y + job.half_y; ++r) add_row(r, 1);
    } else {
      add_row(y + job.half_y, 1);
      add_row(y - job.half_y - 1, -1);
    }
    for (std::size_t x = job.half_x; x + job.half_x < width; ++x) {
      double s = 0, q = 0;
      int g = 0;
      for (std::size_t c = x - job.half_x; c <= x + job.half_x; ++c) {
        s += sum[c];
        q += square[c];
        g += good[c];
      }
      if (g != static_cast<int>(rows * columns)) continue;
      const double variance = (q - s * s / n) / (n - 1);
      sd[y * width + x] = static_cast<float>(std::sqrt(std::max(0.0, variance)));
      mean[y * width + x] = static_cast<float>(s / n + offset);
      valid[y * width + x] = 1;
    }
  }
}

}  // namespace

LocalStatistics CpuBackend::local_statistics(const DeviceVolume& uploaded, const LocalStatisticsJob& job) const {
  const VolumeView v = uploaded.host();
  if (job.first_slice + job.slices > v.size.z || job.slices == 0)
    throw std::logic_error("local statistics: slices outside the volume");
  LocalStatistics result{.width = v.size.x, .height = v.size.y, .slices = job.slices};
  const std::size_t plane = v.size.x * v.size.y;
  result.sd.resize(plane * job.slices);
  result.mean.resize(plane * job.slices);
  result.valid.resize(plane * job.slices);
  parallel_for(job.slices, [&](std::size_t s) {
    std::fill_n(result.sd.begin() + static_cast<std::ptrdiff_t>(s * plane), plane, 0.0f);
    std::fill_n(result.mean.begin() + static_cast<std::ptrdiff_t>(s * plane), plane, 0.0f);
    std::fill_n(result.valid.begin() + static_cast<std::ptrdiff_t>(s * plane), plane, std::uint8_t{0});
    one_slice(v, job.first_slice + s, job, result.sd.data() + s * plane, result.mean.data() + s * plane,
              result.valid.data() + s * plane);
  });
  return result;
}

}  // namespace iqgate::compute
