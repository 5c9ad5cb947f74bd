#include "iqgate/compute/noise_field.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "iqgate/base/parallel_guard.hpp"
#include "iqgate/base/random.hpp"
#include "iqgate/compute/fft.hpp"

namespace iqgate::compute {
namespace {

double deviate(std::uint64_t seed, std::uint64_t stream, std::uint64_t voxel) {
  const NormalPair pair = normal_pair(seed, stream, voxel / 2);
  return voxel % 2 == 0 ? pair.first : pair.second;
}

std::size_t padded(std::size_t n) {
  // Next size of the form 2^a 3^b 5^c that is at least 1.5 n.
  for (std::size_t m = n + n / 2;; ++m) {
    std::size_t rest = m;
    for (const std::size_t p : {2u, 3u, 5u})
      while (rest % p == 0) rest /= p;
    if (rest == 1) return m;
  }
}

double signed_frequency(std::size_t k, std::size_t n, double spacing) {
  return (k <= n / 2 ? double(k) : double(k) - double(n)) / (double(n) * spacing);
}

// |H(f)| such that the filtered white noise of SD sd has the wanted spectrum.
std::vector<double> transfer(Size3 size, const Grid& grid, const NoiseJob& job, bool three_dimensional) {
  std::vector<double> h(size.count());
  double power = 0;
  for (std::size_t z = 0, i = 0; z < size.z; ++z)
    for (std::size_t y = 0; y < size.y; ++y)
      for (std::size_t x = 0; x < size.x; ++x, ++i) {
        const double fx = signed_frequency(x, size.x, grid.spacing_mm.x),
                     fy = signed_frequency(y, size.y, grid.spacing_mm.y);
        const double f2 = fx * fx + fy * fy;
        if (job.kind == NoiseKind::gaussian) {
          h[i] = std::exp(-2 * std::numbers::pi * std::numbers::pi * job.tau_mm * job.tau_mm * f2);
          if (three_dimensional) {
            const double fz = signed_frequency(z, size.z, grid.spacing_mm.z);
            h[i] *= std::exp(-2 * std::numbers::pi * std::numbers::pi * job.tau_z_mm * job.tau_z_mm * fz * fz);
          }
        } else {
          const double f = std::sqrt(f2);
          h[i] = std::sqrt(f * std::exp(-f2 / (job.f0_per_mm * job.f0_per_mm)));
        }
        power += h[i] * h[i];
      }
  if (job.kind == NoiseKind::ramp)  // scaled so that the field has SD sd
    for (double& v : h) v /= std::sqrt(power / double(size.count()));
  return h;
}

// Filters one periodic block and copies its corner; `counter` keeps blocks independent.
void filtered_block(const NoiseJob& job, std::uint64_t stream, Size3 size, Size3 out, const std::vector<double>& h,
                    const Fft& forward, const Fft& backward, std::uint64_t counter, float* into) {
  const Fft::Buffer data = Fft::buffer(size.count());
  for (std::size_t k = 0; k < size.count(); ++k) data[k] = job.sd * deviate(job.seed, stream, counter + k);
  forward.run(data.get());
  const double scale = 1.0 / double(size.count());
  for (std::size_t k = 0; k < size.count(); ++k) data[k] *= h[k] * scale;
  backward.run(data.get());
  for (std::size_t z = 0, i = 0; z < out.z; ++z)
    for (std::size_t y = 0; y < out.y; ++y)
      for (std::size_t x = 0; x < out.x; ++x, ++i)
        into[i] = static_cast<float>(data[(z * size.y + y) * size.x + x].real());
}

}  // namespace

std::vector<float> noise_field(const Grid& grid, const NoiseJob& job, std::uint64_t stream) {
  const std::size_t plane = grid.size.x * grid.size.y;
  std::vector<float> field(grid.size.count());
  if (job.kind == NoiseKind::none || job.sd == 0) return field;
  if (job.kind == NoiseKind::white) {
#pragma omp parallel for schedule(static)
    for (std::size_t z = 0; z < grid.size.z; ++z)
      for (std::size_t k = z * plane; k < (z + 1) * plane; ++k)
        field[k] = static_cast<float>(job.sd * deviate(job.seed, stream, k));
    return field;
  }
  const bool three_dimensional = job.kind == NoiseKind::gaussian && job.tau_z_mm > 0 && grid.size.z > 1;
  Size3 size{padded(grid.size.x), padded(grid.size.y), three_dimensional ? padded(grid.size.z) : 1};
  const std::vector<double> h = transfer(size, grid, job, three_dimensional);
  const Fft forward(size, true), backward(size, false);
  if (three_dimensional) {
    filtered_block(job, stream, size, grid.size, h, forward, backward, 0, field.data());
    return field;
  }
  const Size3 slice{grid.size.x, grid.size.y, 1};
  parallel_for(grid.size.z, [&](std::size_t z) {
    filtered_block(job, stream, size, slice, h, forward, backward, (2 * size.count()) * z, field.data() + z * plane);
  });
  return field;
}

}  // namespace iqgate::compute
