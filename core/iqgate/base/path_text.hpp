#pragma once
#include <string>

namespace iqgate {

/// A path (any bytes) as plain ASCII, and back: bytes other than printable ASCII, and %, become %XX.
std::string path_to_text(const std::string& path);
std::string path_from_text(const std::string& text);

}  // namespace iqgate
