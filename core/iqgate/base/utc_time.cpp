#include "iqgate/base/utc_time.hpp"

#include <cstdlib>
#include <ctime>

namespace iqgate {

std::string utc_text(std::int64_t seconds) {
  const std::time_t time = static_cast<std::time_t>(seconds);
  std::tm parts{};
  gmtime_r(&time, &parts);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text;
}

std::string now_utc() {
  if (const char* fixed = std::getenv("SOURCE_DATE_EPOCH"); fixed && *fixed)
    return utc_text(std::strtoll(fixed, nullptr, 10));
  return utc_text(std::time(nullptr));
}

std::optional<std::int64_t> utc_seconds(const std::string& text) {
  std::tm parts{};
  if (!strptime(text.c_str(), "%Y-%m-%dT%H:%M:%S", &parts)) return std::nullopt;
  return static_cast<std::int64_t>(timegm(&parts));
}

}  // namespace iqgate
