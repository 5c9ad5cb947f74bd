#include "iqgate/judge/compare_metric.hpp"

#include <algorithm>
#include <cmath>

#include "iqgate/base/distributions.hpp"
#include "iqgate/base/error.hpp"

namespace iqgate::judge {
namespace {

constexpr std::size_t least_reference_scans = 5;

struct Numbers {
  std::vector<double> y;                  ///< on the scale, one a scan
  std::optional<double> set_up_variance;  ///< mean of se_localisation squared, on the scale
  std::string reason, advice;             ///< not empty: no evidence
};

Numbers numbers_of(const ProfileMetric& metric, const std::vector<Record>& records) {
  Numbers numbers;
  double square = 0;
  std::size_t missing = 0;
  std::string why;
  for (const Record& record : records) {
    const Measurement* m = record.find(metric.name, metric.variant, metric.where);
    if (!m) {
      ++missing;
      for (const NotMeasured& n : record.not_measured)
        if (why.empty() && n.name == metric.name && n.where == metric.where) why = n.reason;
      continue;
    }
    if (m->unit != metric.unit)
      throw UsageError("unit_mismatch", record.source,
                       metric_key(metric.name, metric.variant, metric.where) + " is in " + m->unit +
                           ", in the profile in " + metric.unit,
                       "compare results and a profile of one version");
    if (const std::string lack = insufficiency(metric, *m); !lack.empty()) {
      numbers.reason = lack + " (" + record.source + ")";
      numbers.advice = "scan with more dose, contrast, length or slices, as the profile asks";
      return numbers;
    }
    const double y = to_scale(m->value, metric.scale, metric.unit);
    if (!std::isfinite(y) || !(std::abs(m->value) < 1e12)) {
      numbers.reason = "the value " + json::number_text(m->value) + " has no place on the " +
                       std::string(word(metric.scale)) + " scale (" + record.source + ")";
      return numbers;
    }
    if (m->se_localisation) {
      const double se = *m->se_localisation * scale_slope(m->value, metric.scale, metric.unit);
      square += se * se;
    }
    numbers.y.push_back(y);
  }
  if (missing > 0) {
    numbers.reason = "measured in " + std::to_string(numbers.y.size()) + " of " + std::to_string(records.size()) +
                     " scans" + (why.empty() ? "" : ": " + why);
    numbers.advice = "repeat the scans in which it is missing";
  } else {
    numbers.set_up_variance = square / double(records.size());
  }
  return numbers;
}

bool towards(const ProfileMetric& m, bool low) {
  return m.limit || m.better == Better::target || (m.better == Better::higher) == low;
}

// The side with the least room counts; in the unit, with the interval of 1 - 2 alpha.
void describe_room(const ProfileMetric& m, double alpha, double site_mean, MetricVerdict& v) {
  const MarginTest& test = *v.test;
  const bool low =
      !test.high || !towards(m, false) || (test.low && towards(m, true) && test.low->room <= test.high->room);
  const Side& side = low ? *test.low : *test.high;
  const double y = to_scale(site_mean, m.scale, m.unit), sign = low ? 1 : -1, base = y - sign * side.room;
  const auto in_unit = [&](double room) {
    return sign * (from_scale(base + sign * room, m.scale, m.unit) - from_scale(base, m.scale, m.unit));
  };
  v.acceptable = side.bound;
  v.room = in_unit(side.room);
  if (side.se > 0) {
    const double half = student_t_quantile(1 - alpha, side.dof) * side.se;
    const double low_room = in_unit(side.room - half), high_room = in_unit(side.room + half);
    // On the log scale of a hardly known error the interval may have no end.
    if (std::isfinite(low_room) && std::isfinite(high_room)) v.room_low = low_room, v.room_high = high_room;
  }
}

// [L, U] against the margin, in words; unadjusted.
MetricState state_of(const ProfileMetric& m, const MarginTest& test, double alpha) {
  const auto inside = [&](const std::optional<Side>& s) { return s && s->p_inside() < alpha; };
  const auto outside = [&](const std::optional<Side>& s) {
    return s && s->se > 0 && student_t_above(-s->room / s->se, s->dof) < alpha;
  };
  if (m.limit) {
    if ((!test.low || inside(test.low)) && (!test.high || inside(test.high))) return MetricState::noninferior;
    return outside(test.low) || outside(test.high) ? MetricState::different : MetricState::inconclusive;
  }
  if (inside(test.low) && inside(test.high)) return MetricState::equivalent;
  if (m.better == Better::target)
    return outside(test.low) || outside(test.high) ? MetricState::different : MetricState::inconclusive;
  const std::optional<Side>& worse = m.better == Better::higher ? test.low : test.high;
  if (inside(worse)) return MetricState::noninferior;
  return outside(worse) ? MetricState::different : MetricState::inconclusive;
}

}  // namespace

std::string insufficiency(const ProfileMetric& metric, const Measurement& m) {
  for (const std::string& flag : metric.refused_if)
    if (std::find(m.flags.begin(), m.flags.end(), flag) != m.flags.end()) return "the number is flagged " + flag;
  if (!metric.min_n_eff) return {};
  if (!m.n_eff) return "the number does not tell on how much data it stands";
  if (*m.n_eff < *metric.min_n_eff)
    return "it stands on " + json::number_text(*m.n_eff) + " independent values, " +
           json::number_text(*metric.min_n_eff) + " are asked for";
  return {};
}

MetricVerdict compare_metric(const ProfileMetric& metric, const Profile& profile, const std::vector<Record>& site,
                             const std::vector<Record>& paired, const SetUps& set_ups, double alpha_go) {
  MetricVerdict v;
  v.metric = metric;
  const Numbers numbers = numbers_of(metric, site);
  v.n_site = numbers.y.size();
  const ReferenceStatistics reference = reference_statistics(metric, profile);
  v.reference_mean = from_scale(reference.sample.mean, metric.scale, metric.unit);
  if (reference.dof > 0) v.reference_sd = reference.sample.sd;
  if (!numbers.reason.empty()) {
    v.reason = numbers.reason, v.advice = numbers.advice;
    return v;
  }
  const Sample sample = sample_of(numbers.y);
  v.site_mean = from_scale(sample.mean, metric.scale, metric.unit);
  if (sample.n > 1) v.site_sd = sample.sd;
  if (!(metric.margin > 0) && !metric.limit) {
    v.reason = "the profile sets no margin";
    return v;
  }
  const ErrorRules rules{profile.fixed, profile.claim, profile.content};
  const bool repositioned = set_ups == sample.n;
  const double set_up = repositioned ? 0 : numbers.set_up_variance.value_or(0);
  const auto test = [&](const Sample& s) {
    return metric.limit ? test_limit(metric, s, reference, rules, set_up)
                        : test_margin(metric, s, reference, rules, set_up);
  };
  const bool in_pairs = !paired.empty() && !metric.limit;  // a limit has no reference in it
  if (in_pairs) {
    const Numbers partner = numbers_of(metric, paired);
    if (!partner.reason.empty()) {
      v.reason = "in the paired reference: " + partner.reason;
      return v;
    }
    v.reference_mean = from_scale(sample_of(partner.y).mean, metric.scale, metric.unit);
    v.test = test_margin_paired(metric, numbers.y, partner.y);
    v.flags.push_back("paired");
  } else {
    v.test = test(sample);
  }
  if (!v.test) {
    const bool short_reference = !profile.fixed && !in_pairs && reference.sample.n < least_reference_scans;
    v.reason = short_reference
                   ? "the reference has " + std::to_string(reference.sample.n) + " scans: fewer than 5 decide nothing"
               : profile.claim == Claim::population && reference.scanners < 5
                   ? "the claim is about a fleet, and the profile holds fewer than 5 scanners"
               : sample.n < 2 ? "one scan, and no SD is known for it"
                              : "the numbers do not vary, or nothing is known of their error";
    v.advice = short_reference ? "build the profile from more scans" : "scan again, the phantom set up anew";
    return v;
  }
  if (profile.fixed && !in_pairs) v.flags.push_back("reference_fixed");
  if (v.test->profile_sd) v.flags.push_back("profile_sd");
  if (!set_ups) v.flags.push_back("repositioning_unknown");
  else if (!repositioned) v.flags.push_back("no_repositioning");
  const double ratio = reference.dof > 0 ? sample.sd / reference.sample.sd : 0;
  if (sample.n >= 3 && ratio > 0 && ratio < 1e6 && !in_pairs) {
    v.sd_ratio_p = fisher_f_above(ratio * ratio, double(sample.n - 1), reference.dof);
    if (*v.sd_ratio_p < 0.05) v.flags.push_back("site_less_repeatable");
  }
  v.p_noninferior = p_noninferior(metric, *v.test);
  v.p_inferior = p_inferior(metric, *v.test);
  // Repeats of one set-up count as one scan before they condemn: the scatter of setting up is in none of them.
  if (set_ups && !repositioned && !in_pairs) {
    const auto fewer =
        profile.fixed ? std::nullopt : test({std::min<std::size_t>(*set_ups, 4), sample.mean, sample.sd});
    v.p_inferior = fewer ? p_inferior(metric, *fewer) : 1;
  }
  const bool enough = sample.n >= std::max<std::size_t>(profile.n_min, 3);
  v.go_allowed = (enough || profile.allow_few_scans) &&
                 ((repositioned && profile.repositioned) || in_pairs || profile.allow_no_repositioning);
  if (!enough) v.flags.push_back("few_scans");
  describe_room(metric, alpha_go, *v.site_mean, v);
  v.state = state_of(metric, *v.test, alpha_go);
  if (!v.go_allowed && (v.state == MetricState::equivalent || v.state == MetricState::noninferior))
    v.state = MetricState::inconclusive;
  return v;
}

}  // namespace iqgate::judge
