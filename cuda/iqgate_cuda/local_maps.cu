#include <algorithm>
#include <array>
#include <cmath>
#include <stdexcept>

#include "iqgate_cuda/reduce.hpp"
#include "iqgate_cuda/volumes.hpp"
#include "iqgate_cuda/window_sums.hpp"

namespace iqgate::cuda {
namespace {

using Sums = Channels<2>;

struct ValueAndSquare {
  const float* values;
  double offset;
  IQGATE_DEVICE void operator()(std::size_t k, Sums& to) const {
    const bool good = compute::is_finite(values[k]);
    const double v = good ? static_cast<double>(values[k]) - offset : 0.0;
    to.value[0] = v, to.value[1] = v * v, to.value[2] = good ? 0.0 : 1.0;
  }
};

// Sums over the rows of a ball, for one voxel a thread.
IQGATE_KERNEL void ball_sums_kernel(ValueAndSquare load, compute::Slab part, const compute::BallRows::Row* rows,
                                    std::size_t row_count, Sums* out) {
  const Size3 size = part.voxels.size;
  const std::size_t plane = size.x * size.y, step = std::size_t{blocks_x()} * block_size,
                    n = (part.end - part.begin) * plane;
  for (std::size_t k = std::size_t{block_x()} * block_size + thread_index(); k < n; k += step) {
    const long x = static_cast<long>(k % size.x), y = static_cast<long>(k / size.x % size.y),
               z = static_cast<long>(part.begin + k / plane);
    Sums sum{}, one;
    for (std::size_t r = 0; r < row_count; ++r) {
      const std::size_t row = ((compute::reflected(z + rows[r].dz, part.volume_slices) - part.first) * size.y +
                               compute::reflected(y + rows[r].dy, size.y)) *
                              size.x;
      const long half = static_cast<long>(rows[r].half_x);
      for (long d = -half; d <= half; ++d) {
        load(row + compute::reflected(x + d, size.x), one);
        add_weighted(sum, one, 1.0);
      }
    }
    out[k] = sum;
  }
}

struct MapPointers {
  float* map[4];  // mean, sd, snr, cv; null: not wanted
};

IQGATE_KERNEL void maps_kernel(const Sums* sums, std::size_t n, double share, double of_freedom, double offset,
                               MapPointers out) {
  const std::size_t step = std::size_t{blocks_x()} * block_size;
  for (std::size_t k = std::size_t{block_x()} * block_size + thread_index(); k < n; k += step) {
    compute::WindowValues w = compute::window_values(sums[k].value[0], sums[k].value[1], share, of_freedom, offset);
    if (sums[k].value[2] > 0) w = {NAN, NAN};
    if (out.map[0]) out.map[0][k] = w.mean;
    if (out.map[1]) out.map[1][k] = w.sd;
    if (out.map[2]) out.map[2][k] = w.sd != 0 ? w.mean / w.sd : NAN;
    if (out.map[3]) out.map[3][k] = w.mean != 0 ? w.sd / w.mean : NAN;
  }
}

std::vector<double> ones(std::size_t half) { return std::vector<double>(half + 1, 1.0); }

}  // namespace

void local_maps_on_device(const UploadedVolume& volume, const compute::LocalMapJob& job, bool write,
                          compute::LocalMaps& maps) {
  const VolumeView host = volume.host();
  const std::size_t plane = host.size.x * host.size.y;
  const bool ball = job.shape == compute::WindowShape::ball;
  if (ball && !(job.radius_mm >= 0)) throw std::logic_error("local maps: no radius");
  const compute::BallRows rows = ball ? compute::ball_rows(job.radius_mm, host.spacing_mm) : compute::BallRows{};
  const compute::BoxShape half = ball ? rows.half : job.half;
  const double count = double(ball ? rows.count : half.count()),
               freedom = job.sample_sd ? std::max(1.0, count - 1) : count,
               offset = double(compute::working_offset(compute::whole(host)));
  const bool wanted[] = {job.mean, job.sd, job.snr, job.cv};
  Voxels* results[] = {&maps.mean, &maps.sd, &maps.snr, &maps.cv};
  for (int m = 0; m < 4; ++m) {
    if (wanted[m] && write) results[m]->resize(host.size.count());
    else results[m]->clear();
  }
  std::array<std::vector<PartSums>, 4> slices;
  for (auto& map : slices) map.resize(host.size.z);
  std::vector<double> finite(host.size.z);
  in_tiles({&volume}, half.half_z, [&](const compute::Slab* slab) {
    const compute::Slab part = reach_of(*slab, half.half_z);
    const std::size_t due = (slab->end - slab->begin) * plane;
    const DeviceArray<Sums> sums(std::max(part.voxels.size.count(), due));
    const ValueAndSquare load{part.voxels.values, offset};
    if (ball) {
      const DeviceArray<compute::BallRows::Row> on_device(rows.rows);
      launch(ball_sums_kernel, Grid3(blocks_for(due)), block_size, load, part,
             static_cast<const compute::BallRows::Row*>(on_device.get()), rows.rows.size(), sums.get());
    } else {
      const DeviceArray<Sums> scratch(part.voxels.size.count());
      const DeviceArray<double> wx(ones(half.half_x)), wy(ones(half.half_y)), wz(ones(half.half_z));
      window_sums_on_device<2>(load, part, {wx.get(), static_cast<long>(half.half_x)},
                               {wy.get(), static_cast<long>(half.half_y)}, {wz.get(), static_cast<long>(half.half_z)},
                               sums.get(), scratch.get());
    }
    std::unique_ptr<DeviceArray<float>> out[4];
    MapPointers pointers{};
    for (int m = 0; m < 4; ++m)
      if (wanted[m]) out[m] = std::make_unique<DeviceArray<float>>(due), pointers.map[m] = out[m]->get();
    launch(maps_kernel, Grid3(blocks_for(due)), block_size, static_cast<const Sums*>(sums.get()), due, 1 / count,
           1 / freedom, offset, pointers);
    const std::size_t due_slices = slab->end - slab->begin;
    for (int m = 0; m < 4; ++m) {
      if (!wanted[m]) continue;
      if (write) {
        out[m]->fetch(results[m]->data() + slab->begin * plane);
        continue;
      }
      const auto of =
          slice_sums_on_device(out[m]->get(), plane, std::vector<double>(due_slices, m == 0 ? offset : 0.0));
      std::copy(of.begin(), of.end(), slices[static_cast<std::size_t>(m)].begin() + static_cast<long>(slab->begin));
    }
    const auto in = slice_sums_on_device(slab->slice(slab->begin), plane, std::vector<double>(due_slices, offset));
    for (std::size_t k = 0; k < due_slices; ++k) finite[slab->begin + k] = in[k].n;
  });
  double good = 0;
  for (const double n : finite) good += n;
  maps.not_finite = host.size.count() - static_cast<std::size_t>(good);
  std::optional<compute::MapSummary>* summaries[] = {&maps.mean_summary, &maps.sd_summary, &maps.snr_summary,
                                                     &maps.cv_summary};
  for (int m = 0; m < 4; ++m) {
    summaries[m]->reset();
    if (!wanted[m] || write) continue;
    compute::ValueSums total;
    for (const PartSums& s : slices[static_cast<std::size_t>(m)]) total.add({s.n, s.sum, s.square, s.low, s.high});
    *summaries[m] = compute::map_summary(total, m == 0 ? offset : 0);
  }
}

}  // namespace iqgate::cuda
