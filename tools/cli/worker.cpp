#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <iostream>
#include <string>

#include "cli/options.hpp"
#include "iqgate/base/error.hpp"
#include "iqgate/pipeline/worker.hpp"

namespace iqgate::cli {
namespace {

bool write_line(int fd, std::string line) {
  line += '\n';
  for (std::size_t done = 0; done < line.size();) {
    const ssize_t n = ::write(fd, line.data() + done, line.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    done += static_cast<std::size_t>(n);
  }
  return true;
}

}  // namespace

int run_worker() {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // no scan is measured for nobody
  const rlimit no_core{0, 0};
  ::setrlimit(RLIMIT_CORE, &no_core);
  // Answers go out alone: whatever a library prints lands elsewhere.
  const int answers = ::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
  if (answers < 0 || ::dup2(STDERR_FILENO, STDOUT_FILENO) < 0) return exit_internal;
  for (std::string line; std::getline(std::cin, line);) {
    const json::Value job = json::parse(line, "job", ErrorKind::usage);
    const auto part = [&](const json::Value& value) { write_line(answers, json::write(value, 0)); };
    if (!write_line(answers, json::write(pipeline::answer_job(job, part), 0))) return exit_output;
  }
  return exit_ok;
}

}  // namespace iqgate::cli
