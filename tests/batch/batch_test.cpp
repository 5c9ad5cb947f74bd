// The verb batch from outside: counts that add up, exit codes, idempotence, what is refused, what is told.
#include <algorithm>
#include <fstream>
#include <functional>

#include "iqgate/base/atomic_file.hpp"
#include "support/batch_world.hpp"

namespace iqgate::test {
namespace {
namespace fs = std::filesystem;

class Batch : public BatchWorld {
 protected:
  // Every scan found is counted once.
  static void expect_sums(const json::Value& s) {
    const char* words[] = {"pass", "warn", "fail", "no_verdict", "no_limit", "failed", "quarantined"};
    double all = 0;
    for (const char* part : {"computed", "kept"}) {
      double sum = 0;
      for (const char* word : words) sum += number(s, part, word);
      EXPECT_EQ(sum, number(s, part, "total")) << part;
      all += sum;
    }
    EXPECT_EQ(all + json::number_at(&s, "open").value_or(-1), json::number_at(&s, "found"));
  }
};

TEST_F(Batch, MeasuresEachScanOnceAndASecondRunNone) {
  scans(3);
  const Ran first = batch("--json");
  EXPECT_EQ(first.code, 0) << first.err;
  const json::Value s = summary_of(first);
  expect_sums(s);
  EXPECT_EQ(number(s, "computed", "pass"), 3);
  EXPECT_EQ(std::count(first.out.begin(), first.out.end(), '\n'), 4) << "an object a scan, and the summary";
  const auto results = results_of(store());
  EXPECT_EQ(results.size(), 3u);
  for (const char* name : {"index.html", "summary.json", "junit.xml", "iqgate.prom", "trend.html"})
    EXPECT_TRUE(fs::exists(store() + "/" + name)) << name;
  EXPECT_FALSE(fs::exists(store() + "/scratch") && !fs::is_empty(store() + "/scratch"));
  const json::Value again = summary_of(batch("--json"));
  expect_sums(again);
  EXPECT_EQ(number(again, "computed", "total"), 0);
  EXPECT_EQ(number(again, "kept", "pass"), 3);
  EXPECT_TRUE(results_of(store()) == results);
}

// Three rooms of one water phantom (0 HU), each with a reference of its own: one that agrees, one 50 HU away with a
// margin of 4 HU and an SD of 0.5 HU, and one of another tube voltage.
TEST_F(Batch, AReferenceOfTheRulesDecidesToo) {
  const auto profile = [&](const std::string& name, const std::string& kvp, int mean) {
    write_file_atomically(folder.path(name + ".json"),
                          R"({"schema": "iqgate.profile/1", "name": ")" + name +
                              R"(", "version": "1", "source": "t", "conditions": {"KVP": )" + kvp +
                              R"(}, "metrics": [{"name": "roi_mean", "variant": "area", "where": "centre", "unit": "HU",
 "role": "gate", "n": 10, "mean": )" +
                              std::to_string(mean) + R"(, "sd_within": 0.5, "scale": "linear", "better": "target",
 "margin": 4, "margin_kind": "absolute", "rationale": "r", "set_by": "s"}]})");
  };
  profile("near", "[110, 130]", 0), profile("far", "[110, 130]", 50), profile("other", "[70, 90]", 0);
  std::string rules;
  for (const std::string name : {"near", "far", "other"}) {
    write_small_scan(in() + "/" + name + "/scan", rules.size() + 1);
    rules += std::string(rules.empty() ? "" : ", ") + R"({"name": ")" + name + R"(", "match": {"folder": ")" + name +
             R"(/*"}, "action": "measure", "phantom": "water_cylinder", "metrics": ["roi_mean"], "reference": ")" +
             folder.path(name + ".json") + "\"}";
  }
  write_file_atomically(folder.path("rules.json"), R"({"schema": "iqgate.rules/1", "rules": [)" + rules + "]}");
  const Ran ran = run_program("batch " + in() + " --store " + store() + " --json --rules " + folder.path("rules.json"));
  EXPECT_EQ(ran.code, 3) << ran.err << "no verdict outweighs a fault of the scanner";
  const json::Value s = summary_of(ran);
  expect_sums(s);
  EXPECT_EQ(number(s, "computed", "fail"), 1) << "a NO-GO";
  EXPECT_EQ(number(s, "computed", "no_verdict"), 1) << "refused: another tube voltage";
  EXPECT_EQ(number(s, "computed", "pass"), 1) << "within the phantom's limits, and one scan shows no GO";
  std::map<std::string, int> words;
  for (const auto& entry : fs::recursive_directory_iterator(store() + "/results"))
    if (entry.path().filename() == "comparison.json") {
      const json::Value comparison = json::parse(bytes_of(entry.path().string()), "comparison", ErrorKind::input);
      ++words[json::text_at(&comparison, "overall")];
    }
  EXPECT_EQ(words, (std::map<std::string, int>{{"INCONCLUSIVE", 1}, {"NO-GO", 1}}));
}

