#pragma once
#include <atomic>
#include <cstddef>
#include <exception>
#include <mutex>
#include <utility>

namespace iqgate {

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

/// `work(k)` for every k below n, on all threads; what it throws first is thrown here. Each k must write to its own
/// place.
template <class Work>
void parallel_for(std::size_t n, const Work& work) {
  ParallelGuard guard;
#pragma omp parallel for schedule(dynamic)
  for (std::size_t k = 0; k < n; ++k) guard.run([&] { work(k); });
  guard.rethrow();
}

}  // namespace iqgate
