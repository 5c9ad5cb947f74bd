#pragma once
#include <cstddef>
#include <cstdint>

namespace iqgate::compute {

/// Copies a row past the caches: results that are written once and not read again.
void stream_row(float* to, const float* from, std::size_t n);
void stream_row(std::int32_t* to, const std::int32_t* from, std::size_t n);
/// Once a thread after its last stream_row, before others read.
void stream_fence();

}  // namespace iqgate::compute
