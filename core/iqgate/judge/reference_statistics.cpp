#include <cmath>
#include <map>

#include "iqgate/judge/margin_test.hpp"

namespace iqgate::judge {
namespace {

// Scans by scanner; all in one group where the profile does not tell.
std::map<std::string, std::vector<double>> by_scanner(const std::vector<double>& y, const Profile& profile) {
  std::map<std::string, std::vector<double>> groups;
  for (std::size_t k = 0; k < y.size(); ++k)
    groups[k < profile.scans.size() ? profile.scans[k].scanner : ""].push_back(y[k]);
  return groups;
}

}  // namespace

ReferenceStatistics reference_statistics(const ProfileMetric& m, const Profile& profile) {
  ReferenceStatistics r;
  if (!m.values.empty()) {
    std::vector<double> y;
    for (const double v : m.values) y.push_back(to_scale(v, m.scale, m.unit));
    const auto groups = by_scanner(y, profile);
    const Sample all = sample_of(y);
    double within = 0, between = 0, sizes = 0;
    for (const auto& [scanner, values] : groups) {
      const Sample s = sample_of(values);
      within += double(s.n - 1) * s.sd * s.sd;
      between += double(s.n) * (s.mean - all.mean) * (s.mean - all.mean);
      sizes += double(s.n) * double(s.n);
    }
    const double n = double(all.n), k = double(groups.size());
    r.scanners = groups.size();
    r.dof = n - k;
    r.sample = {all.n, all.mean, r.dof > 0 ? std::sqrt(within / r.dof) : 0};
    // Constants scatter by rounding only.
    if (!(r.sample.sd > 1e-9 * (m.scale == Scale::linear ? std::abs(all.mean) : 1))) r.dof = 0;
    // Variance components of a one-way layout: what the scanners' means scatter beyond their repeats.
    if (k > 1 && r.dof > 0) {
      const double typical = (n - sizes / n) / (k - 1);
      r.sd_between = std::sqrt(std::max(0.0, (between / (k - 1) - r.sample.sd * r.sample.sd) / typical));
    }
    return r;
  }
  r.scanners = profile.scanners();
  r.sample = {m.n, to_scale(m.mean, m.scale, m.unit), 0};
  const double slope = scale_slope(m.mean, m.scale, m.unit);
  if (m.sd_within) {
    r.sample.sd = *m.sd_within * slope;
    if (m.scale == Scale::log) {
      const double variance = std::log1p(r.sample.sd * r.sample.sd);
      r.sample.sd = std::sqrt(variance);
      r.sample.mean -= variance / 2;
    }
    r.dof = m.dof.value_or(double(m.n) - 1);
  }
  if (m.sd_between) r.sd_between = *m.sd_between * slope;
  return r;
}

}  // namespace iqgate::judge
