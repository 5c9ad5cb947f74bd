#include "iqgate/compute/labels.hpp"

#include <algorithm>
#include <cstring>
#include <stdexcept>

#include "iqgate/base/error.hpp"
#include "iqgate/base/parallel_guard.hpp"
#include "iqgate/compute/clones.hpp"
#include "iqgate/compute/stream_row.hpp"

namespace iqgate::compute {
namespace {

using Id = std::uint32_t;

struct Run {
  std::uint32_t from, to;
};

IQGATE_CLONES void foreground(const float* row, float low, float high, std::uint8_t* line, std::size_t n) {
  for (std::size_t x = 0; x < n; ++x) line[x] = row[x] >= low && row[x] <= high;
}

// Runs of ones in a line of zeros and ones that ends with eight zeros; eight pixels at a time where nothing changes.
void runs_of(const std::uint8_t* line, std::size_t n, std::vector<Run>& runs) {
  std::size_t x = 0;
  const auto eight = [&] {
    std::uint64_t word;
    std::memcpy(&word, line + x, 8);
    return word;
  };
  while (x < n) {
    while (x < n) {
      const std::uint64_t word = eight();
      if (word != 0) {
        x += static_cast<std::size_t>(__builtin_ctzll(word)) / 8;
        break;
      }
      x += 8;
    }
    if (x >= n) return;
    const std::size_t from = x;
    while (x < n) {
      const std::uint64_t zeros = eight() ^ 0x0101010101010101u;
      if (zeros != 0) {
        x += static_cast<std::size_t>(__builtin_ctzll(zeros)) / 8;
        break;
      }
      x += 8;
    }
    runs.push_back({static_cast<std::uint32_t>(from), static_cast<std::uint32_t>(std::min(x, n))});
  }
}

Id root_of(Id* parent, Id a) {
  while (parent[a] != a) {
    parent[a] = parent[parent[a]];
    a = parent[a];
  }
  return a;
}

void join(Id* parent, Id a, Id b) {
  a = root_of(parent, a);
  b = root_of(parent, b);
  if (a < b) parent[b] = a;
  else if (b < a) parent[a] = b;
}

// Joins the runs of two neighbouring rows that touch; `reach` 1 lets corners touch.
template <class Join>
void join_rows(const Run* a, const Run* a_end, const Run* b, const Run* b_end, std::uint32_t reach, const Join& touch) {
  const Run *i = a, *j = b;
  while (i != a_end && j != b_end) {
    if (i->from < j->to + reach && j->from < i->to + reach)
      touch(static_cast<std::size_t>(i - a), static_cast<std::size_t>(j - b));
    if (i->to < j->to) ++i;
    else ++j;
  }
}

// The runs of some slices and the components among them, numbered from 0 by first voxel.
struct SlabRuns {
  std::size_t ny = 0, nz = 0, first_slice = 0;
  std::vector<std::vector<Run>> runs;              // of each slice
  std::vector<std::vector<std::uint32_t>> starts;  // of each slice: first run of each row, and the end
  std::vector<std::size_t> offset;                 // first run of each slice
  std::vector<Id> component;                       // of each run
  Id components = 0;

  const Run* row(std::size_t z, std::size_t y) const { return runs[z].data() + starts[z][y]; }
  const Run* row_end(std::size_t z, std::size_t y) const { return runs[z].data() + starts[z][y + 1]; }
  std::size_t id(std::size_t z, std::size_t y) const { return offset[z] + starts[z][y]; }

