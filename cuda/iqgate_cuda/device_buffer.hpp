#pragma once
#include <cstddef>
#include <vector>

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

/// `count` values on the device.
template <class T>
class DeviceArray {
 public:
  explicit DeviceArray(std::size_t count) : count_(count), buffer_(count * sizeof(T)) {}
  explicit DeviceArray(const std::vector<T>& values) : DeviceArray(values.size()) { fill(values.data()); }
  T* get() const { return buffer_.as<T>(); }
  std::size_t size() const { return count_; }
  void clear() const { device_clear(get(), count_ * sizeof(T)); }
  void fill(const T* host) const { copy_to_device(get(), host, count_ * sizeof(T)); }
  void fetch(T* host) const { copy_to_host(host, get(), count_ * sizeof(T)); }
  std::vector<T> host() const {
    std::vector<T> values(count_);
    fetch(values.data());
    return values;
  }

 private:
  std::size_t count_;
  DeviceBuffer buffer_;
};

inline constexpr unsigned block_size = 128;
/// Blocks for n items, one a thread, at most `most`: kernels stride over the rest.
inline unsigned blocks_for(std::size_t n, std::size_t most = 65535) {
  const std::size_t blocks = (n + block_size - 1) / block_size;
  return static_cast<unsigned>(blocks < 1 ? 1 : blocks < most ? blocks : most);
}

}  // namespace iqgate::cuda
