// Corners of profiles: every fault of a file is told by its key, every key comes back, and what scans can tell a
// profile.
#include <cmath>

#include "iqgate/base/atomic_file.hpp"
#include "iqgate/judge/margin_test.hpp"
#include "judge/gate_world.hpp"
#include "support/support.hpp"

namespace iqgate::judge {
namespace {

const char* const good =
    R"({"schema": "iqgate.profile/1", "name": "n", "version": "1", "conditions": {"KVP": [118, 122], "EchoTime": 10, "ConvolutionKernel": "Br40"},
 "metrics": [{"name": "noise_sd_hu", "where": "water", "unit": "HU", "role": "gate", "n": 10, "mean": 10, "sd_within": 0.1, "scale": "log",
 "better": "lower", "margin": 0.05, "margin_kind": "relative", "rationale": "r", "set_by": "s"}]})";

class ProfileCorners : public ::testing::Test {
 protected:
  test::TemporaryFolder folder;
  const std::string path = folder.path("p.json");
  // `good` with one piece in another's place; what is said of it, empty when nothing is.
  std::string said(const std::string& from, const std::string& to, bool plan = false) {
    std::string text = good;
    text.replace(text.find(from), from.size(), to);
    write_file_atomically(path, text);
    try {
      plan ? read_plan(path) : read_profile(path);
    } catch (const UsageError& e) {
      return e.what();
    }
    return {};
  }
};

