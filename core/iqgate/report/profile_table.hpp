#pragma once
#include <string>
#include <vector>

#include "iqgate/judge/profile.hpp"

namespace iqgate::report {

/// A profile for people: its rules, conditions and gate metrics.
std::string profile_table(const judge::Profile& profile);
/// One line for each thing in which two profiles differ; empty when they are equal.
std::vector<std::string> profile_differences(const judge::Profile& from, const judge::Profile& to);

}  // namespace iqgate::report
