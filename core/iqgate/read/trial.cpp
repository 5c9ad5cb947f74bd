#include "iqgate/read/trial.hpp"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <new>

#include "iqgate/base/error.hpp"

namespace iqgate::read {

constexpr int no_memory = 2;  // exit status of a trial

bool survives_trial(unsigned seconds, const std::function<void()>& work) {
  const pid_t child = fork();
  if (child < 0) throw ResourceError("no_process", "reading", "no process can be started", "close other programs");
  if (child == 0) {
    const rlimit no_core{0, 0};
    setrlimit(RLIMIT_CORE, &no_core);
    for (const int signal_number : {SIGALRM, SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL})
      std::signal(signal_number, SIG_DFL);
    if (const int nowhere = open("/dev/null", O_WRONLY); nowhere >= 0) dup2(nowhere, STDERR_FILENO);
    alarm(seconds);
    int status = 0;
    try {
      work();
    } catch (const Error&) {  // a refusal, which we shall come to ourselves
    } catch (const std::bad_alloc&) {
      status = no_memory;
    } catch (...) {
      status = 1;
    }
    _exit(status);
  }
  int status = 0;
  while (waitpid(child, &status, 0) < 0)
    if (errno != EINTR) return false;
  if (WIFEXITED(status) && WEXITSTATUS(status) == no_memory) throw std::bad_alloc();
  if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
    throw ResourceError("no_memory", "reading", "the process that tried the file was killed from outside",
                        "give it more memory");
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

}  // namespace iqgate::read
