// Are the standard errors true? The same phantom with fresh noise, 24 times: what spreads by chance spreads as stated.
#include <algorithm>
#include <cmath>
#include <map>
#include <random>

#include "support/any_phantom.hpp"

namespace iqgate::pipeline {
namespace {

constexpr int repeats = 24;

Volume with_noise(const Volume& clean, bool magnitude, double sd, unsigned seed) {
  Volume v = clean;
  std::mt19937_64 generator(seed);
  std::normal_distribution<float> normal(0, float(sd));
  for (float& value : v.values) {
    const float real = value + normal(generator);
    value = magnitude ? std::hypot(real, normal(generator)) : real;
  }
  return v;
}

struct Spread {
  std::vector<double> values, squares;
};

bool begins(const std::string& key, std::initializer_list<const char*> names) {
  return std::any_of(names.begin(), names.end(), [&](const char* n) { return key.starts_with(n); });
}

// What has two places to be at (a group of bars without a wave; the largest of many), or lies next to 0 and is
// positive.
bool unlike_a_normal(const std::string& key) {
  return begins(key, {"modulation_hu", "streak_", "ring_", "mtf_at_nyquist", "ttf_at_nyquist", "ttf_xy_at_nyquist",
                      "ttf02", "mtf02"});
}

// A wire in water states 2.3 times its spread at half height, unexplained: wide, not narrow.
constexpr const char* wide = "mtf50_per_mm [radial] wire";

// Their stated errors hold what fresh noise does not show: where an object lies between pixels, edges that are not
// straight, bars that are no sine, the rim of an insert in its region.
bool more_than_noise(const std::string& key) {
  return begins(key, {"distance_", "scale_", "diameter_", "gd_", "bar_difference", "slice_position", "length_ss",
                      "distortion_max", "ct_number", "roi_", "snr [smoothed"}) ||
         key.find("[fundamental]") != key.npos || key.find("[droege_morin]") != key.npos ||
         key.find("[coltman]") != key.npos;
}

class Spreads : public ::testing::TestWithParam<std::string> {};

TEST_P(Spreads, AsStated) {
  const test::AnyPhantom p = test::any_phantom(GetParam(), 0);
  std::map<std::string, Spread> found;
  for (unsigned k = 0; k < repeats; ++k) {
    const Results r = test::measured(p, with_noise(p.scan.volume, p.modality == "MR", 6, 900 + k), 60);
    for (const Measurement& m : r.measurements)
      if (m.se) {
        Spread& s = found[m.name + " [" + m.variant + "] " + m.where];
        s.values.push_back(m.value);
        s.squares.push_back(*m.se * *m.se);
      }
  }
  // An SD of 24 lies above 1.75 times the right one once in a million times, below 0.45 of it once in 70,000; some
  // 2,500 are looked at.
  std::size_t checked = 0;
  for (const auto& [key, s] : found) {
    if (s.values.size() < repeats || unlike_a_normal(key)) continue;
    double mean = 0, square = 0, stated = 0;
    for (const double v : s.values) mean += v / repeats;
    for (const double v : s.values) square += (v - mean) * (v - mean) / (repeats - 1);
    for (const double v : s.squares) stated += v / repeats;
    EXPECT_LT(std::sqrt(square / stated), 1.75) << GetParam() << ' ' << key;
    if (!more_than_noise(key) && key != wide) EXPECT_GT(std::sqrt(square / stated), 0.45) << GetParam() << ' ' << key;
    ++checked;
  }
  EXPECT_GT(checked, 0u);
}

INSTANTIATE_TEST_SUITE_P(Small, Spreads, ::testing::Values("uniform_sphere", "acr_mri_localiser", "bead"),
                         [](const auto& info) { return info.param; });
INSTANTIATE_TEST_SUITE_P(EachLong, Spreads, ::testing::ValuesIn(test::phantoms_of_one_scan()),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace iqgate::pipeline
