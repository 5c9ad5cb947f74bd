#include <cmath>
#include <stdexcept>

#include "iqgate/compute/cpu_backend.hpp"
#include "iqgate/compute/fft.hpp"

namespace iqgate::compute {
namespace {

// Orthonormal polynomials on the box: 1 or, to second order, 6 in two and 10 in three dimensions.
std::vector<std::vector<double>> detrend_basis(Size3 box, Detrend detrend) {
  std::vector<std::vector<double>> basis;
  if (detrend == Detrend::none) return basis;
  const std::size_t n = box.count();
  const auto add = [&](int px, int py, int pz) {
    std::vector<double> b(n);
    const auto centred = [](std::size_t i, std::size_t count) {
      return count > 1 ? 2.0 * double(i) / double(count - 1) - 1 : 0.0;
    };
    for (std::size_t z = 0, k = 0; z < box.z; ++z)
      for (std::size_t y = 0; y < box.y; ++y)
        for (std::size_t x = 0; x < box.x; ++x, ++k)
          b[k] = std::pow(centred(x, box.x), px) * std::pow(centred(y, box.y), py) * std::pow(centred(z, box.z), pz);
    for (int pass = 0; pass < 2; ++pass)  // Gram-Schmidt, twice for accuracy
      for (const auto& other : basis) {
        double dot = 0;
        for (std::size_t k = 0; k < n; ++k) dot += b[k] * other[k];
        for (std::size_t k = 0; k < n; ++k) b[k] -= dot * other[k];
      }
    double length = 0;
    for (const double value : b) length += value * value;
    if (length < 1e-12 * double(n)) return;
    for (double& value : b) value /= std::sqrt(length);
    basis.push_back(std::move(b));
  };
  add(0, 0, 0);
  if (detrend == Detrend::constant) return basis;
  for (int order = 1; order <= 2; ++order)
    for (int pz = 0; pz <= (box.z > 1 ? order : 0); ++pz)
      for (int py = 0; py <= order - pz; ++py) add(order - pz - py, py, pz);
  return basis;
}

}  // namespace

PowerSpectrum CpuBackend::power_spectrum(const DeviceVolume& uploaded, const PowerSpectrumJob& job) const {
  const VolumeView v = uploaded.host();
  const std::size_t n = job.box.count(), boxes = job.corners.size();
  if (boxes == 0 || job.block.size() != boxes || job.blocks < 1 || n == 0)
    throw std::logic_error("power spectrum without boxes");
  for (const Size3 c : job.corners)
    if (c.x + job.box.x > v.size.x || c.y + job.box.y > v.size.y || c.z + job.box.z > v.size.z)
      throw std::logic_error("power spectrum: a box lies outside the volume");
  const auto basis = detrend_basis(job.box, job.detrend);
  const Fft fft(job.box, true);
  PowerSpectrum result{.box = job.box};
  result.spectra.assign(std::size_t(job.blocks), std::vector<double>(n, 0.0));
  result.boxes_in_block.assign(std::size_t(job.blocks), 0);
  result.box_mean.assign(boxes, 0);
  result.box_variance.assign(boxes, 0);
  // Blocks are independent; inside one the boxes are added in their order, so bytes do not depend on threads.
  std::vector<std::vector<std::size_t>> members(std::size_t(job.blocks));
  for (std::size_t b = 0; b < boxes; ++b) members[std::size_t(job.block[b])].push_back(b);
#pragma omp parallel
  {
    const Fft::Buffer data = Fft::buffer(n);
    std::vector<double> residual(n);
#pragma omp for schedule(dynamic)
    for (std::size_t block = 0; block < members.size(); ++block) {
      std::vector<double>& spectrum = result.spectra[block];
      for (const std::size_t b : members[block]) {
        const Size3 c = job.corners[b];
        double mean = 0;
        for (std::size_t z = 0, k = 0; z < job.box.z; ++z)
          for (std::size_t y = 0; y < job.box.y; ++y)
            for (std::size_t x = 0; x < job.box.x; ++x, ++k) {
              residual[k] = v(c.x + x, c.y + y, c.z + z);
              mean += residual[k];
            }
        mean /= double(n);
        result.box_mean[b] = mean;
        for (const auto& polynomial : basis) {
          double dot = 0;
          for (std::size_t k = 0; k < n; ++k) dot += residual[k] * polynomial[k];
          for (std::size_t k = 0; k < n; ++k) residual[k] -= dot * polynomial[k];
        }
        double square = 0;
        for (std::size_t k = 0; k < n; ++k) {
          square += residual[k] * residual[k];
          data[k] = residual[k];
        }
        result.box_variance[b] = square / double(n);
        fft.run(data.get());
        for (std::size_t k = 0; k < n; ++k) spectrum[k] += std::norm(data[k]);
      }
      result.boxes_in_block[block] = static_cast<int>(members[block].size());
      if (!members[block].empty())
        for (double& s : spectrum) s /= double(members[block].size());
    }
  }
  return result;
}

}  // namespace iqgate::compute
