// Workers that break, signals, many processes on one store.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <memory>
#include <thread>

#include "iqgate/base/random.hpp"
#include "support/batch_world.hpp"

namespace iqgate::test {
namespace {
namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

class Supervision : public BatchWorld {
 protected:
  static std::string faulty() { return std::string("--worker ") + IQGATE_FAULTY_WORKER; }
  // The scan's id, as inspect tells it.
  std::string id_of(const std::string& scan) const {
    const Ran ran = run_program("inspect --json --headers-only " + in() + "/" + scan);
    const json::Value v = json::parse(ran.out, "stdout", ErrorKind::input);
    return json::text_at(&json::list_at(&v, "scans").front(), "id");
  }
  static bool holds(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }
};

TEST_F(Supervision, EachWayToBreakCostsOneScanAndNoOther) {
  scans(9);
  const std::string faults = "segv:" + id_of("scan_1") + " stop:" + id_of("scan_2") + " exit:" + id_of("scan_3") +
                             " loop:" + id_of("scan_4") + " garbage:" + id_of("scan_5") +
                             " allocate:" + id_of("scan_6");
  const Ran ran = batch("--json --timeout 1.5 --max-memory 600M --retry 0 " + faulty(),
                        "ASAN_OPTIONS=handle_segv=0:detect_leaks=0 IQGATE_TEST_FAULTS='" + faults + "'");
  EXPECT_EQ(ran.code, 4) << ran.err;
  const json::Value s = summary_of(ran);
  EXPECT_EQ(number(s, "computed", "pass"), 3);
  EXPECT_EQ(number(s, "computed", "quarantined"), 6);
  for (const char* cause : {"signal 11", "exit 0", "\"timeout\"", "\"memory\"", "no JSON"})
    EXPECT_TRUE(holds(ran.out, cause)) << cause;
  const Ran again = batch("--json --again");
  EXPECT_EQ(again.code, 0);
  EXPECT_EQ(number(summary_of(again), "computed", "pass"), 6) << "a healthy worker measures them";
}

TEST_F(Supervision, WorkersDieWithTheirParent) {
  scans(12);
  Child child(command("-j 2"));
  std::vector<pid_t> workers;
  const auto until = Clock::now() + std::chrono::seconds(20);
  while (workers.size() < 2 && Clock::now() < until) workers = children_of(child.pid());
  ASSERT_EQ(workers.size(), 2u);
  std::this_thread::sleep_for(std::chrono::milliseconds(150));
  for (const pid_t worker : workers) ::kill(worker, SIGSTOP);  // it cannot see the end of its input
  child.signal(SIGKILL);
  child.wait();
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  for (const pid_t worker : workers) EXPECT_TRUE(is_gone(worker)) << worker;
}

TEST_F(Supervision, AKilledWorkerIsTriedAgainAndBadDataIsNot) {
  scans(2);
  const std::string once = "kill_once=" + folder.path("mark") + ":" + id_of("scan_1");
  const Ran ran = batch("--json " + faulty(), "IQGATE_TEST_FAULTS='" + once + "'");
  EXPECT_EQ(ran.code, 0) << ran.err << ran.out;
  EXPECT_EQ(number(summary_of(ran), "computed", "pass"), 2);
  EXPECT_TRUE(fs::exists(folder.path("mark")));
}

TEST_F(Supervision, AFileThatBreaksEveryWorkerIsFoundAndSetAside) {
  scans(3);
  std::ofstream(in() + "/scan_2/evil.bin") << "x";
  const Ran ran = batch("--json " + faulty(), "IQGATE_TEST_FAULTS='file:evil'");
  EXPECT_EQ(ran.code, 4) << ran.err;
  const json::Value s = summary_of(ran);
  EXPECT_EQ(number(s, "computed", "pass"), 2);
  EXPECT_EQ(number(s, "computed", "quarantined"), 1);
  EXPECT_EQ(number(s, "computed", "failed"), 1) << "the series beside it may have lost a slice to it";
  EXPECT_TRUE(holds(ran.out, "damaged_series"));
}

TEST_F(Supervision, ASeriesInTwoFoldersStaysWholeBesideAFileThatBreaksWorkers) {
  write_small_scan(in() + "/all", 1);
  for (const char* part : {"a", "b"}) fs::create_directories(in() + "/" + part);
  for (int k = 1; k <= 4; ++k)
    fs::rename(in() + "/all/slice_000" + std::to_string(k) + ".dcm",
               in() + (k < 3 ? "/a/" : "/b/") + std::to_string(k) + ".dcm");
  fs::remove(in() + "/all");
  EXPECT_EQ(number(summary_of(batch("--json")), "computed", "pass"), 1) << "together they are";
  fs::create_directories(in() + "/c");
  std::ofstream(in() + "/c/evil.bin") << "x";
  fs::remove_all(store());
  const Ran ran = batch("--json " + faulty(), "IQGATE_TEST_FAULTS='file:evil'");
  EXPECT_EQ(number(summary_of(ran), "computed", "pass"), 1)
      << "and still, when the rest is looked at once more: " << ran.out;
  EXPECT_EQ(number(summary_of(ran), "computed", "quarantined"), 1);
}

class StopSignals : public Supervision {
 protected:
  // Runs that are stopped at random times, then one that is not: as if none had been stopped.
  void stopped_runs(int runs, std::size_t scan_count) {
    scans(scan_count);
    ASSERT_EQ(run_program(command("", folder.path("undisturbed"))).code, 0);
    const int signals[] = {SIGTERM, SIGINT, SIGHUP};
    int stopped = 0;
    double longest = 0;
    for (int k = 0; k < runs; ++k) {
      Child child(command("-j 1"));
      std::this_thread::sleep_for(std::chrono::milliseconds(20 + uniform_index(5, 1, std::uint64_t(k), 250)));
      const auto start = Clock::now();
      child.signal(signals[k % 3]);
      const int code = child.wait();
      longest = std::max(longest, std::chrono::duration<double>(Clock::now() - start).count());
      // Before the program listens a signal ends it as any program; after the last scan there is nothing to stop.
      const int own = k % 3 == 1 ? 130 : 143;
      EXPECT_TRUE(code == own || code == 128 + signals[k % 3] || code == 0) << code;
      stopped += code == own;
    }
    EXPECT_LT(longest, 5);
    EXPECT_GE(stopped, runs / 9);
    std::printf("%d of %d runs stopped on their own, the longest in %.2f s\n", stopped, runs, longest);
    EXPECT_EQ(batch().code, 0);
    EXPECT_TRUE(results_of(store()) == results_of(folder.path("undisturbed")));
    EXPECT_EQ(run_program("verify " + store()).code, 0);
  }
};

TEST_F(StopSignals, LeaveAStateToGoOnFrom) { stopped_runs(9, 12); }

class StopSignalsLong : public StopSignals {};
TEST_F(StopSignalsLong, AtTwoHundredRandomTimes) { stopped_runs(200, 400); }

TEST_F(Supervision, ManyProcessesOnOneStoreMeasureEachScanOnce) {
  scans(16);
  std::vector<std::unique_ptr<Child>> children;
  for (int k = 0; k < 8; ++k)
    children.push_back(std::make_unique<Child>(command("-j 1 --json"), folder.path("out_" + std::to_string(k))));
  std::this_thread::sleep_for(std::chrono::milliseconds(400));
  for (const int k : {1, 4, 6}) children[std::size_t(k)]->signal(SIGKILL);
  std::size_t settled = 0;
  for (int k = 0; k < 8; ++k) {
    const int code = children[std::size_t(k)]->wait();
    const std::string out = bytes_of(folder.path("out_" + std::to_string(k)));
    if (k != 1 && k != 4 && k != 6) EXPECT_EQ(code, 0) << out;
    EXPECT_FALSE(holds(out, "locked"));
    for (std::size_t at = 0; (at = out.find("iqgate.result/1", at)) != std::string::npos; ++at) ++settled;
  }
  // A result may be filed by a process that was killed before it could print it.
  EXPECT_LE(settled, 16u);
  EXPECT_GE(settled, 13u);
  const json::Value s = summary_of(batch("--json"));
  EXPECT_EQ(number(s, "computed", "pass") + number(s, "kept", "pass"), 16);
  EXPECT_EQ(results_of(store()).size(), 16u);
  EXPECT_EQ(run_program("verify " + store()).code, 0);
}

class Watch : public Supervision {
 protected:
  std::string watch(const std::string& more) const {
    return "watch " + in() + " --store " + store() + " --phantom water_cylinder --metric roi_mean " + more;
  }
  template <class Condition>
  static bool within(double seconds, Condition&& condition) {
    const auto until = Clock::now() + std::chrono::duration<double>(seconds);
    while (Clock::now() < until) {
      if (condition()) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    return false;
  }
};

TEST_F(Watch, MeasuresWhatHasComeToRestAndStopsWhenAsked) {
  fs::create_directories(in());
  Child child(watch("--quiet-time 0.6 --rescan 0.2"));
  // A copy that takes its time: file after file, never a quiet time between them.
  write_small_scan(folder.path("slow"), 1);
  fs::create_directories(in() + "/slow");
  for (int k = 1; k <= 4; ++k) {
    fs::copy(folder.path("slow") + "/slice_000" + std::to_string(k) + ".dcm",
             in() + "/slow/slice_000" + std::to_string(k) + ".dcm");
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    EXPECT_TRUE(results_of(store()).empty()) << "measured before it was whole";
  }
  EXPECT_TRUE(within(20, [&] { return results_of(store()).size() == 1; }));
  scans(2, 5);
  EXPECT_TRUE(within(20, [&] { return results_of(store()).size() == 3; }));
  const auto start = Clock::now();
  child.signal(SIGTERM);
  EXPECT_EQ(child.wait(), 143);
  EXPECT_LT(std::chrono::duration<double>(Clock::now() - start).count(), 5);
  EXPECT_EQ(run_program("verify " + store()).code, 0);
}

TEST_F(Watch, AMarkerIsEnoughAndOnceEnds) {
  scans(2);
  std::ofstream(in() + "/scan_1/DONE");
  Child child(watch("--quiet-time 600 --rescan 0.2 --marker DONE"));
  EXPECT_TRUE(within(20, [&] { return results_of(store()).size() == 1; }));
  child.signal(SIGINT);
  EXPECT_EQ(child.wait(), 130);
  const Ran once = run_program(watch("--quiet-time 0.2 --once"));
  EXPECT_EQ(once.code, 0) << once.err;
  EXPECT_EQ(results_of(store()).size(), 2u);
}

}  // namespace
}  // namespace iqgate::test
