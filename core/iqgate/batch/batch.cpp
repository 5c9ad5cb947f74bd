#include "iqgate/batch/batch.hpp"

#include <poll.h>

#include <chrono>
#include <deque>
#include <filesystem>
#include <set>

#include "iqgate/base/atomic_file.hpp"
#include "iqgate/base/error.hpp"
#include "iqgate/base/sha256.hpp"
#include "iqgate/batch/results.hpp"
#include "iqgate/batch/scratch.hpp"
#include "iqgate/batch/summary.hpp"

namespace iqgate::batch {
namespace {
namespace fs = std::filesystem;

using json::text_at;
using json::Value;
using Clock = std::chrono::steady_clock;

constexpr std::size_t enlisted_at_once = 256;
constexpr std::chrono::seconds renew_every(30);

class Batch {
 public:
  Batch(const BatchOptions& options, store::Store& store, WorkerPool& pool,
        const std::function<void(const Settled&)>& settled, int stop_fd)
      : options_(options),
        store_(store),
        pool_(pool),
        settled_(settled),
        stop_fd_(stop_fd),
        root_sha256_(digest_of_roots()) {}

  BatchRun run() {
    result_.run = store_.begin_run(root_sha256_, options_.configuration_sha256, options_.program);
    Discovery found = discover(options_, pool_, stop_fd_);
    result_.skipped = found.skipped, result_.not_scans = found.not_scans, result_.other_shards = found.other_shards;
    result_.stopped = found.stopped;
    if (found.stopped) return std::move(result_);
    scans_ = std::move(found.scans);
    enlist();
    const Scratch scratch(options_.results_folder);
    scratch_ = scratch.path();
    try {
      measure();
    } catch (...) {
      give_back();
      throw;
    }
    if (result_.stopped) give_back();
    else store_.finish_run(result_.run, {result_.keys.begin(), result_.keys.end()});
    return std::move(result_);
  }

 private:
  // The same roots and shard, wherever the program is called from.
  std::string digest_of_roots() const {
    std::string text = std::to_string(options_.shard) + "/" + std::to_string(options_.shards);
    for (const std::string& root : options_.roots) {
      std::error_code error;
      text += "\n" + fs::weakly_canonical(root, error).string();
    }
    return sha256_hex(text);
  }

  store::Scan full(const FoundScan& s) const {
    store::Scan scan = s.scan;
    scan.configuration_sha256 =
        s.scan.rule.empty() ? options_.configuration_sha256 : options_.rules[s.rule].configuration_sha256;
    scan.program = options_.program;
    scan.scanner = plain_text(scan.scanner), scan.modality = plain_text(scan.modality);
    return scan;
  }

  void enlist() {
    for (std::size_t first = 0; first < scans_.size(); first += enlisted_at_once) {
      const std::size_t end = std::min(first + enlisted_at_once, scans_.size());
      std::vector<store::Scan> part;
      for (std::size_t k = first; k < end; ++k) part.push_back(full(scans_[k]));
      const std::vector<store::Standing> standings = store_.enlist(result_.run, part, options_.again);
      for (std::size_t k = first; k < end; ++k) {
        const store::Standing& s = standings[k - first];
        if (s.twice) {
          ++result_.same_bytes;
          continue;
        }
        result_.keys.push_back(scans_[k].scan.key);
        if (s.state == store::State::queued || s.state == store::State::running) open_.push_back(k);
      }
    }
    // Processes side by side begin at different places.
    if (!open_.empty())
      for (std::size_t k = std::stoull(result_.run.pass.substr(0, 8), nullptr, 16) % open_.size(); k > 0; --k)
        open_.push_back(open_.front()), open_.pop_front();
  }

  void measure() {
    WorkerPool::Calls calls;
    calls.next = [this] { return next(); };
    calls.part = [](std::size_t, const Value&) {};
    calls.done = [this](WorkerAnswer answer) { done(std::move(answer)); };
    calls.tick = [this] { tick(); };
    for (;;) {
      result_.stopped = !pool_.run(calls, stop_fd_);
      if (result_.stopped || elsewhere_.empty()) return;
      // Other processes are at the rest: what they leave unfinished is ours.
      if (wait_a_little()) {
        result_.stopped = true;
        return;
      }
      std::deque<std::size_t> rest;
      rest.swap(elsewhere_);
      for (const std::size_t k : rest) {
        const store::State state = store_.state(scans_[k].scan.key);
        if (state == store::State::queued || state == store::State::running) open_.push_back(k);
      }
    }
  }

  bool wait_a_little() const {
    pollfd stop{stop_fd_, POLLIN, 0};
    return ::poll(&stop, 1, 300) > 0;
  }

  void tick() {
    if (Clock::now() < renewed_ + renew_every) return;
    store_.renew();
    renewed_ = Clock::now();
  }

  std::optional<WorkerJob> next() {
    while (!open_.empty()) {
      const std::size_t k = open_.front();
      open_.pop_front();
      const FoundScan& s = scans_[k];
      if (!store_.claim(s.scan.key)) {
        elsewhere_.push_back(k);
        continue;
      }
      ours_.insert(k);
      if (s.code.empty()) return job_for(k);
      store::Outcome outcome;
      outcome.state = s.quarantined ? store::State::quarantined : store::State::failed;
      outcome.code = s.code, outcome.reason = s.reason;
      settle(k, outcome);
    }
    return std::nullopt;
  }

