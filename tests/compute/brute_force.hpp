#pragma once
// Odd sizes, noise, and voxels by reflection: what brute force needs.
#include <cmath>
#include <random>
#include <vector>

#include "iqgate/compute/backend.hpp"
#include "support/support.hpp"

namespace iqgate::compute {

inline const std::vector<Size3> sizes{{1, 1, 1}, {31, 17, 1}, {33, 1, 5}, {1, 7, 9}, {37, 41, 13}, {70, 66, 5}};

inline Volume noise(Size3 size, double mean, double sd, unsigned seed = 1, Vec3 spacing = {0.7, 0.9, 1.5}) {
  Volume v{test::centred_grid(size, spacing), Voxels(size.count())};
  std::mt19937 engine(seed);
  std::normal_distribution<double> normal(mean, sd);
  for (float& x : v.values) x = static_cast<float>(normal(engine));
  return v;
}

inline double at(const Volume& v, long x, long y, long z) {
  const Size3 n = v.grid.size;
  return v.view()(reflected(x, n.x), reflected(y, n.y), reflected(z, n.z));
}

template <class Visit>
void each(Size3 n, const Visit& visit) {
  for (long z = 0; z < long(n.z); ++z)
    for (long y = 0; y < long(n.y); ++y)
      for (long x = 0; x < long(n.x); ++x) visit(x, y, z, std::size_t((z * long(n.y) + y) * long(n.x) + x));
}

}  // namespace iqgate::compute
