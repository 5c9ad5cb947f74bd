#pragma once
#include <string>
#include <string_view>

namespace iqgate::report {

/// A UID from a hash of the text, below 2.25 (the arc for UUID-like numbers): the same text, the same UID.
std::string uid_of(std::string_view text);
/// A decimal string of at most 16 characters: the shortest exact one where it fits, else rounded.
std::string decimal_string(double value);

}  // namespace iqgate::report
