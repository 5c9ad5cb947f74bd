#include "iqgate/base/path_text.hpp"

#include <charconv>
#include <cstdio>

namespace iqgate {

std::string path_to_text(const std::string& path) {
  std::string text;
  for (const char c : path) {
    if (c > ' ' && c < 0x7f && c != '%') {
      text += c;
      continue;
    }
    char code[4];
    std::snprintf(code, sizeof code, "%%%02X", static_cast<unsigned>(static_cast<unsigned char>(c)));
    text += code;
  }
  return text;
}

std::string path_from_text(const std::string& text) {
  std::string path;
  for (std::size_t k = 0; k < text.size(); ++k) {
    unsigned byte = 0;
    if (text[k] == '%' && k + 2 < text.size() &&
        std::from_chars(text.data() + k + 1, text.data() + k + 3, byte, 16).ptr == text.data() + k + 3) {
      path += static_cast<char>(byte);
      k += 2;
    } else {
      path += text[k];
    }
  }
  return path;
}

}  // namespace iqgate
