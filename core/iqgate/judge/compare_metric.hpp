#pragma once
#include "iqgate/judge/compare.hpp"

namespace iqgate::judge {

/// How often the phantom was set up: distinct places among the scans; none where that is not known.
using SetUps = std::optional<std::size_t>;

/// Why a number is no evidence: its flags, or the little data it stands on; empty where it is. Data sufficiency comes
/// before all tests.
std::string insufficiency(const ProfileMetric& metric, const Measurement& m);

/// One metric of the profile against the site's scans (and their partners, where they are paired).
MetricVerdict compare_metric(const ProfileMetric& metric, const Profile& profile, const std::vector<Record>& site,
                             const std::vector<Record>& paired, const SetUps& set_ups, double alpha_go);

}  // namespace iqgate::judge
