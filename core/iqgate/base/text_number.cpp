#include "iqgate/base/text_number.hpp"

#include <charconv>
#include <cmath>

namespace iqgate {

std::optional<double> number_from_text(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = error == std::errc{} && end == text.data() + text.size() && std::isfinite(value);
  return whole ? std::optional(value) : std::nullopt;
}

}  // namespace iqgate
