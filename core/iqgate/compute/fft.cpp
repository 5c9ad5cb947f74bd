#include "iqgate/compute/fft.hpp"

#include <fftw3.h>

#include <mutex>
#include <new>
#include <stdexcept>

namespace iqgate::compute {
namespace {

// FFTW's planner is global and not thread-safe.
std::mutex& planner() {
  static std::mutex mutex;
  return mutex;
}

template <class T>
struct Api;
template <>
struct Api<double> {
  using Plan = fftw_plan;
  using Complex = fftw_complex;
  static constexpr auto plan = fftw_plan_dft_r2c;
  static constexpr auto run = fftw_execute_dft_r2c;
  static constexpr auto destroy = fftw_destroy_plan;
};
template <>
struct Api<float> {
  using Plan = fftwf_plan;
  using Complex = fftwf_complex;
  static constexpr auto plan = fftwf_plan_dft_r2c;
  static constexpr auto run = fftwf_execute_dft_r2c;
  static constexpr auto destroy = fftwf_destroy_plan;
};

template <class U>
U* allocate(std::size_t count) {
  auto* p = static_cast<U*>(fftw_malloc(sizeof(U) * count));
  if (!p) throw std::bad_alloc();
  return p;
}

}  // namespace

Fft::Fft(Size3 size, bool forward) {
  const Buffer scratch = buffer(size.count());
  auto* data = reinterpret_cast<fftw_complex*>(scratch.get());
  const std::lock_guard lock(planner());
  const int sign = forward ? FFTW_FORWARD : FFTW_BACKWARD;
  const int nx = static_cast<int>(size.x), ny = static_cast<int>(size.y), nz = static_cast<int>(size.z);
  plan_ = nz > 1   ? fftw_plan_dft_3d(nz, ny, nx, data, data, sign, FFTW_ESTIMATE)
          : ny > 1 ? fftw_plan_dft_2d(ny, nx, data, data, sign, FFTW_ESTIMATE)
                   : fftw_plan_dft_1d(nx, data, data, sign, FFTW_ESTIMATE);
  if (!plan_) throw std::logic_error("no transform of this size");
}

Fft::~Fft() {
  const std::lock_guard lock(planner());
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

template <class T>
RealFft<T>::RealFft(Size3 size) : size_(size) {
  const Reals in = reals();
  const Complexes out = complexes();
  int n[3], rank = 0;
  if (size.z > 1) n[rank++] = static_cast<int>(size.z);
  if (size.z > 1 || size.y > 1) n[rank++] = static_cast<int>(size.y);
  n[rank++] = static_cast<int>(size.x);
  const std::lock_guard lock(planner());
  plan_ = Api<T>::plan(rank, n, in.get(), reinterpret_cast<typename Api<T>::Complex*>(out.get()),
                       FFTW_ESTIMATE | FFTW_DESTROY_INPUT);
  if (!plan_) throw std::logic_error("no transform of this size");
}

template <class T>
RealFft<T>::~RealFft() {
  const std::lock_guard lock(planner());
  Api<T>::destroy(static_cast<typename Api<T>::Plan>(plan_));
}

template <class T>
void RealFft<T>::Free::operator()(void* p) const {
  fftw_free(p);
}

template <class T>
typename RealFft<T>::Reals RealFft<T>::reals() const {
  return Reals(allocate<T>(size_.count()));
}

template <class T>
typename RealFft<T>::Complexes RealFft<T>::complexes() const {
  return Complexes(allocate<std::complex<T>>(half() * size_.y * size_.z));
}

template <class T>
void RealFft<T>::run(T* in, std::complex<T>* out) const {
  Api<T>::run(static_cast<typename Api<T>::Plan>(plan_), in, reinterpret_cast<typename Api<T>::Complex*>(out));
}

template class RealFft<float>;
template class RealFft<double>;

}  // namespace iqgate::compute
