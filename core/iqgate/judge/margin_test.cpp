#include "iqgate/judge/margin_test.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "iqgate/base/distributions.hpp"

namespace iqgate::judge {
namespace {

// A part of the squared error, and how well it is known.
struct Part {
  double variance, dof;
};

// Of fewer the scatter between scanners is hardly known: it is often estimated as none.
constexpr std::size_t least_scanners = 5;

struct Error {
  double se = 0, dof = 0;
};

// Welch and Satterthwaite. A part that is known exactly has no freedom to lose.
Error joined(const std::vector<Part>& parts, double exact_variance) {
  double sum = 0, weight = 0;
  for (const Part& p : parts) {
    sum += p.variance;
    if (p.variance > 0) weight += p.variance * p.variance / p.dof;
  }
  const double all = sum + exact_variance;
  return {std::sqrt(all), all * all / weight};
}

// The site's squared error for a mean (or a single next scan) and the reference's, with k the weight of its mean.
std::optional<Error> error_of(const Sample& site, const ReferenceStatistics& reference, const ErrorRules& rules,
                              double k, double exact_variance) {
  const double n = double(site.n), next = rules.claim == Claim::next_scan ? 1 : 0;
  const bool own = rules.fixed || site.n >= 5 || reference.dof <= 0;
  // Equal numbers are copies, or rounded beyond use.
  if ((own && site.n < 2) || (site.n > 1 && !(site.sd > 0))) return std::nullopt;
  const double sd = own ? site.sd : site.n >= 3 ? std::max(site.sd, reference.sample.sd) : reference.sample.sd;
  double site_variance = sd * sd * (1 / n + next);
  double reference_variance = 0;
  if (!rules.fixed) reference_variance = k * k * reference.sample.sd * reference.sample.sd / double(reference.sample.n);
  std::vector<Part> parts;
  // An SD of few scans that is used has their few degrees of freedom: with those of the profile a site that scatters
  // more would get a GO at its margin twice as often as stated.
  if (own || sd > reference.sample.sd) {
    parts.push_back({site_variance, n - 1});
    if (reference_variance > 0) parts.push_back({reference_variance, reference.dof});
  } else {
    parts.push_back({site_variance + reference_variance, reference.dof});
  }
  if (rules.claim == Claim::population) {
    if (reference.scanners < least_scanners) return std::nullopt;
    const double count = double(reference.scanners);
    parts.push_back({reference.sd_between * reference.sd_between * (1 + 1 / count), count - 1});
  }
  return joined(parts, exact_variance);
}

Side side_of(double bound, double room, const Error& error, bool few) {
  return {bound, room, error.se, error.dof, few ? 2 * error.se : error.se};
}

// One-sided tolerance bound: does at least `content` of the scans lie inside?
Side proportion_side(double bound, double room, const Sample& site, double content) {
  const double n = double(site.n), se = site.sd / std::sqrt(n);
  return {bound, room, se, n - 1, se, normal_quantile(content) * std::sqrt(n)};
}

bool uses_profile_sd(const Sample& site, const ReferenceStatistics& reference, const ErrorRules& rules) {
  return !rules.fixed && site.n < 5 && reference.dof > 0;
}

double bound_value(const ProfileMetric& m, double mean, bool low) {
  if (m.margin_kind == MarginKind::absolute) return low ? mean - m.margin : mean + m.margin;
  return low ? mean * (1 - m.margin) : mean * (1 + m.margin);
}

}  // namespace

double Side::p_inside() const {
  if (simple) return room >= 0 ? 0 : 1;
  return noncentrality > 0 ? noncentral_t_above(room / se, dof, noncentrality) : student_t_above(room / se, dof);
}

double Side::p_outside() const {
  if (!(se_outside > 0)) return 1;  // a plain value without an error proves nothing
  return noncentrality > 0 ? 1 - noncentral_t_above(room / se, dof, noncentrality)
                           : student_t_above(-room / se_outside, dof);
}

double to_scale(double value, Scale scale, std::string_view unit) {
  if (scale == Scale::linear) return value;
  if (scale == Scale::log) return value > 0 ? std::log(value) : NAN;
  const double p = unit == "%" ? value / 100 : value;
  return p > 0 && p < 1 ? std::log(p / (1 - p)) : NAN;
}

double from_scale(double y, Scale scale, std::string_view unit) {
  if (scale == Scale::linear) return y;
  if (scale == Scale::log) return std::exp(y);
  return (unit == "%" ? 100 : 1) / (1 + std::exp(-y));
}

double scale_slope(double value, Scale scale, std::string_view unit) {
  if (scale == Scale::linear) return 1;
  if (scale == Scale::log) return 1 / value;
  const double whole = unit == "%" ? 100 : 1;
  return whole / (value * (whole - value));
}

Sample sample_of(const std::vector<double>& values) {
  Sample s{values.size(), 0, 0};
  if (values.empty()) return s;
  for (const double v : values) s.mean += v / double(s.n);
  double square = 0;
  for (const double v : values) square += (v - s.mean) * (v - s.mean);
  if (s.n > 1) s.sd = std::sqrt(square / double(s.n - 1));
  return s;
}

std::optional<MarginTest> test_margin(const ProfileMetric& m, const Sample& site, const ReferenceStatistics& reference,
                                      const ErrorRules& rules, double extra_variance) {
  if (site.n == 0 || (!rules.fixed && (reference.sample.n < 5 || reference.dof <= 0))) return std::nullopt;
  const double mean = from_scale(reference.sample.mean, m.scale, m.unit);
  // A share of a number that may pass zero is no margin.
  if (m.margin_kind == MarginKind::relative && !(mean > 0)) return std::nullopt;
  MarginTest test;
  test.difference = site.mean - reference.sample.mean;
  test.profile_sd = uses_profile_sd(site, reference, rules);
  for (const bool low : {true, false}) {
    const double bound = bound_value(m, mean, low), y = to_scale(bound, m.scale, m.unit);
    const bool counts = m.better == Better::target || (m.better == Better::higher) == low;
    if (!std::isfinite(y)) {
      if (counts) return std::nullopt;
      continue;
    }
    const double slope_of_bound = m.margin_kind == MarginKind::absolute ? 1 : bound / mean;
    const double k = scale_slope(bound, m.scale, m.unit) * slope_of_bound / scale_slope(mean, m.scale, m.unit);
    const double systematic = m.systematic * scale_slope(mean, m.scale, m.unit);
    const double room = low ? site.mean - y : y - site.mean;
    if (rules.claim == Claim::proportion) {
      // A tolerance bound with an error that no number of scans makes smaller is not defined here.
      if (site.n < 2 || !(site.sd > 0) || systematic > 0 || extra_variance > 0) return std::nullopt;
      (low ? test.low : test.high) = proportion_side(bound, room, site, rules.content);
      continue;
    }
    const auto error = error_of(site, reference, rules, k, systematic * systematic + extra_variance);
    if (!error) return std::nullopt;
    (low ? test.low : test.high) = side_of(bound, room, *error, site.n < 3 && test.profile_sd);
  }
  return test;
}

std::optional<MarginTest> test_margin_paired(const ProfileMetric& m, const std::vector<double>& site,
                                             const std::vector<double>& reference) {
  const double systematic =
      m.systematic * scale_slope(from_scale(sample_of(reference).mean, m.scale, m.unit), m.scale, m.unit);
  if (site.size() != reference.size() || site.size() < 2) return std::nullopt;
  MarginTest test;
  test.difference = sample_of(site).mean - sample_of(reference).mean;
  for (const bool low : {true, false}) {
    std::vector<double> rooms;
    for (std::size_t j = 0; j < site.size(); ++j) {
      const double mean = from_scale(reference[j], m.scale, m.unit);
      const double y = to_scale(bound_value(m, mean, low), m.scale, m.unit);
      if (!std::isfinite(y) || (m.margin_kind == MarginKind::relative && !(mean > 0))) break;
      rooms.push_back(low ? site[j] - y : y - site[j]);
    }
    const bool counts = m.better == Better::target || (m.better == Better::higher) == low;
    const Sample s = sample_of(rooms);
    if (s.n != site.size() || !(s.sd > 0)) {
      if (counts) return std::nullopt;
      continue;
    }
    const double bound = bound_value(m, from_scale(sample_of(reference).mean, m.scale, m.unit), low);
    (low ? test.low : test.high) =
        side_of(bound, s.mean, joined({{s.sd * s.sd / double(s.n), double(s.n - 1)}}, systematic * systematic), false);
  }
  return test;
}

std::optional<MarginTest> test_limit(const ProfileMetric& m, const Sample& site, const ReferenceStatistics& reference,
                                     const ErrorRules& rules, double extra_variance) {
  if (site.n == 0 || !m.limit) return std::nullopt;
  MarginTest test;
  test.difference = site.mean - reference.sample.mean;
  test.profile_sd = uses_profile_sd(site, reference, rules);
  const ErrorRules alone{rules.fixed, rules.claim == Claim::population ? Claim::mean : rules.claim, rules.content};
  for (const bool low : {true, false}) {
    const std::optional<double> bound = low ? m.limit->bounds.low : m.limit->bounds.high;
    if (!bound) continue;
    const double room = low ? site.mean - *bound : *bound - site.mean;
    const auto error = error_of(site, reference, alone, 0, m.systematic * m.systematic + extra_variance);
    Side side;
    if (error) side = side_of(*bound, room, *error, site.n < 3 && test.profile_sd);
    else if (m.limit->simple) side = {*bound, room};
    else return std::nullopt;
    side.simple = m.limit->simple;
    (low ? test.low : test.high) = side;
  }
  return test;
}

double p_noninferior(const ProfileMetric& m, const MarginTest& test) {
  double p = 0;
  if (m.limit || m.better != Better::lower)
    if (test.low) p = std::max(p, test.low->p_inside());
  if (m.limit || m.better != Better::higher)
    if (test.high) p = std::max(p, test.high->p_inside());
  return p;
}

double p_inferior(const ProfileMetric& m, const MarginTest& test) {
  const bool both = m.better == Better::target && !m.limit;
  double p = 1;
  if (m.limit || m.better != Better::lower)
    if (test.low) p = std::min(p, test.low->p_outside());
  if (m.limit || m.better != Better::higher)
    if (test.high) p = std::min(p, test.high->p_outside());
  const bool two = test.low && test.high && (both || m.limit);
  return two ? std::min(1.0, 2 * p) : p;
}

}  // namespace iqgate::judge