TEST_F(ProfileCorners, FaultsAreToldByTheirKeys) {
  const std::string first = "\"version\": \"1\"", numbers = "\"sd_within\": 0.1";
  struct Fault {
    std::string from, to, key;
  };
  for (const Fault& f : {
           Fault{"[118, 122]", "[118, 120, 122]", "conditions"},
           {"[118, 122]", "[\"a\", 122]", "conditions"},
           {"[118, 122]", "[118, \"b\"]", "conditions"},
           {"[118, 122]", "true", "conditions"},
           {"{\"KVP\": [118, 122], \"EchoTime\": 10, \"ConvolutionKernel\": \"Br40\"}", "[]", "conditions"},
           {numbers, numbers + ", \"sd_between\": -1", "sd_between"},
           {numbers, "\"sd_within\": 1, \"values\": [9, 10, 11]", "values"},
           {"\"mean\": 10", "\"mean\": 1e13", "mean"},
           {"\"n\": 10", "\"n\": 10, \"dof\": 10", "dof"},
           {"\"n\": 10", "\"n\": 3, \"values\": [-1, 10, 21]", "values"},
           {"\"mean\": 10", "\"mean\": 10, \"dof\": 3, \"values\": [9.9, 10, 10.1, 9.9, 10, 10.1, 9.9, 10, 10.1, 10]",
            "sd_within or dof"},
           {"\"n\": 10, \"mean\": 10, \"sd_within\": 0.1", "\"n\": 3, \"mean\": 10, \"values\": [9, 10, 11]",
            "sd_within or dof"},
           {"\"n\": 10, \"mean\": 10, \"sd_within\": 0.1",
            "\"n\": 3, \"mean\": 10, \"sd_within\": 1, \"dof\": 1, \"values\": [9, 10, 11]", "dof"},
           {"\"scale\": \"log\",\n \"better\": \"lower\", \"margin\": 0.05",
            "\"scale\": \"linear\",\n \"better\": \"lower\", \"margin\": 1.5", "margin"},
           {"\"mean\": 10, \"sd_within\": 0.1, \"scale\": \"log\"",
            "\"mean\": -10, \"sd_within\": 0.1, \"scale\": \"linear\"", "margin_kind"},
           {"\"better\": \"lower\", \"margin\": 0.05, \"margin_kind\": \"relative\"",
            "\"better\": \"higher\", \"margin\": 11, \"margin_kind\": \"absolute\"", "margin"},
           {"\"unit\": \"HU\", \"role\": \"gate\", \"n\": 10, \"mean\": 10, \"sd_within\": 0.1, \"scale\": \"log\",\n "
            "\"better\": \"lower\", \"margin\": 0.05, \"margin_kind\": \"relative\"",
            "\"unit\": \"%\", \"role\": \"gate\", \"n\": 10, \"mean\": 95, \"sd_within\": 0.1, \"scale\": \"logit\",\n "
            "\"better\": \"target\", \"margin\": 6, \"margin_kind\": \"absolute\"",
            "margin"},
           {"\"margin\": 0.05, \"margin_kind\": \"relative\"", "\"limit\": 5", "limit"},
           {"\"margin\": 0.05, \"margin_kind\": \"relative\"", "\"limit\": {\"bounds\": 5, \"source\": \"s\"}",
            "bounds"},
           {"\"margin\": 0.05, \"margin_kind\": \"relative\"", "\"limit\": {\"bounds\": [1], \"source\": \"s\"}",
            "bounds"},
           {"\"margin\": 0.05, \"margin_kind\": \"relative\"",
            "\"limit\": {\"bounds\": [null, null], \"source\": \"s\"}", "bounds"},
           {"\"margin\": 0.05, \"margin_kind\": \"relative\"",
            "\"limit\": {\"bounds\": [null, 11], \"rule\": \"strict\", \"source\": \"s\"}", "rule"},
           {"\"margin\": 0.05, \"margin_kind\": \"relative\"", "\"limit\": {\"bounds\": [null, 11], \"source\": \"s\"}",
            "scale"},
           {"\"scale\": \"log\",\n \"better\": \"lower\", \"margin\": 0.05, \"margin_kind\"",
            "\"scale\": \"linear\",\n \"better\": \"lower\", \"limit\": {\"bounds\": [null, 11], \"source\": \"s\"}, "
            "\"margin\": 0.05, \"margin_kind\"",
            "margin"},
           {first, first + ", \"correlation\": 1", "correlation"},
           {first, first + ", \"correlation\": [1]", "correlation"},
           {first, first + ", \"correlation\": [[\"a\"]]", "correlation"},
           {first, first + ", \"correlation\": [[1.5]]", "correlation"},
           {first, first + ", \"correlation\": [[1], [1]]", "correlation"},
           {first, first + ", \"reference\": \"loose\"", "reference"},
           {"\"n\": 10, \"mean\": 10, \"sd_within\": 0.1",
            "\"n\": 3, \"mean\": 10, \"sd_within\": 1, \"values\": [9, 10, 11]", ""},
           {first, first + ", \"scans\": [{\"inputs\": [\"a\"]}]", ""},  // ten numbers of one scan: only with values
       }) {
    const std::string told = said(f.from, f.to);
    if (f.key.empty()) EXPECT_EQ(told, "") << f.to;
    else EXPECT_NE(told.find(f.key), std::string::npos) << f.to << " -> " << told;
  }
  EXPECT_EQ(said(first, first), "");
  EXPECT_EQ(said("\"better\": \"lower\"", "\"better\": \"higher\""), "");
  // Three values of one scan.
  const std::string ten_numbers = "\"n\": 10, \"mean\": 10, \"sd_within\": 0.1";
  std::string three = std::string(good).substr(std::string(good).find(ten_numbers));
  three.replace(0, ten_numbers.size(), "\"n\": 3, \"mean\": 10, \"sd_within\": 1, \"values\": [9, 10, 11]");
  three.replace(three.rfind('}'), 1, ", \"scans\": [{\"inputs\": [\"a\"]}]}");
  EXPECT_NE(said(std::string(good).substr(std::string(good).find(ten_numbers)), three).find("one number for each"),
            std::string::npos);
  EXPECT_EQ(said(first, first + ", \"correlation\": []"), "");
  EXPECT_EQ(said(first, first + ", \"correlation\": [[1]]"), "");
  EXPECT_EQ(said(first, first + ", \"reference\": \"fixed\", \"claim\": \"proportion\", \"content\": 0.9"), "");
  EXPECT_NE(
      said("\"sd_within\": 0.1", "\"sd_within\": 0.1, \"values\": [9.9, 10, 10.1, 9.9, 10, 10.1, 9.9, 10, 10.1, 10]")
          .find("sd_within"),
      std::string::npos);
  const std::string twice = std::string(good).substr(std::string(good).find("{\"name\": \"noise"));
  EXPECT_NE(said("}]}", "}, " + twice).find("stands there twice"), std::string::npos);
  EXPECT_NE(said("profile/1", "plan/1", true), "") << "a plan holds no numbers";
}

