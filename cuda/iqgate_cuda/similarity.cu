#include <algorithm>
#include <cmath>

#include "iqgate_cuda/reduce.hpp"
#include "iqgate_cuda/volumes.hpp"
#include "iqgate_cuda/window_sums.hpp"

namespace iqgate::cuda {
namespace {

using Sums = Channels<5>;

struct BothMoments {
  const float *a, *b;
  double a0, b0;
  float low_a, high_a, low_b, high_b;  // what counts
  IQGATE_DEVICE void operator()(std::size_t k, Sums& to) const {
    const bool good = a[k] >= low_a && a[k] <= high_a && b[k] >= low_b && b[k] <= high_b;
    const double u = good ? static_cast<double>(a[k]) - a0 : 0.0, v = good ? static_cast<double>(b[k]) - b0 : 0.0;
    to.value[0] = u, to.value[1] = v, to.value[2] = u * u, to.value[3] = v * v, to.value[4] = u * v;
    to.value[5] = good ? 0.0 : 1.0;
  }
};

// One block a due slice: its windows that lie wholly inside the volume and hold finite values alone, and the one-pass
// sums. `windows` null: those only.
IQGATE_KERNEL void similarity_kernel(const Sums* windows, BothMoments in, compute::Slab part, long half,
                                     compute::SimilarityTerms terms, compute::SimilaritySums* out) {
  const Size3 size = part.voxels.size;
  const std::size_t plane = size.x * size.y;
  for (std::size_t s = block_x(); s < part.end - part.begin; s += blocks_x()) {
    const long z = static_cast<long>(part.begin + s);
    const bool slice_inside = z >= half && z + half < static_cast<long>(part.volume_slices);
    compute::SimilaritySums own{};
    for (std::size_t k = thread_index(); k < plane; k += block_size) {
      const std::size_t at = (part.begin - part.first + s) * plane + k;
      if (compute::is_finite(in.a[at]) && compute::is_finite(in.b[at])) {
        const double d = static_cast<double>(in.a[at]) - static_cast<double>(in.b[at]);
        own.difference += d, own.square += d * d, own.n += 1;
      }
      const long x = static_cast<long>(k % size.x), y = static_cast<long>(k / size.x);
      if (!windows || !slice_inside || x < half || y < half || x + half >= static_cast<long>(size.x) ||
          y + half >= static_cast<long>(size.y))
        continue;
      const double* w = windows[s * plane + k].value;
      if (w[5] > 0) continue;
      own.ssim += compute::window_similarity(w[0], w[1], w[2], w[3], w[4], terms);
      own.windows += 1;
    }
    const compute::SimilaritySums sums{block_sum(own.ssim), block_sum(own.windows), block_sum(own.difference),
                                       block_sum(own.square), block_sum(own.n)};
    if (thread_index() == 0) out[s] = sums;
  }
}

}  // namespace

compute::Similarity similarity_on_device(const UploadedVolume& a, const UploadedVolume& b,
                                         const compute::SimilarityJob& job) {
  const VolumeView va = a.host(), vb = b.host();
  if (va.size.x != vb.size.x || va.size.y != vb.size.y || va.size.z != vb.size.z)
    throw std::logic_error("similarity: the volumes differ in size");
  if (!(job.data_range > 0)) throw std::logic_error("similarity: no data range");
  const std::vector<double> weights = compute::similarity_weights(job.window);
  const std::size_t half = weights.size() - 1, halo = job.ssim ? half : 0;
  const double a0 = double(compute::working_offset(compute::whole(va))),
               b0 = double(compute::working_offset(compute::whole(vb)));
  const compute::SimilarityTerms terms = compute::similarity_terms(job, a0, b0);
  const double reach = compute::similarity_reach * job.data_range;
  const compute::ValueRange a_reach = compute::range_about(a0, reach), b_reach = compute::range_about(b0, reach);
  std::vector<compute::SimilaritySums> slices(va.size.z);
  in_tiles({&a, &b}, halo, [&](const compute::Slab* slabs) {
    const compute::Slab part = reach_of(slabs[0], halo), other = reach_of(slabs[1], halo);
    const BothMoments load{part.voxels.values, other.voxels.values, a0,          b0,
                           a_reach.low,        a_reach.high,        b_reach.low, b_reach.high};
    const std::size_t voxels = job.ssim ? part.voxels.size.count() : 0;
    const DeviceArray<Sums> sums(voxels), scratch(voxels);
    const DeviceArray<double> w(weights);
    const HalfWeights along{w.get(), static_cast<long>(half)};
    if (job.ssim) window_sums_on_device<5>(load, part, along, along, along, sums.get(), scratch.get());
    const std::size_t due = slabs->end - slabs->begin;
    const DeviceArray<compute::SimilaritySums> out(due);
    launch(similarity_kernel, Grid3(static_cast<unsigned>(std::min<std::size_t>(due, 65535))), block_size,
           static_cast<const Sums*>(job.ssim ? sums.get() : nullptr), load, part, static_cast<long>(half), terms,
           out.get());
    const auto of = out.host();
    std::copy(of.begin(), of.end(), slices.begin() + static_cast<long>(slabs->begin));
  });
  double n = 0;
  for (const auto& s : slices) n += s.n;
  return compute::join_similarity(slices, va.size.count() - static_cast<std::size_t>(n), job.data_range);
}

}  // namespace iqgate::cuda
