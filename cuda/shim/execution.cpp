#include "execution.hpp"

#include <algorithm>
#include <map>
#include <memory>
#include <stdexcept>
#include <vector>

#include "fiber.hpp"

namespace iqgate::cuda {
namespace {

enum class State { ready, at_barrier, at_exchange, done };

struct Thread {
  unsigned index = 0;
  State state = State::ready;
  std::uint64_t offered = 0, received = 0;
  unsigned offset = 0;
  std::unique_ptr<Fiber> fiber;
};

struct Block {
  Grid3 grid;
  unsigned x = 0, y = 0;
  std::vector<Thread> threads;
  std::map<const void*, std::unique_ptr<char[]>> shared;
  std::exception_ptr error;
};

struct Plan {
  Schedule schedule = Schedule::forward;
  std::uint64_t seed = 1;
};

// Fibers of one block run on the thread that launched it: its own plan and its own current block.
thread_local Plan plan;
thread_local Block* block = nullptr;
thread_local Thread* current = nullptr;

std::uint64_t next_random(std::uint64_t& state) {  // splitmix64
  std::uint64_t z = (state += 0x9E3779B97F4A7C15ull);
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
  return z ^ (z >> 31);
}

std::vector<unsigned> order_of(std::size_t count, std::uint64_t& state) {
  std::vector<unsigned> order(count);
  for (std::size_t k = 0; k < count; ++k) order[k] = static_cast<unsigned>(k);
  if (plan.schedule == Schedule::reverse) std::reverse(order.begin(), order.end());
  if (plan.schedule == Schedule::shuffled)
    for (std::size_t k = count; k > 1; --k) std::swap(order[k - 1], order[next_random(state) % k]);
  return order;
}

bool all_in(std::size_t first, std::size_t last, State state) {
  return std::all_of(block->threads.begin() + static_cast<std::ptrdiff_t>(first),
                     block->threads.begin() + static_cast<std::ptrdiff_t>(last),
                     [&](const Thread& t) { return t.state == state; });
}

// Lets a warp whose lanes all wait at an exchange go on; true if any did.
bool complete_exchanges() {
  bool any = false;
  for (std::size_t first = 0; first < block->threads.size(); first += 32) {
    const std::size_t last = std::min(first + 32, block->threads.size());
    if (!all_in(first, last, State::at_exchange)) continue;
    for (std::size_t k = first; k < last; ++k) {
      Thread& t = block->threads[k];
      t.received = k + t.offset < last ? block->threads[k + t.offset].offered : t.offered;
    }
    for (std::size_t k = first; k < last; ++k) block->threads[k].state = State::ready;
    any = true;
  }
  return any;
}

void run_block(Grid3 grid, unsigned x, unsigned y, unsigned threads, const std::function<void()>& body,
               std::uint64_t& random) {
  Block b{grid, x, y, {}, {}, nullptr};
  block = &b;
  b.threads.resize(threads);
  for (unsigned k = 0; k < threads; ++k) {
    Thread& t = b.threads[k];
    t.index = k;
    t.fiber = std::make_unique<Fiber>([&body, &t] {
      try {
        body();
      } catch (...) {
        block->error = std::current_exception();
      }
      t.state = State::done;
    });
  }
  for (;;) {
    bool ran = false;
    for (const unsigned k : order_of(threads, random)) {
      Thread& t = b.threads[k];
      if (t.state != State::ready) continue;
      current = &t;
      t.fiber->resume();
      ran = true;
    }
    if (b.error || all_in(0, threads, State::done)) break;
    if (complete_exchanges()) continue;
    if (all_in(0, threads, State::at_barrier)) {
      for (Thread& t : b.threads) t.state = State::ready;
      continue;
    }
    if (!ran) {
      block = nullptr;
      throw std::logic_error("threads of a block wait for each other at different places");
    }
  }
  block = nullptr;
  current = nullptr;
  if (b.error) std::rethrow_exception(b.error);
}

}  // namespace

void set_schedule(Schedule schedule, std::uint64_t seed) { plan = {schedule, seed}; }

unsigned thread_index() { return current->index; }
unsigned block_threads() { return static_cast<unsigned>(block->threads.size()); }
unsigned block_x() { return block->x; }
unsigned block_y() { return block->y; }
unsigned blocks_x() { return block->grid.x; }
unsigned blocks_y() { return block->grid.y; }

void barrier() {
  current->state = State::at_barrier;
  current->fiber->suspend();
}

std::uint64_t exchange_down(std::uint64_t bits, unsigned offset) {
  Thread* self = current;
  self->offered = bits;
  self->offset = offset;
  self->state = State::at_exchange;
  self->fiber->suspend();
  return self->received;
}

void* shared_block(const void* key, std::size_t bytes) {
  auto& memory = block->shared[key];
  if (!memory) {
    memory.reset(new char[bytes]);
    std::memset(memory.get(), 0xA5, bytes);
  }
  return memory.get();
}

namespace {

struct Device {
  std::uint64_t count[5] = {};
  DeviceCall failing = DeviceCall::none;
  std::uint64_t at = 0;
  std::size_t memory = static_cast<std::size_t>(-1), used = 0;
  std::map<void*, std::size_t> blocks;
};
thread_local Device device;

}  // namespace

void fail_at(DeviceCall call, std::uint64_t k) {
  std::fill(std::begin(device.count), std::end(device.count), 0);
  device.failing = call;
  device.at = k;
}
std::uint64_t calls_of(DeviceCall call) { return device.count[static_cast<int>(call)]; }
long blocks_allocated() { return static_cast<long>(device.blocks.size()); }
void set_device_memory(std::size_t bytes) { device.memory = bytes; }

void* take_block(std::size_t bytes) {
  if (bytes > device.memory - device.used) throw DeviceError("device_memory", "device memory", "out of memory");
  void* p = std::malloc(std::max<std::size_t>(bytes, 1));
  if (!p) throw DeviceError("device_memory", "device memory", "out of memory");
  std::memset(p, 0xA5, bytes);
  device.blocks[p] = bytes;
  device.used += bytes;
  return p;
}
void give_block(void* p) noexcept {
  const auto found = device.blocks.find(p);
  if (found == device.blocks.end()) return;
  device.used -= found->second;
  device.blocks.erase(found);
  std::free(p);
}

void count_call(DeviceCall call) {
  const std::uint64_t number = ++device.count[static_cast<int>(call)];
  if (call != device.failing || number != device.at) return;
  if (call == DeviceCall::allocate) throw DeviceError("device_memory", "device memory", "out of memory (injected)");
  throw DeviceError("device_fault", "device", "fault (injected)");
}

void run_grid(Grid3 grid, unsigned threads, const std::function<void()>& body) {
  std::uint64_t random = plan.seed;
  const std::size_t blocks = std::size_t(grid.x) * grid.y;
  for (const unsigned b : order_of(blocks, random)) run_block(grid, b % grid.x, b / grid.x, threads, body, random);
}

}  // namespace iqgate::cuda
