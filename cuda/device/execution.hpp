#pragma once
// The execution model on a CUDA device. Kernels include "execution.hpp" and nothing of CUDA: the include path chooses
// between this file and the one of cuda/shim/, which runs the same source on the host.
#include <cuda_runtime.h>

#include <cstdint>
#include <string>

#include "iqgate/base/error.hpp"

#define IQGATE_KERNEL __global__
#define IQGATE_DEVICE __device__

namespace iqgate::cuda {

using Grid3 = dim3;

IQGATE_DEVICE inline unsigned thread_index() { return threadIdx.x; }
IQGATE_DEVICE inline unsigned block_threads() { return blockDim.x; }
IQGATE_DEVICE inline unsigned block_x() { return blockIdx.x; }
IQGATE_DEVICE inline unsigned block_y() { return blockIdx.y; }
IQGATE_DEVICE inline unsigned blocks_x() { return gridDim.x; }
IQGATE_DEVICE inline unsigned blocks_y() { return gridDim.y; }
/// All threads of the block wait for each other.
IQGATE_DEVICE inline void barrier() { __syncthreads(); }
/// Memory shared by the block: one array for each type and size named in a kernel. Not initialised.
template <class T, int N>
IQGATE_DEVICE T* shared() {
  __shared__ T storage[N];
  return storage;
}
/// Integer sums only: exact, so their order plays no part.
IQGATE_DEVICE inline void atomic_add(std::int64_t* to, std::int64_t value) {
  atomicAdd(reinterpret_cast<unsigned long long*>(to), static_cast<unsigned long long>(value));
}
/// The smaller of what is there and `value` stays; gives what was there.
IQGATE_DEVICE inline std::uint32_t atomic_min(std::uint32_t* to, std::uint32_t value) { return atomicMin(to, value); }
/// What another thread may have written meanwhile.
IQGATE_DEVICE inline std::uint32_t read_shared(const std::uint32_t* from) {
  return *static_cast<const volatile std::uint32_t*>(from);
}
/// The value of the lane `offset` higher in the warp of 32.
template <class T>
IQGATE_DEVICE T shuffle_down(T value, unsigned offset) {
  return __shfl_down_sync(0xffffffffu, value, offset);
}

inline void check(cudaError_t status, const char* what) {
  if (status == cudaSuccess) return;
  const bool memory = status == cudaErrorMemoryAllocation;
  if (memory) (void)cudaGetLastError();  // else the next launch would be blamed for it
  throw DeviceError(memory ? "device_memory" : "device_fault", what, cudaGetErrorString(status),
                    memory ? "use --backend cpu, or a smaller scan" : "use --backend cpu");
}

inline void* device_allocate(std::size_t bytes) {
  void* p = nullptr;
  check(cudaMalloc(&p, bytes), "device memory");
  return p;
}
inline void device_free(void* p) noexcept { cudaFree(p); }
inline void copy_to_device(void* to, const void* from, std::size_t bytes) {
  check(cudaMemcpy(to, from, bytes, cudaMemcpyHostToDevice), "copy to the device");
}
inline void copy_to_host(void* to, const void* from, std::size_t bytes) {
  check(cudaMemcpy(to, from, bytes, cudaMemcpyDeviceToHost), "copy from the device");
}
inline void device_clear(void* p, std::size_t bytes) { check(cudaMemset(p, 0, bytes), "device memory"); }

/// Number of devices; 0 with a reason when there is no driver or no device.
inline int device_count(std::string& reason) {
  int count = 0;
  const cudaError_t status = cudaGetDeviceCount(&count);
  if (status != cudaSuccess) {
    reason = cudaGetErrorString(status);
    return 0;
  }
  if (count == 0) reason = "no CUDA device is visible";
  return count;
}
inline std::string device_name() {
  cudaDeviceProp properties{};
  check(cudaGetDeviceProperties(&properties, 0), "device");
  return properties.name;
}

template <class... Parameters, class... Arguments>
void launch(void (*kernel)(Parameters...), Grid3 grid, unsigned threads, Arguments... arguments) {
  kernel<<<grid, threads>>>(arguments...);
  check(cudaGetLastError(), "kernel launch");
  check(cudaDeviceSynchronize(), "kernel");
}

}  // namespace iqgate::cuda
