#pragma once
#include <cstdint>
#include <optional>
#include <string>

namespace iqgate {

/// Now, as 2026-11-24T14:30:00Z; SOURCE_DATE_EPOCH stands for it where it is set.
std::string now_utc();
/// Seconds since 1970 of a text that begins with YYYY-MM-DDThh:mm:ss; none where it does not.
std::optional<std::int64_t> utc_seconds(const std::string& text);
/// The reverse, with Z.
std::string utc_text(std::int64_t seconds);

}  // namespace iqgate
