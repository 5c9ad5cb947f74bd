#pragma once
// Counter-based random numbers (Philox 4x32-10; Salmon et al., SC 2011): a number depends on seed, stream and
// counter alone, so noise is the same for any thread count, order or device.
#include <cmath>
#include <cstdint>

#include "iqgate/base/host_device.hpp"

namespace iqgate {

struct Philox4 {
  std::uint32_t v[4];
};

/// Four random words for (key, counter).
IQGATE_HD inline Philox4 philox(std::uint64_t key, std::uint64_t stream, std::uint64_t counter) {
  std::uint32_t k0 = static_cast<std::uint32_t>(key), k1 = static_cast<std::uint32_t>(key >> 32);
  Philox4 x{{static_cast<std::uint32_t>(counter), static_cast<std::uint32_t>(counter >> 32),
             static_cast<std::uint32_t>(stream), static_cast<std::uint32_t>(stream >> 32)}};
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t p0 = std::uint64_t{0xD2511F53u} * x.v[0];
    const std::uint64_t p1 = std::uint64_t{0xCD9E8D57u} * x.v[2];
    x = {{static_cast<std::uint32_t>(p1 >> 32) ^ x.v[1] ^ k0, static_cast<std::uint32_t>(p1),
          static_cast<std::uint32_t>(p0 >> 32) ^ x.v[3] ^ k1, static_cast<std::uint32_t>(p0)}};
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
  return x;
}

/// Uniform in (0, 1), from 53 bits; never 0 or 1.
IQGATE_HD inline double uniform_from_words(std::uint32_t high, std::uint32_t low) {
  const std::uint64_t bits = ((std::uint64_t{high} << 32) | low) >> 11;
  return (static_cast<double>(bits) + 0.5) * 0x1p-53;
}

struct NormalPair {
  double first, second;
};

/// Two independent standard normal deviates (Box-Muller).
IQGATE_HD inline NormalPair normal_pair(std::uint64_t seed, std::uint64_t stream, std::uint64_t counter) {
  const Philox4 words = philox(seed, stream, counter);
  const double radius = std::sqrt(-2.0 * std::log(uniform_from_words(words.v[0], words.v[1])));
  const double angle = 6.283185307179586476925 * uniform_from_words(words.v[2], words.v[3]);
  return {radius * std::cos(angle), radius * std::sin(angle)};
}

/// Whole number below `limit`, for resampling (bias below limit / 2^64).
IQGATE_HD inline std::uint64_t uniform_index(std::uint64_t seed, std::uint64_t stream, std::uint64_t counter,
                                             std::uint64_t limit) {
  const Philox4 words = philox(seed, stream, counter);
  const double u = uniform_from_words(words.v[0], words.v[1]);
  const std::uint64_t index = static_cast<std::uint64_t>(u * static_cast<double>(limit));
  return index < limit ? index : limit - 1;
}

}  // namespace iqgate
