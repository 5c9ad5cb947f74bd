#include "iqgate/compute/fft.hpp"

#include <fftw3.h>

#include <new>
#include <stdexcept>

namespace iqgate::compute {

std::mutex& fft_planner() {
  static std::mutex mutex;
  return mutex;
}

Fft::Fft(Size3 size, bool forward) {
  const Buffer scratch = buffer(size.count());
  auto* data = reinterpret_cast<fftw_complex*>(scratch.get());
  const std::lock_guard lock(fft_planner());
  const int sign = forward ? FFTW_FORWARD : FFTW_BACKWARD;
  const int nx = static_cast<int>(size.x), ny = static_cast<int>(size.y), nz = static_cast<int>(size.z);
  plan_ = nz > 1   ? fftw_plan_dft_3d(nz, ny, nx, data, data, sign, FFTW_ESTIMATE)
          : ny > 1 ? fftw_plan_dft_2d(ny, nx, data, data, sign, FFTW_ESTIMATE)
                   : fftw_plan_dft_1d(nx, data, data, sign, FFTW_ESTIMATE);
  if (!plan_) throw std::logic_error("no transform of this size");
}

Fft::~Fft() {
  const std::lock_guard lock(fft_planner());
  fftw_destroy_plan(static_cast<fftw_plan>(plan_));
}

void Fft::run(std::complex<double>* data) const {
  auto* d = reinterpret_cast<fftw_complex*>(data);
  fftw_execute_dft(static_cast<fftw_plan>(plan_), d, d);
}

void Fft::Free::operator()(std::complex<double>* p) const { fftw_free(p); }

Fft::Buffer Fft::buffer(std::size_t count) {
  auto* p = static_cast<std::complex<double>*>(fftw_malloc(sizeof(std::complex<double>) * count));
  if (!p) throw std::bad_alloc();
  return Buffer(p);
}

}  // namespace iqgate::compute
