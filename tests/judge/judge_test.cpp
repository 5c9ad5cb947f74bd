#include <algorithm>

#include "iqgate/base/atomic_file.hpp"
#include "iqgate/judge/limits.hpp"
#include "iqgate/pipeline/data_files.hpp"
#include "support/support.hpp"

namespace iqgate::judge {
namespace {

Measurement number(double value, std::optional<Interval> ci = {}, const std::string& unit = "HU") {
  Measurement m;
  m.name = "roi_mean";
  m.variant = "center";
  m.where = "uniformity/centre";
  m.value = value;
  m.unit = unit;
  m.ci95 = ci;
  return m;
}

LimitsFile file(Limit limit) {
  LimitsFile f;
  limit.name = "roi_mean";
  if (limit.unit.empty()) limit.unit = "HU";
  limit.source = "test";
  f.limits = {std::move(limit)};
  return f;
}

Judgement judged(const std::vector<Measurement>& measurements, const std::vector<LimitsFile>& files,
                 const Reference& reference) {
  Results results;
  results.measurements = measurements;
  return judge(results, files, reference);
}

State state_of(const Measurement& m, const Limit& limit, const Reference& reference = {}) {
  return judged({m}, {file(limit)}, reference).verdicts.at(0).state;
}

// "*/centre" takes every place of that name; where there is none it asks for none, unlike "*" and a plain name.
TEST(Judge, APatternOfPlaces) {
  Limit limit;
  limit.act = {-4.0, 4.0};
  limit.decision = Decision::value;
  limit.where = "*/centre";
  EXPECT_EQ(state_of(number(5), limit), State::fail);
  limit.where = "uniform*/cen*";
  EXPECT_EQ(state_of(number(3), limit), State::pass);
  limit.where = "*/water";
  EXPECT_EQ(judged({number(5)}, {file(limit)}, {}).verdicts.size(), 1u);
  EXPECT_EQ(judged({number(5)}, {file(limit)}, {}).overall, Overall::no_verdict);  // limits, and nothing judged
  limit.where = "*a*a*a*a*a*a*a*a*a*a*a*b";                                        // does not take for ever
  EXPECT_EQ(judged({number(5)}, {file(limit)}, {}).overall, Overall::no_verdict);
  limit.where = "water";
  EXPECT_EQ(judged({number(5)}, {file(limit)}, {}).overall, Overall::no_verdict);
}

// Written from the contract, not from the code: bounds -4..4 closed or open, decision interval or value.
TEST(Judge, TableOfStates) {
  struct Row {
    double value;
    std::optional<Interval> ci;
    Bounds act, warn;
    bool open;
    Decision decision;
    State expected;
  };
  const Bounds four{-4.0, 4.0}, upper{{}, 4.0}, lower{-4.0, {}}, two{-2.0, 2.0}, none;
  const std::vector<Row> rows{
      {0, Interval{-1, 1}, four, none, false, Decision::interval, State::pass},
      {3, Interval{2, 4.5}, four, none, false, Decision::interval, State::undecided},
      {5, Interval{3.5, 6.5}, four, none, false, Decision::interval, State::undecided},
      {6, Interval{5, 7}, four, none, false, Decision::interval, State::fail},
      {-6, Interval{-7, -5}, four, none, false, Decision::interval, State::fail},
      {-6, Interval{-7, -5}, upper, none, false, Decision::interval, State::pass},
      {6, Interval{5, 7}, lower, none, false, Decision::interval, State::pass},
      {3, Interval{2, 4.5}, four, none, false, Decision::value, State::pass},
      {5, Interval{3.5, 6.5}, four, none, false, Decision::value, State::fail},
      {4, {}, four, none, false, Decision::value, State::pass},
      {4, {}, four, none, true, Decision::value, State::fail},
      {-4, {}, four, none, false, Decision::interval, State::pass},
      {-4, {}, four, none, true, Decision::interval, State::fail},
      {4.000001, {}, four, none, false, Decision::interval, State::fail},
      {3, Interval{2.5, 3.5}, four, two, false, Decision::interval, State::warn},
      {1, Interval{0.5, 1.5}, four, two, false, Decision::interval, State::pass},
      {5, Interval{4.5, 5.5}, four, two, false, Decision::interval, State::fail},
      {3, {}, none, two, false, Decision::value, State::warn},
  };
  for (std::size_t k = 0; k < rows.size(); ++k) {
    Limit limit;
    limit.act = rows[k].act;
    limit.warn = rows[k].warn;
    limit.open = rows[k].open;
    limit.decision = rows[k].decision;
    EXPECT_EQ(word(state_of(number(rows[k].value, rows[k].ci), limit)), word(rows[k].expected)) << "row " << k;
  }
}

TEST(Judge, FlagsNearLimitAndNoInterval) {
  Limit limit;
  limit.act = {-4.0, 4.0};
  limit.decision = Decision::value;
  EXPECT_EQ(judged({number(3, Interval{2, 5})}, {file(limit)}, {}).verdicts[0].flags,
            std::vector<std::string>{"near_limit"});
  EXPECT_EQ(judged({number(3)}, {file(limit)}, {}).verdicts[0].flags, std::vector<std::string>{"no_interval"});
}

TEST(Judge, OverallFollowsTheContract) {
  Limit limit;
  limit.act = {-4.0, 4.0};
  Limit other = limit;
  other.name = "absent";
  other.unit = "HU";
  other.source = "test";
  LimitsFile both = file(limit);
  both.limits.push_back(other);
  const auto overall = [](const std::vector<Measurement>& m, const std::vector<LimitsFile>& f) {
    return std::string(word(judged(m, f, {}).overall));
  };
  EXPECT_EQ(overall({number(0, Interval{-1, 1})}, {file(limit)}), "pass");
  EXPECT_EQ(overall({number(9, Interval{8, 10})}, {file(limit)}), "fail");
  EXPECT_EQ(overall({number(4, Interval{3, 5})}, {file(limit)}), "no_verdict");
  EXPECT_EQ(overall({number(0, Interval{-1, 1})}, {both}), "no_verdict");  // a limit without a number is no pass
  EXPECT_EQ(overall({number(9, Interval{8, 10})}, {both}), "fail");
  EXPECT_EQ(overall({number(0)}, {}), "no_limit");
}

TEST(Judge, TheLastLimitWinsAndConditionsCount) {
  Limit strict, loose;
  strict.act = {-1.0, 1.0};
  loose.act = {-9.0, 9.0};
  EXPECT_EQ(judged({number(5)}, {file(strict), file(loose)}, {}).verdicts[0].state, State::pass);
  EXPECT_EQ(judged({number(5)}, {file(loose), file(strict)}, {}).verdicts[0].state, State::fail);
  Limit at_three = strict;
  at_three.when["field_strength_t"] = {2.9, 3.1};
  Reference three, one;
  three.conditions["field_strength_t"] = 3;
  one.conditions["field_strength_t"] = 1.5;
  EXPECT_EQ(judged({number(5)}, {file(at_three)}, three).verdicts[0].state, State::fail);
  // Not this field strength, or not known: the limit does not apply, and that is no pass.
  for (const Reference& r : {one, Reference{}})
    EXPECT_EQ(judged({number(5)}, {file(at_three)}, r).overall, Overall::no_verdict);
}

TEST(Judge, PlacesAndVariants) {
  Limit limit;
  limit.act = {-1.0, 1.0};
  limit.where = "uniformity/top";
  EXPECT_EQ(judged({number(5)}, {file(limit)}, {}).verdicts[0].state, State::no_limit);
  limit.where = "uniformity/centre";
  Measurement repeat = number(5);
  repeat.where = "repeat_2/uniformity/centre";
  EXPECT_EQ(judged({repeat}, {file(limit)}, {}).verdicts[0].state, State::fail);
  limit.variant = "area";
  EXPECT_EQ(judged({number(5)}, {file(limit)}, {}).verdicts[0].state, State::no_limit);
}

// A limit for every place is not met by the places that could be measured.
TEST(Judge, AMissingPlaceIsNoPass) {
  Limit limit;
  limit.act = {-4.0, 4.0};
  Results results;
  results.measurements = {number(0, Interval{-1, 1})};
  const auto overall = [&] { return judge(results, {file(limit)}, {}).overall; };
  EXPECT_EQ(overall(), Overall::pass);
  results.not_measured = {{"roi_mean", "uniformity/top", "the region reaches outside the scan", {}}};
  EXPECT_EQ(overall(), Overall::no_verdict);
  results.not_measured = {{"roi", "uniformity/top", "the region reaches outside the scan", {"roi_sd", "roi_mean"}}};
  EXPECT_EQ(overall(), Overall::no_verdict);
  EXPECT_EQ(judge(results, {file(limit)}, {}).verdicts.back().where, "uniformity/top");
  results.not_measured = {{"roi", "uniformity/top", "another number of the family", {"roi_sd"}}};
  EXPECT_EQ(overall(), Overall::pass);
  // One variant is missing where another stands: the limit takes any.
  results.not_measured = {{"roi_mean", "uniformity/centre", "variant area", {}}};
  EXPECT_EQ(overall(), Overall::pass);
  limit.where = "uniformity/centre";
  results.not_measured = {{"roi_mean", "uniformity/top", "not under the limit", {}}};
  EXPECT_EQ(overall(), Overall::pass);
  // One of two repeats.
  results.measurements[0].where = "repeat_1/uniformity/centre";
  results.not_measured = {{"roi_mean", "repeat_2/uniformity/centre", "damaged", {}}};
  EXPECT_EQ(overall(), Overall::no_verdict);
}

TEST(Judge, RelativeLimits) {
  Limit limit;
  limit.act = {-10.0, 10.0};
  limit.relative_to = RelativeTo::nominal;
  Region region;
  region.name = "uniformity/centre";
  region.nominal["roi_mean"] = 120;
  Reference reference;
  reference.regions = {region};
  EXPECT_EQ(state_of(number(125), limit, reference), State::pass);
  EXPECT_EQ(state_of(number(135), limit, reference), State::fail);
  EXPECT_EQ(state_of(number(125), limit), State::undecided);  // nothing to compare with: no verdict
  limit.relative_to = RelativeTo::baseline;
  limit.unit = "%";
  reference.baseline = {number(-200)};
  EXPECT_EQ(state_of(number(-215), limit, reference), State::pass);
  EXPECT_EQ(state_of(number(-225), limit, reference), State::fail);
}

// A baseline of another name, variant, place or unit is none; a nominal value belongs to its own region.
TEST(Judge, AReferenceIsOfTheSameNumber) {
  Limit limit;
  limit.act = {-10.0, 10.0};
  limit.relative_to = RelativeTo::baseline;
  for (const int which : {0, 1, 2, 3}) {
    Measurement other = number(0);
    (which == 0 ? other.name : which == 1 ? other.variant : which == 2 ? other.where : other.unit) = "x";
    Reference reference;
    reference.baseline = {other};
    EXPECT_EQ(state_of(number(5), limit, reference), State::undecided) << which;
    reference.baseline.push_back(number(0));
    EXPECT_EQ(state_of(number(5), limit, reference), State::pass) << which;
  }
  limit.relative_to = RelativeTo::nominal;
  Region here, elsewhere;
  here.name = "uniformity/centre", here.nominal["roi_sd"] = 0;
  elsewhere.name = "uniformity/top", elsewhere.nominal["roi_mean"] = 0;
  Reference reference;
  reference.regions = {elsewhere, here};
  EXPECT_EQ(state_of(number(5), limit, reference), State::undecided);
  reference.regions[1].nominal["roi_mean"] = 0;
  EXPECT_EQ(state_of(number(5), limit, reference), State::pass);
  Measurement repeat = number(5);
  repeat.where = "repeat_2/uniformity/centre";  // a repeat has the region's nominal value
  EXPECT_EQ(state_of(repeat, limit, reference), State::pass);
  Measurement plain = number(5);
  plain.where = "centre";
  EXPECT_EQ(state_of(plain, limit, reference), State::undecided);
}

// What stands for a missing number is the same name, a variant and place that the limit takes, at the same place.
TEST(Judge, WhatStandsForAMissingNumber) {
  Limit limit;
  limit.act = {-4.0, 4.0};
  limit.variant = "center";
  limit.where = "*/centre";
  Results results;
  results.not_measured = {{"roi_mean", "uniformity/centre", "variant center", {}},
                          {"roi_mean", "uniformity/centre", "again", {}}};
  const auto missing = [&] {
    const Judgement j = judge(results, {file(limit)}, {});
    return std::count_if(j.verdicts.begin(), j.verdicts.end(),
                         [](const Verdict& v) { return v.state == State::not_measured; });
  };
  EXPECT_EQ(missing(), 1);  // told twice, missing once
  Measurement other = number(0);
  other.name = "roi_sd";
  results.measurements = {other};
  EXPECT_EQ(missing(), 1);
  other = number(0);
  other.variant = "area";
  results.measurements = {other};
  EXPECT_EQ(missing(), 1);
  other = number(0);
  other.where = "uniformity/top";
  results.measurements = {other};
  EXPECT_EQ(missing(), 1);
  other.where = "other/centre";
  results.measurements = {other};
  EXPECT_EQ(missing(), 1);
  // A repeat stands for the group's, and the group's for a repeat.
  other.where = "repeat_1/uniformity/centre";
  results.measurements = {other};
  EXPECT_EQ(missing(), 0);
  results.measurements = {number(0)};
  results.not_measured = {{"roi_mean", "repeat_1/uniformity/centre", "damaged", {}}};
  EXPECT_EQ(missing(), 0);
}

TEST(Judge, Words) {
  EXPECT_EQ(word(Decision::interval), "interval");
  EXPECT_EQ(word(Decision::value), "value");
  EXPECT_EQ(word(Decision::guarded), "guarded");
  for (const auto& [state, text] : {std::pair{State::pass, "pass"},
                                    {State::warn, "warn"},
                                    {State::fail, "fail"},
                                    {State::undecided, "undecided"},
                                    {State::not_measured, "not_measured"},
                                    {State::no_limit, "no_limit"}})
    EXPECT_EQ(word(state), text);
  for (const auto& [overall, text] : {std::pair{Overall::pass, "pass"},
                                      {Overall::fail, "fail"},
                                      {Overall::no_verdict, "no_verdict"},
                                      {Overall::no_limit, "no_limit"}})
    EXPECT_EQ(word(overall), text);
}

TEST(Judge, UnitsMustAgree) {
  Limit limit;
  limit.act = {-1.0, 1.0};
  limit.unit = "mm";
  EXPECT_THROW(judged({number(0)}, {file(limit)}, {}), UsageError);
}

TEST(LimitsFiles, ShippedOnesAreReadAndFaultsAreNamed) {
  for (const std::string& name : pipeline::shipped_limits())
    EXPECT_EQ(read_limits(pipeline::find_limits(name)).name, name);
  test::TemporaryFolder folder;
  const std::string good =
      R"({"schema": "iqgate.limits/1", "name": "n", "source": "s", "edition": "e", "limits": [{"name": "roi_mean", "unit": "HU", "act": [-4, 4], "source": "x"}]})";
  const std::string path = folder.path("l.json");
  write_file_atomically(path, good);
  EXPECT_EQ(read_limits(path).limits.size(), 1u);
  for (const auto& [from, to] : {std::pair{"\"act\"", "\"acts\""},
                                 {"[-4, 4]", "[4, -4]"},
                                 {"[-4, 4]", "[null, null]"},
                                 {"[-4, 4]", "[-4]"},
                                 {"\"HU\"", "\"hu\""},
                                 {"\"act\"", "\"relative_to\": \"yesterday\", \"act\""},
                                 {"\"act\"", "\"decision\": \"lax\", \"act\""},
                                 {"[-4, 4]", "[\"low\", 4]"},
                                 {"[-4, 4]", "7"},
                                 {"\"act\"", "\"certainty\": \"X\", \"act\""},
                                 {"\"act\"", "\"due_days\": 0, \"act\""},
                                 {"\"act\"", "\"due_days\": 1e6, \"act\""},
                                 {", \"source\": \"x\"", ""},
                                 {"limits/1", "limits/2"},
                                 {"\"edition\": \"e\"", "\"edition\": 7"}}) {
    std::string bad = good;
    bad.replace(bad.find(from), std::string(from).size(), to);
    write_file_atomically(path, bad);
    EXPECT_THROW(read_limits(path), UsageError) << to;
  }
  const auto read_with = [&](const std::string& from, const std::string& to) {
    std::string text = good;
    text.replace(text.find(from), from.size(), to);
    write_file_atomically(path, text);
    return read_limits(path).limits.at(0);
  };
  EXPECT_EQ(read_with("\"act\"", "\"decision\": \"guarded\", \"act\"").decision, Decision::guarded);
  EXPECT_EQ(read_with("\"act\"", "\"due_days\": 30, \"act\"").due_days, 30);
  EXPECT_EQ(read_with("[-4, 4]", "[null, null], \"warn\": [-2, null]").warn.low, -2);
  EXPECT_EQ(read_with("[-4, 4]", "[null, null], \"warn\": [null, 2]").warn.high, 2);
}

}  // namespace
}  // namespace iqgate::judge
