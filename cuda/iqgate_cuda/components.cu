// Components by union-find over voxels: a root is the smallest voxel of its component, so roots in raster order are the
// components in the order of their first voxel. Integers throughout: no schedule changes a number.
#include <algorithm>

#include "iqgate_cuda/volumes.hpp"

namespace iqgate::cuda {
namespace {

constexpr std::uint32_t background = 0xffffffffu;
constexpr std::size_t shape_fields = 10;  // voxels, sums of x, y, z, xx, yy, zz, xy, xz, yz
constexpr std::size_t count_chunk = 4096;

IQGATE_KERNEL void start_kernel(const float* values, std::size_t n, float low, float high, std::uint32_t* parent) {
  const std::size_t step = std::size_t{blocks_x()} * block_size;
  for (std::size_t k = std::size_t{block_x()} * block_size + thread_index(); k < n; k += step)
    parent[k] = values[k] >= low && values[k] <= high && compute::is_finite(values[k]) ? static_cast<std::uint32_t>(k)
                                                                                       : background;
}

IQGATE_DEVICE inline std::uint32_t root_of(const std::uint32_t* parent, std::uint32_t k) {
  for (std::uint32_t next = read_shared(parent + k); next != k; next = read_shared(parent + k)) k = next;
  return k;
}

IQGATE_DEVICE inline void join(std::uint32_t* parent, std::uint32_t a, std::uint32_t b) {
  for (;;) {
    a = root_of(parent, a);
    b = root_of(parent, b);
    if (a == b) return;
    const std::uint32_t high = a > b ? a : b, low = a > b ? b : a;
    const std::uint32_t before = atomic_min(parent + high, low);
    if (before == high) return;
    // `high` had been joined to another one meanwhile: that one must come along too.
    a = before;
    b = low;
  }
}

IQGATE_KERNEL void join_kernel(Size3 size, bool all, std::uint32_t* parent) {
  const std::size_t step = std::size_t{blocks_x()} * block_size, n = size.count();
  for (std::size_t k = std::size_t{block_x()} * block_size + thread_index(); k < n; k += step) {
    if (read_shared(parent + k) == background) continue;
    const long x = static_cast<long>(k % size.x), y = static_cast<long>(k / size.x % size.y),
               z = static_cast<long>(k / (size.x * size.y));
    // The half of the neighbours that come before in raster order.
    for (long d = 0; d < 13; ++d) {
      const long dx = d % 3 - 1, dy = d / 3 % 3 - 1, dz = d / 9 - 1;
      if (!all && (dx != 0) + (dy != 0) + (dz != 0) != 1) continue;
      const long nx = x + dx, ny = y + dy, nz = z + dz;
      if (nx < 0 || ny < 0 || nz < 0 || nx >= static_cast<long>(size.x) || ny >= static_cast<long>(size.y)) continue;
      const std::size_t other = (static_cast<std::size_t>(nz) * size.y + static_cast<std::size_t>(ny)) * size.x +
                                static_cast<std::size_t>(nx);
      if (read_shared(parent + other) == background) continue;
      join(parent, static_cast<std::uint32_t>(k), static_cast<std::uint32_t>(other));
    }
  }
}

// Roots of each chunk of voxels; one thread a chunk.
IQGATE_KERNEL void count_roots_kernel(const std::uint32_t* parent, std::size_t n, std::uint32_t* counts) {
  const std::size_t chunk = std::size_t{block_x()} * block_size + thread_index(), from = chunk * count_chunk;
  if (from >= n) return;
  std::uint32_t roots = 0;
  for (std::size_t k = from; k < n && k < from + count_chunk; ++k) roots += parent[k] == k;
  counts[chunk] = roots;
}

// numbers[root]: 1, 2, ... in raster order.
IQGATE_KERNEL void number_roots_kernel(const std::uint32_t* parent, std::size_t n, const std::uint32_t* before,
                                       std::uint32_t* numbers) {
  const std::size_t chunk = std::size_t{block_x()} * block_size + thread_index(), from = chunk * count_chunk;
  if (from >= n) return;
  std::uint32_t number = before[chunk];
  for (std::size_t k = from; k < n && k < from + count_chunk; ++k)
    if (parent[k] == k) numbers[k] = ++number;
}

struct Shapes {
  std::int64_t* sums;           // [component][shape_fields]
  std::uint32_t *first, *last;  // [component][3]; last as its complement, so that both are minima
};

IQGATE_KERNEL void shapes_kernel(Size3 size, const std::uint32_t* parent, const std::uint32_t* numbers,
                                 std::int32_t* labels, Shapes shapes) {
  const std::size_t step = std::size_t{blocks_x()} * block_size, n = size.count();
  for (std::size_t k = std::size_t{block_x()} * block_size + thread_index(); k < n; k += step) {
    if (parent[k] == background) {
      if (labels) labels[k] = 0;
      continue;
    }
    const std::uint32_t number = numbers[root_of(parent, static_cast<std::uint32_t>(k))];
    if (labels) labels[k] = static_cast<std::int32_t>(number);
    const std::size_t own = number - 1;
    const std::int64_t x = static_cast<std::int64_t>(k % size.x), y = static_cast<std::int64_t>(k / size.x % size.y),
                       z = static_cast<std::int64_t>(k / (size.x * size.y));
    const std::int64_t terms[shape_fields] = {1, x, y, z, x * x, y * y, z * z, x * y, x * z, y * z};
    for (std::size_t f = 0; f < shape_fields; ++f) atomic_add(shapes.sums + own * shape_fields + f, terms[f]);
    const std::int64_t at[3] = {x, y, z};
    for (std::size_t d = 0; d < 3; ++d) {
      atomic_min(shapes.first + own * 3 + d, static_cast<std::uint32_t>(at[d]));
      atomic_min(shapes.last + own * 3 + d, 0xffffffffu - static_cast<std::uint32_t>(at[d]));
    }
  }
}

}  // namespace

std::vector<compute::ComponentShape> components_on_device(const UploadedVolume& volume, const compute::LabelJob& job,
                                                          VoxelArray<std::int32_t>* labels) {
  const Size3 size = volume.host().size;
  const std::size_t n = size.count();
  const float* values = volume.on_device().values;
  if (!values || n >= background)
    throw DeviceError("device_memory", "connected components", "the volume does not fit on the device");
  const std::size_t chunks = (n + count_chunk - 1) / count_chunk;
  const DeviceArray<std::uint32_t> parent(n), numbers(n), counts(chunks);
  launch(start_kernel, Grid3(blocks_for(n)), block_size, values, n, job.low, job.high, parent.get());
  launch(join_kernel, Grid3(blocks_for(n)), block_size, size, job.connectivity == compute::Connectivity::all,
         parent.get());
  const Grid3 by_chunk(blocks_for(chunks, static_cast<std::size_t>(-1)));
  const std::uint32_t* roots = parent.get();
  launch(count_roots_kernel, by_chunk, block_size, roots, n, counts.get());
  std::vector<std::uint32_t> before = counts.host();
  std::uint32_t total = 0;
  for (std::uint32_t& count : before) {
    const std::uint32_t own = count;
    count = total;
    total += own;
  }
  counts.fill(before.data());
  launch(number_roots_kernel, by_chunk, block_size, roots, n, static_cast<const std::uint32_t*>(counts.get()),
         numbers.get());
  const DeviceArray<std::int64_t> sums(std::size_t{total} * shape_fields);
  sums.clear();
  const DeviceArray<std::uint32_t> first(std::vector<std::uint32_t>(std::size_t{3} * total, 0xffffffffu)),
      last(std::vector<std::uint32_t>(std::size_t{3} * total, 0xffffffffu));
  std::unique_ptr<DeviceArray<std::int32_t>> out;
  if (labels) out = std::make_unique<DeviceArray<std::int32_t>>(n);
  launch(shapes_kernel, Grid3(blocks_for(n)), block_size, size, roots, static_cast<const std::uint32_t*>(numbers.get()),
         out ? out->get() : nullptr, Shapes{sums.get(), first.get(), last.get()});
  if (labels) {
    labels->resize(n);
    out->fetch(labels->data());
  }
  const auto all = sums.host();
  const auto low = first.host(), high = last.host();
  std::vector<compute::ComponentShape> shapes(total);
  for (std::size_t c = 0; c < total; ++c) {
    compute::ComponentShape& s = shapes[c];
    const std::int64_t* f = all.data() + c * shape_fields;
    s.voxels = f[0];
    std::copy_n(f + 1, 3, s.sum);
    std::copy_n(f + 4, 6, s.product);
    for (std::size_t d = 0; d < 3; ++d) {
      s.first[d] = low[c * 3 + d];
      s.last[d] = 0xffffffffu - high[c * 3 + d];
    }
  }
  return shapes;
}

}  // namespace iqgate::cuda
