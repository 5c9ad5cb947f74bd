#pragma once
// Workers under supervision: each has its time and its memory; one that breaks either, or dies, is replaced.
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "iqgate/base/json.hpp"
#include "iqgate/batch/worker_process.hpp"

namespace iqgate::batch {

struct WorkerJob {
  std::size_t tag = 0;  ///< comes back with the answer
  json::Value request;
  double timeout_s = 600;
};

enum class WorkerFault { none, crashed, killed, timed_out, too_large, garbled };

struct WorkerAnswer {
  std::size_t tag = 0;
  WorkerFault fault = WorkerFault::none;
  std::string how;    ///< of a fault: "signal 11"...
  json::Value reply;  ///< null with a fault
};

struct PoolOptions {
  std::vector<std::string> command;  ///< of a worker
  std::size_t workers = 1;
  std::uint64_t max_resident_bytes = 0;  ///< of one worker
  std::size_t jobs_each = 200;           ///< then it is replaced: what leaks ends with it
};

class WorkerPool {
 public:
  explicit WorkerPool(PoolOptions options);
  ~WorkerPool();

  struct Calls {
    /// The next job; none: nothing is left for now.
    std::function<std::optional<WorkerJob>()> next;
    std::function<void(std::size_t tag, const json::Value&)> part;
    std::function<void(WorkerAnswer)> done;
    std::function<void()> tick;  ///< about twenty times a second
  };
  /// Until no worker has a job and `next` gives none. False where `stop_fd` became readable (workers are killed, their
  /// jobs are not answered); -1: nothing stops it.
  bool run(const Calls& calls, int stop_fd);

 private:
  struct Seat;
  void start(Seat& seat, WorkerJob job);
  void listen(Seat& seat, const Calls& calls);
  void watch(Seat& seat, const Calls& calls);
  void finish(Seat& seat, const Calls& calls, WorkerFault fault, const std::string& how, json::Value reply);
  bool wait(int stop_fd);

  PoolOptions options_;
  std::vector<std::unique_ptr<Seat>> seats_;
};

}  // namespace iqgate::batch