TEST_F(ProfileCorners, EachKeyComesBack) {
  ASSERT_EQ(said("\"metrics\": [",
                 R"("repositioned": false, "reference": "fixed", "claim": "proportion", "content": 0.9, "metrics": [
 {"name": "roi_mean", "where": "a", "unit": "HU", "title": "Water", "role": "gate", "n": 4, "mean": 0, "sd_within": 1, "sd_between": 0.5, "dof": 3,
  "scale": "linear", "limit": {"bounds": [-4, 4], "rule": "simple", "source": "IEC"}, "refused_if": ["saturation"], "min_n_eff": 12},
 {"name": "roi_mean", "where": "b", "unit": "HU", "role": "gate", "n": 4, "mean": 0, "scale": "linear", "limit": {"bounds": [null, 4], "source": "IEC"}},
 {"name": "roi_mean", "where": "c", "unit": "HU", "n": 2, "mean": 1, "sd_within": 1.4142135623730951, "values": [0, 2], "systematic": 0.3},
 {"name": "roi_mean", "where": "d", "unit": "HU", "n": 2, "mean": 1, "values": [1, 1]},
 {"name": "roi_mean", "where": "e", "unit": "HU", "n": 2, "mean": 1, "margin": 0.5, "margin_kind": "absolute", "rationale": "r", "set_by": "s"},)"),
            "");
  const Profile p = read_profile(path);
  const std::string text = json::write(profile_json(p));
  write_file_atomically(path, text);
  const Profile back = read_profile(path);
  EXPECT_EQ(json::write(profile_json(back)), text);
  EXPECT_TRUE(back.sealed && back.fixed && !back.repositioned && back.claim == Claim::proportion &&
              back.content == 0.9);
  const ProfileMetric& a = back.metrics[0];
  EXPECT_TRUE(a.limit && a.limit->simple && *a.limit->bounds.low == -4 && a.limit->source == "IEC");
  EXPECT_EQ(a.title, "Water");
  EXPECT_EQ(a.refused_if, std::vector<std::string>{"saturation"});
  EXPECT_EQ(*a.min_n_eff, 12);
  EXPECT_EQ(*a.sd_between, 0.5);
  EXPECT_EQ(*a.dof, 3);
  EXPECT_FALSE(back.metrics[1].limit->simple);
  EXPECT_FALSE(back.metrics[1].limit->bounds.low);
  EXPECT_EQ(back.metrics[2].systematic, 0.3);
  EXPECT_EQ(back.metrics[2].values, (std::vector<double>{0, 2}));
  EXPECT_EQ(back.conditions.at("EchoTime").range->low, 10);
}

// On the log scale an SD becomes sqrt(ln(1 + CV^2)), a mean loses half its square; between scanners it is taken by
// slope.
TEST_F(ProfileCorners, WrittenNumbersOnTheirScale) {
  Profile p = plan();
  ProfileMetric& m = p.metrics[0];
  m.n = 10, m.mean = 10, m.sd_within = 0.5, m.sd_between = 0.2;
  const double variance = std::log1p(0.0025);
  const ReferenceStatistics r = reference_statistics(m, p);
  EXPECT_NEAR(r.sample.sd, std::sqrt(variance), 1e-15);
  EXPECT_NEAR(r.sample.mean, std::log(10) - variance / 2, 1e-15);
  EXPECT_NEAR(r.sd_between, 0.02, 1e-15);
  EXPECT_EQ(r.dof, 9);
  m.scale = Scale::linear;
  m.values = {5, 5, 5};
  EXPECT_EQ(reference_statistics(m, p).dof, 0) << "equal numbers tell no scatter";
  p.scans = {{"A", {"1"}}, {"B", {"2"}}, {"C", {"3"}}};
  m.values = {5, 6, 7};
  EXPECT_EQ(reference_statistics(m, p).dof, 0) << "one scan of each of three scanners";
}

