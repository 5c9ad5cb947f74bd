#pragma once
// How many scans a site needs: the joint power of all gate metrics, by simulation of the very tests that decide.
#include <cstdint>
#include <optional>
#include <vector>

#include "iqgate/judge/profile.hpp"

namespace iqgate::judge {

/// A site that is to be planned for: its true differences from the reference (on the scale of each gate metric, site -
/// reference) and SDs; empty: equal to the reference, with its SDs.
struct Outlook {
  std::vector<double> difference, sd;
};

/// Share of `draws` comparisons that end in GO with n_site scans (and n_reference, 0: the profile's), the metrics
/// correlated as the profile says (independent where it does not). Normal on each scale, seeded. nullopt: a gate metric
/// has no SD to plan with.
std::optional<double> go_power(const Profile& profile, const Outlook& outlook, std::size_t n_site,
                               std::size_t n_reference, std::size_t draws, std::uint64_t seed);

struct ScansNeeded {
  std::optional<std::size_t> site;       ///< smallest number with a power of at least 0.8
  std::optional<double> power;           ///< at that number
  std::optional<std::size_t> reference;  ///< where no number of site scans is enough: so many reference scans would be
  bool never = false;                    ///< no number of scans of either
};

/// At most `most` scans are thought of.
ScansNeeded scans_needed(const Profile& profile, const Outlook& outlook, std::uint64_t seed, std::size_t most = 200);

}  // namespace iqgate::judge
