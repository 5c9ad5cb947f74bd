#include "iqgate/batch/worker_process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <string_view>
#include <thread>

#include "iqgate/base/error.hpp"

extern char** environ;

namespace iqgate::batch {
namespace {

[[noreturn]] void cannot_start(int error) {
  throw ResourceError("no_worker", "worker", std::string("a worker process cannot be started: ") + std::strerror(error),
                      "lower --jobs, or wait until the machine has processes and memory to give");
}

// Signals as a fresh program expects them, whatever this process blocks; an own group, so that a terminal's Ctrl-C
// reaches the parent alone.
struct Attributes {
  Attributes() {
    posix_spawnattr_init(&value);
    sigset_t none, all;
    sigemptyset(&none), sigfillset(&all);
    posix_spawnattr_setsigmask(&value, &none);
    posix_spawnattr_setsigdefault(&value, &all);
    posix_spawnattr_setpgroup(&value, 0);
    posix_spawnattr_setflags(&value, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
  }
  ~Attributes() { posix_spawnattr_destroy(&value); }
  Attributes(const Attributes&) = delete;
  Attributes& operator=(const Attributes&) = delete;
  posix_spawnattr_t value;
};

}  // namespace

WorkerProcess::WorkerProcess(const std::vector<std::string>& command, const std::vector<std::string>& environment) {
  int in[2] = {-1, -1}, out[2] = {-1, -1};
  if (::pipe2(in, O_CLOEXEC) != 0) cannot_start(errno);
  if (::pipe2(out, O_CLOEXEC) != 0) {
    const int error = errno;
    ::close(in[0]), ::close(in[1]);
    cannot_start(error);
  }
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, in[0], STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
  // What libraries print of a scan may hold what nobody should read.
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  std::vector<char*> arguments;
  for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  std::vector<char*> variables;
  for (const std::string& variable : environment) variables.push_back(const_cast<char*>(variable.c_str()));
  for (char** v = environ; *v; ++v) {
    const std::string_view name = std::string_view(*v).substr(0, std::string_view(*v).find('=') + 1);
    const bool replaced = std::any_of(environment.begin(), environment.end(),
                                      [&](const std::string& given) { return given.rfind(name, 0) == 0; });
    if (!replaced) variables.push_back(*v);
  }
  variables.push_back(nullptr);
  const Attributes attributes;
  const int error =
      ::posix_spawnp(&pid_, arguments[0], &actions, &attributes.value, arguments.data(), variables.data());
  posix_spawn_file_actions_destroy(&actions);
  ::close(in[0]), ::close(out[1]);
  in_ = in[1], out_ = out[0];
  if (error != 0) {
    ::close(in_), ::close(out_);
    cannot_start(error);
  }
  ::fcntl(in_, F_SETFL, O_NONBLOCK);
  ::fcntl(out_, F_SETFL, O_NONBLOCK);
}

WorkerProcess::~WorkerProcess() {
  end();
  close_input();
  ::close(out_);
}

bool WorkerProcess::write_some() {
  while (!pending_.empty()) {
    const ssize_t n = ::write(in_, pending_.data(), pending_.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno == EAGAIN;
    pending_.erase(0, static_cast<std::size_t>(n));
  }
  return true;
}

void WorkerProcess::close_input() {
  if (in_ >= 0) ::close(in_);
  in_ = -1;
}

bool WorkerProcess::read_some() {
  char piece[65536];
  for (;;) {
    const ssize_t n = ::read(out_, piece, sizeof piece);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno == EAGAIN;
    if (n == 0) return false;
    received_.append(piece, static_cast<std::size_t>(n));
    if (static_cast<std::size_t>(n) < sizeof piece) return true;
  }
}

bool WorkerProcess::next_line(std::string& line) {
  const std::size_t end = received_.find('\n', seen_);
  if (end == std::string::npos) {
    received_.erase(0, seen_);
    seen_ = 0;
    return false;
  }
  line = received_.substr(seen_, end - seen_);
  seen_ = end + 1;
  return true;
}

std::uint64_t WorkerProcess::resident_bytes() const {
  std::ifstream stream("/proc/" + std::to_string(pid_) + "/statm");
  std::uint64_t total = 0, resident = 0;
  stream >> total >> resident;
  return resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

std::string WorkerProcess::end(std::chrono::milliseconds patience) {
  if (pid_ < 0) return ended_;
  int status = 0;
  const auto until = std::chrono::steady_clock::now() + patience;
  pid_t reaped = ::waitpid(pid_, &status, WNOHANG);
  while (reaped == 0 && std::chrono::steady_clock::now() < until) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    reaped = ::waitpid(pid_, &status, WNOHANG);
  }
  const bool by_itself = reaped == pid_;
  if (!by_itself) {
    ::kill(pid_, SIGKILL);
    while ((reaped = ::waitpid(pid_, &status, 0)) < 0 && errno == EINTR) {
    }
  }
  pid_ = -1;
  if (WIFSIGNALED(status)) ended_ = "signal " + std::to_string(WTERMSIG(status));
  else ended_ = "exit " + std::to_string(WEXITSTATUS(status));
  outside_ = by_itself && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
  return ended_;
}

}  // namespace iqgate::batch
