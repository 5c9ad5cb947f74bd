// The rarer turns of the gate: domains of the scales, sides that do not exist, notes and plans.
#include <algorithm>
#include <cmath>

#include "gate_world.hpp"
#include "iqgate/base/error.hpp"
#include "support/support.hpp"

namespace iqgate::judge {
namespace {

ProfileMetric metric(Better better, double margin, MarginKind kind, Scale scale, const std::string& unit = "1") {
  ProfileMetric m;
  m.name = "auc", m.where = "task", m.unit = unit, m.gate = true;
  m.better = better, m.margin = margin, m.margin_kind = kind, m.scale = scale;
  return m;
}

TEST(Scales, GoThereAndBack) {
  for (const auto& [scale, unit, value] : {std::tuple{Scale::linear, "HU", -7.5},
                                           {Scale::log, "HU", 7.5},
                                           {Scale::logit, "1", 0.93},
                                           {Scale::logit, "%", 93.0}}) {
    EXPECT_NEAR(from_scale(to_scale(value, scale, unit), scale, unit), value, 1e-12 * std::abs(value));
    const double step = 1e-6;
    const double slope = (to_scale(value + step, scale, unit) - to_scale(value - step, scale, unit)) / (2 * step);
    EXPECT_NEAR(scale_slope(value, scale, unit) / slope, 1, 1e-6);
  }
  EXPECT_TRUE(std::isnan(to_scale(0, Scale::logit, "1")));
  EXPECT_TRUE(std::isnan(to_scale(1, Scale::logit, "1")));
  EXPECT_TRUE(std::isnan(to_scale(0, Scale::log, "1")));
  EXPECT_EQ(sample_of({}).n, 0u);
}

TEST(MarginCorners, WhatCannotBeTested) {
  const ReferenceStatistics r{{10, 50, 1}, 9, 0, 1}, none{{10, 50, 0}, 0, 0, 1};
  const ProfileMetric m = metric(Better::higher, 2, MarginKind::absolute, Scale::linear);
  EXPECT_FALSE(test_margin(m, {}, r, {}));
  EXPECT_FALSE(test_margin(m, {5, 50, 1}, none, {}));  // estimated, without an SD
  const ProfileMetric share = metric(Better::higher, 0.05, MarginKind::relative, Scale::linear);
  EXPECT_FALSE(test_margin(share, {5, -50, 1}, {{10, -50, 1}, 9, 0, 1}, {}));  // a share of a negative number
  EXPECT_FALSE(test_margin(metric(Better::higher, 60, MarginKind::absolute, Scale::log), {5, std::log(50), 0.1},
                           {{10, std::log(50), 0.1}, 9, 0, 1}, {}));
  // Lower is better: the side towards smaller values leaves the scale, and does not count.
  const auto one = test_margin(metric(Better::lower, 60, MarginKind::absolute, Scale::log), {5, std::log(50), 0.1},
                               {{10, std::log(50), 0.1}, 9, 0, 1}, {});
  ASSERT_TRUE(one);
  EXPECT_FALSE(one->low);
  EXPECT_TRUE(one->high);
  const ErrorRules content{true, Claim::proportion, 0.95};
  EXPECT_FALSE(test_margin(m, {1, 50, 0}, none, content));
  EXPECT_FALSE(test_margin(m, {5, 50, 0}, none, content));
  EXPECT_FALSE(test_margin(m, {5, 50, 1}, none, content, 0.1));  // a set-up that was not varied
  const auto many = test_margin(m, {5, 40, 1}, none, content);
  EXPECT_NEAR(p_inferior(m, *many), 1 - p_noninferior(m, *many), 1e-12);
  // Scanners of the reference that do not scatter at all add nothing.
  EXPECT_TRUE(test_margin(m, {6, 50, 1}, {{10, 50, 1}, 5, 0, 5}, {false, Claim::population, 0.95}));
  EXPECT_FALSE(test_limit(m, {5, 50, 1}, r, {}));  // has none
  ProfileMetric limit = m;
  limit.limit = HardLimit{{40.0, 60.0}, false, "x"};
  EXPECT_FALSE(test_limit(limit, {}, r, {}));
  EXPECT_FALSE(test_limit(limit, {1, 50, 0}, none, {}));  // one value and no SD: an interval has none
  const auto both = test_limit(limit, {5, 50, 1}, r, {false, Claim::population, 0.95});  // a limit knows no fleet
  ASSERT_TRUE(both);
  EXPECT_TRUE(both->low && both->high);
  EXPECT_LT(p_noninferior(limit, *both), 0.01);
  EXPECT_EQ(p_inferior(limit, *both), 1);
}

TEST(MarginCorners, PairsThatSayNothing) {
  const ProfileMetric share = metric(Better::lower, 0.5, MarginKind::relative, Scale::linear);
  EXPECT_FALSE(test_margin_paired(share, {1, 2}, {1, 2, 3}));
  EXPECT_FALSE(test_margin_paired(share, {1}, {1}));
  EXPECT_FALSE(test_margin_paired(share, {1, 2, 3}, {1, -2, 3}));
  EXPECT_FALSE(test_margin_paired(metric(Better::lower, 2, MarginKind::absolute, Scale::linear), {1, 2, 3}, {1, 2, 3}));
  // The side that does not count may leave the scale.
  const auto one = test_margin_paired(metric(Better::lower, 5, MarginKind::absolute, Scale::log), {0.1, 0.2, 0.4},
                                      {0.12, 0.21, 0.39});
  ASSERT_TRUE(one);
  EXPECT_FALSE(one->low);
  EXPECT_FALSE(test_margin_paired(metric(Better::higher, 5, MarginKind::absolute, Scale::log), {0.1, 0.2, 0.4},
                                  {0.12, 0.21, 0.39}));
}

TEST(CompareCorners, EachStateOfAMetric) {
  const auto state = [](Better better, double margin, const std::vector<double>& site) {
    Profile p = built();
    p.metrics[0].better = better, p.metrics[0].margin = margin;
    return compared(p, records(site, "S")).metrics[0].state;
  };
  const std::vector<double> low{9, 9.1, 8.9, 9.05, 8.95}, high{11, 11.1, 10.9, 11.05, 10.95};
  EXPECT_EQ(state(Better::lower, 0.05, low), MetricState::noninferior);
  EXPECT_EQ(state(Better::lower, 0.05, high), MetricState::different);
  EXPECT_EQ(state(Better::higher, 0.05, high), MetricState::noninferior);
  EXPECT_EQ(state(Better::higher, 0.05, low), MetricState::different);
  EXPECT_EQ(state(Better::target, 0.05, low), MetricState::different);
  EXPECT_EQ(state(Better::target, 0.05, high), MetricState::different);
  EXPECT_EQ(state(Better::target, 0.05, five), MetricState::equivalent);
  EXPECT_EQ(state(Better::target, 0.002, five), MetricState::inconclusive);
  EXPECT_EQ(state(Better::higher, 0.002, five), MetricState::inconclusive);
  for (const MetricState s : {MetricState::equivalent, MetricState::noninferior, MetricState::different,
                              MetricState::inconclusive, MetricState::not_assessable})
    EXPECT_FALSE(word(s).empty());
}

TEST(CompareCorners, LimitsOnEitherSide) {
  const auto state = [](Bounds bounds, bool simple = false) {
    Profile p = built();
    p.metrics[0].margin = 0, p.metrics[0].scale = Scale::linear;
    p.metrics[0].limit = HardLimit{bounds, simple, "x"};
    return compared(p, records(five, "S")).metrics[0];
  };
  EXPECT_EQ(state({9.0, 11.0}).state, MetricState::noninferior);
  EXPECT_EQ(state({9.0, {}}).state, MetricState::noninferior);
  EXPECT_EQ(state({11.0, {}}).state, MetricState::different);
  EXPECT_EQ(state({{}, 9.0}).state, MetricState::different);
  EXPECT_EQ(state({{}, 10.01}).state, MetricState::inconclusive);
  EXPECT_EQ(state({{}, 10.01}, true).state, MetricState::noninferior);  // the plain value decides
  // One scan and a published reference: no error is known, the plain value still is.
  Profile p = built();
  p.fixed = true, p.scans.clear();
  p.metrics[0].values.clear(), p.metrics[0].sd_within.reset(), p.metrics[0].dof.reset();
  p.metrics[0].margin = 0, p.metrics[0].scale = Scale::linear;
  p.metrics[0].limit = HardLimit{{{}, 10.5}, true, "x"};
  p.allow_few_scans = true;
  const MetricVerdict plain = compared(p, records({10}, "S")).metrics[0];
  EXPECT_EQ(plain.state, MetricState::noninferior);
  EXPECT_FALSE(plain.room_low);
  EXPECT_EQ(*plain.p_inferior, 1);
  p.metrics[0].limit->bounds.high = 9;
  EXPECT_EQ(compared(p, records({10}, "S")).metrics[0].state, MetricState::inconclusive);
}

TEST(CompareCorners, AFixedReferenceTakesTheSitesOwnScatter) {
  Profile p = built();
  p.fixed = true, p.scans.clear();
  p.metrics[0].values.clear(), p.metrics[0].sd_within.reset(), p.metrics[0].dof.reset();
  const Comparison c = compared(p, records(five, "S"));
  EXPECT_EQ(c.overall, GateWord::go);
  EXPECT_TRUE(has(c.metrics[0].flags, "reference_fixed"));
  EXPECT_EQ(c.metrics[0].test->high->dof, 4);
  EXPECT_EQ(compared(p, records({10}, "S")).metrics[0].state, MetricState::not_assessable);
  std::vector<Record> still = records({11, 11.1, 10.9, 11.05, 10.95}, "S");
  for (Record& r : still) r.place_mm = Vec3{0, 0, 0};
  EXPECT_EQ(compared(p, still).overall, GateWord::inconclusive);  // nothing is known of setting up
}

TEST(CompareCorners, SetUpAddsTheErrorOfThePlacement) {
  Profile p = built();
  p.allow_no_repositioning = true;
  std::vector<Record> site = records(five, "S");
  for (Record& r : site) r.place_mm = Vec3{0, 0, 0}, r.measurements[0].se_localisation = 0.4;
  const MetricVerdict with = compared(p, site).metrics[0];
  for (Record& r : site) r.measurements[0].se_localisation.reset();
  const double without = compared(p, site).metrics[0].test->high->se;
  // se 0.4 HU at each of five values of about 10 HU, on the log scale.
  double square = 0;
  for (const double v : five) square += 0.16 / v / v / 5;
  EXPECT_NEAR(with.test->high->se, std::sqrt(without * without + square), 1e-12);
}

TEST(CompareCorners, ReasonsAndNotes) {
  const Profile four = build_profile(plan(), records({9.9, 10.1, 10, 9.95}, "R")).profile;
  EXPECT_NE(compared(four, records(five, "S")).metrics[0].reason.find("fewer than 5"), std::string::npos);
  Profile fleet = built();
  fleet.claim = Claim::population;
  EXPECT_NE(compared(fleet, records(five, "S")).metrics[0].reason.find("fleet"), std::string::npos);
  Profile open = built();
  open.conditions.clear();
  EXPECT_TRUE(has(compared(open, records(five, "S")).flags, "no_conditions"));
  Profile empty = built();
  for (ProfileMetric& m : empty.metrics) m.gate = false;
  EXPECT_TRUE(has(compared(empty, records(five, "S")).flags, "no_gate_metric"));
  EXPECT_EQ(compared(empty, records(five, "S")).overall, GateWord::inconclusive);
  std::vector<Record> unnamed = records(five, "S");
  for (Record& r : unnamed) r.scanner.clear();
  EXPECT_TRUE(has(compared(built(), unnamed).flags, "scanner_not_told"));
  std::vector<Record> days = records(five, "S");
  for (std::size_t k = 0; k < days.size(); ++k) days[k].taken = "2026-01-0" + std::to_string(k + 1) + "T00:00:00";
  EXPECT_EQ(compared(built(), days).days, 5u);
  Profile planned = built();
  planned.planned_scans = 4;
  EXPECT_TRUE(compared(planned, records(five, "S")).provisional);
  planned.planned_scans = 5;
  EXPECT_FALSE(compared(planned, records(five, "S")).provisional);
  // Three times the reference's scatter: said, and counted by Welch.
  EXPECT_TRUE(
      has(compared(built(), records({10, 10.4, 9.6, 10.3, 9.7}, "S")).metrics[0].flags, "site_less_repeatable"));
  Profile vague = built();
  vague.metrics[0].values.clear(), vague.metrics[0].sd_within = 1e6, vague.metrics[0].dof = 1;
  vague.metrics[0].mean = 1, vague.scans.clear();
  const MetricVerdict unbounded = compared(vague, records({10}, "S")).metrics[0];
  EXPECT_TRUE(unbounded.room);
  EXPECT_FALSE(unbounded.room_low && !std::isfinite(*unbounded.room_low));
  Profile sharp = built();
  sharp.metrics[0].values.clear(), sharp.metrics[0].sd_within = 2e-8;
  EXPECT_FALSE(compared(sharp, records(five, "S")).metrics[0].sd_ratio_p);  // no ratio that a distribution knows
  std::vector<Record> none = records(five, "S");
  for (Record& r : none)
    r.measurements.clear(), r.not_measured = {{"other", "water", "x", {}}, {"noise_sd_hu", "rim", "y", {}}};
  EXPECT_NE(compared(built(), none).metrics[0].reason.find("0 of 5"), std::string::npos);
  CompareOptions pairs;
  pairs.paired = records(five, "P");
  pairs.paired[1].measurements.clear();
  EXPECT_NE(compared(built(), records(five, "S"), pairs).metrics[0].reason.find("paired"), std::string::npos);
  pairs.paired.pop_back();
  EXPECT_EQ(refused([&] { compared(built(), records(five, "S"), pairs); }), "wrong_use");
  Profile n_eff = built();
  n_eff.metrics[0].min_n_eff = 25;
  std::vector<Record> counted = records(five, "S");
  for (Record& r : counted) r.measurements[0].n_eff = 30;
  EXPECT_EQ(compared(n_eff, counted).overall, GateWord::go);
  counted[2].measurements[0].n_eff = 20;
  EXPECT_NE(compared(n_eff, counted).metrics[0].reason.find("20 independent"), std::string::npos);
}

TEST(CompareCorners, PairsOfOneSetUpAndOfNone) {
  CompareOptions pairs;
  pairs.paired = records({9.98, 10.07, 9.91}, "P");
  std::vector<Record> site = records({10, 10.1, 9.9}, "S");
  for (Record& r : site) r.place_mm = Vec3{0, 0, 0};
  const Comparison c = compared(built(), site, pairs);  // one insertion is what pairs are for
  EXPECT_TRUE(c.metrics[0].go_allowed);
  EXPECT_FALSE(c.metrics[0].sd_ratio_p);
  pairs.paired = records({10, 10.1, 9.9}, "P");
  EXPECT_EQ(compared(built(), records({10, 10.1, 9.9}, "S"), pairs).metrics[0].state, MetricState::not_assessable);
  Profile fixed = built();
  fixed.fixed = true, fixed.scans.clear();
  fixed.metrics[0].values.clear(), fixed.metrics[0].sd_within.reset(), fixed.metrics[0].dof.reset();
  pairs.paired = records({9.98, 10.07, 9.91}, "P");
  EXPECT_FALSE(has(compared(fixed, records({10, 10.1, 9.9}, "S"), pairs).metrics[0].flags, "reference_fixed"));
}

TEST(CompareCorners, OneSidedScalesSerialNumbersAndSingleScans) {
  Profile wide = built();
  wide.metrics[0].margin_kind = MarginKind::absolute, wide.metrics[0].margin = 20;
  EXPECT_EQ(compared(wide, records(five, "S")).metrics[0].state,
            MetricState::noninferior);  // no lower bound on the log
  Profile noninferior = built();
  std::vector<Record> still = records({9, 9.1, 8.9, 9.05, 8.95}, "S");
  for (Record& r : still) r.place_mm = Vec3{0, 0, 0};
  EXPECT_EQ(compared(noninferior, still).metrics[0].state, MetricState::inconclusive);
  noninferior.phantom_serial = "7";
  std::vector<Record> mixed = records(five, "S");
  mixed[0].phantom_serial = "7";
  EXPECT_FALSE(has(compared(noninferior, mixed).flags, "same_phantom"));
  Profile fixed = built();
  fixed.fixed = true, fixed.phantom_serial = "7", fixed.scans.clear();
  fixed.metrics[0].values.clear(), fixed.metrics[0].sd_within.reset(), fixed.metrics[0].dof.reset();
  fixed.metrics[0].systematic = 3;
  for (Record& r : mixed) r.phantom_serial = "7";
  EXPECT_EQ(compared(fixed, mixed).overall, GateWord::inconclusive);  // a published number was measured on no phantom
  EXPECT_EQ(compared(fixed, records({10, 10.1}, "S")).metrics[0].test->high->se_outside,
            compared(fixed, records({10, 10.1}, "S")).metrics[0].test->high->se);
  std::vector<Record> one = records({10}, "S");
  one[0].taken = "2026-01-01T00:00:00";
  EXPECT_FALSE(has(compared(built(), one).flags, "one_day"));
  Profile limit = built();
  limit.metrics[0].margin = 0, limit.metrics[0].scale = Scale::linear;
  limit.metrics[0].limit = HardLimit{{{}, 11.0}, false, "x"};
  const MetricVerdict few = compared(limit, records({10}, "S")).metrics[0];
  EXPECT_EQ(few.test->high->se_outside, 2 * few.test->high->se);
  fixed.metrics[0].margin = 0, fixed.metrics[0].scale = Scale::linear, fixed.metrics[0].limit = limit.metrics[0].limit;
  const MetricVerdict two = compared(fixed, records({10, 10.1}, "S")).metrics[0];
  EXPECT_EQ(two.test->high->se_outside, two.test->high->se);
  // Missing twice, with a reason each: the first is told.
  std::vector<Record> missing = records(five, "S");
  for (const std::size_t k : {1u, 2u})
    missing[k].measurements.clear(), missing[k].not_measured = {{"noise_sd_hu", "water", k == 1 ? "cut" : "noisy", {}}};
  EXPECT_NE(compared(built(), missing).metrics[0].reason.find("cut"), std::string::npos);
  Profile fleet = built();  // enough scanners, and numbers that do not vary
  fleet.claim = Claim::population;
  for (std::size_t k = 0; k < fleet.scans.size(); ++k) fleet.scans[k].scanner = "R" + std::to_string(k % 5);
  EXPECT_EQ(compared(fleet, records({10, 10, 10}, "S")).metrics[0].reason.find("fleet"), std::string::npos);
}

TEST(CompareCorners, ConditionsInWordsAndNumbers) {
  Profile p = built();
  p.conditions = {
      {"KVP", {"", Interval{118, 122}}}, {"SliceThickness", {"", Interval{2, 2}}}, {"ConvolutionKernel", {"Br40", {}}}};
  std::vector<Record> site = records(five, "S");
  for (Record& r : site) r.conditions = {{"KVP", "120"}, {"SliceThickness", "2.0"}, {"ConvolutionKernel", "Br40"}};
  EXPECT_TRUE(condition_differences(p, site).empty());
  site[0].conditions["KVP"] = "117";
  site[1].conditions["KVP"] = "123";
  site[2].conditions["KVP"] = "high";
  site[3].conditions["SliceThickness"] = "3";
  site[4].conditions["ConvolutionKernel"] = "Br60";
  std::vector<Record> unit = {site[3]};
  unit[0].conditions["KVP"] = "120 kV", unit[0].conditions["SliceThickness"] = "2";
  EXPECT_EQ(condition_differences(p, unit).size(), 1u);  // a number with words is none
  const auto differences = condition_differences(p, site);
  ASSERT_EQ(differences.size(), 5u);
  EXPECT_EQ(differences[0].wanted, "Br40");
  EXPECT_EQ(differences[1].wanted, "118 to 122");
  EXPECT_EQ(differences[4].wanted, "2");
  try {
    compared(p, site);
    FAIL();
  } catch (const InputError& e) {
    EXPECT_NE(e.why.find("4 more differences"), std::string::npos) << e.why;
  }
}

TEST(CompareCornersSlow, PlansAreMadeWhereTheyCanBe) {
  CompareOptions options;
  options.look = 1;
  Profile p = built();
  const Comparison go = compare(p, records(five, "S"), options);
  ASSERT_TRUE(go.needed_if_equal.site);
  EXPECT_FALSE(go.needed_as_observed.site);  // it is decided
  EXPECT_GT(*go.power_if_equal, 0.8);
  p.metrics[0].margin = 0.02;
  const Comparison open = compare(p, records({10.1, 10.3, 9.9, 10.2, 10.0}, "S"), options);
  EXPECT_EQ(open.overall, GateWord::inconclusive);
  EXPECT_TRUE(open.needed_as_observed.site || open.needed_as_observed.reference || open.needed_as_observed.never);
  EXPECT_EQ(compare(p, records({10}, "S"), options).overall, GateWord::inconclusive);
  CompareOptions unlooked;
  EXPECT_TRUE(has(compare(built(), records(five, "S"), unlooked).flags, "looks_not_counted"));
  EXPECT_TRUE(compare(built(), records(five, "S"), unlooked).provisional);
  unlooked.paired = records({9.98, 10.07, 9.91, 10.02, 9.96}, "P");
  EXPECT_FALSE(compare(built(), records(five, "S"), unlooked).needed_if_equal.site);  // plans are of unpaired scans
  Profile empty = built();
  empty.metrics[0].gate = false;
  EXPECT_FALSE(compare(empty, records(five, "S"), options).needed_if_equal.site);
  std::vector<Record> missing = records(five, "S");
  missing[0].measurements.clear();
  EXPECT_FALSE(compare(p, missing, options).needed_if_equal.site);  // a metric is not assessable: nothing to plan with
}

// Scans a factor of 1e5 apart, and a very strict profile: on the log scale the interval ends beyond any number, and is
// left out.
TEST(Compare, AnIntervalWithoutEndIsNone) {
  for (const Better better : {Better::lower, Better::higher}) {
    Profile p = plan();
    p.fixed = true, p.alpha_go = 1e-6, p.metrics[0].better = better, p.metrics[0].n = 1, p.metrics[0].mean = 10;
    const Comparison c = compared(p, records({1e-5, 1, 1e5}, "S"));
    ASSERT_TRUE(c.metrics[0].room) << c.metrics[0].reason;
    EXPECT_FALSE(c.metrics[0].room_low || c.metrics[0].room_high);
    EXPECT_NE(c.overall, GateWord::go);
  }
}

// The bound that is told is the one that `better` aims at, however little room the other side has.
TEST(Compare, TheBoundThatCountsIsTold) {
  const auto acceptable = [](Better better, double site) {
    Profile p = plan();
    ProfileMetric& m = p.metrics[0];
    m.scale = Scale::linear, m.better = better, m.margin = 2, m.margin_kind = MarginKind::absolute;
    const Profile built = build_profile(p, records(ten, "R")).profile;
    std::vector<double> values;
    for (const double v : five) values.push_back(v + site - 10);
    return compared(built, records(values, "S")).metrics[0].acceptable.value();
  };
  EXPECT_NEAR(acceptable(Better::higher, 13), 8, 1e-12);
  EXPECT_NEAR(acceptable(Better::lower, 7), 12, 1e-12);
  EXPECT_NEAR(acceptable(Better::target, 10.5), 12, 1e-12);
  EXPECT_NEAR(acceptable(Better::target, 9.5), 8, 1e-12);
}

TEST(Compare, WhyNothingCanBeSaid) {
  Profile p = plan();
  p.fixed = true, p.metrics[0].n = 1, p.metrics[0].mean = 10;
  EXPECT_EQ(compared(p, records({10}, "S")).metrics[0].reason.find("one scan"), 0u);
  EXPECT_EQ(compared(p, records({10, 10}, "S")).metrics[0].reason.find("the numbers do not vary"), 0u);
}

TEST(Compare, OneDifferenceIsToldAlone) {
  std::vector<Record> site = records(five, "S");
  site[1].conditions["KVP"] = "100";
  try {
    compared(built(), site);
    ADD_FAILURE();
  } catch (const InputError& e) {
    EXPECT_EQ(e.why.find("more differences"), std::string::npos) << e.why;
  }
}

}  // namespace
}  // namespace iqgate::judge
