#pragma once
#include <string>
#include <vector>

#include "iqgate/judge/profile.hpp"
#include "iqgate/judge/record.hpp"

namespace iqgate::judge {

struct BuiltProfile {
  Profile profile;
  std::vector<std::string> notes;  ///< what was left out, and why
};

/// A profile from repeated results of the reference: the plan's gate metrics with their numbers, then every other
/// number that all results hold, for information. Conditions are the plan's; where it names none, those of the scans: a
/// text that all share, a number with 1 % (dose 5 %) about its range. Throws InputError: no results, the same scan
/// twice, a gate metric that a result lacks, an SD of zero in one.
BuiltProfile build_profile(const Profile& plan, const std::vector<Record>& records);

}  // namespace iqgate::judge