TEST_F(Batch, ResultsAreThoseOfCheckAtAnyNumberOfJobs) {
  scans(3);
  ASSERT_EQ(batch("-j 1").code, 0);
  ASSERT_EQ(run_program(command("-j 3", folder.path("other"))).code, 0);
  EXPECT_TRUE(results_of(store()) == results_of(folder.path("other")));
}

TEST_F(Batch, AChangedByteOrConfigurationMeasuresWhatItTouches) {
  scans(3);
  ASSERT_EQ(batch().code, 0);
  write_small_scan(in() + "/scan_2", 77);
  json::Value s = summary_of(batch("--json"));
  EXPECT_EQ(number(s, "computed", "total"), 1);
  EXPECT_EQ(number(s, "kept", "total"), 2);
  s = summary_of(batch("--json --metric noise_sd_hu"));
  EXPECT_EQ(number(s, "computed", "total"), 3) << "another request";
  s = summary_of(batch("--json"));
  EXPECT_EQ(number(s, "computed", "total"), 0) << "and the first is still known";
  fs::copy(std::string(IQGATE_SOURCE_DIR) + "/phantoms/limits/ct_water_generic.json", folder.path("l.json"));
  const std::string own = "batch " + in() + " --store " + store() +
                          " --phantom water_cylinder --metric roi_mean --json --limits " + folder.path("l.json");
  EXPECT_EQ(number(summary_of(run_program(own)), "computed", "total"), 0) << "the same limits by another name";
  std::ofstream(folder.path("l.json"), std::ios::app) << "// \n";
  EXPECT_EQ(number(summary_of(run_program(own)), "computed", "total"), 3) << "other bytes of the limits";
}

TEST_F(Batch, WhatCannotBeReadIsCountedAndTheRestGoesOn) {
  scans(3);
  fs::resize_file(in() + "/scan_2/slice_0003.dcm", 700);
  std::ofstream(in() + "/noise.nii") << std::string(400, 'x');
  std::ofstream(in() + "/gone.dcm");  // a file that never arrived
  std::ofstream(in() + "/notes.txt") << "no scan";
  const Ran ran = batch("--json");
  EXPECT_EQ(ran.code, 4) << ran.err;
  const json::Value s = summary_of(ran);
  expect_sums(s);
  EXPECT_EQ(number(s, "computed", "pass"), 2);
  EXPECT_EQ(number(s, "computed", "failed"), 4) << "the cut file, its series, the noise, the empty file";
  EXPECT_EQ(results_of(store()).size(), 2u);
  for (const char* code : {"\"truncated\"", "\"missing_slices\"", "\"not_nifti\"", "\"empty_file\""})
    EXPECT_NE(ran.out.find(code), std::string::npos) << code;
  EXPECT_EQ(batch().code, 0) << "last night's failures are no alarm tonight";
  EXPECT_EQ(batch("--all").code, 4) << "unless asked for";
  EXPECT_EQ(number(summary_of(batch("--json --again")), "computed", "failed"), 4) << "or tried again";
}

