// D1-D3: model observers against their closed forms.
#include "iqgate/measure/observer.hpp"

#include <boost/math/distributions/non_central_f.hpp>
#include <cmath>
#include <random>

#include "support/support.hpp"

namespace iqgate::measure {
namespace {

constexpr double pi = M_PI;

Task disc(double contrast, double diameter) { return {"disc", "", Task::Kind::disc, contrast, diameter, 1}; }
Task gaussian(double contrast, double sigma) { return {"gaussian", "", Task::Kind::gaussian, contrast, sigma, 1}; }
double one(double) { return 1; }

// White noise N0, no blur: d'^2 = C^2 pi R^2 / N0 for both observers. A disc's spectrum falls as f^-1.5: up to F the
// integral misses 1 / (pi^2 R F) of its whole; 0.1 % in d' needs R F > 50.
TEST(Observer, DiscInWhiteNoise) {
  for (const double diameter : {1.0, 5.0}) {
    const double truth = 20 * std::sqrt(pi * diameter * diameter / 4 / 3.0), f_max = 300 / diameter;
    const auto nps = [](double) { return 3.0; };
    EXPECT_NEAR(npw(disc(20, diameter), one, nps, f_max, 0).dprime / truth, 1, 1e-3);
    EXPECT_NEAR(pw(disc(20, diameter), one, nps, f_max, 0).dprime / truth, 1, 1e-3);
  }
}

TEST(Observer, GaussianTaskAndBlurInWhiteNoise) {
  for (const double s : {0.5, 2.0})
    for (const double sigma : {0.0, 0.7}) {
      const auto ttf = [&](double f) { return std::exp(-2 * pi * pi * sigma * sigma * f * f); };
      const double truth = std::sqrt(100 * pi * std::pow(s, 4) / ((s * s + sigma * sigma) * 2));
      EXPECT_NEAR(npw(
                      gaussian(10, s), ttf, [](double) { return 2.0; }, 5, 0)
                          .dprime /
                      truth,
                  1, 1e-3)
          << s << sigma;
    }
}

// Gaussian task in NPS N0 exp(-4 pi^2 tau^2 f^2): C 10, s 3, tau 1, N0 2 give 39.6333 and 39.8802.
TEST(Observer, ColouredNoiseTellsThePrewhiteningObserver) {
  const auto nps = [](double f) { return 2 * std::exp(-4 * pi * pi * f * f); };
  EXPECT_NEAR(npw(gaussian(10, 3), one, nps, 1, 0).dprime / std::sqrt(100 * pi * (9 + 1) / 2.0), 1, 1e-3);
  EXPECT_NEAR(npw(gaussian(10, 3), one, nps, 1, 0).dprime, 39.6333, 0.04);
  EXPECT_NEAR(pw(gaussian(10, 3), one, nps, 1, 0).dprime / std::sqrt(100 * pi * 81 / (2 * (9 - 1.0))), 1, 1e-3);
  EXPECT_NEAR(pw(gaussian(10, 3), one, nps, 1, 0).dprime, 39.8802, 0.04);
}

// Designer nodule: its spectrum at zero is its volume, pi R^2 C / (n + 1); n = 0 is the disc.
TEST(Observer, TheDesignerTaskHoldsItsVolume) {
  Task t{"lesion", "", Task::Kind::designer, 15, 6, 1.5};
  EXPECT_NEAR(task_spectrum(t, 0), 15 * pi * 9 / 2.5, 1e-9);
  EXPECT_NEAR(task_spectrum(t, 1e-6) / task_spectrum(t, 1e-4), 1, 1e-5);
  // By quadrature of the Hankel transform at one frequency.
  double sum = 0;
  for (int k = 0; k < 20000; ++k) {
    const double r = 3 * (k + 0.5) / 20000;
    sum += 2 * pi * r * 15 * std::pow(1 - r * r / 9, 1.5) * std::cyl_bessel_j(0.0, 2 * pi * 0.2 * r) * 3 / 20000;
  }
  EXPECT_NEAR(task_spectrum(t, 0.2) / sum, 1, 1e-5);
  t.exponent = 0;
  EXPECT_NEAR(task_spectrum(t, 0.2), task_spectrum(disc(15, 6), 0.2), 1e-9);
}

// The filters peak where their formulas say: 4 cycles per degree; 0.5734 cycles per degree.
TEST(Observer, EyeFiltersPeakWhereTheyShould) {
  const Viewing viewing{};
  const double per_degree = 500 * pi / 180;
  for (const auto& [filter, peak] : {std::pair{EyeFilter::burgess, 4.0}, {EyeFilter::eckstein, 0.5734}}) {
    const double f = peak / per_degree, top = eye_response(filter, f, viewing);
    EXPECT_GT(top, eye_response(filter, 0.98 * f, viewing));
    EXPECT_GT(top, eye_response(filter, 1.02 * f, viewing));
  }
  EXPECT_NEAR(eye_response(EyeFilter::eckstein, 0.5734 / per_degree, viewing), 1, 1e-6);
  // A filter can only take from the observer without one in white noise.
  const auto nps = [](double) { return 3.0; };
  EXPECT_LT(npw(disc(20, 5), one, nps, 20, 0, EyeFilter::burgess).dprime, npw(disc(20, 5), one, nps, 20, 0).dprime);
}

TEST(Observer, LowFrequencyShare) {
  // White noise, Gaussian task: share below F is 1 - exp(-4 pi^2 s^2 F^2).
  const auto nps = [](double) { return 1.0; };
  EXPECT_NEAR(pw(gaussian(1, 2), one, nps, 2, 0.05).lowf_fraction, 1 - std::exp(-4 * pi * pi * 4 * 0.0025), 1e-3);
  EXPECT_NEAR(pw(gaussian(1, 2), one, nps, 2, 0).auc, 0.5 * std::erfc(-std::sqrt(pi * 4) / 2), 1e-3);
}

// Independent unit normal channels, the signal adds delta to the first: d' = delta.
Channels draw(std::size_t n, std::size_t p, double delta, std::mt19937_64& generator) {
  std::normal_distribution<double> normal;
  Channels samples(n, std::vector<double>(p));
  for (auto& sample : samples)
    for (std::size_t k = 0; k < p; ++k) sample[k] = normal(generator) + (k == 0 ? delta : 0);
  return samples;
}

// The unbiased d^2 has the mean d^2: 400 experiments, 3 standard errors of their mean; resubstitution lies above.
TEST(Hotelling, TheBiasIsTakenOut) {
  std::mt19937_64 generator(5);
  double sum = 0, squares = 0, naive = 0;
  constexpr int experiments = 400;
  for (int k = 0; k < experiments; ++k) {
    const Hotelling h = hotelling(draw(40, 6, 1.5, generator), draw(40, 6, 0, generator));
    ASSERT_TRUE(h.good);
    sum += h.d2_unbiased, squares += h.d2_unbiased * h.d2_unbiased, naive += h.d2_resubstitution;
  }
  const double mean = sum / experiments, se = std::sqrt((squares / experiments - mean * mean) / experiments);
  EXPECT_NEAR(mean, 2.25, 3 * se);
  EXPECT_GT(naive / experiments, 2.25 + 5 * se);
}

// The interval is exact: 95 % of 500 hold the truth, 92 to 98 % by the rule; two seed sets, one must hold.
TEST(Hotelling, TheIntervalCovers) {
  int inside_rule = 0;
  for (const std::uint64_t seed : {21u, 22u}) {
    std::mt19937_64 generator(seed);
    int covered = 0;
    for (int k = 0; k < 500; ++k) {
      const Hotelling h = hotelling(draw(30, 6, 1.2, generator), draw(30, 6, 0, generator));
      covered += h.dprime_low <= 1.2 && 1.2 <= h.dprime_high;
    }
    inside_rule += covered >= 460 && covered <= 490;
  }
  EXPECT_GE(inside_rule, 1);
}

// 30 images of either kind, 6 channels: F = 53 / (6 x 58) 15 d^2 with 6 and 53 degrees of freedom; at the ends of the
// interval 2.5 % of a noncentral F lie above it and below it.
TEST(Hotelling, TheIntervalEndsAtTheDistributionsTails) {
  std::mt19937_64 generator(31);
  for (const double truth : {1.5, 2.5}) {
    const Hotelling h = hotelling(draw(30, 6, truth, generator), draw(30, 6, 0, generator));
    const double f = 53 / (6 * 58.0) * 15 * h.d2_resubstitution;
    const auto below = [&](double d) { return boost::math::cdf(boost::math::non_central_f(6, 53, 15 * d * d), f); };
    EXPECT_NEAR(below(h.dprime_low), 0.975, 1e-6);
    EXPECT_NEAR(below(h.dprime_high), 0.025, 1e-6);
  }
}

TEST(Hotelling, TooFewImagesAreRefused) {
  std::mt19937_64 generator(3);
  EXPECT_FALSE(hotelling(draw(17, 6, 1, generator), draw(40, 6, 0, generator)).good);
  Channels same(20, std::vector<double>{1, 2});
  EXPECT_FALSE(hotelling(same, same).good);
}

// Gaussian signal of SD s in white noise: channel 0 of width a = s sqrt(2 pi) matches it, d' = C sqrt(pi) s / (sd
// pixel).
TEST(Hotelling, LaguerreGaussChannelsSeeAGaussianInWhiteNoise) {
  constexpr double s = 2, contrast = 2, sd = 8, pixel = 0.8;
  const auto scan_of = [&](bool signal, std::uint64_t seed) {
    std::mt19937_64 generator(seed);
    std::normal_distribution<double> normal(0, sd);
    Scan scan = test::painted({64, 64, 120}, {pixel, pixel, 1}, [&](Vec3 p) {
      return (signal ? contrast * std::exp(-(p.x * p.x + p.y * p.y) / (2 * s * s)) : 0) + normal(generator);
    });
    scan.role = signal ? "signal_present" : "signal_absent";
    return scan;
  };
  const std::vector<Scan> scans{scan_of(true, 31), scan_of(false, 32)};
  Region region = test::disc("lesion", "cho_signal", {0, 0, 0}, 20, 130);
  region.nominal["diameter_mm"] = s * std::sqrt(2 * pi);
  const Results r = measure_all(test::make_job(scans, {region}), {});
  const Measurement* m = r.find("dprime_cho", "unbiased");
  ASSERT_NE(m, nullptr) << (r.not_measured.empty() ? "" : r.not_measured.front().reason);
  const double truth = contrast * std::sqrt(pi) * s / (sd * pixel);
  // 3 standard errors; that of d' from m images a class is about sqrt((2 + d'^2 / 4) / m).
  EXPECT_NEAR(m->value, truth, 3 * std::sqrt((2 + truth * truth / 4) / 120));
  EXPECT_LT(m->ci95->low, truth);
  EXPECT_GT(m->ci95->high, truth);
}

}  // namespace
}  // namespace iqgate::measure
