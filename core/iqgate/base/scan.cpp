#include "iqgate/base/scan.hpp"

#include <charconv>
#include <cmath>

namespace iqgate {

bool Scan::tag_number(const std::string& keyword, double& value) const {
  const auto found = tags.find(keyword);
  if (found == tags.end()) return false;
  const std::string& text = found->second;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc{} && end == text.data() + text.size() && std::isfinite(value);
}

}  // namespace iqgate
