// Standard errors and intervals that have a closed form, on pixels whose noise is known one by one: exact, where the
// sweeps know an error to the scatter of their draws only.
#include <random>

#include "iqgate/base/distributions.hpp"
#include "iqgate/measure/bar_group.hpp"
#include "iqgate/measure/point_centre.hpp"
#include "iqgate/measure/statistics.hpp"
#include "support/support.hpp"

namespace iqgate::measure {
namespace {

using test::box;
using test::disc;
using test::painted;
using test::value_of;

Results measured(const Scan& scan, std::vector<Region> regions, const char* metric) {
  const std::vector<Scan> scans{scan};
  for (Region& r : regions) r.metrics = {metric};
  return measure_all(test::make_job(scans, std::move(regions)), {metric});
}

Scan white(Size3 size, Vec3 spacing, double mean, double sd, unsigned seed) {
  std::mt19937_64 generator(seed);
  std::normal_distribution<double> normal(mean, sd);
  return painted(size, spacing, [&](Vec3) { return normal(generator); });
}

Region bars(const std::string& name, Vec3 at, Vec3 size, double lp_per_cm, int count) {
  Region r = box(name, "line_pairs", at, size);
  r.nominal = {{"line_pairs_per_cm", lp_per_cm}, {"bars", count}};
  return r;
}

// Rows of a sine, s added to every second one and taken from the others: what a sine leaves is s in every pixel. Over
// whole periods the terms are orthogonal, each amplitude's variance 2 v / n, v = n s^2 / (n - 5).
TEST(BarGroup, ErrorOfASineInAlternatingRows) {
  constexpr double amplitude = 100, s = 7;
  const Scan scan = painted({64, 8, 1}, {0.25, 0.25, 2}, [](Vec3 p) {
    return 40 + amplitude * std::cos(M_PI * p.x) + (std::lround(p.y / 0.25 + 3.5) % 2 ? s : -s);
  });
  const std::vector<Scan> scans{scan};
  const Region region = bars("g", {0, 0, 0}, {12, 1, 0}, 5, 5);
  BarGroup g;
  std::string reason;
  ASSERT_TRUE(measure_group(test::make_job(scans, {region}), 0, region, 2, g, reason)) << reason;
  constexpr double n = 32 * 4, v = n * s * s / (n - 5);
  EXPECT_NEAR(g.fundamental, amplitude, 1e-4);
  EXPECT_NEAR(g.noise2 / v, 1, 1e-5);
  EXPECT_NEAR(g.m2 / ((amplitude * amplitude / 2 + s * s) * n / (n - 1)), 1, 1e-5);
  EXPECT_NEAR(g.fundamental_se / std::sqrt(2 * v / n), 1, 1e-5);
  // Within an eighth of a period of the five bars two columns each; of the four gaps too.
  EXPECT_NEAR(g.modulation_se / std::sqrt(v * (1 / 40.0 + 1 / 32.0)), 1, 1e-5);
}

// A thin pattern's group ends with its region along the bars too: what lies a tenth of a millimetre beyond is not seen.
TEST(BarGroup, AThinPatternEndsWithItsRegion) {
  const auto pattern = [](bool foreign) {
    return painted({128, 96, 9}, {0.25, 0.25, 1}, [foreign](Vec3 p) {
      if (foreign && (std::abs(p.y) > 6 || std::abs(p.x) > 6)) return 3000.0;
      return std::abs(p.z) < 0.1 ? 100 + 100 * std::cos(M_PI * p.x) : 0.0;
    });
  };
  Region region = bars("g", {0, 0, 0}, {12, 12, 0}, 5, 5);
  region.nominal["pattern_thickness_mm"] = 1;
  BarGroup groups[2];
  for (const bool foreign : {false, true}) {
    const std::vector<Scan> scans{pattern(foreign)};
    std::string reason;
    ASSERT_TRUE(measure_group(test::make_job(scans, {region}), 0, region, 2, groups[foreign], reason)) << reason;
  }
  EXPECT_NEAR(groups[0].fundamental, 100, 1e-4);
  EXPECT_EQ(groups[0].m2, groups[1].m2);
  EXPECT_EQ(groups[0].fundamental, groups[1].fundamental);
}

// Square bars of 200 over 0 give M0 = 100; sines of amplitude 4 / pi 100 exp(-a f^2) on f = 0.25 and 0.5 per mm are a
// Gaussian MTF that is a half at 0.4. Its slope there is -2 a 0.4 / 2, the error that of the finer group over it.
TEST(LinePairs, ErrorOfTheFrequencyIsThatOfTheGroupOverTheSlope) {
  constexpr double s = 2;
  const double a = std::log(2.0) / 0.16;
  const Scan scan = painted({256, 96, 1}, {0.25, 0.25, 2}, [&](Vec3 p) {
    const double noise = std::lround(p.y / 0.25 + 47.5) % 2 ? s : -s;
    if (p.y < -4) return (std::abs(std::remainder(p.x, 10.0)) < 2.5 ? 200 : 0) + noise;
    const double f = p.y < 4 ? 0.25 : 0.5;
    return 100 + 400 / M_PI * std::exp(-a * f * f) * std::cos(2 * M_PI * f * p.x) + noise;
  });
  const Results r = measured(scan,
                             {bars("lp/g1", {0, -8, 0}, {40, 2, 0}, 1, 4), bars("lp/g2", {0, 0, 0}, {30, 2, 0}, 2.5, 5),
                              bars("lp/g3", {0, 8, 0}, {20, 2, 0}, 5, 5)},
                             "line_pairs");
  const Measurement* m = r.find("mtf50_per_mm", "fundamental", "lp");
  ASSERT_NE(m, nullptr);
  EXPECT_NEAR(m->value, 0.4, 1e-4);
  constexpr double n = 32 * 8;
  const double group = M_PI / 400 * std::sqrt(2 * (n * s * s / (n - 5)) / n);
  EXPECT_NEAR(*m->se / (group / (0.4 * a)), 1, 2e-3);
  // The interval is that of the logarithm, with the normal quantile.
  EXPECT_NEAR(std::log(m->ci95->high / m->value), 1.959964 * *m->se / m->value, 1e-6);
  EXPECT_NEAR(std::log(m->value / m->ci95->low), 1.959964 * *m->se / m->value, 1e-6);
}

// An object of nine pixels in a background of known values: every number by its definition, done another way.
TEST(PointCentre, PeakAndErrorByTheDefinition) {
  constexpr double pixel = 0.5, radius = 6;
  std::mt19937_64 generator(5);
  std::uniform_real_distribution<double> flat(-10, 10);
  const Scan scan = painted({48, 48, 1}, {pixel, pixel, 2}, [&](Vec3 p) {
    const double r2 = (p.x - 0.25) * (p.x - 0.25) + (p.y + 0.25) * (p.y + 0.25);
    return flat(generator) + 500 * std::exp(-r2 / 0.5);
  });
  const std::vector<Scan> scans{scan};
  const Region region = disc("p", "pin", {0, 0, 0}, radius);
  const PointCentre c = point_centre(test::make_job(scans, {region}), 0, region, false);
  ASSERT_TRUE(c.good) << c.reason;
  std::vector<double> ring;
  double largest = 0;
  const auto each = [&](const auto& use) {
    for (std::size_t y = 0; y < 48; ++y)
      for (std::size_t x = 0; x < 48; ++x) {
        const double px = (double(x) - 23.5) * pixel, py = (double(y) - 23.5) * pixel;
        if (std::hypot(px, py) <= radius) use(px, py, double(scan.volume.values[y * 48 + x]));
      }
  };
  each([&](double px, double py, double v) {
    if (std::hypot(px, py) > 0.75 * radius) ring.push_back(v);
    largest = std::max(largest, v);
  });
  std::sort(ring.begin(), ring.end());
  const auto at = [&](double p) {  // linear between order statistics
    const double k = p * double(ring.size() - 1), below = std::floor(k);
    return ring[std::size_t(below)] + (k - below) * (ring[std::size_t(std::ceil(k))] - ring[std::size_t(below)]);
  };
  const double middle = at(0.5), noise = 0.5 * (at(0.841) - at(0.159)),
               level = std::max(0.2 * (largest - middle), 2 * noise);
  EXPECT_NEAR(c.peak_to_noise / ((largest - middle) / noise), 1, 1e-9);
  double sum = 0, spread = 0;
  each([&](double px, double py, double v) {
    const double w = v - middle - level, dx = px - c.patient_mm.x, dy = py - c.patient_mm.y;
    if (w > 0 && std::hypot(dx, dy) <= 0.75 * radius) sum += w, spread += 0.5 * (dx * dx + dy * dy);
  });
  EXPECT_NEAR(c.se_mm / std::hypot(noise * std::sqrt(spread) / sum, 0.02 * pixel), 1, 1e-9);
}

// Two plates of different lengths, one of them noisier: which of them has which name changes nothing.
TEST(Plates, TheErrorIsThatOfBoth) {
  Measurement found[2];
  for (const int swapped : {0, 1}) {
    std::mt19937_64 generator(3);
    std::normal_distribution<double> normal(0, 12);
    const Scan scan = painted(
        {160, 160, 1}, {1, 1, 5},
        [&](Vec3 p) {
          const double half = p.y < 0 ? 9 : 16, u = std::abs(p.x);
          const double dip = 0.5 * std::erfc((u - half) / 2);
          return 1000 - 300 * dip + (p.y < 0 ? 1 : 0.2) * normal(generator);
        },
        "MR");
    std::vector<Region> regions{box(swapped ? "p/b" : "p/a", "plate", {0, -30, 0}, {76, 20, 1}),
                                box(swapped ? "p/a" : "p/b", "plate", {0, 30, 0}, {76, 20, 1})};
    for (Region& r : regions) r.nominal["angle_deg"] = 11.31;
    const Results r = measured(scan, regions, "plates");
    ASSERT_NE(r.find("slice_width_mm", "geometric_mean"), nullptr);
    found[swapped] = *r.find("slice_width_mm", "geometric_mean");
  }
  EXPECT_NEAR(found[0].value, found[1].value, 1e-9);
  EXPECT_NEAR(*found[0].se, *found[1].se, 1e-9);
}

// By the angle between them only where both lean alike.
TEST(Plates, OfTwoAnglesHaveNoExactWidth) {
  const Scan scan = painted(
      {160, 160, 1}, {1, 1, 5}, [](Vec3 p) { return 1000 - 300 * 0.5 * std::erfc((std::abs(p.x) - 12) / 2); }, "MR");
  for (const double other : {11.31, 20.0}) {
    std::vector<Region> regions{box("p/a", "plate", {0, -30, 0}, {76, 20, 1}),
                                box("p/b", "plate", {0, 30, 0}, {76, 20, 1})};
    regions[0].nominal["angle_deg"] = 11.31, regions[1].nominal["angle_deg"] = other;
    const Results r = measured(scan, regions, "plates");
    EXPECT_NE(r.find("slice_width_mm", "geometric_mean"), nullptr);
    EXPECT_EQ(r.find("slice_width_mm", "exact") != nullptr, other < 12);
  }
}

// What lies beyond the ends of the strip and above and below its middle half is not looked at.
TEST(Plates, OnlyTheMiddleHalfOfTheRegionCounts) {
  const auto width = [](bool foreign) {
    std::vector<Region> regions;
    const Scan scan = painted(
        {400, 400, 1}, {0.25, 0.25, 5},
        [&](Vec3 p) {
          const double y = p.y < 0 ? p.y + 20 : p.y - 20;
          if (foreign && (std::abs(p.x) > 38.3 || std::abs(y) > 5.6)) return 300.0;
          return 1000 - 300 * 0.5 * std::erfc((std::abs(p.x) - 12.5) / 2);
        },
        "MR");
    for (const auto& [name, y] : {std::pair{"p/a", -20.0}, {"p/b", 20.0}}) {
      regions.push_back(box(name, "plate", {0, y, 0}, {76, 20, 1}));
      regions.back().nominal["angle_deg"] = 11.31;
    }
    return value_of(measured(scan, regions, "plates"), "slice_width_mm", "exact");
  };
  EXPECT_NEAR(width(false), 25 * std::tan(11.31 * M_PI / 180), 0.01);
  EXPECT_NEAR(width(true), width(false), 1e-9);
}

// SD of a few voxels of white noise: the exact interval of n_eff - 1 degrees of freedom, n_eff that of n voxels.
TEST(CtNoise, IntervalIsTheExactOne) {
  const Results r = measured(white({40, 40, 1}, {1, 1, 2}, 0, 20, 9), {disc("u", "uniform", {0, 0, 0}, 5)}, "noise");
  const Measurement* m = r.find("noise_sd_hu");
  ASSERT_NE(m, nullptr);
  const double freedom = *m->n_eff - 1;
  EXPECT_LE(*m->n_eff, 80);  // pixels of that disc
  EXPECT_NEAR(m->ci95->low / (m->value * std::sqrt(freedom / chi_squared_quantile(0.975, freedom))), 1, 1e-9);
  EXPECT_NEAR(m->ci95->high / (m->value * std::sqrt(freedom / chi_squared_quantile(0.025, freedom))), 1, 1e-9);
  EXPECT_NEAR(*m->se / (m->value / std::sqrt(2 * freedom)), 1, 1e-9);
}

// One slice: the map that is shown holds every window, and its SD is that of a sample (n - 1).
TEST(LocalNoise, NonuniformityIsThatOfTheMap) {
  const Results r =
      measured(white({48, 48, 1}, {1, 1, 2}, 0, 10, 4), {box("u", "uniform", {0, 0, 0}, {24, 24, 0})}, "gni");
  ASSERT_EQ(r.maps.size(), 1u);
  std::vector<double> sd;
  for (std::size_t y = 12; y < 36; ++y)
    for (std::size_t x = 12; x < 36; ++x) sd.push_back(r.maps[0].values[y * 48 + x]);
  double mean = 0, squares = 0;
  for (const double v : sd) mean += v / double(sd.size());
  for (const double v : sd) squares += (v - mean) * (v - mean);
  ASSERT_EQ(sd.size(), 576u);
  EXPECT_NEAR(value_of(r, "noise_nonuniformity_pct") / (100 * std::sqrt(squares / 575) / mean), 1, 1e-5);
}

// The extrapolated spectrum can lie on either side of 0: Student's t with as many boxes as are independent, less one.
TEST(Nps, IntervalAtZeroIsSymmetric) {
  const Results r =
      measured(white({160, 160, 4}, {0.5, 0.5, 2}, 0, 10, 8), {disc("u", "uniform", {0, 0, 0}, 36, 8)}, "nps");
  const Measurement* m = r.find("nps_at_0_extrap_hu2_mm2", "2d_poly2");
  ASSERT_NE(m, nullptr);
  const double half = student_t_quantile(0.975, *m->n_eff - 1) * *m->se;
  EXPECT_LT(*m->n_eff, 200);
  EXPECT_NEAR((m->ci95->high - m->value) / half, 1, 1e-6);
  EXPECT_NEAR((m->value - m->ci95->low) / half, 1, 1e-6);
  // White noise: ring k holds about pi k independent values of each box, each known to its own size.
  for (const Curve& c : r.curves) {
    if (c.name != "nps_radial" || c.variant != "2d_poly2") continue;
    double found = 0, expected = 0;
    for (std::size_t k = 3; k < c.ci95_hi.size(); ++k) {
      found += 0.5 * std::log(c.ci95_hi[k] / c.ci95_lo[k]) / student_t_quantile(0.975, *m->n_eff - 1);
      expected += 1 / std::sqrt(*m->n_eff * M_PI * double(k + 1));
    }
    EXPECT_NEAR(found / expected, 1, 0.25);
  }
}

// Both ends of a diameter have their error: over 12 draws the diameters spread by no more than is stated (their SD is
// known to 21 %, and what lies between pixels is stated too).
TEST(Diameters, TheErrorIsThatOfBothEnds) {
  const char* const names[] = {"diameter_h_mm", "diameter_v_mm", "diameter_d45_mm", "diameter_d135_mm"};
  std::vector<double> found[4];
  double stated[4] = {};
  for (unsigned draw = 0; draw < 12; ++draw) {
    std::mt19937_64 generator(draw + 1);
    std::normal_distribution<double> normal(0, 60);
    const Scan scan = painted(
        {220, 220, 1}, {1, 1, 5},
        [&](Vec3 p) { return 500 * std::erfc((std::hypot(p.x, p.y) - 95) / 1.4) + normal(generator); }, "MR");
    const Results r = measured(scan, {disc("d", "diameters", {0, 0, 0}, 95)}, "diameters");
    for (int k = 0; k < 4; ++k) {
      const Measurement* m = r.find(names[k]);
      ASSERT_TRUE(m && m->se) << names[k];
      found[k].push_back(m->value), stated[k] += *m->se / 12;
    }
  }
  for (int k = 0; k < 4; ++k) {
    double mean = 0, square = 0;
    for (const double v : found[k]) mean += v / 12;
    for (const double v : found[k]) square += (v - mean) * (v - mean) / 11;
    EXPECT_LT(std::sqrt(square), 1.4 * stated[k]) << names[k];
  }
}

// Two bright bars of other lengths and places in a dark strip that lies 1 mm beside the region's middle: thickness by
// both formulas, lengths, and the slice's place from the bars' middles.
TEST(Ramps, LengthsAndPlaceOfUnequalBars) {
  constexpr double upper = 46, lower = 54, at_upper = 5, at_lower = -3;
  const Scan scan = painted(
      {400, 240, 1}, {0.5, 0.5, 5},
      [](Vec3 p) {
        const double w = p.y - 1, length = w < 0 ? upper : lower, at = w < 0 ? at_upper : at_lower;
        const double bright = 0.5 * std::erfc((std::abs(p.x - at) - length / 2) / 2);
        const double strip = 0.5 * std::erfc((std::abs(w) - 5) / 0.7);
        return 1000 * (1 - strip) + strip * (100 + 700 * bright);
      },
      "MR");
  Region region = box("r", "ramp_pair", {0, 0, 0}, {160, 10, 0});
  region.nominal["slope"] = 10;
  const Results r = measured(scan, {region}, "ramps");
  // A line through 3 mm either side of a crossing, laid on samples of 0.25 mm: a fifth of that for each end.
  EXPECT_NEAR(value_of(r, "ramp_length_mm", "upper"), upper, 0.1);
  EXPECT_NEAR(value_of(r, "ramp_length_mm", "lower"), lower, 0.1);
  EXPECT_NEAR(value_of(r, "slice_thickness_mm", "acr"), 0.2 * upper * lower / (upper + lower), 0.015);
  EXPECT_NEAR(value_of(r, "slice_offset_mm", "ramps"), 0.5 * (at_upper - at_lower) / 10, 0.01);
}

// One bar without an end, or a region that does not lie in the slice, tells nothing.
TEST(Wedges, OneBarOrATiltedRegionIsNoPair) {
  const auto scene = [](double left, double right) {
    return painted(
        {240, 320, 1}, {0.25, 0.25, 5},
        [=](Vec3 p) { return 1000 * std::clamp((p.y - (p.x < 0 ? left : right)) / 5 + 0.5, 0.0, 1.0); }, "MR");
  };
  Region region = box("w", "wedge_pair", {0, 0, 0}, {40, 60, 0});
  EXPECT_NE(measured(scene(2, -3), {region}, "wedges").find("bar_difference_mm"), nullptr);
  for (const auto& [left, right] : {std::pair{2.0, 200.0}, {200.0, 2.0}, {2.0, -200.0}, {-200.0, 2.0}})
    EXPECT_TRUE(measured(scene(left, right), {region}, "wedges").measurements.empty()) << left << ' ' << right;
  const double tilt = 15 * M_PI / 180;
  region.normal = {0, std::sin(tilt), std::cos(tilt)};
  EXPECT_TRUE(measured(scene(2, -3), {region}, "wedges").measurements.empty());
}

// Each bar is read over the middle half of its width: what lies beside that moves no end.
TEST(Wedges, OnlyTheMiddleHalfOfEachBarCounts) {
  const auto difference = [](bool foreign) {
    const Scan scan = painted(
        {240, 320, 1}, {0.25, 0.25, 5},
        [&](Vec3 p) {
          double tip = p.x < 0 ? 2 : -3;
          if (foreign && (p.x < -15.4 || std::abs(p.x) < 4.6 || p.x > 15.4)) tip += p.x < 0 ? 4 : -4;
          return 1000 * std::clamp((p.y - tip) / 5 + 0.5, 0.0, 1.0);
        },
        "MR");
    return value_of(measured(scan, {box("w", "wedge_pair", {0, 0, 0}, {40, 60, 0})}, "wedges"), "bar_difference_mm");
  };
  EXPECT_NEAR(std::abs(difference(false)), 5, 0.01);
  EXPECT_NEAR(difference(true), difference(false), 1e-9);
}

}  // namespace
}  // namespace iqgate::measure
