#include "iqgate/batch/worker_pool.hpp"

#include <poll.h>

#include <cerrno>
#include <chrono>

#include "iqgate/base/error.hpp"

namespace iqgate::batch {
namespace {

using Clock = std::chrono::steady_clock;
constexpr int tick_ms = 50;
constexpr std::chrono::milliseconds last_breath(2000);  // between the end of a worker's pipe and of itself

// One worker at a time holds a GPU; the others see none.
std::vector<std::string> no_device() { return {"CUDA_VISIBLE_DEVICES="}; }

}  // namespace

struct WorkerPool::Seat {
  std::unique_ptr<WorkerProcess> process;
  std::size_t jobs = 0, tag = 0;
  bool busy = false, holds_device = false;
  double timeout_s = 0;
  Clock::time_point until;
};

WorkerPool::WorkerPool(PoolOptions options) : options_(std::move(options)) {
  for (std::size_t k = 0; k < options_.workers; ++k) seats_.push_back(std::make_unique<Seat>());
  if (!seats_.empty()) seats_.front()->holds_device = true;
}

WorkerPool::~WorkerPool() = default;

void WorkerPool::start(Seat& seat, WorkerJob job) {
  if (seat.process && seat.jobs >= options_.jobs_each) seat.process.reset();
  if (!seat.process) {
    seat.process =
        std::make_unique<WorkerProcess>(options_.command, seat.holds_device ? std::vector<std::string>{} : no_device());
    seat.jobs = 0;
  }
  seat.busy = true;
  seat.tag = job.tag;
  seat.timeout_s = job.timeout_s;
  seat.until = Clock::now() + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(job.timeout_s));
  ++seat.jobs;
  seat.process->send(json::write(job.request, 0));
}

void WorkerPool::finish(Seat& seat, const Calls& calls, WorkerFault fault, const std::string& how, json::Value reply) {
  seat.busy = false;
  if (fault != WorkerFault::none) seat.process.reset();
  calls.done({seat.tag, fault, how, std::move(reply)});
}

void WorkerPool::listen(Seat& seat, const Calls& calls) {
  const bool open = seat.process->write_some() && seat.process->read_some();
  std::string line;
  while (seat.busy && seat.process->next_line(line)) {
    json::Value reply;
    try {
      reply = json::parse(line, "worker", ErrorKind::input);
    } catch (const InputError&) {
      return finish(seat, calls, WorkerFault::garbled, "an answer that is no JSON", {});
    }
    if (reply.find("ok")) finish(seat, calls, WorkerFault::none, {}, std::move(reply));
    else calls.part(seat.tag, reply);
  }
  if (open) return;
  const std::string how = seat.process->end(last_breath);
  const bool killed = seat.process->killed_from_outside();
  if (seat.busy) finish(seat, calls, killed ? WorkerFault::killed : WorkerFault::crashed, how, {});
  else seat.process.reset();
}

void WorkerPool::watch(Seat& seat, const Calls& calls) {
  if (!seat.busy) return;
  if (Clock::now() >= seat.until)
    return finish(seat, calls, WorkerFault::timed_out, json::number_text(seat.timeout_s) + " s", {});
  if (options_.max_resident_bytes > 0 && seat.process->resident_bytes() > options_.max_resident_bytes)
    finish(seat, calls, WorkerFault::too_large, std::to_string(options_.max_resident_bytes >> 20) + " MiB", {});
}

// True: asked to stop.
bool WorkerPool::wait(int stop_fd) {
  std::vector<pollfd> fds{{stop_fd, POLLIN, 0}};
  for (const auto& seat : seats_)
    if (seat->process) {
      fds.push_back({seat->process->out(), POLLIN, 0});
      if (seat->process->sending()) fds.push_back({seat->process->in(), POLLOUT, 0});
    }
  while (::poll(fds.data(), fds.size(), tick_ms) < 0 && errno == EINTR) {
  }
  return (fds.front().revents & POLLIN) != 0;
}

bool WorkerPool::run(const Calls& calls, int stop_fd) {
  for (;;) {
    bool busy = false;
    for (const auto& seat : seats_) {
      if (!seat->busy)
        if (auto job = calls.next()) start(*seat, std::move(*job));
      busy = busy || seat->busy;
    }
    if (!busy) return true;
    if (wait(stop_fd)) {
      for (const auto& seat : seats_) {
        if (seat->busy) seat->process.reset();
        seat->busy = false;
      }
      return false;
    }
    for (const auto& seat : seats_) {
      if (seat->process) listen(*seat, calls);
      watch(*seat, calls);
    }
    calls.tick();
  }
}

}  // namespace iqgate::batch
