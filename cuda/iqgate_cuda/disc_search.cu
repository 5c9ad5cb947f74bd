#include <algorithm>

#include "iqgate/compute/disc_search.hpp"
#include "iqgate_cuda/volumes.hpp"

namespace iqgate::cuda {
namespace {

struct Row {
  long dy, whole;
  std::size_t first_tap, taps;
};
struct Tap {
  long dx;
  double weight;
};

// One thread a row: sums up to each pixel, in the order of the CPU.
IQGATE_KERNEL void prefix_kernel(const float* slice, Size3 size, double* prefix) {
  const std::size_t step = std::size_t{blocks_x()} * block_size;
  for (std::size_t y = std::size_t{block_x()} * block_size + thread_index(); y < size.y; y += step) {
    double sum = 0;
    for (std::size_t x = 0; x <= size.x; ++x) {
      prefix[y * (size.x + 1) + x] = sum;
      if (x < size.x) sum += static_cast<double>(slice[y * size.x + x]);
    }
  }
}

// One thread a position: whole runs first, then the pixels of the rim, as the CPU adds them.
IQGATE_KERNEL void disc_kernel(const float* slice, Size3 size, const double* prefix, const Row* rows, std::size_t count,
                               const Tap* taps, const compute::DiscSpan* spans, double* sums) {
  const std::size_t step = std::size_t{blocks_x()} * block_size, n = size.x * size.y;
  for (std::size_t k = std::size_t{block_x()} * block_size + thread_index(); k < n; k += step) {
    const long x = static_cast<long>(k % size.x), y = static_cast<long>(k / size.x);
    if (x < spans[y].x0 || x > spans[y].x1) continue;
    double sum = 0;
    for (std::size_t r = 0; r < count; ++r) {
      if (rows[r].whole < 0) continue;
      const double* line = prefix + static_cast<std::size_t>(y + rows[r].dy) * (size.x + 1);
      sum += line[x + rows[r].whole + 1] - line[x - rows[r].whole];
    }
    for (std::size_t r = 0; r < count; ++r) {
      const float* line = slice + static_cast<std::size_t>(y + rows[r].dy) * size.x;
      for (std::size_t t = rows[r].first_tap; t < rows[r].first_tap + rows[r].taps; ++t)
        sum += taps[t].weight * static_cast<double>(line[x + taps[t].dx]);
    }
    sums[k] = sum;
  }
}

}  // namespace

compute::DiscSearch disc_search_on_device(const UploadedVolume& volume, const compute::DiscSearchJob& job) {
  const VolumeView v = volume.host();
  compute::check_disc_search(v, job);
  double pixels = 0;
  const auto disc = compute::disc_rows(v.spacing_mm.x, v.spacing_mm.y, job.disc_radius_mm, pixels);
  if (disc.empty()) throw std::logic_error("disc search: no disc");
  std::vector<Row> rows;
  std::vector<Tap> taps;
  for (const compute::DiscRow& row : disc) {
    rows.push_back({row.dy, row.whole, taps.size(), row.edge.size()});
    for (const auto& [dx, weight] : row.edge) taps.push_back({dx, weight});
  }
  std::vector<compute::DiscSpan> spans;
  for (std::size_t y = 0; y < v.size.y; ++y) spans.push_back(compute::disc_span(v, job, disc, static_cast<long>(y)));
  const std::size_t plane = v.size.x * v.size.y;
  std::unique_ptr<DeviceArray<float>> part;
  const float* slice = v.values + job.slice * plane;
  if (const float* whole = volume.on_device().values) {
    slice = whole + job.slice * plane;
  } else {
    part = std::make_unique<DeviceArray<float>>(plane);
    part->fill(slice);
    slice = part->get();
  }
  const DeviceArray<double> prefix(v.size.y * (v.size.x + 1)), sums(plane);
  const DeviceArray<Row> on_device(rows);
  const DeviceArray<Tap> rim(taps);
  const DeviceArray<compute::DiscSpan> allowed(spans);
  launch(prefix_kernel, Grid3(blocks_for(v.size.y)), block_size, slice, v.size, prefix.get());
  launch(disc_kernel, Grid3(blocks_for(plane)), block_size, slice, v.size, static_cast<const double*>(prefix.get()),
         static_cast<const Row*>(on_device.get()), rows.size(), static_cast<const Tap*>(rim.get()),
         static_cast<const compute::DiscSpan*>(allowed.get()), sums.get());
  const std::vector<double> found = sums.host();
  std::vector<compute::DiscBest> bests(v.size.y);
  for (std::size_t y = 0; y < v.size.y; ++y)
    if (spans[y].x1 >= spans[y].x0)
      bests[y] = compute::best_of_row(v, job, spans[y], static_cast<long>(y), found.data() + y * v.size.x + spans[y].x0,
                                      pixels);
  return compute::best_of_rows(bests, pixels);
}

}  // namespace iqgate::cuda
