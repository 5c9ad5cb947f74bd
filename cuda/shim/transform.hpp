#pragma once
// The same batches on the host, by the CPU's transforms.
#include <cstring>

#include "execution.hpp"
#include "iqgate/compute/fft.hpp"

namespace iqgate::cuda {

template <class T>
class BatchTransform {
 public:
  BatchTransform(Size3 size, std::size_t batch) : size_(size), batch_(batch), one_(size) {
    count_call(DeviceCall::plan);
  }
  void run(T* in, T* out) const {
    const std::size_t n = size_.count(), half = one_.half() * size_.y * size_.z;
    const auto real = one_.reals();
    const auto complex = one_.complexes();
    for (std::size_t k = 0; k < batch_; ++k) {
      std::memcpy(real.get(), in + k * n, n * sizeof(T));
      one_.run(real.get(), complex.get());
      std::memcpy(out + 2 * k * half, reinterpret_cast<const T*>(complex.get()), 2 * half * sizeof(T));
    }
  }

 private:
  Size3 size_;
  std::size_t batch_;
  compute::RealFft<T> one_;
};

}  // namespace iqgate::cuda
