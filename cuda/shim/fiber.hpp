#pragma once
// A fiber: a function with a stack of its own that can be left and entered again.
#include <functional>

namespace iqgate::cuda {

class Fiber {
 public:
  explicit Fiber(std::function<void()> body);
  ~Fiber();
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;
  /// Runs until the fiber suspends itself or ends.
  void resume();
  /// Called inside the fiber: back to whoever resumed it.
  void suspend();

  struct Switch;

 private:
  Switch* switch_;
};

}  // namespace iqgate::cuda
