#pragma once
#include <cstddef>
#include <string>
#include <string_view>

namespace iqgate {

/// SHA-256 of bytes, as 64 hexadecimal digits.
std::string sha256_hex(std::string_view bytes);
/// SHA-256 of a file's bytes, read in pieces; throws InputError.
std::string sha256_file(const std::string& path);

}  // namespace iqgate