TEST(ProfileBuildCorners, ConditionsAreLearntFromAllScans) {
  std::vector<Record> r = records(ten, "R");
  for (Record& record : r)
    record.conditions["ConvolutionKernel"] = "Br40", record.conditions["CTDIvol"] = "10",
    record.conditions["EchoTime"] = "";
  r[3].conditions["CTDIvol"] = "10.4";
  const Profile p = build_profile(plan(), r).profile;
  EXPECT_EQ(p.conditions.at("ConvolutionKernel").text, "Br40");
  EXPECT_NEAR(p.conditions.at("CTDIvol").range->high, 10.5, 1e-12) << "dose within 5 %";
  EXPECT_NEAR(p.conditions.at("KVP").range->low, 118.8, 1e-12) << "else 1 %";
  EXPECT_FALSE(p.conditions.count("EchoTime"));
  const auto varied = [&](const char* tag, const char* text) {
    std::vector<Record> other = r;
    other[3].conditions[tag] = text;
    return refused([&] { build_profile(plan(), other); });
  };
  EXPECT_EQ(varied("ConvolutionKernel", "Br60"), "conditions_vary");
  EXPECT_EQ(varied("KVP", "80"), "conditions_vary");
  EXPECT_EQ(varied("KVP", "unknown"), "conditions_vary");
  r[0].conditions["KVP"] = "unknown";
  EXPECT_EQ(refused([&] { build_profile(plan(), r); }), "conditions_vary");
  r = records(ten, "R");
  r[2].conditions.erase("KVP");
  const BuiltProfile some = build_profile(plan(), r);
  EXPECT_FALSE(some.profile.conditions.count("KVP"));
  EXPECT_TRUE(has(some.notes, "KVP is told by 9 scans only: no condition"));
  for (Record& record : r) record.conditions = {};
  EXPECT_FALSE(
      has(build_profile(plan(), r).notes, "KVP is not told by the scans: a site may differ in it and nobody sees it"));
  for (Record& record : r) record.conditions = {{"modality", "MR"}};
  EXPECT_FALSE(
      has(build_profile(plan(), r).notes, "KVP is not told by the scans: a site may differ in it and nobody sees it"));
  for (Record& record : r) record.conditions = {{"modality", "CT"}};
  const auto notes = build_profile(plan(), r).notes;
  for (const char* tag : {"KVP", "ConvolutionKernel", "CTDIvol"})
    EXPECT_TRUE(has(notes, std::string(tag) + " is not told by the scans: a site may differ in it and nobody sees it"));
  Profile own = plan();
  own.conditions["KVP"].text = "whatever";
  EXPECT_EQ(build_profile(own, records(ten, "R")).profile.conditions.size(), 1u) << "those of the plan stand";
}

