#pragma once

namespace iqgate::batch {

/// SIGINT, SIGTERM and SIGHUP as a file that becomes readable, in place of an end at any point; restored at the end.
class StopSignals {
 public:
  StopSignals();
  ~StopSignals();
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;
  int fd() const { return fd_; }
  /// Exit code of the signal that came: 130 (SIGINT) or 143; 0: none came.
  int exit_code();

 private:
  int fd_ = -1, code_ = 0;
};

}  // namespace iqgate::batch
