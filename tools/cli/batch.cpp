#include <chrono>
#include <cstdio>

#include "cli/batch_options.hpp"
#include "iqgate/base/atomic_file.hpp"
#include "iqgate/base/error.hpp"
#include "iqgate/base/path_text.hpp"
#include "iqgate/base/utc_time.hpp"
#include "iqgate/batch/outputs.hpp"
#include "iqgate/batch/retention.hpp"
#include "iqgate/report/result_file.hpp"

namespace iqgate::cli {
namespace {

constexpr double alarm_limit_s = 60;

json::Value not_analysed_json(const batch::Settled& s) {
  json::Value v;
  v.set("schema", "iqgate.not_analysed/1");
  v.set("key", s.found.scan.key), v.set("scan", s.found.scan.scan_id), v.set("modality", s.found.scan.modality);
  v.set("scanner", s.found.scan.scanner), v.set("state", std::string(store::word(s.outcome.state)));
  v.set("code", s.outcome.code), v.set("reason", s.outcome.reason);
  return v;
}

void print_settled(const batch::Settled& s, const Options& options) {
  if (options.json) {
    json::Value v = s.result_folder.empty() ? not_analysed_json(s) : report::read_result(s.result_folder);
    if (!s.result_folder.empty()) v.set("key", s.found.scan.key);
    if (options.show_names) v.set("path", s.found.paths.front());
    std::printf("%s\n", json::write(v, 0).c_str());
  } else {
    const std::string why = s.outcome.code.empty() ? "" : s.outcome.code + ": " + s.outcome.reason;
    std::printf("%.12s  %-12s %-22s %-36s %s%s%s\n", s.found.scan.key.c_str(),
                batch::words_of(batch::standing_of(s.outcome)).c_str(), s.outcome.phantom.c_str(),
                batch::plain_text(s.found.scan.scanner).c_str(), why.c_str(), options.show_names ? "  " : "",
                options.show_names ? s.found.paths.front().c_str() : "");
  }
  std::fflush(stdout);
}

// What the alarm is told: the summary, and every scan of this run that did not pass.
std::string alarm_text(const batch::Summary& summary, const std::string& summary_text, bool all) {
  json::Array scans;
  for (const store::Entry& e : summary.entries) {
    const std::string standing = batch::standing_of(e.outcome);
    if ((!all && !e.computed && standing != "open") || standing == "pass" || standing == "warn" ||
        standing == "no_limit")
      continue;
    json::Value v;
    v.set("key", e.scan.key), v.set("standing", standing), v.set("scanner", e.scan.scanner);
    v.set("phantom", e.outcome.phantom), v.set("code", e.outcome.code), v.set("reason", e.outcome.reason);
    scans.push_back(std::move(v));
  }
  json::Value v;
  v.set("schema", "iqgate.alarm/1");
  v.set("summary", json::parse(summary_text, "summary", ErrorKind::output));
  v.set("scans", std::move(scans));
  return json::write(v, 0);
}

}  // namespace

namespace {

void alarm(const Options& options, const std::string& text, int stop_fd) {
  if (options.on_fail.empty()) return;
  const std::string fault = batch::run_alarm(options.on_fail, text, alarm_limit_s, stop_fd);
  if (!fault.empty()) std::fprintf(stderr, "iqgate: the command of --on-fail failed: %s\n", fault.c_str());
}

// What this process has dealt with, over all deliveries; each scan as it stands now.
void add_to(Session& session, batch::Summary& summary, int& code) {
  for (store::Entry& e : summary.entries) {
    const auto before = session.entries.find(e.scan.key);
    e.computed = e.computed || (before != session.entries.end() && before->second.computed);
    session.entries[e.scan.key] = e;
  }
  summary.entries.clear();
  for (const auto& [key, entry] : session.entries) summary.entries.push_back(entry);
  batch::count(summary);
  session.code = code = worse(session.code, code);
}

}  // namespace

int run_pass(const Options& options, const batch::BatchOptions& batch, store::Store& store, batch::WorkerPool& pool,
             batch::StopSignals& stop, Session* session) {
  const auto start = std::chrono::steady_clock::now();
  const batch::BatchRun run = batch::run_batch(
      batch, store, pool, [&](const batch::Settled& s) { print_settled(s, options); }, stop.fd());
  std::vector<batch::Expectation> expectations;
  if (!session)
    for (const std::string& text : options.expect) expectations.push_back(batch::read_expectation(text));
  const std::string now = now_utc();
  batch::look_for_arrivals(store, now, expectations);
  if (options.keep_days > 0 && !run.stopped)
    batch::give_up_old_files(store, batch.results_folder, options.keep_days, now);
  batch::Summary summary = batch::summarise(run, store, std::move(expectations));
  summary.wall_seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  const int code = run.stopped ? stop.exit_code() : batch::exit_code(summary, run, options.all);
  const bool wrong = code != exit_ok && !run.stopped;
  const std::string told =
      wrong ? alarm_text(summary, json::write(batch::summary_json(summary, run, code), 0), options.all) : "";
  int shown = code;
  if (session) add_to(*session, summary, shown);
  const std::string text = batch::write_outputs(batch, run, summary, store, shown, now);
  if (!options.prom.empty())
    write_file_atomically(options.prom, batch::batch_prometheus(summary, now, shown, batch.results_folder));
  if (!options.junit.empty()) write_file_atomically(options.junit, batch::batch_junit(summary));
  if (options.json) std::printf("%s\n", text.c_str());
  else std::printf("%s\n", batch::summary_line(summary, run).c_str());
  std::fflush(stdout);
  if (wrong) alarm(options, told, stop.fd());
  return code;
}

void tell_of_fault(const Options& options, const std::exception& error, int code, int stop_fd) {
  const auto* known = dynamic_cast<const Error*>(&error);
  json::Value v;
  v.set("schema", "iqgate.alarm/1"), v.set("exit_code", code);
  v.set("code", known ? known->code : "internal"), v.set("reason", known ? known->why : error.what());
  if (!options.prom.empty()) try {
      write_file_atomically(options.prom, batch::batch_prometheus({}, now_utc(), code, ""));
    } catch (const Error&) {  // the first fault is the one to tell
    }
  alarm(options, json::write(v, 0), stop_fd);
}

namespace {

int measure_tree(const Options& options, batch::StopSignals& stop) {
  const batch::BatchOptions batch = batch_options(options);
  for (const std::string& text : options.expect) batch::read_expectation(text);
  if (options.dry_run) {
    for (const std::string& root : batch.roots)
      std::printf("would measure the scans under %s by %zu rule(s), %zu worker(s) of %zu thread(s)\n", root.c_str(),
                  batch.rules.size(), batch.jobs, batch.threads_each);
    return exit_ok;
  }
  store::Store store(options.store);
  make_folder(batch.results_folder);
  batch::WorkerPool pool(pool_options(batch));
  return run_pass(options, batch, store, pool, stop, nullptr);
}

}  // namespace

int with_alarm(const Options& options, int (*work)(const Options&, batch::StopSignals&)) {
  batch::StopSignals stop;
  try {
    return work(options, stop);
  } catch (const std::exception& error) {
    tell_of_fault(options, error, exit_code_of(error), stop.fd());
    throw;
  }
}

int run_batch(const Options& options) { return with_alarm(options, measure_tree); }

}  // namespace iqgate::cli