  void connect(std::uint32_t reach);
};

// Calls `touch(run of (z, y), run of (oz, oy))` for the rows of slice oz (or this slice's row before) that touch row y.
template <class Touch>
void neighbours(const SlabRuns& s, std::size_t z, std::size_t y, const SlabRuns& o, std::size_t oz, bool same_slice,
                std::uint32_t reach, const Touch& touch) {
  const std::size_t low = same_slice ? y - 1 : y - std::min<std::size_t>(y, reach),
                    high = same_slice ? y - 1 : std::min(s.ny - 1, y + reach);
  for (std::size_t oy = low; oy <= high; ++oy)
    join_rows(s.row(z, y), s.row_end(z, y), o.row(oz, oy), o.row_end(oz, oy), reach,
              [&](std::size_t i, std::size_t j) { touch(s.id(z, y) + i, o.id(oz, oy) + j); });
}

void SlabRuns::connect(std::uint32_t reach) {
  offset.assign(nz + 1, 0);
  for (std::size_t z = 0; z < nz; ++z) offset[z + 1] = offset[z] + runs[z].size();
  if (offset[nz] > 0xfffffff0u)
    throw ResourceError("too_many_runs", "connected components", "more than 4e9 runs of foreground in one slab",
                        "allow less memory, so that slabs are smaller");
  std::vector<Id> parent(offset[nz]);
  const auto touch = [&](std::size_t a, std::size_t b) { join(parent.data(), static_cast<Id>(a), static_cast<Id>(b)); };
  // Blocks of slices touch only their own runs; the seams between blocks follow one by one.
  constexpr std::size_t block = 16;
  const std::size_t blocks = (nz + block - 1) / block;
#pragma omp parallel for schedule(dynamic)
  for (std::size_t b = 0; b < blocks; ++b) {
    for (std::size_t r = offset[b * block]; r < offset[std::min(nz, (b + 1) * block)]; ++r)
      parent[r] = static_cast<Id>(r);
    for (std::size_t z = b * block; z < std::min(nz, (b + 1) * block); ++z)
      for (std::size_t y = 0; y < ny; ++y) {
        if (y > 0) neighbours(*this, z, y, *this, z, true, reach, touch);
        if (z > b * block) neighbours(*this, z, y, *this, z - 1, false, reach, touch);
      }
  }
  for (std::size_t z = block; z < nz; z += block)
    for (std::size_t y = 0; y < ny; ++y) neighbours(*this, z, y, *this, z - 1, false, reach, touch);
  // Roots are the first runs of their components: number them in order.
  component.resize(parent.size());
  std::vector<Id> roots(nz + 1, 0);
#pragma omp parallel for schedule(static)
  for (std::size_t z = 0; z < nz; ++z)
    for (std::size_t r = offset[z]; r < offset[z + 1]; ++r) roots[z + 1] += parent[r] == r;
  for (std::size_t z = 0; z < nz; ++z) roots[z + 1] += roots[z];
#pragma omp parallel for schedule(static)
  for (std::size_t z = 0; z < nz; ++z) {
    Id next = roots[z];
    for (std::size_t r = offset[z]; r < offset[z + 1]; ++r)
      if (parent[r] == r) component[r] = next++;
  }
#pragma omp parallel for schedule(static)
  for (std::size_t z = 0; z < nz; ++z)
    for (std::size_t r = offset[z]; r < offset[z + 1]; ++r) {
      Id root = parent[r];
      while (parent[root] != root) root = parent[root];
      if (root != r) component[r] = component[root];
    }
  components = roots[nz];
}

std::int64_t sum_to(std::int64_t n) { return n * (n + 1) / 2; }
std::int64_t squares_to(std::int64_t n) { return n * (n + 1) * (2 * n + 1) / 6; }

void add_run(ComponentShape& c, const Run& run, std::size_t row, std::size_t slice) {
  const std::int64_t x0 = run.from, x1 = std::int64_t{run.to} - 1, y = static_cast<std::int64_t>(row),
                     z = static_cast<std::int64_t>(slice), n = x1 - x0 + 1, x = sum_to(x1) - sum_to(x0 - 1);
  const std::int64_t low[3] = {x0, y, z}, high[3] = {x1, y, z};
  for (int d = 0; d < 3; ++d) {
    c.first[d] = c.voxels == 0 ? low[d] : std::min(c.first[d], low[d]);
    c.last[d] = c.voxels == 0 ? high[d] : std::max(c.last[d], high[d]);
  }
  c.voxels += n;
  c.sum[0] += x, c.sum[1] += n * y, c.sum[2] += n * z;
  c.product[0] += squares_to(x1) - squares_to(x0 - 1), c.product[1] += n * y * y, c.product[2] += n * z * z;
  c.product[3] += x * y, c.product[4] += x * z, c.product[5] += n * y * z;
}

void join_shapes(ComponentShape& c, const ComponentShape& o) {
  for (int d = 0; d < 3; ++d) {
    c.first[d] = c.voxels == 0 ? o.first[d] : std::min(c.first[d], o.first[d]);
    c.last[d] = c.voxels == 0 ? o.last[d] : std::max(c.last[d], o.last[d]);
    c.sum[d] += o.sum[d];
  }
  for (int t = 0; t < 6; ++t) c.product[t] += o.product[t];
  c.voxels += o.voxels;
}

}  // namespace

double ComponentShape::covariance(int term) const {
  static constexpr int axes[6][2] = {{0, 0}, {1, 1}, {2, 2}, {0, 1}, {0, 2}, {1, 2}};
  return double(product[term]) / double(voxels) - centroid(axes[term][0]) * centroid(axes[term][1]);
}

struct LabelPass::Work {
  Size3 size;
  LabelJob job;
  const std::uint8_t* mask = nullptr;
  std::vector<Id> parent;              // of the components of all slabs
  std::vector<ComponentShape> shapes;  // of those
  std::vector<Id> base;                // first component of each slab
  std::vector<std::size_t> begins;     // first slice of each slab
  std::vector<Id> number;              // final labels, from 1
  std::size_t final_components = 0;
  std::unique_ptr<SlabRuns> last;  // the slab before
  SliceSinkOf<std::int32_t>* sink = nullptr;

