#pragma once
#include <cstdint>
#include <vector>

#include "iqgate/base/random.hpp"

namespace iqgate::compute {

/// The blocks that a bootstrap draw takes: the k-th of them.
IQGATE_HD inline std::size_t drawn_block(std::uint64_t seed, std::uint64_t draw, std::uint64_t k,
                                         std::uint64_t blocks) {
  return static_cast<std::size_t>(uniform_index(seed, 0xB007, draw * blocks + k, blocks));
}

/// Curves of equal length, one a block, [block * points + point]; `weights` of the blocks, empty: 1 each.
struct BootstrapJob {
  std::vector<double> curves, weights;
  std::size_t blocks = 0, points = 0, draws = 1000;
  std::uint64_t seed = 1;
};

/// std::logic_error unless curves, blocks and weights match.
void check_bootstrap(const BootstrapJob& job);

/// Means of the blocks of each draw, [draw * points + point]. Counter-based: the same draws on any machine.
std::vector<double> bootstrap_curves(const BootstrapJob& job);

}  // namespace iqgate::compute
