// The gate's statistics against closed forms and simulation. Truth by theory: a test of level alpha gives alpha false
// alarms with its hypothesis at the boundary; 10,000 draws know .05 to +-.0065 (three standard errors).
#include <cmath>
#include <random>

#include "iqgate/judge/compare.hpp"
#include "support/support.hpp"

namespace iqgate::judge {
namespace {

// Tail of Student's t by Simpson's rule over u = atan(t / sqrt(nu)): its density there is cos^(nu - 1) u.
double t_tail(double t, double nu) {
  const auto density = [&](double u) { return std::pow(std::cos(u), nu - 1); };
  const auto integral = [&](double a, double b) {
    constexpr int steps = 20000;
    double sum = density(a) + density(b);
    for (int k = 1; k < steps; ++k) sum += density(a + (b - a) * k / steps) * (k % 2 ? 4 : 2);
    return sum * (b - a) / steps / 3;
  };
  constexpr double half_pi = 1.57079632679489661923;
  return integral(std::atan(t / std::sqrt(nu)), half_pi) / integral(-half_pi, half_pi);
}

ProfileMetric gate(Better better, double margin, MarginKind kind, Scale scale) {
  ProfileMetric m;
  m.name = "noise_sd_hu";
  m.where = "water";
  m.unit = "HU";
  m.gate = true;
  m.better = better;
  m.margin = margin;
  m.margin_kind = kind;
  m.scale = scale;
  return m;
}

TEST(MarginTest, WelchIsTheClosedForm) {
  // Site 8.1 +- 0.5 of 6, reference 8.0 +- 0.3 of 10, lower is better, at most 0.6 worse.
  const ProfileMetric m = gate(Better::lower, 0.6, MarginKind::absolute, Scale::linear);
  const MarginTest t = *test_margin(m, {6, 8.1, 0.5}, {{10, 8.0, 0.3}, 9, 0, 1}, {});
  const double a = 0.25 / 6, b = 0.09 / 10, se = std::sqrt(a + b), nu = (a + b) * (a + b) / (a * a / 5 + b * b / 9);
  EXPECT_NEAR(t.high->se, se, 1e-12);
  EXPECT_NEAR(t.high->dof, nu, 1e-9);
  EXPECT_NEAR(t.high->room, 0.5, 1e-12);
  EXPECT_NEAR(p_noninferior(m, t), t_tail(0.5 / se, nu), 1e-8);
  EXPECT_NEAR(p_inferior(m, t), t_tail(-0.5 / se, nu), 1e-8);
  EXPECT_FALSE(t.profile_sd);
}

TEST(MarginTest, RelativeMarginOnBothScales) {
  // Linear: at most 5 % smaller means mean_s - 0.95 mean_r, with the reference's error times 0.95.
  ProfileMetric m = gate(Better::higher, 0.05, MarginKind::relative, Scale::linear);
  const MarginTest linear = *test_margin(m, {8, 97, 2}, {{12, 100, 1.5}, 11, 0, 1}, {});
  EXPECT_NEAR(linear.low->room, 2, 1e-12);
  EXPECT_NEAR(linear.low->se, std::sqrt(4.0 / 8 + 0.95 * 0.95 * 2.25 / 12), 1e-12);
  EXPECT_NEAR(linear.low->bound, 95, 1e-12);
  // Log: d = ln(s / r) against ln 0.95; lower is better: against ln 1.05.
  m.scale = Scale::log;
  const MarginTest log = *test_margin(m, {8, std::log(97), 0.02}, {{12, std::log(100), 0.015}, 11, 0, 1}, {});
  EXPECT_NEAR(log.low->room, std::log(97 / 95.0), 1e-12);
  EXPECT_NEAR(log.low->se, std::sqrt(0.0004 / 8 + 0.000225 / 12), 1e-12);
  m.better = Better::lower;
  const MarginTest lower = *test_margin(m, {8, std::log(103), 0.02}, {{12, std::log(100), 0.015}, 11, 0, 1}, {});
  EXPECT_NEAR(lower.high->room, std::log(105 / 103.0), 1e-12);
}

TEST(MarginTest, LogitMarginMovesWithTheReference) {
  // AUC 0.95, at most 0.02 worse: logit(site) - logit(r - 0.02), slope r(1-r) / (g(1-g)) by the chain rule.
  const ProfileMetric m = gate(Better::higher, 0.02, MarginKind::absolute, Scale::logit);
  const auto logit = [](double p) { return std::log(p / (1 - p)); };
  const MarginTest t = *test_margin(m, {6, logit(0.94), 0.1}, {{10, logit(0.95), 0.08}, 9, 0, 1}, {});
  EXPECT_NEAR(t.low->room, logit(0.94) - logit(0.93), 1e-12);
  const double k = 0.95 * 0.05 / (0.93 * 0.07);
  EXPECT_NEAR(t.low->se, std::sqrt(0.01 / 6 + k * k * 0.0064 / 10), 1e-12);
  EXPECT_FALSE(t.high && !std::isfinite(t.high->room));
}

TEST(MarginTest, FewScansTakeTheProfilesSd) {
  const ProfileMetric m = gate(Better::higher, 2, MarginKind::absolute, Scale::linear);
  const ReferenceStatistics r{{10, 50, 1}, 9, 0, 1};
  const MarginTest three = *test_margin(m, {3, 50, 0.2}, r, {});
  EXPECT_NEAR(three.low->se, std::sqrt(1.0 / 3 + 1.0 / 10), 1e-12);  // the larger of both SDs
  EXPECT_EQ(three.low->dof, 9);
  const MarginTest loose = *test_margin(m, {3, 50, 3}, r, {});
  EXPECT_NEAR(loose.low->se, std::sqrt(9.0 / 3 + 0.1), 1e-12);
  EXPECT_NEAR(loose.low->dof, 3.1 * 3.1 / (9.0 / 2 + 0.01 / 9), 1e-9);  // Welch: the SD used is one of three scans
  EXPECT_TRUE(three.profile_sd);
  const MarginTest one = *test_margin(m, {1, 46, 0}, r, {});
  EXPECT_NEAR(one.low->se, std::sqrt(1 + 0.1), 1e-12);
  EXPECT_NEAR(p_inferior(m, one), t_tail(2 / (2 * one.low->se), 9), 1e-8);  // twice the SD before one scan condemns
  EXPECT_FALSE(test_margin(m, {6, 50, 1}, {{4, 50, 1}, 3, 0, 1}, {}));      // a reference of four decides nothing
  EXPECT_FALSE(test_margin(m, {1, 50, 0}, {{1, 50, 0}, 0, 0, 1}, {true, Claim::mean, 0.95}));
}

TEST(MarginTest, OtherClaims) {
  const ProfileMetric m = gate(Better::higher, 2, MarginKind::absolute, Scale::linear);
  const ReferenceStatistics r{{10, 50, 1}, 9, 0.5, 5};
  EXPECT_NEAR(test_margin(m, {6, 50, 1.2}, r, {false, Claim::next_scan, 0.95})->low->se,
              std::sqrt(1.44 * (1 + 1.0 / 6) + 0.1), 1e-12);
  EXPECT_NEAR(test_margin(m, {6, 50, 1.2}, r, {false, Claim::population, 0.95})->low->se,
              std::sqrt(1.44 / 6 + 0.1 + 0.25 * 1.2), 1e-12);
  const ReferenceStatistics few{{10, 50, 1}, 9, 0.5, 4};  // hardly anything is known of their scatter
  EXPECT_FALSE(test_margin(m, {6, 50, 1.2}, few, {false, Claim::population, 0.95}));
  // One-sided tolerance factor of 95 % / 95 % at n = 10: 2.9110. At that distance p is 0.05.
  const MarginTest p = *test_margin(m, {10, 48 + 2.9110, 1}, {{1, 50, 0}, 0, 0, 1}, {true, Claim::proportion, 0.95});
  EXPECT_NEAR(p_noninferior(m, p), 0.05, 2e-5);
  ProfileMetric systematic = m;
  systematic.systematic = 0.7;
  EXPECT_FALSE(test_margin(systematic, {10, 51, 1}, {{1, 50, 0}, 0, 0, 1}, {true, Claim::proportion, 0.95}));
  EXPECT_NEAR(test_margin(systematic, {6, 50, 1.2}, r, {})->low->se, std::sqrt(1.44 / 6 + 0.1 + 0.49), 1e-12);
}

TEST(MarginTest, PairsTakeTheSdOfTheirDifferences) {
  const ProfileMetric m = gate(Better::target, 1, MarginKind::absolute, Scale::linear);
  const std::vector<double> site{10.1, 12.3, 9.2, 11.0}, reference{10.0, 12.0, 9.0, 11.1};
  const MarginTest t = *test_margin_paired(m, site, reference);
  const Sample d = sample_of({0.1, 0.3, 0.2, -0.1});
  EXPECT_NEAR(t.low->room, 1 + d.mean, 1e-12);
  EXPECT_NEAR(t.high->room, 1 - d.mean, 1e-12);
  EXPECT_NEAR(t.low->se, d.sd / 2, 1e-12);
  EXPECT_EQ(t.low->dof, 3);
  EXPECT_NEAR(p_noninferior(m, t), t_tail((1 - d.mean) / (d.sd / 2), 3), 1e-8);
}

TEST(MarginTest, HardLimits) {
  ProfileMetric m = gate(Better::target, 0, MarginKind::absolute, Scale::linear);
  m.limit = HardLimit{{{}, 10.0}, false, "x"};
  const ReferenceStatistics none{{1, 9, 0}, 0, 0, 1};
  const MarginTest t = *test_limit(m, {5, 9, 1}, none, {});
  EXPECT_NEAR(p_noninferior(m, t), t_tail(1 / (1 / std::sqrt(5.0)), 4), 1e-8);
  m.limit->simple = true;
  EXPECT_EQ(p_noninferior(m, *test_limit(m, {1, 9.9, 0}, none, {})), 0);
  EXPECT_EQ(p_noninferior(m, *test_limit(m, {1, 10.1, 0}, none, {})), 1);
  EXPECT_EQ(p_inferior(m, *test_limit(m, {1, 10.1, 0}, none, {})), 1);
}

TEST(Decision, HolmForNoGoFullAlphaForGo) {
  const GateEvidence good{true, 0.04, 0.9}, bad{true, 0.999, 0.001}, middling{true, 0.3, 0.6};
  EXPECT_EQ(decide({good, good}, 0.05, 0.05).word, GateWord::go);
  EXPECT_EQ(decide({good, middling}, 0.05, 0.05).word, GateWord::inconclusive);
  EXPECT_EQ(decide({good, middling}, 0.05, 0.05).deciding, 1u);
  EXPECT_EQ(decide({good, bad, middling}, 0.05, 0.05).word, GateWord::no_go);
  EXPECT_EQ(decide({}, 0.05, 0.05).word, GateWord::inconclusive);
  GateEvidence few = good;
  few.go_allowed = false;
  EXPECT_EQ(decide({good, few}, 0.05, 0.05).word, GateWord::inconclusive);
  // Holm at .05 over four: .012 <= .05/4, then .016 <= .05/3, then .03 > .05/2.
  const GateEvidence a{true, 1, 0.012}, b{true, 1, 0.016}, c{true, 1, 0.03}, d{true, 1, 0.04};
  EXPECT_EQ(decide({c, b, a, d}, 0.05, 0.05).inferior, (std::vector<std::size_t>{2, 1}));
  EXPECT_TRUE(decide({c, b, d, d}, 0.05, 0.05).inferior.empty());  // .016 > .05/4
}

TEST(Decision, Words) {
  EXPECT_EQ(word(GateWord::go), "GO");
  EXPECT_EQ(word(GateWord::no_go), "NO-GO");
  EXPECT_EQ(word(GateWord::inconclusive), "INCONCLUSIVE");
  // A probability that is none condemns nobody.
  EXPECT_EQ(decide({{true, NAN, NAN}}, 0.05, 0.05).word, GateWord::inconclusive);
}

// Draws of a site and a reference on six metrics, each with margin 1.5 SD, correlated rho.
struct World {
  std::size_t n_site = 5, n_reference = 10, metrics = 6;
  double rho = 0, site_sd = 1, margin = 1.5;
  std::vector<double> difference;  ///< of each metric, site - reference, higher is better
};

struct Shares {
  double go = 0, no_go = 0;
};

Shares simulate(const World& w, int draws, unsigned seed) {
  std::mt19937_64 engine(seed);
  std::normal_distribution<double> normal;
  const ProfileMetric m = gate(Better::higher, w.margin, MarginKind::absolute, Scale::linear);
  const auto sample = [&](std::size_t n, double sd, const std::vector<double>& mean) {
    std::vector<std::vector<double>> y(w.metrics);
    for (std::size_t scan = 0; scan < n; ++scan) {
      const double common = normal(engine);
      for (std::size_t i = 0; i < w.metrics; ++i)
        y[i].push_back(mean[i] + sd * (std::sqrt(w.rho) * common + std::sqrt(1 - w.rho) * normal(engine)));
    }
    return y;
  };
  Shares shares;
  for (int draw = 0; draw < draws; ++draw) {
    const auto site = sample(w.n_site, w.site_sd, w.difference);
    const auto reference = sample(w.n_reference, 1, std::vector<double>(w.metrics, 0));
    std::vector<GateEvidence> evidence;
    for (std::size_t i = 0; i < w.metrics; ++i) {
      const Sample r = sample_of(reference[i]);
      const auto t = test_margin(m, sample_of(site[i]), {r, double(w.n_reference - 1), 0, 1}, {});
      evidence.push_back({true, p_noninferior(m, *t), p_inferior(m, *t)});
    }
    const GateWord word = decide(evidence, 0.05, 0.05).word;
    shares.go += word == GateWord::go ? 1.0 / draws : 0;
    shares.no_go += word == GateWord::no_go ? 1.0 / draws : 0;
  }
  return shares;
}

TEST(GateSlow, FalseGoIsAlphaWithOneMetricAtItsMargin) {
  for (const double rho : {0.0, 0.7}) {
    World w{.rho = rho};
    w.difference.assign(6, 20);  // five far inside
    w.difference[2] = -w.margin;
    EXPECT_NEAR(simulate(w, 10000, 1).go, 0.05, 0.007) << rho;
    // The larger of both SDs, with the degrees of freedom of the one that is used: .026 by 100,000 draws of a program
    // of its own (t, chi-square), +-3 SE of 10,000 draws. With the profile's degrees of freedom in any case it is .034.
    w.n_site = 3;
    EXPECT_NEAR(simulate(w, 10000, 2).go, 0.026, 0.0048) << rho;
    w.n_site = 1;
    EXPECT_NEAR(simulate(w, 10000, 3).go, 0.05, 0.007) << rho;
    w.n_site = 5;
    w.difference.assign(6, -w.margin);
    EXPECT_LE(simulate(w, 10000, 4).go, 0.05 + 0.007) << rho;
  }
}

// A site may repeat worse than the reference: its false GO stays at alpha from few scans too. (With the profile's
// degrees of freedom it is .10 for five times its SD and ten reference scans, .116 for fifty.)
TEST(GateSlow, FalseGoOfASiteThatScattersMore) {
  unsigned seed = 60;
  for (const std::size_t n_reference : {10, 50})
    for (const std::size_t n_site : {3, 4})
      for (const double sd : {1.5, 2.0, 3.0, 5.0}) {
        World w{.n_site = n_site, .n_reference = n_reference, .metrics = 1, .site_sd = sd};
        w.difference = {-w.margin};
        EXPECT_LE(simulate(w, 10000, seed++).go, 0.05 + 0.007) << n_reference << ' ' << n_site << ' ' << sd;
      }
}

TEST(GateSlow, FamilyWiseFalseNoGo) {
  World w;
  w.difference.assign(6, -w.margin);
  w.n_site = 5;
  EXPECT_NEAR(simulate(w, 10000, 5).no_go, 0.050, 0.007);
  w.n_site = 3;
  EXPECT_LE(simulate(w, 10000, 6).no_go, 0.025 + 0.005);  // .025 with the profile's degrees of freedom, fewer are used
  for (const std::size_t n : {1, 2, 4, 8, 20}) {
    w.n_site = n;
    EXPECT_LE(simulate(w, 10000, unsigned(10 + n)).no_go, 0.057) << n;
  }
  // The site repeats twice as badly as the profile: at five scans .06 (known to +-.007), at three less than the .12 of
  // the profile's degrees of freedom.
  w.site_sd = 2;
  for (const std::size_t n : {3, 5}) {
    w.n_site = n;
    EXPECT_LT(simulate(w, 10000, unsigned(40 + n)).no_go, n == 3 ? 0.09 : 0.067) << n;
  }
}

// MTF50 8 % low at a margin of 5 %, six metrics, the others equal: power of the NO-GO .98 at CV 1 %; at 2 % .50 from
// five scans and .81 from ten (within 2 points).
TEST(GateSlow, PowerOfTheWorkedSizes) {
  const auto power = [](double cv, std::size_t n) {
    World w{.n_site = n};
    w.margin = -std::log(0.95) / cv;
    w.difference.assign(6, 0);
    w.difference[0] = std::log(0.92) / cv;
    return simulate(w, 10000, unsigned(n)).no_go;
  };
  EXPECT_NEAR(power(0.01, 5), 0.98, 0.02);
  EXPECT_NEAR(power(0.02, 5), 0.50, 0.02);
  EXPECT_NEAR(power(0.02, 10), 0.81, 0.02);
}

// One metric, true difference 0, margins of 1, 1.5, 2 SD, 5 against 10 scans: .51, .80, .95 (noncentral t).
TEST(GateSlow, PowerOfGo) {
  Profile p;
  p.metrics = {gate(Better::higher, 1, MarginKind::absolute, Scale::linear)};
  p.metrics[0].n = 10;
  p.metrics[0].mean = 100;
  p.metrics[0].sd_within = 1;
  for (const auto& [margin, expected] : {std::pair{1.0, 0.51}, {1.5, 0.80}, {2.0, 0.95}}) {
    p.metrics[0].margin = margin;
    EXPECT_NEAR(*go_power(p, {}, 5, 0, 20000, 1), expected, 0.02) << margin;
  }
  p.metrics[0].margin = 1.5;
  const ScansNeeded needed = scans_needed(p, {}, 1);
  EXPECT_GE(*needed.site, 4u);
  EXPECT_LE(*needed.site, 6u);
  // A margin of 0.5 SD: even a perfect site knows the reference to 1 / sqrt 10 only; t .05 of 9 is 1.83 > 1.58.
  p.metrics[0].margin = 0.5;
  const ScansNeeded none = scans_needed(p, {}, 1);
  EXPECT_FALSE(none.site);
  EXPECT_GT(*none.reference, 20u);  // (1.65 + 0.84) / sqrt n < 0.5
  EXPECT_LT(*none.reference, 32u);
  // A site beyond its margin never passes.
  p.metrics[0].margin = 1;
  EXPECT_TRUE(scans_needed(p, {{-1.2}, {1}}, 1).never);
}

}  // namespace
}  // namespace iqgate::judge