  std::uint32_t reach() const { return job.connectivity == Connectivity::all ? 1 : 0; }

  std::unique_ptr<SlabRuns> runs(const Slab& slab) const {
    auto s = std::make_unique<SlabRuns>();
    s->ny = size.y, s->nz = slab.end - slab.begin, s->first_slice = slab.begin;
    s->runs.resize(s->nz);
    s->starts.resize(s->nz);
    parallel_for(s->nz, [&](std::size_t z) {
      std::vector<std::uint8_t> line(size.x + 8, 0);
      for (std::size_t y = 0; y < size.y; ++y) {
        s->starts[z].push_back(static_cast<std::uint32_t>(s->runs[z].size()));
        if (mask) std::copy_n(mask + ((slab.begin + z) * size.y + y) * size.x, size.x, line.data());
        else foreground(slab.slice(slab.begin + z) + y * size.x, job.low, job.high, line.data(), size.x);
        runs_of(line.data(), size.x, s->runs[z]);
        if (y + 1 == size.y) s->starts[z].push_back(static_cast<std::uint32_t>(s->runs[z].size()));
      }
    });
    s->connect(reach());
    return s;
  }

  struct Find : SlabOperation {
    Work* work = nullptr;
    std::size_t halo_slices() const override { return 0; }
    void add(const Slab& slab, const Slab*) override { work->find(work->runs(slab)); }
  } find_pass;
  struct Write : SlabOperation {
    Work* work = nullptr;
    std::size_t halo_slices() const override { return 0; }
    void add(const Slab& slab, const Slab*) override { work->write(slab); }
  } write_pass;

