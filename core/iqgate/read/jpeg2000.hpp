#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace iqgate::read {

/// Decodes one grey JPEG 2000 code stream of exactly columns x rows; throws InputError on any doubt.
std::vector<std::int32_t> decode_jpeg2000(const std::string& bytes, std::size_t columns, std::size_t rows,
                                          const std::string& name);

/// Refuses (InputError decode_failed) a stream whose headers ask for more tiles, components, layers or precincts than a
/// scan has: the decoder allocates them before it looks at a pixel.
void check_jpeg2000(const std::string& stream, const std::string& name);

}  // namespace iqgate::read
