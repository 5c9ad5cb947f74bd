#pragma once
// The execution model on the host: the same kernels, blocks one after another, threads as fibers, under a schedule that
// tests choose. Shared memory is a fresh heap block for each thread block, so that the address sanitizer sees overruns.
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <string>

#include "iqgate/base/error.hpp"

#define IQGATE_KERNEL
#define IQGATE_DEVICE

namespace iqgate::cuda {

struct Grid3 {
  unsigned x = 1, y = 1, z = 1;
  Grid3(unsigned x_ = 1, unsigned y_ = 1, unsigned z_ = 1) : x(x_), y(y_), z(z_) {}
};

/// The order in which ready threads of a block run between barriers.
enum class Schedule { forward, reverse, shuffled };
void set_schedule(Schedule schedule, std::uint64_t seed = 1);

unsigned thread_index();
unsigned block_threads();
unsigned block_x();
unsigned block_y();
unsigned blocks_x();
unsigned blocks_y();
void barrier();
/// Shared memory of the running block for this key; filled with a pattern, not with zeros.
void* shared_block(const void* key, std::size_t bytes);
/// One slot a lane, exchanged in step by the 32 lanes of a warp.
std::uint64_t exchange_down(std::uint64_t bits, unsigned offset);

template <class T, int N>
T* shared() {
  static const char key = 0;
  return static_cast<T*>(shared_block(&key, sizeof(T) * N));
}
inline void atomic_add(std::int64_t* to, std::int64_t value) { *to += value; }
inline std::uint32_t atomic_min(std::uint32_t* to, std::uint32_t value) {
  const std::uint32_t before = *to;
  if (value < before) *to = value;
  return before;
}
inline std::uint32_t read_shared(const std::uint32_t* from) { return *from; }
template <class T>
T shuffle_down(T value, unsigned offset) {
  static_assert(sizeof(T) <= 8);
  std::uint64_t bits = 0;
  std::memcpy(&bits, &value, sizeof value);
  bits = exchange_down(bits, offset);
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

/// What the k-th call of a kind does from now on: fail once, as a device would. Counts of calls since then, and of
/// device memory that is not given back.
enum class DeviceCall { none, allocate, copy, launch, plan };
void fail_at(DeviceCall call, std::uint64_t k);
std::uint64_t calls_of(DeviceCall call);
long blocks_allocated();
/// What the device has in all; allocations beyond it fail.
void set_device_memory(std::size_t bytes);
/// Counts a call; throws DeviceError (device_memory or device_fault) where it is to fail.
void count_call(DeviceCall call);
void* take_block(std::size_t bytes);
void give_block(void* block) noexcept;

/// Runs `body` once a thread of every block. Throws std::logic_error when threads of a block disagree about a barrier.
void run_grid(Grid3 grid, unsigned threads, const std::function<void()>& body);

template <class... Parameters, class... Arguments>
void launch(void (*kernel)(Parameters...), Grid3 grid, unsigned threads, Arguments... arguments) {
  count_call(DeviceCall::launch);
  run_grid(grid, threads, [&] { kernel(arguments...); });
}

inline void* device_allocate(std::size_t bytes) {
  count_call(DeviceCall::allocate);
  return take_block(bytes);
}
inline void device_free(void* p) noexcept { give_block(p); }
inline void copy_to_device(void* to, const void* from, std::size_t bytes) {
  count_call(DeviceCall::copy);
  if (bytes > 0) std::memcpy(to, from, bytes);
}
inline void copy_to_host(void* to, const void* from, std::size_t bytes) {
  count_call(DeviceCall::copy);
  if (bytes > 0) std::memcpy(to, from, bytes);
}
inline void device_clear(void* p, std::size_t bytes) { std::memset(p, 0, bytes); }
inline int device_count(std::string&) { return 1; }
inline std::string device_name() { return "execution-model shim"; }

}  // namespace iqgate::cuda
