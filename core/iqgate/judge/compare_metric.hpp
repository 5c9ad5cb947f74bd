#pragma once
#include "iqgate/judge/compare.hpp"

namespace iqgate::judge {

/// One metric of the profile against the site's scans (and their partners, where they are paired).
MetricVerdict compare_metric(const ProfileMetric& metric, const Profile& profile, const std::vector<Record>& site,
                             const std::vector<Record>& paired, bool repositioned, double alpha_go);

}  // namespace iqgate::judge
