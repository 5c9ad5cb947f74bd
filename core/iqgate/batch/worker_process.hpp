#pragma once
// One worker: the program itself run again, one JSON line in, JSON lines out. A fault of it is an answer, too.
#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace iqgate::batch {

class WorkerProcess {
 public:
  /// `command`: program and arguments; `environment`: NAME=VALUE, added to this process's. Throws ResourceError where
  /// it cannot be started.
  explicit WorkerProcess(const std::vector<std::string>& command, const std::vector<std::string>& environment = {});
  ~WorkerProcess();  ///< kills it
  WorkerProcess(const WorkerProcess&) = delete;
  WorkerProcess& operator=(const WorkerProcess&) = delete;

  int out() const { return out_; }
  int in() const { return in_; }
  void send(const std::string& line) { pending_ += line + "\n"; }
  bool sending() const { return !pending_.empty(); }
  /// Writes what the pipe takes; never waits. False: the worker is gone.
  bool write_some();
  /// The worker sees the end of its input.
  void close_input();
  /// Reads what is there. False: the worker closed its end.
  bool read_some();
  /// The next whole line that has come; false where there is none.
  bool next_line(std::string& line);
  /// Resident bytes now; 0 where it is gone.
  std::uint64_t resident_bytes() const;
  /// How it ended: "signal 11", "exit 0". Kills it where it has not after so long.
  std::string end(std::chrono::milliseconds patience = std::chrono::milliseconds(0));
  bool killed_from_outside() const { return outside_; }  ///< by signal 9, and not by us

 private:
  pid_t pid_ = -1;
  int in_ = -1, out_ = -1;
  bool outside_ = false;
  std::string pending_, received_, ended_;
  std::size_t seen_ = 0;
};

}  // namespace iqgate::batch