  std::string scratch_of(std::size_t k) const { return scratch_ + "/" + scans_[k].scan.key; }

  WorkerJob job_for(std::size_t k) {
    const FoundScan& s = scans_[k];
    const Rule& rule = options_.rules[s.rule].rule;
    std::error_code error;
    fs::remove_all(scratch_of(k), error);
    make_folder(scratch_of(k));
    Value job;
    job.set("do", "check"), job.set("paths", json::array_of(s.paths)), job.set("group", s.scan.scan_id);
    job.set("phantom", rule.phantom), job.set("limits", json::array_of(rule.limits));
    job.set("metrics", json::array_of(rule.metrics)), job.set("judge", rule.judge);
    job.set("context", options_.context_file);
    job.set("configuration", options_.rules[s.rule].request_sha256);
    job.set("output", scratch_of(k));
    job.set("backend", on_cpu_.count(k) ? "cpu" : options_.backend), job.set("threads", options_.threads_each);
    job.set("max_scan_bytes", static_cast<double>(options_.max_memory / 3));
    return {k, std::move(job), options_.timeout_s};
  }

  void done(WorkerAnswer answer) {
    const std::size_t k = answer.tag;
    store::Outcome outcome;
    if (answer.fault != WorkerFault::none) {
      const bool resource = answer.fault == WorkerFault::timed_out || answer.fault == WorkerFault::too_large ||
                            answer.fault == WorkerFault::killed;
      if (resource && again(k)) return;
      outcome.state = store::State::quarantined;
      outcome.code = code_of(answer.fault);
      outcome.reason = "the worker that measured it broke off: " + answer.how;
    } else if (!json::flag_at(&answer.reply, "ok")) {
      const std::string kind = text_at(&answer.reply, "kind");
      const std::string code = text_at(&answer.reply, "code"), reason = text_at(&answer.reply, "reason");
      if (kind == "output") throw OutputError(code, options_.results_folder, reason, "check free space and permission");
      if (code == "configuration_changed") throw UsageError(code, "batch", reason, "run again");
      if (kind == "device") on_cpu_.insert(k);
      if ((kind == "resource" || kind == "device") && again(k)) return;
      outcome.state = kind == "resource" || kind == "device" ? store::State::quarantined : store::State::failed;
      outcome.code = code, outcome.reason = reason;
    } else {
      outcome = finished(k, answer.reply);
    }
    settle(k, outcome);
  }

  static const char* code_of(WorkerFault fault) {
    switch (fault) {
      case WorkerFault::timed_out: return "timeout";
      case WorkerFault::too_large: return "memory";
      case WorkerFault::killed: return "worker_killed";
      default: return "worker_crashed";
    }
  }

  // Back in the queue, where the scan has tries left.
  bool again(std::size_t k) {
    const std::string& key = scans_[k].scan.key;
    if (store_.attempts(key) >= options_.retries) return false;
    store_.release(key, true);
    ours_.erase(k);
    open_.push_back(k);
    return true;
  }

  store::Outcome finished(std::size_t k, const Value& reply) {
    const FoundScan& s = scans_[k];
    store::Outcome outcome;
    const std::string inputs = sha256_hex(json::write(Value(json::list_at(&reply, "inputs")), 0));
    if (inputs != s.scan.input_sha256) {
      outcome.code = "input_changed";
      outcome.reason = "its files changed between being found and being measured; the next run takes it as it is then";
      return outcome;
    }
    outcome = outcome_of(reply, scratch_of(k), options_.rules[s.rule].reference);
    if (!store_.hold(s.scan.key)) return outcome;  // another took it for given up: what it files, stays
    make_folder(fs::path(result_folder(options_.results_folder, s.scan.key)).parent_path().string());
    place_folder(scratch_of(k), result_folder(options_.results_folder, s.scan.key));
    return outcome;
  }

  void settle(std::size_t k, const store::Outcome& outcome) {
    const FoundScan& s = scans_[k];
    const bool won = store_.settle(result_.run, full(s), outcome);
    ours_.erase(k);
    std::error_code error;
    fs::remove_all(scratch_of(k), error);
    if (!won) return;
    const bool there = outcome.state == store::State::done;
    settled_({s, outcome, there ? result_folder(options_.results_folder, s.scan.key) : ""});
  }

  void give_back() {
    try {
      for (const std::size_t k : ours_) store_.release(scans_[k].scan.key, false);
    } catch (const OutputError&) {  // the store is out of reach: a dead owner is found out by the next run
    }
  }

  const BatchOptions& options_;
  store::Store& store_;
  WorkerPool& pool_;
  const std::function<void(const Settled&)>& settled_;
  int stop_fd_;
  std::string root_sha256_, scratch_;
  std::vector<FoundScan> scans_;
  std::deque<std::size_t> open_, elsewhere_;
  std::set<std::size_t> ours_;
  std::set<std::size_t> on_cpu_;
  Clock::time_point renewed_ = Clock::now();
  BatchRun result_;
};

}  // namespace

std::string result_folder(const std::string& results_folder, const std::string& key) {
  return results_folder + "/results/" + key.substr(0, 2) + "/" + key;
}

BatchRun run_batch(const BatchOptions& options, store::Store& store, WorkerPool& pool,
                   const std::function<void(const Settled&)>& settled, int stop_fd) {
  return Batch(options, store, pool, settled, stop_fd).run();
}

}  // namespace iqgate::batch