TEST_F(Batch, ASeriesThatMayHaveLostASliceIsNotMeasured) {
  const std::string last = in() + "/scan_1/slice_0004.dcm";
  const std::vector<std::function<void()>> losses{
      [&] { std::ofstream(last, std::ios::trunc); },                             // never arrived
      [&] { std::ofstream(last, std::ios::trunc) << std::string(9000, '\0'); },  // a crash of the file system
      [&] { std::fstream(last).write(std::string(300, '\0').data(), 300); },
      [&] { fs::remove(last), fs::create_symlink("/nowhere", last); }};
  for (const auto& lose : losses) {
    fs::remove_all(in()), fs::remove_all(store());
    scans(2);
    lose();
    const Ran ran = batch("--json");
    EXPECT_EQ(ran.code, 4);
    const json::Value s = summary_of(ran);
    expect_sums(s);
    EXPECT_EQ(number(s, "computed", "pass"), 1) << ran.out;
    EXPECT_EQ(number(s, "computed", "failed"), 2) << "the file, and its series";
  }
}

TEST_F(Batch, WhatIsNotLookedIntoIsTold) {
  scans(1);
  fs::create_directories(folder.path("elsewhere"));
  fs::create_symlink(folder.path("elsewhere"), in() + "/link");
  std::ofstream(folder.path("n.txt")) << "x";
  ASSERT_EQ(std::system(("cd " + folder.path() + " && zip -q in/notes.zip n.txt").c_str()), 0);
  const Ran ran = batch("--json");
  EXPECT_EQ(ran.code, 4);
  EXPECT_EQ(number(summary_of(ran), "computed", "failed"), 2);
  for (const char* code : {"links are not followed", "nothing_in_archive"})
    EXPECT_NE(ran.out.find(code), std::string::npos) << code;
}

TEST_F(Batch, ResultsAmongScansAreWrongUse) {
  scans(1);
  for (const std::string& to : {in() + "/store", in()})
    for (const char* verb : {"batch ", "watch --once "})
      EXPECT_EQ(run_program(verb + in() + " --store " + to + " --phantom water_cylinder").code, 2) << to;
}

TEST_F(Batch, RulesSeeFoldersBelowTheNearestRoot) {
  write_small_scan(folder.path("a/x"), 1);
  write_small_scan(folder.path("ab/x"), 2);
  write_file_atomically(folder.path("rules.json"), R"({"schema": "iqgate.rules/1", "rules": [
    {"name": "near", "match": {"folder": "x"}, "action": "measure", "phantom": "water_cylinder", "limits": ["ct_water_generic"], "metrics": ["roi_mean"]}]})");
  for (const std::string& roots :
       {folder.path("a") + " " + folder.path("ab"), folder.path("ab") + " " + folder.path("a")}) {
    fs::remove_all(store());
    const Ran ran =
        run_program("batch --json " + roots + " --store " + store() + " --rules " + folder.path("rules.json"));
    EXPECT_EQ(number(summary_of(ran), "computed", "pass"), 2) << ran.out;
  }
}

TEST_F(Batch, AFaultOfTheRunRaisesTheAlarmToo) {
  write_file_atomically(folder.path("alarm"), "#!/bin/sh\ncat > " + folder.path("told") + "\n");
  fs::permissions(folder.path("alarm"), fs::perms::owner_all);
  const std::string more =
      " --store " + store() + " --prom " + folder.path("p.prom") + " --on-fail " + folder.path("alarm");
  EXPECT_EQ(run_program("batch " + folder.path("unmounted") + more).code, 3);
  EXPECT_NE(bytes_of(folder.path("told")).find("\"not_found\""), std::string::npos);
  EXPECT_NE(bytes_of(folder.path("p.prom")).find("iqgate_batch_exit_code 3"), std::string::npos);
}

TEST_F(Batch, ABrokenLimitIsOneAndNoScanIsThree) {
  fs::create_directories(in());
  EXPECT_EQ(batch().code, 3);
  std::ofstream(in() + "/notes.txt") << "no scan";
  EXPECT_EQ(batch().code, 3);
  scans(2);
  write_file_atomically(folder.path("tight.json"),
                        R"({"schema": "iqgate.limits/1", "name": "tight", "source": "test", "edition": "1",
    "phantom": "water_cylinder", "limits": [{"name": "roi_mean", "variant": "*", "where": "*", "unit": "HU", "act": [500, 600], "decision": "value",
    "certainty": "H", "source": "test"}]})");
  const std::string run = "batch " + in() + " --store " + store() +
                          " --phantom water_cylinder --metric roi_mean --json --limits " + folder.path("tight.json");
  const Ran ran = run_program(run);
  EXPECT_EQ(ran.code, 1) << ran.err;
  EXPECT_EQ(number(summary_of(ran), "computed", "fail"), 2);
  EXPECT_EQ(run_program("batch " + folder.path("nowhere") + " --store " + store()).code, 3);
}

