#pragma once
// Thin, single-threaded transforms over FFTW. Plans are made under a lock, and estimated, not timed, so that bytes
// repeat; running one is thread-safe.
#include <complex>
#include <memory>
#include <vector>

#include "iqgate/base/geometry.hpp"

namespace iqgate::compute {

class Fft {
 public:
  /// In-place transform of a grid, x fastest; `forward` uses exp(-2 pi i ...). Nothing is normalised.
  Fft(Size3 size, bool forward);
  ~Fft();
  Fft(const Fft&) = delete;
  Fft& operator=(const Fft&) = delete;
  void run(std::complex<double>* data) const;

  /// Aligned so that every buffer takes the same code path, and bytes repeat.
  struct Free {
    void operator()(std::complex<double>* p) const;
  };
  using Buffer = std::unique_ptr<std::complex<double>[], Free>;
  static Buffer buffer(std::size_t count);

 private:
  void* plan_;
};

/// Of real grids, in single or double precision.
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
