#pragma once
// Batches of real transforms on the device, over cuFFT.
#include <cufft.h>

#include <string>

#include "execution.hpp"
#include "iqgate/base/geometry.hpp"

namespace iqgate::cuda {

inline void check_transform(cufftResult status, const char* what) {
  if (status == CUFFT_SUCCESS) return;
  const bool memory = status == CUFFT_ALLOC_FAILED;
  if (memory) (void)cudaGetLastError();
  throw DeviceError(memory ? "device_memory" : "device_fault", what, "cuFFT status " + std::to_string(int(status)),
                    "use --backend cpu");
}

inline cufftResult run_forward(cufftHandle plan, float* in, float* out) {
  return cufftExecR2C(plan, in, reinterpret_cast<cufftComplex*>(out));
}
inline cufftResult run_forward(cufftHandle plan, double* in, double* out) {
  return cufftExecD2Z(plan, in, reinterpret_cast<cufftDoubleComplex*>(out));
}

/// Forward transforms of `batch` real grids, x fastest, one after another, to half spectra of (x / 2 + 1) x y x z
/// pairs.
template <class T>
class BatchTransform {
 public:
  BatchTransform(Size3 size, std::size_t batch) {
    int n[3] = {static_cast<int>(size.z), static_cast<int>(size.y), static_cast<int>(size.x)};
    const int in = n[0] * n[1] * n[2], out = n[0] * n[1] * (n[2] / 2 + 1);
    std::size_t work = 0;
    check_transform(
        cufftMakePlanMany(plan_.handle, 3, n, nullptr, 1, in, nullptr, 1, out,
                          sizeof(T) == sizeof(float) ? CUFFT_R2C : CUFFT_D2Z, static_cast<int>(batch), &work),
        "transform plan");
  }
  void run(T* in, T* out) const {
    check_transform(run_forward(plan_.handle, in, out), "transform");
    check(cudaDeviceSynchronize(), "transform");
  }

 private:
  // Given back also when the plan cannot be made.
  struct Plan {
    cufftHandle handle = 0;
    Plan() { check_transform(cufftCreate(&handle), "transform plan"); }
    ~Plan() { cufftDestroy(handle); }
    Plan(const Plan&) = delete;
    Plan& operator=(const Plan&) = delete;
  };
  Plan plan_;
};

}  // namespace iqgate::cuda