TEST_F(Batch, RulesChooseAndWhatNoneMatchesIsNotAnalysed) {
  write_small_scan(in() + "/room_1/a", 1);
  write_small_scan(in() + "/room_1/b", 2, {{"KVP", "80"}});
  write_small_scan(in() + "/room_2/a", 3);
  write_small_scan(in() + "/room_3/a", 4);
  write_file_atomically(folder.path("rules.json"), R"({"schema": "iqgate.rules/1", "rules": [
    {"name": "low", "match": {"tags": {"KVP": "80"}}, "action": "skip"},
    {"name": "one", "match": {"folder": "room_1/*"}, "action": "measure", "phantom": "water_cylinder", "limits": ["ct_water_generic"], "metrics": ["roi_mean"]},
    {"name": "two", "match": {"folder": "room_2*"}, "action": "measure", "phantom": "water_cylinder", "limits": ["none"], "metrics": ["roi_mean"]}]})");
  const std::string run = "batch " + in() + " --store " + store() + " --rules " + folder.path("rules.json");
  const Ran ran = run_program(run + " --json");
  EXPECT_EQ(ran.code, 4) << ran.err;
  const json::Value s = summary_of(ran);
  expect_sums(s);
  EXPECT_EQ(json::number_at(&s, "skipped_by_rule"), 1);
  EXPECT_EQ(number(s, "computed", "pass"), 1);
  EXPECT_EQ(number(s, "computed", "no_limit"), 1);
  EXPECT_EQ(number(s, "computed", "failed"), 1);
  EXPECT_NE(ran.out.find("\"no_rule\""), std::string::npos);
  EXPECT_EQ(run_program(run + " --phantom water_cylinder").code, 2) << "rules stand instead";
  write_file_atomically(folder.path("rules.json"), R"({"schema": "iqgate.rules/1", "rules": [
    {"name": "x", "match": {"tags": {"KPV": "80"}}, "action": "skip"}]})");
  EXPECT_EQ(run_program(run).code, 2) << "a keyword that no scan has";
}

TEST_F(Batch, ShardsShareTheScansAndARunOverAllComputesNone) {
  scans(6);
  double sum = 0;
  for (int k = 1; k <= 3; ++k) {
    const json::Value s = summary_of(batch("--json --shard " + std::to_string(k) + "/3"));
    expect_sums(s);
    EXPECT_EQ(number(s, "computed", "total") + json::number_at(&s, "other_shards").value_or(0), 6);
    sum += number(s, "computed", "total");
  }
  EXPECT_EQ(sum, 6);
  const json::Value all = summary_of(batch("--json --all"));
  EXPECT_EQ(number(all, "kept", "pass"), 6);
  EXPECT_EQ(number(all, "computed", "total"), 0);
  for (const char* wrong : {"0/3", "4/3", "1", "1/0", "x/3", "1/3x"})
    EXPECT_EQ(batch(std::string("--shard ") + wrong).code, 2);
}

TEST_F(Batch, TheSameBytesTwiceAreOneScanAndASecondBadCopySpoilsNothing) {
  scans(2);
  fs::copy(in() + "/scan_1", in() + "/copy", fs::copy_options::recursive);
  json::Value s = summary_of(batch("--json"));
  expect_sums(s);
  EXPECT_EQ(number(s, "computed", "pass"), 2);
  fs::resize_file(in() + "/copy/slice_0001.dcm", 700);
  fs::remove_all(store());
  s = summary_of(batch("--json"));
  expect_sums(s);
  EXPECT_EQ(number(s, "computed", "pass"), 2) << "the whole copy is measured";
  EXPECT_EQ(number(s, "computed", "failed"), 2) << "the cut file, and what is left of its copy";
}

