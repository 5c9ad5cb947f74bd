#include <omp.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <thread>

#include "cli/command_line.hpp"
#include "iqgate/base/error.hpp"
#include "iqgate/pipeline/job.hpp"

namespace iqgate::cli {
namespace {

// Ends the program when the time is up: everything written so far is whole, since writing is atomic.
class Watchdog {
 public:
  explicit Watchdog(double seconds) {
    if (seconds <= 0) return;
    thread_ = std::jthread([seconds](const std::stop_token& stop) {
      const auto until = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
      while (!stop.stop_requested()) {
        if (std::chrono::steady_clock::now() >= until) {
          std::fprintf(stderr, "iqgate: error [timeout]: --timeout: the time is up after %g s\n", seconds);
          _exit(exit_resource);
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
      }
    });
  }

 private:
  std::jthread thread_;
};

int print_version(const Options& o) {
  std::printf("iqgate %s\n", IQGATE_VERSION);
  if (o.verbose > 0)
    for (const auto& [key, value] : pipeline::software_record()) std::printf("  %s: %s\n", key.c_str(), value.c_str());
  return exit_ok;
}

int run_verb(const std::string& verb, const Options& o) {
  if (verb == "worker") return run_worker();
  if (verb == "batch") return run_batch(o);
  if (verb == "watch") return run_watch(o);
  if (o.jobs > 0) omp_set_num_threads(o.jobs);
  const Watchdog watchdog(o.timeout_s);
  if (verb == "inspect") return run_inspect(o);
  if (verb == "measure" || verb == "check") return run_measure(o, verb == "check");
  if (verb == "profile") return run_profile(o);
  if (verb == "compare") return run_compare(o);
  if (verb == "trend") return run_trend(o);
  if (verb == "report") return run_report(o);
  if (verb == "export") return run_export(o);
  if (verb == "verify") return run_verify(o);
  if (verb == "phantoms") return run_phantoms(o);
  if (verb == "metrics") return run_metrics(o);
  if (verb == "selftest") return run_selftest(o);
  if (verb == "bench") return run_bench(o);
  return run_devices(o);
}

int run(int argc, char** argv) {
  Options o;
  const Command command = parse_command_line({argv + 1, argv + argc}, o);
  if (command.verb.empty()) return command.code;
  if (command.verb == "version") return print_version(o);
  try {
    return run_verb(command.verb, o);
  } catch (Error& error) {
    hide_found_names(o, error);
    throw;
  }
}

}  // namespace
}  // namespace iqgate::cli

int main(int argc, char** argv) {
  try {
    const int code = iqgate::cli::run(argc, argv);
    if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) {
      std::fprintf(stderr, "iqgate: error [cannot_write]: stdout: could not be written\n");
      return iqgate::cli::exit_output;
    }
    return code;
  } catch (const std::exception& error) {
    return iqgate::cli::report_error(error);
  } catch (...) {
    std::fprintf(stderr, "iqgate: error [internal]: unknown exception\n");
    return iqgate::cli::exit_internal;
  }
}
