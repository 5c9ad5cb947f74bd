// Gather and detrend, a batch of transforms, and the sum of their powers: three launches a batch, which stays in L2.
#include <algorithm>
#include <cmath>

#include "iqgate/compute/power_spectrum.hpp"
#include "iqgate_cuda/reduce.hpp"
#include "iqgate_cuda/volumes.hpp"
#include "transform.hpp"

namespace iqgate::cuda {
namespace {

constexpr int most_terms = 10;  // of second order in three directions
constexpr std::size_t batch_bytes = std::size_t{32} << 20;

struct Terms {
  int count, order[most_terms][3];  // x, y, z
  bool keep;                        // false: the level is fitted for the mean alone
};
struct BoxNumbers {
  double mean, variance;
  int finite;
};
struct Polynomials {
  const double *x, *y, *z;  // [order * n + point]
};

// One block a box.
template <class T>
IQGATE_KERNEL void detrend_kernel(VolumeView volume, const Size3* corners, Size3 box, Terms terms, Polynomials p,
                                  T* residuals, BoxNumbers* numbers) {
  const Size3 c = corners[block_x()];
  const std::size_t n = box.count();
  const double offset = static_cast<double>(volume(c.x, c.y, c.z));
  const auto value = [&](std::size_t k) {
    return static_cast<double>(volume(c.x + k % box.x, c.y + k / box.x % box.y, c.z + k / (box.x * box.y)));
  };
  const auto weight = [&](int t, std::size_t k) {
    return p.x[static_cast<std::size_t>(terms.order[t][0]) * box.x + k % box.x] *
           p.y[static_cast<std::size_t>(terms.order[t][1]) * box.y + k / box.x % box.y] *
           p.z[static_cast<std::size_t>(terms.order[t][2]) * box.z + k / (box.x * box.y)];
  };
  double fit[most_terms] = {};
  for (std::size_t k = thread_index(); k < n; k += block_size)
    for (int t = 0; t < terms.count; ++t) fit[t] += weight(t, k) * (value(k) - offset);
  for (int t = 0; t < terms.count; ++t) fit[t] = block_sum(fit[t]);
  double square = 0;
  for (std::size_t k = thread_index(); k < n; k += block_size) {
    double rest = value(k);
    if (terms.keep) {
      rest -= offset;
      for (int t = 0; t < terms.count; ++t) rest -= fit[t] * weight(t, k);
    }
    square += rest * rest;
    residuals[block_x() * n + k] = static_cast<T>(rest);
  }
  square = block_sum(square);
  if (thread_index() == 0)
    numbers[block_x()] = {offset + fit[0] / sqrt(static_cast<double>(n)), square / static_cast<double>(n),
                          square - square == 0};
}

// One thread a frequency; the boxes in their order.
template <class T>
IQGATE_KERNEL void power_kernel(const T* transforms, std::size_t half, std::size_t boxes, const BoxNumbers* numbers,
                                const int* block_of, double* halves) {
  const std::size_t step = std::size_t{blocks_x()} * block_size;
  for (std::size_t f = std::size_t{block_x()} * block_size + thread_index(); f < half; f += step)
    for (std::size_t b = 0; b < boxes; ++b) {
      if (!numbers[b].finite) continue;
      const double re = static_cast<double>(transforms[2 * (b * half + f)]),
                   im = static_cast<double>(transforms[2 * (b * half + f) + 1]);
      halves[static_cast<std::size_t>(block_of[b]) * half + f] += re * re + im * im;
    }
}

template <class T>
compute::PowerSpectrum spectra_of(const VolumeView& volume, const compute::PowerSpectrumJob& job) {
  const Size3 n = job.box;
  const std::size_t half = (n.x / 2 + 1) * n.y * n.z, boxes = job.corners.size(), blocks = std::size_t(job.blocks);
  Terms terms{};
  terms.keep = job.detrend != compute::Detrend::none;
  for (const auto& t : compute::detrend_terms(n, terms.keep ? job.detrend : compute::Detrend::constant)) {
    std::copy_n(t.data(), 3, terms.order[terms.count]);
    ++terms.count;
  }
  const std::size_t batch = std::clamp<std::size_t>(batch_bytes / ((n.count() + 2 * half) * sizeof(T)), 1, boxes);
  const DeviceArray<double> px(compute::box_polynomials(n.x)), py(compute::box_polynomials(n.y)),
      pz(compute::box_polynomials(n.z)), halves(blocks * half);
  const DeviceArray<Size3> corners(job.corners);
  const DeviceArray<int> block_of(job.block);
  const DeviceArray<T> residuals(batch * n.count()), transforms(batch * 2 * half);
  const DeviceArray<BoxNumbers> numbers(boxes);
  halves.clear();
  std::unique_ptr<BatchTransform<T>> transform;
  std::size_t planned = 0;
  for (std::size_t from = 0; from < boxes; from += batch) {
    const std::size_t count = std::min(batch, boxes - from);
    if (planned != count) {
      transform.reset();  // before the next one takes memory
      transform = std::make_unique<BatchTransform<T>>(n, count);
      planned = count;
    }
    launch(detrend_kernel<T>, Grid3(static_cast<unsigned>(count)), block_size, volume,
           static_cast<const Size3*>(corners.get() + from), n, terms, Polynomials{px.get(), py.get(), pz.get()},
           residuals.get(), numbers.get() + from);
    transform->run(residuals.get(), transforms.get());
    launch(power_kernel<T>, Grid3(blocks_for(half)), block_size, static_cast<const T*>(transforms.get()), half, count,
           static_cast<const BoxNumbers*>(numbers.get() + from), static_cast<const int*>(block_of.get() + from),
           halves.get());
  }
  compute::PowerSpectrum result{.box = n};
  result.boxes_in_block.assign(blocks, 0);
  const auto of_boxes = numbers.host();
  for (std::size_t b = 0; b < boxes; ++b) {
    const BoxNumbers& own = of_boxes[b];
    result.box_mean.push_back(own.finite ? own.mean : NAN);
    result.box_variance.push_back(own.finite ? own.variance : NAN);
    if (own.finite) ++result.boxes_in_block[std::size_t(job.block[b])];
    else ++result.left_out;
  }
  const std::vector<double> all = halves.host();
  std::vector<std::vector<double>> by_block;
  for (std::size_t b = 0; b < blocks; ++b)
    by_block.emplace_back(all.begin() + static_cast<long>(b * half), all.begin() + static_cast<long>((b + 1) * half));
  compute::unfold_spectra(by_block, result);
  return result;
}

}  // namespace

compute::PowerSpectrum power_spectrum_on_device(const UploadedVolume& volume, const compute::PowerSpectrumJob& job) {
  compute::check_power_spectrum(volume.host().size, job);
  const VolumeView v = volume.on_device();
  if (!v.values) throw DeviceError("device_memory", "power spectrum", "the volume does not fit on the device");
  return job.precision == compute::Precision::single ? spectra_of<float>(v, job) : spectra_of<double>(v, job);
}

}  // namespace iqgate::cuda