TEST(ProfileBuildCorners, WhatIsNoReferenceIsRefusedAndWhatIsMissingTold) {
  EXPECT_EQ(refused([] { build_profile(plan(), {}); }), "no_scans");
  std::vector<Record> r = records(ten, "R");
  r[4].measurements[0].unit = "%";
  EXPECT_EQ(refused([&] { build_profile(plan(), r); }), "gate_metric_missing");
  r = records(ten, "R");
  r[4].measurements[0].value = -1;
  EXPECT_EQ(refused([&] { build_profile(plan(), r); }), "off_scale");
  std::vector<Record> single;
  for (const char* scanner : {"A", "B", "C"})
    single.push_back(record(int(single.size()), 10 + double(single.size()), scanner));
  EXPECT_EQ(refused([&] { build_profile(plan(), single); }), "no_spread");
  Profile two = plan();  // a number of the same name at another place, and one of another variant
  two.metrics.push_back(two.metrics[0]);
  two.metrics[1].name = "roi_mean", two.metrics[1].gate = false, two.metrics[1].variant = "other";
  two.metrics[1].scale = Scale::linear;
  r = records(ten, "R");
  for (Record& record : r) {
    Measurement m = record.measurements[1];
    m.variant = "other";
    record.measurements.push_back(m);
    m.where = "rim";
    record.measurements.push_back(m);
  }
  r[7].measurements.pop_back();
  const BuiltProfile built = build_profile(two, r);
  EXPECT_EQ(built.profile.metrics.size(), 3u) << "two planned, one more that every scan holds";
  EXPECT_TRUE(has(built.notes, "1 number(s) left out: not in every result"));
  EXPECT_GT(*built.profile.metrics[1].sd_within, 0);
  for (const std::string& note : build_profile(plan(), records(ten, "R")).notes)
    EXPECT_EQ(note.find("left out"), std::string::npos) << note;
  r = records(ten, "R");
  r[5].place_mm.reset();
  EXPECT_NE(build_profile(plan(), r).notes.at(0).find("it is not known whether"), std::string::npos);
  r = records(ten, "R");
  for (Record& record : r) record.phantom_serial = "7";
  EXPECT_EQ(build_profile(plan(), r).profile.phantom_serial, "7");
  r[1].phantom_serial = "8";
  EXPECT_EQ(build_profile(plan(), r).profile.phantom_serial, "");
  Profile named = plan();
  named.phantom_serial = "P";
  EXPECT_EQ(build_profile(named, r).profile.phantom_serial, "P");
  Profile nothing = plan();
  nothing.metrics[0].gate = false;
  EXPECT_TRUE(build_profile(nothing, records(ten, "R")).profile.correlation.empty());
}

TEST(ProfileBuildCorners, CorrelationOfTwoGates) {
  Profile p = plan();
  p.metrics.push_back(p.metrics[0]);
  p.metrics[1].name = "roi_mean", p.metrics[1].scale = Scale::linear, p.metrics[1].margin_kind = MarginKind::absolute;
  std::vector<Record> r = records(ten, "R");
  double xy = 0, xx = 0, yy = 0, mx = 0, my = 0;
  for (std::size_t k = 0; k < ten.size(); ++k) mx += std::log(ten[k]) / 10, my += 0.01 * double(k) / 10;
  for (std::size_t k = 0; k < ten.size(); ++k) {
    const double x = std::log(ten[k]) - mx, y = 0.01 * double(k) - my;
    xy += x * y, xx += x * x, yy += y * y;
  }
  const auto c = build_profile(p, r).profile.correlation;
  EXPECT_EQ(c[0][0], 1);
  EXPECT_NEAR(c[0][1], xy / std::sqrt(xx * yy), 1e-9);
  EXPECT_EQ(c[0][1], c[1][0]);
}

TEST(SameScan, OneAcquisitionIsOneScan) {
  std::vector<Record> two = records({10, 10.1}, "A");
  EXPECT_EQ(refused([&] { refuse_same_scan({}, two); }), "");
  two[0].timed = true, two[0].taken = two[1].taken = "20260101120000";
  EXPECT_EQ(refused([&] { refuse_same_scan({}, two); }), "") << "one of both is not to the second";
  two[1].timed = true;
  EXPECT_EQ(refused([&] { refuse_same_scan({}, two); }), "same_scan");
  two[1].scanner = "B";
  EXPECT_EQ(refused([&] { refuse_same_scan({}, two); }), "") << "two scanners may run at once";
  two[1].scanner = "A", two[1].taken = "20260101120001";
  EXPECT_EQ(refused([&] { refuse_same_scan({}, two); }), "");
  two[0].inputs = {"x", "x"};
  EXPECT_EQ(refused([&] { refuse_same_scan({}, two); }), "") << "a file twice in one scan";
  two[0].inputs = {};
  EXPECT_EQ(refused([&] { refuse_same_scan({}, two); }), "same_scan") << "of unknown files";
  EXPECT_EQ(refused([&] { refuse_same_scan({{"A-1", "the profile"}}, records({10, 10.1}, "A")); }), "same_scan");
  std::vector<Record> counts = records({10, 10}, "A");
  for (Record& r : counts)
    for (Measurement& m : r.measurements) m.se.reset(), m.value = 3;
  EXPECT_EQ(refused([&] { refuse_same_scan({}, counts); }), "") << "counts may agree";
}

}  // namespace
}  // namespace iqgate::judge