  void find(std::unique_ptr<SlabRuns> s);
  void write(const Slab& slab);
  void number_components();
};

void LabelPass::Work::find(std::unique_ptr<SlabRuns> s) {
  const std::size_t from = parent.size();
  if (from + s->components > 0x7ffffff0u)
    throw ResourceError("too_many_components", "connected components", "more than 2e9 components");
  base.push_back(static_cast<Id>(from));
  begins.push_back(s->first_slice);
  parent.resize(from + s->components);
  for (std::size_t k = from; k < parent.size(); ++k) parent[k] = static_cast<Id>(k);
  shapes.resize(parent.size());
  for (std::size_t z = 0; z < s->nz; ++z)
    for (std::size_t y = 0; y < s->ny; ++y)
      for (std::size_t k = 0; s->row(z, y) + k != s->row_end(z, y); ++k)
        add_run(shapes[from + s->component[s->id(z, y) + k]], s->row(z, y)[k], y, s->first_slice + z);
  if (last)
    for (std::size_t y = 0; y < s->ny; ++y)
      neighbours(*s, 0, y, *last, last->nz - 1, false, reach(), [&](std::size_t a, std::size_t b) {
        join(parent.data(), static_cast<Id>(from + s->component[a]), base[base.size() - 2] + last->component[b]);
      });
  last = std::move(s);
  if (last->first_slice + last->nz == size.z) number_components();
}

void LabelPass::Work::number_components() {
  number.assign(parent.size(), 0);
  for (std::size_t k = 0; k < parent.size(); ++k) {
    const Id root = root_of(parent.data(), static_cast<Id>(k));
    if (root == k) number[k] = static_cast<Id>(++final_components);
    else number[k] = number[root], join_shapes(shapes[root], shapes[k]);
  }
}

void LabelPass::Work::write(const Slab& slab) {
  const auto same = std::find(begins.begin(), begins.end(), slab.begin);
  const std::size_t index = static_cast<std::size_t>(same - begins.begin());
  if (same == begins.end() || slab.end != (index + 1 < begins.size() ? begins[index + 1] : size.z))
    throw std::logic_error("connected components: the second pass is cut into other slabs than the first");
  const bool kept = base.size() == 1 && last && last->nz == size.z;
  const std::unique_ptr<SlabRuns> again = kept ? nullptr : runs(slab);
  const SlabRuns& s = kept ? *last : *again;
  const Id from = base[index];
  std::int32_t* out = sink->room(slab.begin, slab.end);
  parallel_for(s.nz, [&](std::size_t z) {
    std::vector<std::int32_t> line(size.x);
    for (std::size_t y = 0; y < s.ny; ++y) {
      std::fill(line.begin(), line.end(), 0);
      std::size_t id = s.id(z, y);
      for (const Run* run = s.row(z, y); run != s.row_end(z, y); ++run, ++id)
        std::fill(line.begin() + run->from, line.begin() + run->to,
                  static_cast<std::int32_t>(number[from + s.component[id]]));
      stream_row(out + (z * s.ny + y) * size.x, line.data(), size.x);
    }
    stream_fence();
  });
  sink->done();
}

LabelPass::LabelPass(Size3 volume, const LabelJob& job) : work_(std::make_unique<Work>()) {
  work_->size = volume;
  work_->job = job;
  work_->find_pass.work = work_->write_pass.work = work_.get();
}

LabelPass::LabelPass(Size3 volume, const std::uint8_t* mask, Connectivity connectivity)
    : LabelPass(volume, LabelJob{0, 0, connectivity}) {
  work_->mask = mask;
}

LabelPass::~LabelPass() = default;
SlabOperation& LabelPass::find() { return work_->find_pass; }
std::size_t LabelPass::components() const { return work_->final_components; }

std::vector<ComponentShape> LabelPass::shapes() const {
  std::vector<ComponentShape> shapes(work_->final_components);
  for (std::size_t k = 0; k < work_->parent.size(); ++k)
    if (work_->parent[k] == k) shapes[work_->number[k] - 1] = work_->shapes[k];
  return shapes;
}

SlabOperation& LabelPass::write(SliceSinkOf<std::int32_t>& sink) {
  work_->sink = &sink;
  return work_->write_pass;
}

}  // namespace iqgate::compute
