#include <poll.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <set>

#include "cli/batch_options.hpp"
#include "iqgate/base/atomic_file.hpp"
#include "iqgate/base/error.hpp"
#include "iqgate/base/file_kind.hpp"
#include "iqgate/base/utc_time.hpp"
#include "iqgate/batch/deliveries.hpp"
#include "iqgate/batch/outputs.hpp"

namespace iqgate::cli {
namespace {

constexpr int shortest_look_ms = 200;

// True: asked to stop. A change in the folder ends the wait early.
bool wait(const Options& options, const batch::Deliveries& deliveries, const batch::StopSignals& stop) {
  const int rescan_ms = static_cast<int>(1000 * std::min(options.rescan_s, std::max(options.quiet_s / 2, 0.05)));
  pollfd fds[2] = {{stop.fd(), POLLIN, 0}, {deliveries.change_fd(), POLLIN, 0}};
  ::poll(fds, 2, std::max(rescan_ms, 50));
  if (fds[0].revents & POLLIN) return true;
  if (!(fds[1].revents & POLLIN)) return false;
  deliveries.take_changes();
  return ::poll(fds, 1, shortest_look_ms) > 0;  // changes come in showers
}

// Told once when a scanner falls silent, and again after it had spoken.
void look_for_silence(const Options& options, store::Store& store, std::set<std::string>& silent, int stop_fd) {
  std::vector<batch::Expectation> expectations;
  for (const std::string& text : options.expect) expectations.push_back(batch::read_expectation(text));
  batch::look_for_arrivals(store, now_utc(), expectations);
  for (const batch::Expectation& e : expectations) {
    if (!e.missing) {
      silent.erase(e.scanner);
      continue;
    }
    if (!silent.insert(e.scanner).second) continue;
    std::fprintf(stderr, "iqgate: NOTHING CAME from %s in %g h\n", batch::plain_text(e.scanner).c_str(), e.hours);
    const InputError silence("nothing_came", e.scanner, "nothing came from " + e.scanner + " in time");
    tell_of_fault(options, silence, exit_incomplete, stop_fd);
  }
}

int watch_folder(const Options& options, batch::StopSignals& stop) {
  if (options.paths.size() != 1)
    throw UsageError("wrong_use", "watch", "watches one folder", "name the folder that deliveries come into");
  batch::BatchOptions batch = batch_options(options);
  const std::string root = batch.roots.front();
  if (!is_folder(root)) throw UsageError("wrong_use", root, "is no folder");
  batch.folders_from = root;
  for (const std::string& text : options.expect) batch::read_expectation(text);
  store::Store store(options.store);
  make_folder(batch.results_folder);
  batch::WorkerPool pool(pool_options(batch));
  batch::Deliveries deliveries(root, options.quiet_s, options.marker);
  std::set<std::string> silent;
  Session session;
  for (;;) {
    const auto ready = deliveries.at_rest(batch::Deliveries::Clock::now());
    if (!ready.empty()) {
      batch.roots.clear();
      for (const batch::Delivery& d : ready) batch.roots.insert(batch.roots.end(), d.paths.begin(), d.paths.end());
      run_pass(options, batch, store, pool, stop, &session);
      if (const int stopped = stop.exit_code()) return stopped;
      for (const batch::Delivery& d : ready) deliveries.settled(d);
      continue;  // much may have come meanwhile
    }
    look_for_silence(options, store, silent, stop.fd());
    if (options.once && !deliveries.pending()) return session.code;
    if (wait(options, deliveries, stop)) return stop.exit_code();
  }
}

}  // namespace

int run_watch(const Options& options) { return with_alarm(options, watch_folder); }

}  // namespace iqgate::cli
