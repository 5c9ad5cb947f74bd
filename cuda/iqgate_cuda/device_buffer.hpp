#pragma once
#include <cstddef>

#include "execution.hpp"

namespace iqgate::cuda {

/// Device memory that is given back.
class DeviceBuffer {
 public:
  explicit DeviceBuffer(std::size_t bytes) : memory_(device_allocate(bytes)) {}
  ~DeviceBuffer() { device_free(memory_); }
  DeviceBuffer(const DeviceBuffer&) = delete;
  DeviceBuffer& operator=(const DeviceBuffer&) = delete;
  void* get() const { return memory_; }
  template <class T>
  T* as() const {
    return static_cast<T*>(memory_);
  }

 private:
  void* memory_;
};

}  // namespace iqgate::cuda
