// Kill it any time: nothing is lost, nothing is there twice, and the bytes are those of a run that nobody disturbed.
// The parent is killed at the k-th call that changes the disk (before it is made), and at random times.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <thread>

#include "iqgate/base/random.hpp"
#include "support/batch_world.hpp"

namespace iqgate::test {
namespace {
namespace fs = std::filesystem;

class CrashesSlow : public BatchWorld {  // a preloaded library and the address sanitizer do not go together
 protected:
  std::string count_file() const { return folder.path("calls"); }
  std::vector<std::string> shim(long at, const std::string& kind, bool ever = false) const {
    std::vector<std::string> environment{std::string("LD_PRELOAD=") + IQGATE_FAULT_SHIM,
                                         "IQGATE_FAULT_COUNT=" + count_file(), "IQGATE_FAULT_AT=" + std::to_string(at),
                                         "IQGATE_FAULT_KIND=" + kind};
    if (ever) environment.push_back("IQGATE_FAULT_EVER=1");
    return environment;
  }
  // How many calls to the disk an undisturbed run makes.
  long calls_of_a_run() const {
    Child child(command("", folder.path("counted")), "/dev/null", shim(0, "none"));
    EXPECT_EQ(child.wait(), 0);
    return std::stol(bytes_of(count_file()));
  }
  void expect_complete(std::size_t scans, const std::map<std::string, std::string>& undisturbed) {
    const Ran last = batch("--json");
    EXPECT_EQ(last.code, 0) << last.err;
    const json::Value s = summary_of(last);
    EXPECT_EQ(number(s, "computed", "pass") + number(s, "kept", "pass"), double(scans));
    EXPECT_EQ(json::number_at(&s, "found"), double(scans));
    const auto results = results_of(store());
    EXPECT_EQ(results.size(), scans);
    EXPECT_TRUE(results == undisturbed) << "other bytes";
    const Ran verified = run_program("verify " + store());
    EXPECT_EQ(verified.code, 0) << verified.out;
    EXPECT_TRUE(!fs::exists(store() + "/scratch") || fs::is_empty(store() + "/scratch"));
  }
  std::map<std::string, std::string> undisturbed() const {
    EXPECT_EQ(run_program(command("", folder.path("undisturbed"))).code, 0);
    return results_of(folder.path("undisturbed"));
  }
  void die_at_every(long step);
  void fail_at_every(long step);
  // Kills `kills` runs one after another, half at calls spread over a run, half at random times.
  void kill_often(std::size_t scan_count, int kills, std::uint64_t seed) {
    scans(scan_count);
    const auto truth = undisturbed();
    const long calls = calls_of_a_run();
    EXPECT_GE(calls, 40) << "points to be killed at";
    for (int k = 0; k < kills; ++k) {
      const std::uint64_t draw = uniform_index(seed, 1, std::uint64_t(k), 1000000);
      if (k % 2 == 0) {
        Child child(command(), "/dev/null", shim(1 + long(draw) % std::max(calls / 8, 40L), "kill"));
        child.wait();
      } else {
        Child child(command());
        std::this_thread::sleep_for(std::chrono::milliseconds(draw % 250));
        child.signal(SIGKILL);
        child.wait();
      }
    }
    expect_complete(scan_count, truth);
  }
};

TEST_F(CrashesSlow, KillsLoseNothingAndNothingIsThereTwice) { kill_often(30, 20, 1); }

void CrashesSlow::die_at_every(long step) {
  scans(2);
  const auto truth = undisturbed();
  const long calls = calls_of_a_run();
  ASSERT_GE(calls, 40);
  for (long k = 1; k <= calls; k += step) {
    fs::remove_all(store());
    Child child(command(), "/dev/null", shim(k, "kill"));
    child.wait();
    expect_complete(2, truth);
    if (HasFailure()) FAIL() << "killed at call " << k << " of " << calls;
  }
}

void CrashesSlow::fail_at_every(long step) {
  scans(2);
  const auto truth = undisturbed();
  const long calls = calls_of_a_run();
  for (const char* kind : {"ENOSPC", "EIO", "EDQUOT", "short"})
    for (const bool ever : {false, true})
      for (long k = 1 + (ever ? 1 : 0); k <= calls; k += step) {
        fs::remove_all(store());
        Child child(command(), "/dev/null", shim(k, kind, ever));
        const int code = child.wait();
        // A call whose failure hinders nothing (a folder that is tidied away) may pass; no other code is right.
        EXPECT_TRUE(code == 0 || code == 5)
            << kind << (ever ? " for ever" : " once") << " at call " << k << ": " << code;
        if (code == 0) EXPECT_EQ(results_of(store()).size(), 2u);
        expect_complete(2, truth);
        if (HasFailure()) FAIL() << kind << (ever ? " for ever" : " once") << " at call " << k << " of " << calls;
      }
}

TEST_F(CrashesSlow, CallsToTheDiskArePointsToDieAt) { die_at_every(13); }
TEST_F(CrashesSlow, CallsToTheDiskMayFailOnceOrForEver) { fail_at_every(61); }

class CrashesLong : public CrashesSlow {};
TEST_F(CrashesLong, TwoHundredScansAndFiveHundredKills) { kill_often(200, 500, 2); }
TEST_F(CrashesLong, EveryCallToTheDiskIsAPointToDieAt) { die_at_every(1); }
TEST_F(CrashesLong, EveryFifthCallToTheDiskMayFailOnceOrForEver) { fail_at_every(5); }

// A disk that is really full, of several sizes.
class FullDiskSlow : public CrashesSlow {};
TEST_F(FullDiskSlow, OldResultsStayAndARunGoesOnWhenThereIsRoom) {
  scans(4);
  const auto truth = undisturbed();
  const std::string disk = folder.path("disk");
  fs::create_directories(disk);
  int full = 0;
  for (const int kib : {64, 128, 256, 384, 512, 768, 1024, 4096}) {
    if (std::system(("mount -t tmpfs -o size=" + std::to_string(kib) + "k none " + disk).c_str()) != 0)
      GTEST_SKIP() << "A SMALL DISK CANNOT BE MOUNTED HERE (needs root)";
    const std::string to = disk + "/store";
    const int code = run_program(command("", to)).code;
    EXPECT_TRUE(code == 5 || code == 0) << kib << " KiB: " << code;
    full += code == 5;
    const auto before = results_of(to);
    EXPECT_EQ(std::system(("mount -o remount,size=64m " + disk).c_str()), 0);
    EXPECT_EQ(run_program(command("", to)).code, 0) << kib << " KiB";
    const auto after = results_of(to);
    EXPECT_TRUE(after == truth);
    for (const auto& [key, text] : before) EXPECT_EQ(after.count(key), 1u);
    EXPECT_EQ(std::system(("umount " + disk).c_str()), 0);
  }
  EXPECT_GE(full, 3);
}

}  // namespace
}  // namespace iqgate::test
