#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace iqgate::read {

/// Decodes one grey JPEG 2000 code stream of exactly columns x rows; throws InputError on any doubt.
std::vector<std::int32_t> decode_jpeg2000(const std::string& bytes, std::size_t columns, std::size_t rows,
                                          const std::string& name);

}  // namespace iqgate::read
