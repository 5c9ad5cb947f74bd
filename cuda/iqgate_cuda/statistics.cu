#include <algorithm>
#include <cmath>

#include "iqgate_cuda/reduce.hpp"
#include "iqgate_cuda/volumes.hpp"

namespace iqgate::cuda {
namespace {

using compute::OrderStatistics;

// Upper halves of the keys, or with tables the lower halves of those whose upper half is wanted.
IQGATE_KERNEL void key_kernel(const float* values, std::size_t n, const std::uint16_t* tables, std::int64_t* counts) {
  const std::size_t step = std::size_t{blocks_x()} * block_size;
  for (std::size_t k = std::size_t{block_x()} * block_size + thread_index(); k < n; k += step) {
    const std::uint32_t key = compute::ordered_key(values[k]);
    if (!tables) {
      atomic_add(counts + (key >> 16), 1);
      continue;
    }
    const std::size_t table = tables[key >> 16];
    if (table != 0) atomic_add(counts + table * OrderStatistics::halves + (key & 0xffffu), 1);
  }
}

std::vector<std::int64_t> count_keys(const compute::Slab& slab, const std::vector<std::uint16_t>* tables,
                                     std::size_t table_count) {
  const std::size_t plane = slab.voxels.size.x * slab.voxels.size.y, n = (slab.end - slab.begin) * plane;
  const DeviceArray<std::int64_t> counts(table_count * OrderStatistics::halves);
  counts.clear();
  std::unique_ptr<DeviceArray<std::uint16_t>> of;
  if (tables) of = std::make_unique<DeviceArray<std::uint16_t>>(*tables);
  launch(key_kernel, Grid3(blocks_for(n, 1024)), block_size, slab.slice(slab.begin), n,
         static_cast<const std::uint16_t*>(of ? of->get() : nullptr), counts.get());
  return counts.host();
}

// One block a chunk of the mask: weight, weight squared, weighted value (about `mean`, or its square), extremes.
struct MaskSums {
  double w, w2, wx;
  float low, high;
};
constexpr std::size_t mask_chunk = 8192;

IQGATE_KERNEL void mask_kernel(const float* values, const std::size_t* offsets, const float* weights, std::size_t n,
                               double mean, bool squares, MaskSums* out) {
  const std::size_t from = block_x() * mask_chunk, to = from + mask_chunk < n ? from + mask_chunk : n;
  double w = 0, w2 = 0, wx = 0;
  float low = INFINITY, high = -INFINITY;
  for (std::size_t k = from + thread_index(); k < to; k += block_size) {
    const float value = values[offsets[k]];
    const double own = weights ? static_cast<double>(weights[k]) : 1.0, d = static_cast<double>(value) - mean;
    w += own, w2 += own * own, wx += own * (squares ? d * d : d);
    low = value < low ? value : low;
    high = value > high ? value : high;
  }
  const MaskSums sums{block_sum(w), block_sum(w2), block_sum(wx), block_extreme(low, false), block_extreme(high, true)};
  if (thread_index() == 0) out[block_x()] = sums;
}

}  // namespace

compute::VolumeStatistics statistics_on_device(const UploadedVolume& volume, const std::vector<double>& percentiles) {
  const Size3 size = volume.host().size;
  compute::whole(volume.host());
  const std::size_t plane = size.x * size.y;
  std::vector<compute::SliceMoments> slices(size.z);
  in_tiles({&volume}, 0, [&](const compute::Slab* slab) {
    std::vector<double> offsets;
    for (std::size_t z = slab->begin; z < slab->end; ++z) {
      const float* values = volume.host().values + z * plane;
      const float* first = std::find_if(values, values + plane, [](float v) { return compute::is_finite(v); });
      offsets.push_back(first == values + plane ? 0 : *first);
    }
    const auto sums = slice_sums_on_device(slab->slice(slab->begin), plane, offsets);
    for (std::size_t k = 0; k < sums.size(); ++k) {
      const PartSums& s = sums[k];
      slices[slab->begin + k] = {};
      if (s.n > 0)
        slices[slab->begin + k] = {s.n, offsets[k] + s.sum / s.n, std::max(0.0, s.square - s.sum * s.sum / s.n), s.low,
                                   s.high};
    }
  });
  double finite = 0;
  for (const compute::SliceMoments& s : slices) finite += s.n;
  compute::VolumeStatistics result = compute::join_slices(slices, size.count() - static_cast<std::size_t>(finite));
  if (percentiles.empty()) return result;
  OrderStatistics order;
  in_tiles({&volume}, 0, [&](const compute::Slab* slab) { order.add_upper(count_keys(*slab, nullptr, 1)); });
  order.choose(percentiles);
  if (order.table_count() > 1)
    in_tiles({&volume}, 0, [&](const compute::Slab* slab) {
      order.add_lower(count_keys(*slab, &order.tables(), order.table_count()));
    });
  result.percentiles = order.finish();
  return result;
}

compute::Moments region_moments_on_device(const UploadedVolume& volume, const compute::Mask& mask) {
  compute::Moments m;
  m.n = mask.offsets.size();
  if (m.n == 0) return m;
  const float* values = volume.on_device().values;
  if (!values) throw DeviceError("device_memory", "region moments", "the volume does not fit on the device");
  const std::size_t chunks = (m.n + mask_chunk - 1) / mask_chunk;
  const DeviceArray<std::size_t> offsets(mask.offsets);
  std::unique_ptr<DeviceArray<float>> weights;
  if (!mask.weights.empty()) weights = std::make_unique<DeviceArray<float>>(mask.weights);
  const DeviceArray<MaskSums> parts(chunks);
  const auto sums = [&](double mean, bool squares) {
    launch(mask_kernel, Grid3(static_cast<unsigned>(chunks)), block_size, values,
           static_cast<const std::size_t*>(offsets.get()),
           static_cast<const float*>(weights ? weights->get() : nullptr), m.n, mean, squares, parts.get());
    MaskSums total{0, 0, 0, INFINITY, -INFINITY};
    for (const MaskSums& p : parts.host()) {
      total.w += p.w, total.w2 += p.w2, total.wx += p.wx;
      total.low = std::min(total.low, p.low);
      total.high = std::max(total.high, p.high);
    }
    return total;
  };
  const MaskSums first = sums(0, false);
  m.mean = first.wx / first.w;
  m.minimum = static_cast<double>(first.low);
  m.maximum = static_cast<double>(first.high);
  const double freedom = first.w - first.w2 / first.w;
  m.variance = freedom > 1e-9 * first.w ? sums(m.mean, true).wx / freedom : 0;
  return m;
}

}  // namespace iqgate::cuda
