#include <chrono>
#include <thread>

#include "iqgate/base/error.hpp"
#include "iqgate/batch/outputs.hpp"
#include "iqgate/batch/worker_process.hpp"

namespace iqgate::batch {

std::string run_alarm(const std::vector<std::string>& command, const std::string& text, double limit_s) {
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
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    return "took longer than " + json::number_text(limit_s) + " s and was ended";
  } catch (const ResourceError& error) {
    return error.why;
  }
}

}  // namespace iqgate::batch
