#pragma once
// Thin, single-threaded transforms of real grids over FFTW, in single or double precision. Plans are made under a lock
// and are estimated, not timed, so that bytes repeat; running one is thread-safe.
#include <complex>
#include <memory>

#include "iqgate/base/geometry.hpp"

namespace iqgate::compute {

template <class T>
class RealFft {
 public:
  /// Forward transform of a grid, x fastest, to half a spectrum of (x / 2 + 1) x y x z. Nothing is normalised.
  explicit RealFft(Size3 size);
  ~RealFft();
  RealFft(const RealFft&) = delete;
  RealFft& operator=(const RealFft&) = delete;

  struct Free {
    void operator()(void* p) const;
  };
  /// Equally aligned, so that every buffer takes the same code path.
  using Reals = std::unique_ptr<T[], Free>;
  using Complexes = std::unique_ptr<std::complex<T>[], Free>;
  Reals reals() const;
  Complexes complexes() const;
  std::size_t half() const { return size_.x / 2 + 1; }

  /// `in` is destroyed.
  void run(T* in, std::complex<T>* out) const;

 private:
  Size3 size_;
  void* plan_;
};

}  // namespace iqgate::compute
