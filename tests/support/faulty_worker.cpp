// A worker of a batch that breaks on the scans it is told to: IQGATE_TEST_FAULTS="segv:ID stop:ID exit:ID allocate:ID
// loop:ID garbage:ID kill_once:ID file:NAME" (ID: scan id; file: segv while looking at a path that holds NAME).
// Otherwise the real one.
#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iostream>
#include <sstream>

#include "iqgate/pipeline/worker.hpp"

namespace {

using iqgate::json::text_at;

void break_as(const std::string& how) {
  if (how == "segv" || how == "file") ::raise(SIGSEGV);
  if (how == "stop") ::raise(SIGSTOP);
  if (how == "exit") ::_exit(0);
  if (how == "garbage") std::printf("{\"ok\": tru\n"), std::fflush(stdout), ::sleep(60);
  if (how == "loop")
    for (volatile int k = 0;; k = k + 1) {
    }
  if (how == "allocate")
    for (;;) std::memset(std::malloc(16 << 20), 1, 16 << 20), ::usleep(1000);
  if (how.rfind("kill_once=", 0) == 0) {
    const std::string mark = how.substr(10);
    if (std::ifstream(mark)) return;
    std::ofstream(mark) << "done";
    ::raise(SIGKILL);
  }
}

// Paths of the job that hold a text, itself or as a folder that holds it.
bool looks_at(const iqgate::json::Value& job, const std::string& name) {
  for (const auto& path : iqgate::json::list_at(&job, "without"))
    if (path.string()->find(name) != std::string::npos) return false;
  for (const auto& path : iqgate::json::list_at(&job, "paths")) {
    const std::string command = "find " + *path.string() + " -name '*" + name + "*' | grep -q .";
    if (path.string()->find(name) != std::string::npos || std::system(command.c_str()) == 0) return true;
  }
  return false;
}

}  // namespace

int main() {
  const char* list = std::getenv("IQGATE_TEST_FAULTS");
  for (std::string line; std::getline(std::cin, line);) {
    const iqgate::json::Value job = iqgate::json::parse(line, "job", iqgate::ErrorKind::usage);
    std::istringstream faults(list ? list : "");
    for (std::string fault; faults >> fault;) {
      const std::size_t colon = fault.rfind(':');
      const std::string how = fault.substr(0, colon), whom = fault.substr(colon + 1);
      if (how == "file" ? text_at(&job, "do") == "find" && looks_at(job, whom) : text_at(&job, "group") == whom)
        break_as(how);
    }
    const auto part = [](const iqgate::json::Value& v) { std::cout << iqgate::json::write(v, 0) << '\n'; };
    std::cout << iqgate::json::write(iqgate::pipeline::answer_job(job, part), 0) << std::endl;
  }
}
