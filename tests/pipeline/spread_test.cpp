// Are the standard errors true? The same phantom with fresh noise, 24 times: what spreads by chance spreads as stated.
#include <cmath>
#include <cstdio>
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
  for (const auto& [key, s] : found) {
    if (s.values.size() < repeats) continue;
    double mean = 0, square = 0, stated = 0;
    for (const double v : s.values) mean += v / repeats;
    for (const double v : s.values) square += (v - mean) * (v - mean) / (repeats - 1);
    for (const double v : s.squares) stated += v / repeats;
    std::printf("RATIO %.3f %s %s mean %.5g sd %.3g\n", std::sqrt(square / stated), GetParam().c_str(), key.c_str(),
                mean, std::sqrt(square));
  }
}

INSTANTIATE_TEST_SUITE_P(Small, Spreads, ::testing::Values("uniform_sphere", "insert_discs"),
                         [](const auto& info) { return info.param; });
INSTANTIATE_TEST_SUITE_P(EachLong, Spreads, ::testing::ValuesIn(test::phantoms_of_one_scan()),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace iqgate::pipeline