TEST_F(Batch, NightsOfOneProtocolAreScansOfTheirOwn) {
  // One scanner, one grid, one technique: read together by name they would be repeats.
  scans(4);
  EXPECT_EQ(number(summary_of(batch("--json")), "computed", "total"), 4);
}

TEST_F(Batch, NothingIsWrittenWhereTheInputsAre) {
  scans(2);
  const std::string before = fingerprint(in());
  ASSERT_EQ(batch().code, 0);
  EXPECT_EQ(fingerprint(in()), before);
}

TEST_F(Batch, AlarmsGetJsonWithoutAShellAndTheirFailureIsNotFatal) {
  scans(1);
  std::ofstream(in() + "/x.nii") << std::string(400, 'x');
  write_file_atomically(folder.path("alarm"), "#!/bin/sh\nprintf '%s|' \"$@\" > " + folder.path("args") + "\ncat > " +
                                                  folder.path("told") + "\n");
  fs::permissions(folder.path("alarm"), fs::perms::owner_all);
  const std::string hostile = "'$(touch " + folder.path("pwned") + ")'";
  EXPECT_EQ(batch("--on-fail " + folder.path("alarm") + " " + hostile).code, 4);
  EXPECT_FALSE(fs::exists(folder.path("pwned")));
  EXPECT_NE(bytes_of(folder.path("args")).find("$(touch"), std::string::npos);
  const json::Value told = json::parse(bytes_of(folder.path("told")), "told", ErrorKind::input);
  EXPECT_EQ(json::list_at(&told, "scans").size(), 1u);
  EXPECT_EQ(json::number_at(told.find("summary"), "found"), 2);
  const Ran ran = batch("--again --on-fail /bin/false");
  EXPECT_EQ(ran.code, 4);
  EXPECT_NE(ran.err.find("--on-fail failed"), std::string::npos) << ran.err;
  fs::remove(folder.path("told"));
  EXPECT_EQ(batch("--on-fail " + folder.path("alarm")).code, 0);
  EXPECT_FALSE(fs::exists(folder.path("told"))) << "no alarm without a reason";
}

TEST_F(Batch, SilenceOfAScannerIsAnAlarm) {
  scans(1);
  EXPECT_EQ(batch("--expect \"digital phantom@24h\"").code, 0);
  const Ran silent = batch("--expect Skyra@24h");
  EXPECT_EQ(silent.code, 4);
  EXPECT_NE(silent.out.find("NOTHING CAME from Skyra"), std::string::npos) << silent.out;
  EXPECT_EQ(batch("--expect \"digital phantom@24h\"", "SOURCE_DATE_EPOCH=4000000000").code, 4) << "long ago";
  EXPECT_NE(bytes_of(store() + "/iqgate.prom").find("iqgate_batch_expected_missing{scanner=\"digital phantom\"} 1"),
            std::string::npos);
  EXPECT_EQ(batch("--expect Skyra").code, 2);
}

TEST_F(Batch, OldFilesGoAndEveryNumberStays) {
  scans(2);
  ASSERT_EQ(batch("", "SOURCE_DATE_EPOCH=1700000000").code, 0);
  const auto before = results_of(store());
  ASSERT_EQ(batch("--keep-days 100000", "SOURCE_DATE_EPOCH=1700100000").code, 0);
  EXPECT_TRUE(fs::exists(store() + "/results/" + before.begin()->first.substr(0, 2) + "/" + before.begin()->first +
                         "/report.html"));
  ASSERT_EQ(batch("--keep-days 1", "SOURCE_DATE_EPOCH=1700100000").code, 0);
  EXPECT_TRUE(results_of(store()) == before);
  for (const auto& [key, text] : before)
    EXPECT_FALSE(fs::exists(store() + "/results/" + key.substr(0, 2) + "/" + key + "/report.html"));
  EXPECT_EQ(run_program("verify " + store()).code, 0);
}

TEST_F(Batch, DryRunWritesNothing) {
  scans(1);
  EXPECT_EQ(batch("--dry-run").code, 0);
  EXPECT_FALSE(fs::exists(store()));
}

}  // namespace
}  // namespace iqgate::test
