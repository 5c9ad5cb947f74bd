#pragma once
#include <atomic>
#include <exception>
#include <mutex>
#include <utility>

namespace iqgate::compute {

/// An exception must not leave a thread of a parallel region: the first one is kept, the rest of the work is skipped,
/// and `rethrow` after the region throws it.
class ParallelGuard {
 public:
  template <class Work>
  void run(Work&& work) noexcept {
    if (failed_) return;
    try {
      std::forward<Work>(work)();
    } catch (...) {
      const std::lock_guard lock(mutex_);
      if (!first_) first_ = std::current_exception();
      failed_ = true;
    }
  }
  bool failed() const { return failed_; }
  void rethrow() const {
    if (first_) std::rethrow_exception(first_);
  }

 private:
  std::mutex mutex_;
  std::exception_ptr first_;
  std::atomic<bool> failed_ = false;
};

}  // namespace iqgate::compute
