#pragma once
// Thin, single-threaded complex transforms over FFTW (double). Plans are made under a lock; running one is thread-safe.
#include <complex>
#include <memory>
#include <mutex>
#include <vector>

#include "iqgate/base/geometry.hpp"

namespace iqgate::compute {

/// FFTW's planner is global and not thread-safe.
std::mutex& fft_planner();

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

}  // namespace iqgate::compute
