#include "iqgate/report/dicom_text.hpp"

#include <algorithm>
#include <charconv>

#include "iqgate/base/sha256.hpp"

namespace iqgate::report {

std::string uid_of(std::string_view text) {
  std::string decimal = "0";
  for (const char c : sha256_hex(text).substr(0, 28)) {
    int carry = c <= '9' ? c - '0' : c - 'a' + 10;
    for (std::size_t k = decimal.size(); k-- > 0; carry /= 10) {
      carry += (decimal[k] - '0') * 16;
      decimal[k] = static_cast<char>('0' + carry % 10);
    }
    if (carry > 0) decimal.insert(0, std::to_string(carry));
  }
  decimal.erase(0, std::min(decimal.find_first_not_of('0'), decimal.size() - 1));
  return "2.25." + decimal;
}

std::string decimal_string(double value) {
  char text[32];
  char* end = std::to_chars(text, text + sizeof text, value).ptr;
  for (int digits = 16; end - text > 16; --digits)
    end = std::to_chars(text, text + sizeof text, value, std::chars_format::general, digits).ptr;
  return {text, end};
}

}  // namespace iqgate::report
