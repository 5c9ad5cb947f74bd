#include <poll.h>

#include <chrono>

#include "iqgate/base/error.hpp"
#include "iqgate/batch/outputs.hpp"
#include "iqgate/batch/worker_process.hpp"

namespace iqgate::batch {

std::string run_alarm(const std::vector<std::string>& command, const std::string& text, double limit_s, int stop_fd) {
  try {
    WorkerProcess process(command);
    process.send(text);
    const auto until = std::chrono::steady_clock::now() + std::chrono::duration<double>(limit_s);
    while (std::chrono::steady_clock::now() < until) {
      if (process.sending() && process.write_some() && !process.sending()) process.close_input();
      if (!process.read_some()) {  // its end of the pipe is closed: it is about to end
        const std::string how = process.end(std::chrono::milliseconds(2000));
        return how == "exit 0" ? "" : how;
      }
      pollfd stop{stop_fd, POLLIN, 0};
      if (::poll(&stop, 1, 20) > 0) return "was ended, since this program was asked to stop";
    }
    return "took longer than " + json::number_text(limit_s) + " s and was ended";
  } catch (const ResourceError& error) {
    return error.why;
  }
}

}  // namespace iqgate::batch
