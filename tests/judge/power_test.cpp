// How many scans are needed: the closed form of one metric, correlation, limits, and where no number is enough.
#include "iqgate/judge/power.hpp"

#include <cmath>

#include "iqgate/base/distributions.hpp"
#include "judge/gate_world.hpp"
#include "support/support.hpp"

namespace iqgate::judge {
namespace {

// One gate of mean 100 and SD 1 from ten scans, on the linear scale, higher is better.
Profile one_gate(double margin) {
  Profile p = plan();
  ProfileMetric& m = p.metrics[0];
  m.scale = Scale::linear, m.better = Better::higher, m.margin_kind = MarginKind::absolute, m.margin = margin;
  m.n = 10, m.mean = 100, m.sd_within = 1;
  return p;
}

TEST(Power, WithoutGatesOrScatterThereIsNone) {
  Profile p = one_gate(2);
  p.metrics[0].gate = false;
  EXPECT_FALSE(go_power(p, {}, 5, 0, 10, 1));
  p = one_gate(2);
  p.metrics[0].sd_within.reset();
  EXPECT_FALSE(go_power(p, {}, 5, 0, 10, 1));
  const ScansNeeded none = scans_needed(p, {}, 1);
  EXPECT_FALSE(none.site || none.reference || none.never);
}

// Two gates: independent they pass together with the product of their powers; fully correlated with the lesser. A
// correlation matrix that is not definite (three metrics cannot all oppose each other) is drawn towards none.
TEST(PowerSlow, CorrelationMovesTheJointPower) {
  const double alone = *go_power(one_gate(1), {}, 5, 0, 10000, 3);
  Profile two = one_gate(1);
  two.metrics.push_back(two.metrics[0]);
  two.metrics[1].where = "rim";
  EXPECT_NEAR(*go_power(two, {}, 5, 0, 10000, 3), alone * alone, 0.02);  // 4 SE of 10,000 draws
  two.correlation = {{1, 0.999999}, {0.999999, 1}};
  EXPECT_NEAR(*go_power(two, {}, 5, 0, 10000, 3), alone, 0.02);
  Profile three = two;
  three.metrics.push_back(three.metrics[0]);
  three.metrics[2].where = "top";
  three.correlation = {{1, -1, -1}, {-1, 1, -1}, {-1, -1, 1}};
  Profile thirteen = one_gate(3);  // so many that even a tenth of it is not definite: taken as independent
  thirteen.metrics.resize(13, thirteen.metrics[0]);
  thirteen.correlation.assign(13, std::vector<double>(13, -1));
  Profile independent = thirteen;
  independent.correlation.clear();
  EXPECT_EQ(*go_power(thirteen, {}, 5, 0, 200, 3), *go_power(independent, {}, 5, 0, 200, 3));
  const double joint = *go_power(three, {}, 5, 0, 4000, 3);
  EXPECT_TRUE(joint >= 0 && joint < alone * alone) << joint;
}

// A limit of one side, mean 1.5 SD inside: P(T'_4(1.5 sqrt 5) > t) (noncentral t), +-4 SE.
TEST(PowerSlow, OfALimitAndOfAFixedReference) {
  Profile p = one_gate(1);
  p.metrics[0].limit = HardLimit{{98.5, {}}, false, "s"};
  const double expected = noncentral_t_above(student_t_quantile(0.95, 4), 4, 1.5 * std::sqrt(5.0));
  EXPECT_NEAR(*go_power(p, {}, 5, 0, 10000, 5), expected, 0.02);
  // The same margin from a published number: only the site scatters.
  Profile fixed = one_gate(1.5);
  fixed.fixed = true;
  EXPECT_NEAR(*go_power(fixed, {{}, {1}}, 5, 0, 10000, 5), expected, 0.02);
  fixed.metrics[0].sd_within.reset();
  EXPECT_NEAR(*go_power(fixed, {{}, {1}}, 5, 0, 10000, 5), expected, 0.02);
  fixed.fixed = false;
  EXPECT_EQ(*go_power(fixed, {{}, {1}}, 5, 0, 100, 5), 0) << "measured scans without scatter decide nothing";
  fixed.fixed = true;
  // One scan beside a published number is no evidence at all.
  EXPECT_EQ(*go_power(fixed, {{}, {1}}, 1, 0, 100, 5), 0);
}

TEST(PowerSlow, ScansNeeded) {
  const ScansNeeded easy = scans_needed(one_gate(3), {}, 1);
  EXPECT_EQ(*easy.site, 3u) << "n_min";
  // At 1.05 SD of ten reference scans: reachable from the site's side, or only with a larger reference at less.
  const ScansNeeded more = scans_needed(one_gate(0.7), {}, 1, 60);
  EXPECT_FALSE(more.site);
  ASSERT_TRUE(more.reference);
  EXPECT_GT(*more.reference, 10u);
  // Five scans at 1.5 SD have a power of just less than .80: what the coarse search may take for enough is looked at
  // closely, and told as it is.
  int less = 0;
  for (std::uint64_t seed = 1; seed <= 12; ++seed) {
    const ScansNeeded at_most = scans_needed(one_gate(1.5), {}, seed, 5);
    if (at_most.site == 5u) EXPECT_NEAR(*at_most.power, 0.8, 0.02);
    less += at_most.site == 5u && *at_most.power < 0.8;
  }
  EXPECT_GE(less, 1);
  EXPECT_TRUE(scans_needed(one_gate(1), {{-1.5}, {1}}, 1, 40).never) << "the site lies beyond the margin";
  Profile fixed = one_gate(1);
  fixed.fixed = true;
  const ScansNeeded published = scans_needed(fixed, {{-1.5}, {1}}, 1, 40);
  EXPECT_TRUE(published.never && !published.reference);
}

}  // namespace
}  // namespace iqgate::judge
