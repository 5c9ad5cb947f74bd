#include "fiber.hpp"

#include <sys/mman.h>

#include <cstdint>
#include <new>
#include <utility>
#include <vector>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif

// Saves the callee's registers on the running stack, swaps stacks, restores. No system call: about 36 ns.
#if defined(__x86_64__)
asm(R"(
.text
.globl iqgate_fiber_switch
.type iqgate_fiber_switch, @function
iqgate_fiber_switch:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
.size iqgate_fiber_switch, .-iqgate_fiber_switch
.section .note.GNU-stack,"",@progbits
.text
)");
extern "C" void iqgate_fiber_switch(void** save, void* to);
#else
#error "the execution-model shim switches stacks by hand and is written for x86-64"
#endif

namespace iqgate::cuda {
namespace {

constexpr std::size_t stack_bytes = std::size_t{256} << 10;

// Stacks are kept: a launch makes a fiber for every thread of every block.
class StackPool {
 public:
  ~StackPool() {
    for (void* stack : free_) munmap(stack, stack_bytes);
  }
  void* take() {
    if (!free_.empty()) {
      void* stack = free_.back();
      free_.pop_back();
#if defined(__SANITIZE_ADDRESS__)
      __asan_unpoison_memory_region(stack, stack_bytes);  // frames of the fiber that ended here
#endif
      return stack;
    }
    void* memory =
        mmap(nullptr, stack_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) throw std::bad_alloc();
    return memory;
  }
  void give(void* stack) { free_.push_back(stack); }

 private:
  std::vector<void*> free_;
};
thread_local StackPool pool;

}  // namespace

struct Fiber::Switch {
  std::function<void()> body;
  void* stack = nullptr;
  void* own = nullptr;     // saved stack pointer of the fiber
  void* caller = nullptr;  // and of who resumed it
  void* fake_own = nullptr;
  void* fake_caller = nullptr;
  const void* caller_stack = nullptr;
  std::size_t caller_size = 0;

  // The sanitizer follows the stack we are on; without it these are nothing.
  void leaving(void** fake, const void* bottom, std::size_t size) {
#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_start_switch_fiber(fake, bottom, size);
#else
    (void)fake, (void)bottom, (void)size;
#endif
  }
  void arrived(void* fake, const void** bottom, std::size_t* size) {
#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_finish_switch_fiber(fake, bottom, size);
#else
    (void)fake, (void)bottom, (void)size;
#endif
  }

  static void entry(Switch* self) {
    self->arrived(nullptr, &self->caller_stack, &self->caller_size);
    self->body();
    self->leaving(nullptr, self->caller_stack, self->caller_size);  // null: this stack will not be entered again
    iqgate_fiber_switch(&self->own, self->caller);
    __builtin_unreachable();
  }
};

namespace {

thread_local Fiber::Switch* starting = nullptr;
void trampoline() { Fiber::Switch::entry(std::exchange(starting, nullptr)); }

}  // namespace

Fiber::Fiber(std::function<void()> body) : switch_(new Switch{std::move(body)}) {
  void* memory = pool.take();
  switch_->stack = memory;
  // Six registers, the address to return to, and a slot that keeps the stack aligned as after a call.
  auto** top = reinterpret_cast<void**>(static_cast<char*>(memory) + stack_bytes) - 8;
  top[6] = reinterpret_cast<void*>(&trampoline);
  switch_->own = top;
}

Fiber::~Fiber() {
  pool.give(switch_->stack);
  delete switch_;
}

void Fiber::resume() {
  starting = switch_;
  switch_->leaving(&switch_->fake_caller, switch_->stack, stack_bytes);
  iqgate_fiber_switch(&switch_->caller, switch_->own);
  switch_->arrived(switch_->fake_caller, nullptr, nullptr);
}

void Fiber::suspend() {
  switch_->leaving(&switch_->fake_own, switch_->caller_stack, switch_->caller_size);
  iqgate_fiber_switch(&switch_->own, switch_->caller);
  switch_->arrived(switch_->fake_own, &switch_->caller_stack, &switch_->caller_size);
}

}  // namespace iqgate::cuda
