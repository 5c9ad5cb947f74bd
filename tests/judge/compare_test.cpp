// What a comparison takes for evidence: each way to a verdict that is not deserved, closed.
#include <cmath>

#include "gate_world.hpp"
#include "iqgate/base/atomic_file.hpp"
#include "iqgate/base/error.hpp"
#include "support/support.hpp"

namespace iqgate::judge {
namespace {

TEST(Compare, AnEqualSiteIsGoAndSaysOnWhatItStands) {
  const Comparison c = compared(built(), records(five, "S"));
  EXPECT_EQ(c.overall, GateWord::go);
  EXPECT_FALSE(c.provisional);
  EXPECT_EQ(c.metrics[0].state, MetricState::equivalent);
  EXPECT_EQ(c.named, std::vector<std::size_t>{0});
  CompareOptions second;
  second.look = 2;
  EXPECT_TRUE(compared(built(), records(five, "S"), second).provisional);
}

TEST(Compare, OneOrTwoScansAreNoGoUnlessTheProfileAllowsThem) {
  Profile p = built();
  p.n_min = 1;  // is no permission
  const Comparison one = compared(p, records({10}, "S"));
  EXPECT_EQ(one.overall, GateWord::inconclusive);
  EXPECT_TRUE(has(one.metrics[0].flags, "few_scans"));
  p.allow_few_scans = true;
  EXPECT_EQ(compared(p, records({10}, "S")).overall, GateWord::go);
  EXPECT_TRUE(has(compared(p, records({10}, "S")).metrics[0].flags, "few_scans"));
}

TEST(Compare, RepeatsOfOneSetUpAreNoGoAndCondemnLikeOneScan) {
  std::vector<Record> site = records(five, "S");
  for (Record& r : site) r.place_mm = Vec3{1, 1, 1};
  EXPECT_EQ(compared(built(), site).overall, GateWord::inconclusive);
  EXPECT_TRUE(has(compared(built(), site).flags, "no_repositioning"));
  Profile allowed = built();
  allowed.allow_no_repositioning = true;
  EXPECT_EQ(compared(allowed, site).overall, GateWord::go);
  site[4].place_mm = Vec3{1.2, 1, 1};  // one of five moved: still two set-ups
  EXPECT_EQ(compared(built(), site).overall, GateWord::inconclusive);
  site[4].place_mm.reset();
  EXPECT_TRUE(has(compared(built(), site).flags, "repositioning_unknown"));
  EXPECT_EQ(compared(built(), site).overall, GateWord::inconclusive);
  // 0.7 % beyond the margin with a scatter of .02 %: five set-ups condemn, one set-up does not.
  std::vector<Record> worse = records({10.57, 10.574, 10.572, 10.573, 10.571}, "S");
  EXPECT_EQ(compared(built(), worse).overall, GateWord::no_go);
  for (Record& r : worse) r.place_mm = Vec3{1, 1, 1};
  EXPECT_EQ(compared(built(), worse).overall, GateWord::inconclusive);
}

TEST(Compare, OneScanCountsOnce) {
  const Profile p = built();
  std::vector<Record> site = records(five, "S");
  site[3].inputs = site[1].inputs;
  EXPECT_EQ(refused([&] { compared(p, site); }), "same_scan");
  site = records(five, "S");
  site[2].inputs = {"R-4"};  // of the reference
  EXPECT_EQ(refused([&] { compared(p, site); }), "same_scan");
  site = records(five, "S");
  site[1].measurements = site[0].measurements;  // another file of the same image
  EXPECT_EQ(refused([&] { compared(p, site); }), "same_scan");
  site = records(five, "S");
  for (Record& r : site) r.taken = "2026-01-02T10:11:12", r.timed = true;  // one acquisition, five reconstructions
  EXPECT_EQ(refused([&] { compared(p, site); }), "same_scan");
  for (Record& r : site) r.timed = false;  // the day alone
  EXPECT_TRUE(has(compared(p, site).flags, "one_day"));
  site = records(five, "S");
  site[0].inputs.clear();
  EXPECT_EQ(refused([&] { compared(p, site); }), "same_scan");
  site = records(five, "S");
  site[4].scanner = "T";
  EXPECT_EQ(refused([&] { compared(p, site); }), "several_scanners");
  EXPECT_EQ(refused([&] { compared(p, {}); }), "no_scans");
}

TEST(Compare, AHardLimitKnowsNoReference) {
  Profile p = built();
  p.metrics[0].margin = 0;
  p.metrics[0].scale = Scale::linear;
  p.metrics[0].limit = HardLimit{{{}, 9.0}, false, "x"};
  EXPECT_EQ(compared(p, records(five, "S")).overall, GateWord::no_go);
  CompareOptions pairs;
  pairs.paired = records({10, 10.1, 9.9, 10.05, 9.95}, "P");
  EXPECT_EQ(compared(p, records(five, "S"), pairs).overall, GateWord::no_go);
  p.metrics[0].limit->bounds.high = 20;
  EXPECT_EQ(compared(p, records({10.5, 10.6, 10.4, 10.5, 10.55}, "S"), pairs).overall, GateWord::go);
  // The certificate's uncertainty drops out of a difference of one phantom, never out of a limit.
  p.metrics[0].limit->bounds.high = 10.5;
  p.metrics[0].systematic = 3;
  p.phantom_serial = "7";
  std::vector<Record> site = records(five, "S");
  for (Record& r : site) r.phantom_serial = "7";
  EXPECT_EQ(compared(p, site).overall, GateWord::inconclusive);
  Profile margin = built();
  margin.metrics[0].systematic = 3;
  EXPECT_EQ(compared(margin, site).overall, GateWord::inconclusive);
  margin.phantom_serial = "7";
  EXPECT_EQ(compared(margin, site).overall, GateWord::go);
}

TEST(Compare, PairsAreOtherScansTakenAsTheProfileDemands) {
  const Profile p = built();
  CompareOptions pairs;
  pairs.paired = records({9.98, 10.07, 9.91, 10.02, 9.96}, "P");
  const Comparison c = compared(p, records(five, "S"), pairs);
  EXPECT_EQ(c.overall, GateWord::go);
  EXPECT_TRUE(has(c.metrics[0].flags, "paired"));
  pairs.paired[2].inputs = pairs.paired[1].inputs;
  EXPECT_EQ(refused([&] { compared(p, records(five, "S"), pairs); }), "same_scan");
  pairs.paired = records({9.98, 10.07, 9.91, 10.02, 9.96}, "P");
  pairs.paired[0].conditions["KVP"] = "80";
  EXPECT_EQ(refused([&] { compared(p, records(five, "S"), pairs); }), "conditions_differ");
  Profile next = p;
  next.claim = Claim::next_scan;
  pairs.paired[0].conditions["KVP"] = "120";
  EXPECT_EQ(refused([&] { compared(next, records(five, "S"), pairs); }), "wrong_use");
}

TEST(Compare, MissingAndUnfitNumbersAreNotAssessable) {
  Profile p = built();
  std::vector<Record> site = records(five, "S");
  site[3].measurements.erase(site[3].measurements.begin());
  site[3].not_measured = {{"noise_sd_hu", "water", "the slice is cut", {}}};
  const Comparison c = compared(p, site);
  EXPECT_EQ(c.overall, GateWord::inconclusive);
  EXPECT_EQ(c.metrics[0].state, MetricState::not_assessable);
  EXPECT_NE(c.metrics[0].reason.find("4 of 5"), std::string::npos);
  EXPECT_NE(c.metrics[0].reason.find("the slice is cut"), std::string::npos);
  site = records(five, "S");
  site[0].measurements[0].unit = "1";
  EXPECT_EQ(refused([&] { compared(p, site); }), "unit_mismatch");
  site = records(five, "S");
  site[0].measurements[0].flags = {"saturation"};
  p.metrics[0].refused_if = {"saturation"};
  EXPECT_EQ(compared(p, site).metrics[0].state, MetricState::not_assessable);
  p = built();
  p.metrics[0].min_n_eff = 25;
  EXPECT_EQ(compared(p, records(five, "S")).metrics[0].state, MetricState::not_assessable);
  for (const double bad : {-1.0, 0.0, 1e200}) {
    site = records(five, "S");
    site[1].measurements[0].value = bad;
    EXPECT_EQ(compared(built(), site).metrics[0].state, MetricState::not_assessable) << bad;
  }
  // Three equal numbers are copies, or rounded beyond use.
  EXPECT_EQ(compared(built(), records({10, 10, 10}, "S")).metrics[0].state, MetricState::not_assessable);
}

TEST(Compare, ConditionsAreMetOrThereIsNoVerdict) {
  const Profile p = built();
  EXPECT_TRUE(p.conditions.count("KVP"));
  std::vector<Record> site = records(five, "S");
  site[1].conditions["KVP"] = "100";
  EXPECT_EQ(refused([&] { compared(p, site); }), "conditions_differ");
  site[1].conditions.erase("KVP");
  EXPECT_EQ(refused([&] { compared(p, site); }), "conditions_differ");
  CompareOptions force;
  force.force = true;
  EXPECT_EQ(compared(p, site, force).overall, GateWord::inconclusive);
  EXPECT_EQ(compared(p, site, force).differences.size(), 1u);
}

TEST(ProfileBuild, RefusesWhatIsNoReference) {
  std::vector<Record> reference = records(ten, "R");
  reference[5].conditions["KVP"] = "140";
  EXPECT_EQ(refused([&] { build_profile(plan(), reference); }), "conditions_vary");
  reference = records(ten, "R");
  reference[5].inputs = reference[4].inputs;
  EXPECT_EQ(refused([&] { build_profile(plan(), reference); }), "same_scan");
  reference = records(ten, "R");
  reference[5].measurements.erase(reference[5].measurements.begin());
  EXPECT_EQ(refused([&] { build_profile(plan(), reference); }), "gate_metric_missing");
  Profile fixed = plan();
  fixed.fixed = true;
  EXPECT_EQ(refused([&] { build_profile(fixed, records(ten, "R")); }), "wrong_use");
  Profile strict = plan();
  strict.metrics[0].refused_if = {"saturation"};
  reference = records(ten, "R");
  reference[2].measurements[0].flags = {"saturation"};
  EXPECT_EQ(refused([&] { build_profile(strict, reference); }), "not_sufficient");
  reference = records(ten, "R");
  for (Record& r : reference) r.place_mm = Vec3{0, 0, 0};
  const BuiltProfile still = build_profile(plan(), reference);
  EXPECT_FALSE(still.profile.repositioned);
  EXPECT_EQ(compared(still.profile, records(five, "S")).overall, GateWord::inconclusive);
  EXPECT_EQ(
      compared(build_profile(plan(), records({9.9, 10.1, 10, 9.95}, "R")).profile, records(five, "S")).metrics[0].state,
      MetricState::not_assessable);  // a reference of four decides nothing
}

// Two scanners of the reference: the SD within is pooled, the scatter between them is a variance component.
TEST(ProfileBuild, SeveralScanners) {
  std::vector<Record> reference = records({10, 10.2, 9.8, 10.1, 9.9}, "R");
  for (const Record& r : records({12, 12.2, 11.8, 12.1, 11.9}, "Q")) reference.push_back(r);
  const Profile p = build_profile(plan(), reference).profile;
  const double within = std::sqrt((0.01 * 2 + 0.04 * 2) / 4);  // of either
  EXPECT_NEAR(*p.metrics[0].sd_within, within, 1e-12);
  EXPECT_EQ(*p.metrics[0].dof, 8);
  EXPECT_NEAR(*p.metrics[0].sd_between, std::sqrt(2 - within * within / 5), 1e-12);  // variance of 10 and 12 is 2
  EXPECT_EQ(p.scanners(), 2u);
}

class ProfileFiles : public ::testing::Test {
 protected:
  test::TemporaryFolder folder;
  const std::string path = folder.path("p.json");
  std::string written(const std::string& text) {
    write_file_atomically(path, text);
    return refused([&] { read_profile(path); });
  }
};

TEST_F(ProfileFiles, ComeBackAsTheyWereWritten) {
  const Profile p = built();
  const std::string text = json::write(profile_json(p));
  EXPECT_EQ(written(text), "");
  const Profile back = read_profile(path);
  EXPECT_TRUE(back.sealed);
  EXPECT_EQ(json::write(profile_json(back)), text);
  EXPECT_EQ(compared(back, records(five, "S")).overall, GateWord::go);
  std::string changed = text;
  changed.replace(changed.find("0.05"), 4, "0.06");
  EXPECT_EQ(written(changed), "changed_profile");
  EXPECT_EQ(read_plan(std::string(IQGATE_SOURCE_DIR) + "/phantoms/plans/ct_example.json").metrics.size(), 3u);
}

TEST_F(ProfileFiles, FaultsAreNamed) {
  const std::string good =
      R"({"schema": "iqgate.profile/1", "name": "n", "version": "1", "conditions": {"KVP": [118, 122], "ConvolutionKernel": "Br40"},
 "metrics": [{"name": "noise_sd_hu", "where": "water", "unit": "HU", "role": "gate", "n": 10, "mean": 10, "sd_within": 0.1, "scale": "log",
 "better": "lower", "margin": 0.05, "margin_kind": "relative", "rationale": "r", "set_by": "s"}]})";
  EXPECT_EQ(written(good), "");
  EXPECT_FALSE(read_profile(path).sealed);
  for (const auto& [from, to] :
       {std::pair{"\"mean\": 10", "\"mean\": 0"},
        {"\"mean\": 10", "\"mean\": -1"},
        {"\"sd_within\": 0.1", "\"sd_within\": 0"},
        {"\"sd_within\": 0.1", "\"sd_within\": 1e-200"},
        {"\"sd_within\": 0.1", "\"sd_within\": 1e200"},
        {"\"n\": 10", "\"n\": 10, \"dof\": 1e9"},
        {"\"n\": 10", "\"n\": 10, \"dof\": 0.001"},
        {"\"n\": 10", "\"n\": 2.5"},
        {"\"n\": 10", "\"n\": 3, \"values\": [9, 10, 11.1]"},
        {"\"n\": 10", "\"n\": 3, \"values\": [9, 10, 11]"},  // their SD is 1
        {"\"margin\": 0.05", "\"margin\": 5"},
        {"\"margin\": 0.05", "\"margin\": 0"},
        {"\"relative\"", "\"percent\""},
        {"\"lower\"", "\"better\""},
        {"\"log\"", "\"logarithmic\""},
        {"\"log\"", "\"logit\""},
        {"\"gate\"", "\"door\""},
        {"\"HU\"", "\"hu\""},
        {", \"set_by\": \"s\"", ""},
        {"\"rationale\": \"r\", ", ""},
        {"\"margin\": 0.05", "\"limit\": {\"bounds\": [null, 5], \"source\": \"s\"}, \"margin\": 0.05"},
        {"[118, 122]", "[122, 118]"},
        {"\"version\": \"1\"", "\"version\": \"1\", \"alpha_go\": 0.5"},
        {"\"version\": \"1\"", "\"version\": \"1\", \"looks\": 0"},
        {"\"version\": \"1\"", "\"version\": \"1\", \"claim\": \"proportion\""},
        {"\"version\": \"1\"", "\"version\": \"1\", \"reference\": \"fixed\", \"scans\": [{\"inputs\": [\"a\"]}]"},
        {"\"version\": \"1\"", "\"version\": \"1\", \"correlation\": [[1, 0]]"},
        {"\"version\": \"1\"", "\"version\": \"1\", \"digest\": \"abc\""},
        {"profile/1", "profile/2"},
        {"\"version\"", "\"edition\""}}) {
    std::string bad = good;
    bad.replace(bad.find(from), std::string(from).size(), to);
    EXPECT_NE(written(bad), "") << to;
  }
}

}  // namespace
}  // namespace iqgate::judge
