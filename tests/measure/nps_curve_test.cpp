// C1, step by step: rings of a spectrum and the numbers of a radial curve, against sums done another way and against
// curves whose peak is known.
#include "iqgate/measure/nps_curve.hpp"

#include <cmath>
#include <map>
#include <random>

#include "iqgate/measure/noise_correlation.hpp"
#include "support/support.hpp"

namespace iqgate::measure {
namespace {

// Frequencies from the definition (-N/2 ... N/2 over N d), each bin given to the ring its distance from 0 rounds to.
TEST(RadialMean, IsTheMeanOfEachRingWithoutTheZero) {
  for (const auto& [box, dx, dy] :
       {std::tuple{Size3{16, 16, 1}, 0.5, 0.5}, {Size3{24, 24, 1}, 0.4, 0.7}, {Size3{24, 24, 4}, 0.7, 0.4}}) {
    Grid grid;
    grid.spacing_mm = {dx, dy, 2};
    std::mt19937 generator(7);
    std::uniform_real_distribution<double> any(1, 2);
    std::vector<double> nps(box.count());
    for (double& v : nps) v = any(generator);
    const double d = std::max(dx, dy), step = 1 / (double(box.x) * d);
    std::map<long, std::array<double, 3>> rings;  // sums of f and of the values, bins
    for (int j = -int(box.y) / 2; j < int(box.y) / 2; ++j)
      for (int i = -int(box.x) / 2; i < int(box.x) / 2; ++i) {
        const double f = std::sqrt(std::pow(i / (double(box.x) * dx), 2) + std::pow(j / (double(box.y) * dy), 2));
        if ((i == 0 && j == 0) || f > 0.5 / d + 1e-12) continue;
        double value = 0;
        for (std::size_t z = 0; z < box.z; ++z)
          value +=
              nps[(z * box.y + (std::size_t(j + int(box.y)) % box.y)) * box.x + std::size_t(i + int(box.x)) % box.x];
        auto& ring = rings[std::lround(f / step)];
        ring[0] += f, ring[1] += value, ring[2] += 1;
      }
    const RadialNps r = radial_mean(nps, box, grid);
    ASSERT_EQ(r.f_per_mm.size(), rings.size());
    std::size_t k = 0;
    for (const auto& [number, ring] : rings) {
      EXPECT_NEAR(r.f_per_mm[k], ring[0] / ring[2], 1e-12) << number;
      EXPECT_NEAR(r.nps[k], ring[1] / ring[2], 1e-12) << number;
      EXPECT_NEAR(r.bins[k], ring[2] / 2, 1e-12) << number;
      ++k;
    }
  }
}

// The mean of three rings of a parabola is that parabola, lowered: its top comes back exactly.
TEST(NpsScalars, TheTopOfAParabolaIsExact) {
  for (const double top : {0.30, 0.318, 0.33, 0.345}) {
    RadialNps r;
    for (int k = 1; k <= 24; ++k) {
      r.f_per_mm.push_back(0.03 * k);
      r.nps.push_back(500 - 1500 * std::pow(0.03 * k - top, 2));
      r.bins.push_back(k);
    }
    EXPECT_NEAR(nps_scalars(r, 1).peak, top, 1e-12);
  }
}

// A curve that falls from its first ring on has its top at most one ring before the second.
TEST(NpsScalars, ATopBeforeTheFirstRingIsTheFirstRing) {
  RadialNps r;
  for (int k = 1; k <= 24; ++k) {
    r.f_per_mm.push_back(0.03 * k);
    r.nps.push_back(500 - 800 * std::pow(0.03 * k, 2));
    r.bins.push_back(k);
  }
  EXPECT_NEAR(nps_scalars(r, 1).peak, 0.03, 1e-12);
}

// Noise that one slice shares with no other, each row the running mean of three white values: along a row 2/3 and 1/3
// of itself one and two pixels on, so the sums are 1 + 2 (2/3 + 1/3) and 1 + 2 (4/9 + 1/9).
Volume rows_of_three(Size3 size, unsigned seed, bool also_slices) {
  std::mt19937_64 generator(seed);
  std::normal_distribution<float> normal(0, 10);
  Volume v;
  v.grid = test::centred_grid(size, {1, 1, 2});
  v.values.resize(size.count());
  std::vector<float> white((size.x + 2) * size.y * (size.z + 1));
  for (float& w : white) w = normal(generator);
  const auto at = [&](std::size_t x, std::size_t y, std::size_t z) {
    return white[(z * size.y + y) * (size.x + 2) + x];
  };
  std::size_t k = 0;
  for (std::size_t z = 0; z < size.z; ++z)
    for (std::size_t y = 0; y < size.y; ++y)
      for (std::size_t x = 0; x < size.x; ++x, ++k)
        v.values[k] = also_slices ? (at(x, y, z) + at(x, y, z + 1)) / std::sqrt(2.0f)
                                  : (at(x, y, z) + at(x + 1, y, z) + at(x + 2, y, z)) / std::sqrt(3.0f);
  return v;
}

compute::Mask whole(const Volume& v) {
  compute::Mask mask;
  for (std::size_t k = 0; k < v.values.size(); ++k) mask.offsets.push_back(k);
  return mask;
}

TEST(NoiseCorrelation, RowsAndSlicesOfKnownCorrelation) {
  const Volume rows = rows_of_three({80, 80, 10}, 3, false);
  const NoiseCorrelation r = noise_correlation(rows.view(), whole(rows));
  // Errors of a correlation from 64,000 voxels: 0.004 times a few.
  EXPECT_NEAR(r.rho_x1, 2.0 / 3, 0.02);
  EXPECT_NEAR(r.sum_rho, 3, 0.3);
  EXPECT_NEAR(r.sum_rho_squared, 1 + 10.0 / 9, 0.05);
  EXPECT_NEAR(r.sum_rho_squared_z, 1, 0.02);
  // Two slices share half: 1 + 2 / 2 and 1 + 2 / 4.
  const Volume slices = rows_of_three({80, 80, 10}, 4, true);
  const NoiseCorrelation s = noise_correlation(slices.view(), whole(slices));
  EXPECT_NEAR(s.rho_x1, 0, 0.02);
  EXPECT_NEAR(s.sum_rho_squared, 1.5, 0.06);
  EXPECT_NEAR(s.sum_rho_squared_z, 1.5, 0.06);
}

// What the trend takes is put back: the mean of 600 variances of 400 voxels is that of the noise. Each has an SD of
// sqrt(2 x 2.1 / 400) = 10 %, their mean 0.4 %.
TEST(NoiseCorrelation, TheTrendTakesNothingAway) {
  double mean = 0;
  for (unsigned seed = 0; seed < 600; ++seed) {
    const Volume v = rows_of_three({20, 20, 1}, 100 + seed, false);
    const double sd = noise_correlation(v.view(), whole(v)).residual_sd;
    mean += sd * sd / 600;
  }
  EXPECT_NEAR(mean / 100, 1, 0.013);
}

}  // namespace
}  // namespace iqgate::measure
