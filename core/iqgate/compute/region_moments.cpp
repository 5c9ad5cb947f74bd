#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "iqgate/compute/cpu_backend.hpp"

namespace iqgate::compute {
namespace {

// Ranges of mask entries that lie in one slice each: the unit of every sum.
std::vector<std::size_t> slice_starts(const Mask& mask, std::size_t slice_voxels) {
  std::vector<std::size_t> starts{0};
  for (std::size_t k = 1; k < mask.offsets.size(); ++k)
    if (mask.offsets[k] / slice_voxels != mask.offsets[k - 1] / slice_voxels) starts.push_back(k);
  starts.push_back(mask.offsets.size());
  return starts;
}

}  // namespace

Moments CpuBackend::region_moments(const DeviceVolume& uploaded, const Mask& mask) const {
  const VolumeView v = uploaded.host();
  Moments m;
  m.n = mask.offsets.size();
  if (m.n == 0) return m;
  const auto starts = slice_starts(mask, v.size.x * v.size.y);
  const std::size_t slices = starts.size() - 1;
  struct Partial {
    double w = 0, w2 = 0, wx = 0, low = INFINITY, high = -INFINITY;
  };
  std::vector<Partial> partial(slices);
  const auto weight = [&](std::size_t k) { return mask.weights.empty() ? 1.0 : double(mask.weights[k]); };
#pragma omp parallel for schedule(static)
  for (std::size_t s = 0; s < slices; ++s) {
    Partial p;
    for (std::size_t k = starts[s]; k < starts[s + 1]; ++k) {
      const double x = v.values[mask.offsets[k]], w = weight(k);
      p.w += w;
      p.w2 += w * w;
      p.wx += w * x;
      p.low = std::min(p.low, x);
      p.high = std::max(p.high, x);
    }
    partial[s] = p;
  }
  Partial total;
  for (const Partial& p : partial) {
    total.w += p.w;
    total.w2 += p.w2;
    total.wx += p.wx;
    total.low = std::min(total.low, p.low);
    total.high = std::max(total.high, p.high);
  }
  m.mean = total.wx / total.w;
  m.minimum = total.low;
  m.maximum = total.high;
  std::vector<double> squares(slices, 0.0);
#pragma omp parallel for schedule(static)
  for (std::size_t s = 0; s < slices; ++s)
    for (std::size_t k = starts[s]; k < starts[s + 1]; ++k) {
      const double d = v.values[mask.offsets[k]] - m.mean;
      squares[s] += weight(k) * d * d;
    }
  double sum = 0;
  for (const double s : squares) sum += s;
  const double freedom = total.w - total.w2 / total.w;
  m.variance = freedom > 1e-9 * total.w ? sum / freedom : 0;
  return m;
}

Histogram CpuBackend::histogram(const DeviceVolume& uploaded, const Mask& mask, double first, double width,
                                std::size_t bins) const {
  if (bins == 0 || !(width > 0)) throw std::logic_error("histogram without bins");
  const VolumeView v = uploaded.host();
  Histogram h{.first = first, .width = width, .counts = std::vector<std::int64_t>(bins, 0)};
  for (const std::size_t offset : mask.offsets) {
    if (!is_finite(v.values[offset])) continue;
    const double position = (v.values[offset] - first) / width;
    if (position < 0) ++h.below;
    else if (position >= double(bins)) ++h.above;
    else ++h.counts[static_cast<std::size_t>(position)];
  }
  return h;
}

}  // namespace iqgate::compute
