// The store: what is queued, claimed and settled once, by whom; what a change behind its back looks like.
#include "iqgate/store/store.hpp"

#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <fstream>
#include <thread>

#include "iqgate/store/owner.hpp"
#include "support/support.hpp"

namespace iqgate::store {
namespace {

Scan scan(const std::string& key) { return {key, "in " + key, "conf", "1", "id", "CT", "ACME Z 1", "default"}; }

Outcome good() {
  Outcome o;
  o.state = State::done, o.overall = "pass", o.phantom = "water", o.taken = "2026-11-01T10:00:00";
  o.files = {{"result.json", std::string(64, 'a')}};
  o.measurements = {{.name = "b", .where = "w", .value = 1.0 / 3, .unit = "HU", .se = 0.1, .ci95 = Interval{0.1, 0.5}},
                    {.name = "a", .where = "w", .value = -0.0, .unit = "1"}};
  return o;
}

class AStore : public ::testing::Test {
 protected:
  test::TemporaryFolder folder;
  std::string at() const {
    const char* url = std::getenv("IQGATE_TEST_STORE_URL");
    return url ? url : folder.path("store");
  }
};

TEST_F(AStore, ScansAreQueuedClaimedAndSettledOnce) {
  Store store(at());
  const store::Run run = store.begin_run("root", "conf", "1");
  EXPECT_FALSE(run.resumed);
  const auto standings = store.enlist(run, {scan("k1"), scan("k2"), scan("k1")}, false);
  EXPECT_EQ(standings[0].state, State::queued);
  EXPECT_TRUE(standings[2].twice);
  ASSERT_TRUE(store.claim("k1"));
  EXPECT_FALSE(store.claim("k1")) << "it is running, and its owner lives";
  EXPECT_TRUE(store.settle(run, scan("k1"), good()));
  EXPECT_FALSE(store.settle(run, scan("k1"), good())) << "twice";
  EXPECT_FALSE(store.claim("k1"));
  EXPECT_FALSE(store.finish_run(run, {"k1", "k2"})) << "k2 is queued";
  ASSERT_TRUE(store.claim("k2"));
  store.release("k2", true);
  EXPECT_EQ(store.attempts("k2"), 1);
  EXPECT_EQ(store.state("k2"), State::queued);
  ASSERT_TRUE(store.claim("k2"));
  Outcome bad;
  bad.state = State::failed, bad.code = "truncated", bad.reason = "cut";
  EXPECT_TRUE(store.settle(run, scan("k2"), bad));
  EXPECT_TRUE(store.finish_run(run, {"k1", "k2"}));
  std::vector<Entry> entries;
  store.each(run.id, [&](const Entry& e) { entries.push_back(e); });
  ASSERT_EQ(entries.size(), 2u);
  EXPECT_EQ(entries[0].outcome.files, good().files);
  EXPECT_EQ(entries[1].outcome.code, "truncated");
  EXPECT_TRUE(entries[0].computed && entries[1].computed);
  const auto numbers = store.measurements("k1");
  ASSERT_EQ(numbers.size(), 2u);
  EXPECT_EQ(numbers[1].value, 1.0 / 3) << "to the last bit";
  EXPECT_EQ(numbers[1].se, 0.1);
  EXPECT_FALSE(numbers[0].se);
  EXPECT_TRUE(store.faults().empty());
}

TEST_F(AStore, AnUnfinishedRunGoesOnAndAFinishedOneDoesNot) {
  std::string id;
  {
    Store store(at());
    const store::Run run = store.begin_run("root", "conf", "1");
    id = run.id;
    store.enlist(run, {scan("k1")}, false);
  }
  Store store(at());
  const store::Run again = store.begin_run("root", "conf", "1");
  EXPECT_TRUE(again.resumed);
  EXPECT_EQ(again.id, id);
  EXPECT_NE(store.begin_run("root", "other", "1").id, id);
  store.enlist(again, {scan("k1")}, false);
  ASSERT_TRUE(store.claim("k1"));
  ASSERT_TRUE(store.settle(again, scan("k1"), good()));
  ASSERT_TRUE(store.finish_run(again, {"k1"}));
  const store::Run next = store.begin_run("root", "conf", "1");
  EXPECT_NE(next.id, id);
  const auto standing = store.enlist(next, {scan("k1")}, false).front();
  EXPECT_EQ(standing.state, State::done);
  EXPECT_FALSE(standing.computed) << "by an earlier run";
}

TEST_F(AStore, WhatFailedIsQueuedAnewOnlyWhenAsked) {
  Store store(at());
  Outcome bad;
  bad.state = State::quarantined, bad.code = "timeout";
  store::Run run = store.begin_run("root", "conf", "1");
  store.enlist(run, {scan("k1")}, false);
  ASSERT_TRUE(store.claim("k1") && store.settle(run, scan("k1"), bad) && store.finish_run(run, {"k1", "k2"}));
  run = store.begin_run("root", "conf", "1");
  EXPECT_EQ(store.enlist(run, {scan("k1")}, false).front().state, State::quarantined);
  EXPECT_TRUE(store.finish_run(run, {"k1", "k2"}));
  run = store.begin_run("root", "conf", "1");
  EXPECT_EQ(store.enlist(run, {scan("k1")}, true).front().state, State::queued);
  EXPECT_EQ(store.attempts("k1"), 0);
}

TEST_F(AStore, WhatCouldNotBeHadThenIsTakenNow) {
  Store store(at());
  for (const char* code : {"not_found", "input_changed", "cannot_read"}) {
    Outcome bad;
    bad.state = State::failed, bad.code = code;
    const Scan one = scan(code);
    store::Run run = store.begin_run("root", "conf", "1");
    store.enlist(run, {one}, false);
    ASSERT_TRUE(store.claim(one.key) && store.settle(run, one, bad) && store.finish_run(run, {one.key}));
    run = store.begin_run("root", "conf", "1");
    EXPECT_EQ(store.enlist(run, {one}, false).front().state, State::queued) << code;
    EXPECT_TRUE(store.finish_run(run, {})) << "what was queued and has gone does not keep the run open";
    EXPECT_FALSE(store.begin_run("root", "conf", "1").resumed);
    store.finish_run(store.begin_run("root", "conf", "1"), {});
  }
}

TEST_F(AStore, ManyClaimantsGetEachScanOnce) {
  constexpr int scans = 40, claimants = 4;
  {
    Store store(at());
    std::vector<Scan> list;
    for (int k = 0; k < scans; ++k) list.push_back(scan("k" + std::to_string(k)));
    store.enlist(store.begin_run("root", "conf", "1"), list, false);
  }
  std::vector<int> got(claimants, 0);
  std::vector<std::thread> threads;
  for (int t = 0; t < claimants; ++t)
    threads.emplace_back([&, t] {
      Store store(at());
      for (int k = 0; k < scans; ++k) got[std::size_t(t)] += store.claim("k" + std::to_string((k + 7 * t) % scans));
    });
  for (std::thread& t : threads) t.join();
  int all = 0;
  for (const int n : got) all += n;
  EXPECT_EQ(all, scans);
}

TEST_F(AStore, ArrivalsAreRememberedByPartOfTheScannersName) {
  Store store(at());
  EXPECT_EQ(store.last_arrival("ACME"), "");
  store.enlist(store.begin_run("root", "conf", "1"), {scan("k1")}, false);
  EXPECT_FALSE(store.last_arrival("acme z").empty());
  EXPECT_EQ(store.last_arrival("A_ME"), "") << "no pattern";
  EXPECT_EQ(store.last_arrival("Siemens"), "");
}

TEST_F(AStore, GivenUpFilesAreNotMissedAndTheSealHolds) {
  Store store(at());
  const store::Run run = store.begin_run("root", "conf", "1");
  store.enlist(run, {scan("k1")}, false);
  Outcome o = good();
  o.files["report.html"] = std::string(64, 'b');
  ASSERT_TRUE(store.claim("k1") && store.settle(run, scan("k1"), o));
  Entry entry;
  store.each("", [&](const Entry& e) { entry = e; });
  store.forget_files(entry, {"report.html"});
  store.each("", [&](const Entry& e) { EXPECT_EQ(e.outcome.files, good().files); });
  EXPECT_TRUE(store.faults().empty());
}

TEST(StoreFile, AChangeBehindItsBackIsFound) {
  const test::TemporaryFolder folder;
  const std::string at = folder.path("store");
  {
    Store store(at);
    const store::Run run = store.begin_run("root", "conf", "1");
    store.enlist(run, {scan("k1"), scan("k2")}, false);
    ASSERT_TRUE(store.claim("k1") && store.settle(run, scan("k1"), good()));
    ASSERT_TRUE(store.claim("k2") && store.settle(run, scan("k2"), good()));
  }
  for (const char* change :
       {"UPDATE scans SET overall = 'fail' WHERE key = 'k1'", "UPDATE scans SET phantom = 'x' WHERE key = 'k1'",
        "UPDATE scans SET scanner = 'x' WHERE key = 'k1'",
        "UPDATE measurements SET value = value + 1e-15 WHERE key = 'k1' AND name = 'b'",
        "DELETE FROM measurements WHERE key = 'k1'", "UPDATE measurements SET unit = 'mm' WHERE key = 'k1'"}) {
    const std::string copy = folder.path("copy");
    std::filesystem::remove_all(copy);
    std::filesystem::copy(at, copy);
    ASSERT_EQ(std::system(("sqlite3 " + copy + "/iqgate.sqlite \"" + change + "\"").c_str()), 0);
    const std::vector<std::string> faults = Store(copy).faults();
    ASSERT_EQ(faults.size(), 1u) << change;
    EXPECT_NE(faults.front().find("k1"), std::string::npos);
  }
}

TEST(StoreFile, ANewerStoreIsRefusedAndAnOutsideFolderToo) {
  const test::TemporaryFolder folder;
  { Store store(folder.path("store")); }
  ASSERT_EQ(
      std::system(
          ("sqlite3 " + folder.path("store") + "/iqgate.sqlite \"UPDATE schema_version SET version = 99\"").c_str()),
      0);
  EXPECT_THROW(Store{folder.path("store")}, OutputError);
  EXPECT_THROW(Store{"/proc/none"}, OutputError);
  std::filesystem::create_directories(folder.path("b"));
  std::ofstream(folder.path("b") + "/iqgate.sqlite") << std::string(5000, 'x');
  EXPECT_THROW(Store{folder.path("b")}, OutputError);
}

TEST(StoreFile, ManyMayOpenANewStoreAtOnce) {
  for (int round = 0; round < 10; ++round) {
    const test::TemporaryFolder folder;
    std::vector<std::thread> threads;
    std::atomic<int> opened = 0;
    for (int t = 0; t < 8; ++t)
      threads.emplace_back([&] {
        try {
          Store store(folder.path("store"));
          ++opened;
        } catch (const OutputError& error) {
          ADD_FAILURE() << error.what();
        }
      });
    for (std::thread& t : threads) t.join();
    EXPECT_EQ(opened, 8);
  }
}

TEST(StoreFile, WalOnlyWhereOneHostSeesTheDisk) {
  EXPECT_STREQ(journal_mode(0xEF53), "WAL");                                    // ext4
  EXPECT_STREQ(journal_mode(0x01021994), "WAL");                                // tmpfs
  EXPECT_STREQ(journal_mode(0x6969), "DELETE");                                 // NFS
  EXPECT_STREQ(journal_mode(0x47504653), "DELETE");                             // GPFS, and what is not known
  EXPECT_STREQ(journal_mode(static_cast<std::int32_t>(0xFF534D42)), "DELETE");  // CIFS, sign-extended
}

TEST(StoreOwner, ADeadProcessIsKnownOnThisHostAndByItsLeaseElsewhere) {
  const std::string own = own_name();
  EXPECT_FALSE(is_dead(own, 0, 1000)) << "it lives, whatever the lease says";
  const std::size_t pid = own.find('|', own.find('|') + 1);
  EXPECT_TRUE(is_dead(own.substr(0, pid) + "|" + std::to_string(::getpid()) + "|12345", 1000, 0)) << "another start";
  EXPECT_TRUE(is_dead(own.substr(0, pid) + "|4194303|1", 1000, 0));
  EXPECT_FALSE(is_dead("elsewhere|boot|1|1", 1000, 999));
  EXPECT_TRUE(is_dead("elsewhere|boot|1|1", 1000, 1001));
}

}  // namespace
}  // namespace iqgate::store
