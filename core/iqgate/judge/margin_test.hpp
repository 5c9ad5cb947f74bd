#pragma once
// One metric of a site against its margin: an estimate, its error, and the two probabilities that verdicts are made of.
#include <optional>
#include <string>
#include <vector>

#include "iqgate/judge/profile.hpp"

namespace iqgate::judge {

/// Value on the scale of a comparison and back; `unit` % counts as hundredths on the logit scale. NaN outside the
/// domain.
double to_scale(double value, Scale scale, std::string_view unit);
double from_scale(double y, Scale scale, std::string_view unit);
/// d(scale) / d(value).
double scale_slope(double value, Scale scale, std::string_view unit);

/// Repeated numbers on the scale: n, mean, SD with n - 1 (0 where n is 1).
struct Sample {
  std::size_t n = 0;
  double mean = 0, sd = 0;
};
Sample sample_of(const std::vector<double>& values);

/// The reference on the scale. From its values where the profile holds them; else from mean and SD (log: of the
/// log-normal with that mean and SD; logit: by the slope at the mean).
struct ReferenceStatistics {
  Sample sample;   ///< sd: within one scanner
  double dof = 0;  ///< of sd; 0: no SD
  double sd_between = 0;
  std::size_t scanners = 1;
};
ReferenceStatistics reference_statistics(const ProfileMetric& metric, const Profile& profile);

/// What of the profile the error depends on.
struct ErrorRules {
  bool fixed = false;
  Claim claim = Claim::mean;
  double content = 0.95;
};

/// One bound and the distance from it on the scale, + inside.
struct Side {
  double bound = 0;  ///< the worst acceptable value, in the metric's unit
  double room = 0, se = 0, dof = 0;
  double se_outside = 0;     ///< wider where the site's own SD is unknown (one or two scans)
  double noncentrality = 0;  ///< of a tolerance bound (claim proportion); 0: of a mean
  bool simple = false;       ///< the plain value decides on the inside

  /// p of H0 "at the bound or beyond it", and of H0 "at the bound or inside".
  double p_inside() const;
  double p_outside() const;
};

struct MarginTest {
  std::optional<Side> low, high;  ///< towards smaller and larger values
  double difference = 0;          ///< site - reference, on the scale
  bool profile_sd = false;        ///< the reference's SD stands for the site's
};

/// Metric with a margin. `extra_variance`: added to the site's error (set-up that was not varied). Returns nullopt
/// where nothing can be said: a reference of fewer than 5 scans, a margin that leaves the domain of the scale, no SD.
std::optional<MarginTest> test_margin(const ProfileMetric& metric, const Sample& site,
                                      const ReferenceStatistics& reference, const ErrorRules& rules,
                                      double extra_variance = 0);
/// Scans in pairs with those of the reference (same raw data, same insertion), on the scale.
std::optional<MarginTest> test_margin_paired(const ProfileMetric& metric, const std::vector<double>& site,
                                             const std::vector<double>& reference);
/// Metric with a hard limit.
std::optional<MarginTest> test_limit(const ProfileMetric& metric, const Sample& site,
                                     const ReferenceStatistics& reference, const ErrorRules& rules,
                                     double extra_variance = 0);

/// Of the sides that count for `better`: noninferiority (target: equivalence) and inferiority.
double p_noninferior(const ProfileMetric& metric, const MarginTest& test);
double p_inferior(const ProfileMetric& metric, const MarginTest& test);

}  // namespace iqgate::judge
