#include "iqgate/compute/stream_row.hpp"

#include <algorithm>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace iqgate::compute {
namespace {

// Four-byte values.
template <class T>
void stream(T* to, const T* from, std::size_t n) {
#if defined(__SSE2__)
  std::size_t x = 0;
  for (; x < n && reinterpret_cast<std::uintptr_t>(to + x) % 64 != 0; ++x) to[x] = from[x];
  for (; x + 16 <= n; x += 16)
    for (std::size_t k = 0; k < 16; k += 4)
      _mm_stream_si128(reinterpret_cast<__m128i*>(to + x + k),
                       _mm_loadu_si128(reinterpret_cast<const __m128i*>(from + x + k)));
  std::copy(from + x, from + n, to + x);
#else
  std::copy(from, from + n, to);
#endif
}

}  // namespace

void stream_row(float* to, const float* from, std::size_t n) { stream(to, from, n); }
void stream_row(std::int32_t* to, const std::int32_t* from, std::size_t n) { stream(to, from, n); }

void stream_fence() {
#if defined(__SSE2__)
  _mm_sfence();
#endif
}

}  // namespace iqgate::compute
