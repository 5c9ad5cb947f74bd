#include "iqgate/compute/real_fft.hpp"

#include <fftw3.h>

#include <new>
#include <stdexcept>

#include "iqgate/compute/fft.hpp"

namespace iqgate::compute {
namespace {

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

template <class T>
RealFft<T>::RealFft(Size3 size) : size_(size) {
  const Reals in = reals();
  const Complexes out = complexes();
  int n[3], rank = 0;
  if (size.z > 1) n[rank++] = static_cast<int>(size.z);
  if (size.z > 1 || size.y > 1) n[rank++] = static_cast<int>(size.y);
  n[rank++] = static_cast<int>(size.x);
  const std::lock_guard lock(fft_planner());
  plan_ = Api<T>::plan(rank, n, in.get(), reinterpret_cast<typename Api<T>::Complex*>(out.get()),
                       FFTW_ESTIMATE | FFTW_DESTROY_INPUT);
  if (!plan_) throw std::logic_error("no transform of this size");
}

template <class T>
RealFft<T>::~RealFft() {
  const std::lock_guard lock(fft_planner());
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
