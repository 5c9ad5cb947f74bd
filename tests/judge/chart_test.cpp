// Control charts: each rule at hand-made sequences, and run lengths in control by simulation (mean and sigma known).
#include <algorithm>
#include <cmath>
#include <random>

#include "iqgate/judge/chart.hpp"
#include "support/support.hpp"

namespace iqgate::judge {
namespace {

// Index of the first point that completes the rule; -1: none.
int first_hit(const std::vector<double>& z, ChartRule rule, RuleSet set = RuleSet::western_electric) {
  RunRules rules(set);
  for (std::size_t k = 0; k < z.size(); ++k) {
    const auto hits = rules.add(z[k]);
    if (std::find(hits.begin(), hits.end(), rule) != hits.end()) return int(k);
  }
  return -1;
}

TEST(RunRules, HandSequences) {
  EXPECT_EQ(first_hit({0, 2.9, 3.0, -3.1, 5}, ChartRule::beyond_3_sigma), 3);
  EXPECT_EQ(first_hit({2.1, 0, -2.1, 0, 2.1, 0, 2.2}, ChartRule::two_of_three), 6);
  EXPECT_EQ(first_hit({2.1, 0, 0, 2.2, 2.1}, ChartRule::two_of_three), 4);
  EXPECT_EQ(first_hit({2.1, -2.2, 2.1}, ChartRule::two_of_three), 2);  // same side: points 0 and 2
  EXPECT_EQ(first_hit({2.0, 2.0, 2.0}, ChartRule::two_of_three), -1);  // beyond, not at
  EXPECT_EQ(first_hit({1.1, 1.1, 0, 1.1, 1.1}, ChartRule::four_of_five), 4);
  EXPECT_EQ(first_hit({1.1, 1.1, 1.1, 1.1}, ChartRule::four_of_five), 3);
  EXPECT_EQ(first_hit({1.1, 1.1, -1.1, 1.1, 0.9, 1.1, 1.1}, ChartRule::four_of_five), -1);
  EXPECT_EQ(first_hit({1.1, 1.1, -1.1, 1.1, 1.2, 1.1}, ChartRule::four_of_five), 4);
  EXPECT_EQ(first_hit({-.1, .1, .1, .1, .1, .1, .1, .1, .1}, ChartRule::eight_on_one_side), 8);
  const auto nelson = [](const std::vector<double>& z, ChartRule rule) { return first_hit(z, rule, RuleSet::nelson); };
  EXPECT_EQ(nelson({-.1, -.1, -.1, -.1, -.1, -.1, -.1, -.1, -.1}, ChartRule::nine_on_one_side), 8);
  EXPECT_EQ(nelson({.1, .1, .1, .1, .1, .1, .1, .1}, ChartRule::eight_on_one_side), -1);
  EXPECT_EQ(nelson({0, .1, .2, .3, .4, .5}, ChartRule::six_trend), 5);
  EXPECT_EQ(nelson({0, .1, .2, .2, .4, .5, .6}, ChartRule::six_trend), -1);  // a tie breaks it
  EXPECT_EQ(nelson({.5, .4, .3, .2, .1, 0, 1}, ChartRule::six_trend), 5);
  std::vector<double> alternate;
  for (int k = 0; k < 14; ++k) alternate.push_back(k % 2 ? 0.5 : -0.5);
  EXPECT_EQ(nelson(alternate, ChartRule::fourteen_alternate), 13);
  EXPECT_EQ(nelson(std::vector<double>(15, 0.9), ChartRule::fifteen_inside), 14);
  std::vector<double> leaves(14, 0.9);
  leaves.push_back(1.5);
  EXPECT_EQ(nelson(leaves, ChartRule::fifteen_inside), -1);
  EXPECT_EQ(nelson({1.1, -1.2, 1.3, -1.1, 1.2, -1.3, 1.1, -1.2}, ChartRule::eight_outside), 7);
  EXPECT_EQ(nelson({1.1, -1.2, 1.3, -1.1, 0.9, -1.3, 1.1, -1.2}, ChartRule::eight_outside), -1);
}

TEST(RunRules, AMissingPointBreaksARun) {
  RunRules rules(RuleSet::western_electric);
  for (int k = 0; k < 7; ++k) EXPECT_TRUE(rules.add(0.5).empty());
  rules.gap();
  EXPECT_TRUE(rules.add(0.5).empty());
}

template <class Alarm>
double mean_run_length(int runs, unsigned seed, Alarm&& fresh) {
  std::mt19937_64 engine(seed);
  std::normal_distribution<double> normal;
  double sum = 0;
  for (int run = 0; run < runs; ++run) {
    auto alarm = fresh();
    int length = 1;
    while (!alarm(normal(engine))) ++length;
    sum += length;
  }
  return sum / runs;
}

// 10,000 runs know a run length to 1 %; 5 % is asked for.
TEST(RunLengthsSlow, InControl) {
  const auto rules = [](bool first_only) {
    return [first_only] {
      return [first_only, r = RunRules(RuleSet::western_electric)](double z) mutable {
        const auto hits = r.add(z);
        return first_only ? std::abs(z) > 3 : !hits.empty();
      };
    };
  };
  EXPECT_NEAR(mean_run_length(10000, 1, rules(true)) / 370.4, 1, 0.05);
  EXPECT_NEAR(mean_run_length(10000, 2, rules(false)) / 91.75, 1, 0.05);
  const auto cusum = [](double h) {
    return [h] { return [c = Cusum{0.5, h}](double z) mutable { return c.add(z); }; };
  };
  EXPECT_NEAR(mean_run_length(10000, 3, cusum(5)) / 465.4, 1, 0.05);
  EXPECT_NEAR(mean_run_length(10000, 4, cusum(4)) / 167.7, 1, 0.05);
  EXPECT_NEAR(mean_run_length(10000, 5, [] { return [e = Ewma{}](double z) mutable { return e.add(z); }; }) / 499.7, 1,
              0.05);
}

std::vector<std::optional<double>> quiet(std::size_t n) {
  std::mt19937_64 engine(7);
  std::normal_distribution<double> normal(100, 2);
  std::vector<std::optional<double>> values;
  for (std::size_t k = 0; k < n; ++k) values.push_back(normal(engine));
  return values;
}

TEST(ControlChart, CentreAndSigmaComeFromTheBaseline) {
  std::vector<std::optional<double>> values;
  for (int k = 0; k < 40; ++k) values.push_back(k % 2 ? 11.0 : 9.0);  // every moving range is 2
  const ControlChart chart = control_chart(values, {});
  EXPECT_EQ(*chart.centre, 10);
  EXPECT_NEAR(*chart.sigma, 2 / 1.128379, 1e-6);
  EXPECT_EQ(chart.baseline_points, 20u);
  EXPECT_NE(std::find(chart.flags.begin(), chart.flags.end(), "autocorrelated"), chart.flags.end());
  EXPECT_NE(std::find(chart.flags.begin(), chart.flags.end(), "provisional"), chart.flags.end());
  values.resize(19);
  EXPECT_FALSE(control_chart(values, {}).centre);
  EXPECT_EQ(control_chart(values, {}).flags, std::vector<std::string>{"too_few_points"});
  values.resize(60);
  EXPECT_FALSE(control_chart(std::vector<std::optional<double>>(60, 5.0), {}).centre);  // does not vary
}

TEST(ControlChart, AShiftIsFoundAndDated) {
  auto values = quiet(80);
  for (std::size_t k = 60; k < 80; ++k) *values[k] += 4;  // two sigma
  values[65].reset();
  const ControlChart chart = control_chart(values, {.baseline = 50});
  const auto cusum = std::find_if(chart.signals.begin(), chart.signals.end(),
                                  [](const Signal& s) { return s.rule == ChartRule::cusum; });
  ASSERT_NE(cusum, chart.signals.end());
  EXPECT_GE(cusum->point, 60u);
  EXPECT_LE(cusum->point, 67u);  // h / (shift - k) is 3.3 points
  ASSERT_TRUE(chart.change_point);
  EXPECT_NEAR(double(*chart.change_point), 60, 3);
  EXPECT_EQ(chart.ewma.size(), values.size());
}

TEST(ControlChart, AServiceEventStartsItAnew) {
  auto values = quiet(120);
  for (std::size_t k = 60; k < 120; ++k) *values[k] += 40;  // a new tube
  const ControlChart chart = control_chart(values, {.baseline = 50, .start = 60});
  EXPECT_NEAR(*chart.centre, 140, 1.2);  // 4 x 2 / sqrt 50
  for (const Signal& s : chart.signals) EXPECT_GE(s.point, 60u);
}

// Six high points, then quiet ones: by hand the CUSUM is beyond 5 at the second, and grew from the first on.
TEST(ControlChart, AChangeThatIsThereFromTheStart) {
  std::vector<std::optional<double>> values(6, 18.0);
  for (int k = 0; k < 44; ++k) values.push_back(k % 2 ? 11.0 : 9.0);
  EXPECT_EQ(control_chart(values, {.baseline = 50}).change_point, 0u);
  values[1].reset();
  EXPECT_EQ(control_chart(values, {.baseline = 50}).change_point, 0u) << "a gap is no point";
  for (auto& v : values)
    if (v) v = 20 - *v;
  EXPECT_EQ(control_chart(values, {.baseline = 50}).change_point, 0u) << "and downwards";
}

TEST(ControlChart, MissingPoints) {
  std::vector<std::optional<double>> values;
  for (int k = 0; k < 60; ++k) values.push_back(k % 2 ? std::optional<double>(9 + k % 3) : std::nullopt);
  EXPECT_EQ(control_chart(values, {}).flags, std::vector<std::string>{"too_few_points"}) << "no two in a row";
  std::vector<std::optional<double>> still(30, 5.0);
  still[7].reset(), still[29].reset();
  EXPECT_FALSE(control_chart(still, {}).alarm);
  still[28] = 5.5;
  EXPECT_TRUE(control_chart(still, {}).alarm) << "the newest that was measured is another";
}

// Alternating points lie 0.56 sigma from their centre: no rule is met, and nothing is told.
TEST(ControlChart, QuietPointsSignalNothing) {
  std::vector<std::optional<double>> values;
  for (int k = 0; k < 80; ++k) values.push_back(k % 2 ? 11.0 : 9.0);
  const auto unstable = [&] {
    const ControlChart chart = control_chart(values, {.baseline = 50});
    return std::find(chart.flags.begin(), chart.flags.end(), "baseline_unstable") != chart.flags.end();
  };
  EXPECT_TRUE(control_chart(values, {.baseline = 50}).signals.empty());
  EXPECT_FALSE(control_chart(values, {.baseline = 50}).alarm);
  EXPECT_FALSE(unstable());
  values[50] = 40;
  EXPECT_FALSE(unstable()) << "the first point after the baseline";
  values[50] = 9, values[49] = 40;
  EXPECT_TRUE(unstable()) << "its last";
}

// Fourteen points up and down in turn, 1.3 sigma above and 0.5 below the centre: neither CUSUM nor EWMA moves, the rule
// alone gives the alarm, at the point that completes it and not before.
TEST(ControlChart, ARunRuleAloneGivesTheAlarm) {
  auto values = quiet(50);
  for (int k = 0; k < 14; ++k) values.push_back(k % 2 ? 102.6 : 99.0);
  const ChartOptions nelson{.rules = RuleSet::nelson, .baseline = 50};
  const ControlChart chart = control_chart(values, nelson);
  ASSERT_FALSE(chart.signals.empty());
  EXPECT_EQ(chart.signals.back().point, 63u);
  EXPECT_EQ(word(chart.signals.back().rule), "fourteen_alternate");
  EXPECT_TRUE(chart.alarm);
  values.pop_back();
  EXPECT_FALSE(control_chart(values, nelson).alarm);
}

// A shift that stays is one signal of the EWMA, not one a point.
TEST(ControlChart, AnEwmaBeyondItsLimitIsToldOnce) {
  std::vector<std::optional<double>> values;
  for (int k = 0; k < 80; ++k) values.push_back((k % 2 ? 11.0 : 9.0) + (k < 60 ? 0 : 6));
  const ControlChart chart = control_chart(values, {.baseline = 50});
  EXPECT_EQ(std::count_if(chart.signals.begin(), chart.signals.end(),
                          [](const Signal& s) { return s.rule == ChartRule::ewma; }),
            1);
  EXPECT_TRUE(chart.alarm);
}

}  // namespace
}  // namespace iqgate::judge
