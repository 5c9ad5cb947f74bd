#include "iqgate/base/text_number.hpp"

#include <charconv>
#include <cmath>

namespace iqgate {

std::optional<double> number_from_text(std::string_view text) {
  const auto first = text.find_first_not_of(' '), last = text.find_last_not_of(' ');
  if (first == text.npos) return std::nullopt;
  text = text.substr(first, last - first + 1);
  if (text.front() == '+' && text.size() > 1 && text[1] != '-') text.remove_prefix(1);
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = error == std::errc{} && end == text.data() + text.size() && std::isfinite(value);
  return whole ? std::optional(value) : std::nullopt;
}

}  // namespace iqgate
