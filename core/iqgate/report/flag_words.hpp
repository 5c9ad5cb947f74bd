#pragma once
#include <string>

namespace iqgate::report {

/// A flag of a comparison in plain words; the flag itself where there are none for it.
std::string flag_words(const std::string& flag);

}  // namespace iqgate::report
