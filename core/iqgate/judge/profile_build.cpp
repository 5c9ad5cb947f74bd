#include "iqgate/judge/profile_build.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>

#include "iqgate/base/error.hpp"
#include "iqgate/judge/margin_test.hpp"

namespace iqgate::judge {
namespace {

constexpr const char* condition_tags[] = {"modality",
                                          "phantom",
                                          "KVP",
                                          "ConvolutionKernel",
                                          "SliceThickness",
                                          "ReconstructionDiameter",
                                          "FilterType",
                                          "CTDIvol",
                                          "SpiralPitchFactor",
                                          "MagneticFieldStrength",
                                          "ReceiveCoilName",
                                          "SequenceName",
                                          "ScanningSequence",
                                          "RepetitionTime",
                                          "EchoTime",
                                          "InversionTime",
                                          "FlipAngle",
                                          "PixelBandwidth",
                                          "NumberOfAverages",
                                          "EchoTrainLength",
                                          "Units",
                                          "DecayCorrection",
                                          "ReconstructionMethod",
                                          "spacing_x_mm",
                                          "spacing_y_mm",
                                          "spacing_z_mm"};

std::optional<Condition> shared_condition(const std::string& tag, const std::vector<Record>& records) {
  Condition condition;
  bool numbers = true, equal = true;
  double low = INFINITY, high = -INFINITY;
  for (const Record& record : records) {
    const auto found = record.conditions.find(tag);
    if (found == record.conditions.end() || found->second.empty()) return std::nullopt;
    const std::string& text = found->second;
    double value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    numbers = numbers && error == std::errc{} && end == text.data() + text.size() && std::isfinite(value);
    low = std::min(low, value), high = std::max(high, value);
    equal = equal && text == records.front().conditions.at(tag);
  }
  if (numbers) {
    const double share = tag == "CTDIvol" ? 0.05 : 0.01, middle = (low + high) / 2;
    condition.range =
        Interval{std::min(low, middle - share * std::abs(middle)), std::max(high, middle + share * std::abs(middle))};
  } else if (equal) {
    condition.text = records.front().conditions.at(tag);
  } else {
    return std::nullopt;
  }
  return condition;
}

// The numbers of one metric in all records; empty where one lacks it.
std::vector<double> values_of(const ProfileMetric& m, const std::vector<Record>& records, std::string& lacking) {
  std::vector<double> values;
  for (const Record& record : records) {
    const Measurement* found = record.find(m.name, m.variant, m.where);
    if (!found || found->unit != m.unit) {
      lacking = record.source;
      return {};
    }
    values.push_back(found->value);
  }
  return values;
}

// n, mean and SDs in the unit. The statistics of linear values do for that; comparisons go back to the values.
void fill_numbers(const Profile& profile, ProfileMetric& m, std::vector<double> values) {
  const Sample all = sample_of(values);
  m.n = all.n;
  m.mean = all.mean;
  m.values = std::move(values);
  ProfileMetric linear = m;
  linear.scale = Scale::linear;
  const ReferenceStatistics r = reference_statistics(linear, profile);
  if (r.dof > 0) {
    m.sd_within = r.sample.sd;
    m.dof = r.dof;
    if (r.scanners > 1) m.sd_between = r.sd_between;
  }
}

void add_gates(const std::vector<Record>& records, Profile& profile) {
  for (ProfileMetric& m : profile.metrics) {
    std::string lacking;
    std::vector<double> values = values_of(m, records, lacking);
    if (values.empty())
      throw InputError("gate_metric_missing", lacking,
                       "does not hold " + metric_key(m.name, m.variant, m.where) + " in " + m.unit,
                       "leave the scan out, or the metric out of the plan");
    for (const double v : values)
      if (!std::isfinite(to_scale(v, m.scale, m.unit)))
        throw InputError("off_scale", metric_key(m.name, m.variant, m.where),
                         "has no place on the " + std::string(word(m.scale)) + " scale");
    fill_numbers(profile, m, std::move(values));
    if (m.gate && !m.sd_within)
      throw InputError("no_spread", metric_key(m.name, m.variant, m.where),
                       "does not vary between the scans, or there is one scan of each scanner",
                       "judge it by a limit, or give repeated scans");
  }
}

void add_information(const std::vector<Record>& records, BuiltProfile& built) {
  std::size_t left_out = 0;
  for (const Measurement& found : records.front().measurements) {
    ProfileMetric m;
    m.name = found.name, m.variant = found.variant, m.where = found.where, m.unit = found.unit;
    const bool planned = std::any_of(
        built.profile.metrics.begin(), built.profile.metrics.end(),
        [&](const ProfileMetric& p) { return p.name == m.name && p.variant == m.variant && p.where == m.where; });
    if (planned) continue;
    std::string lacking;
    std::vector<double> values = values_of(m, records, lacking);
    if (values.empty()) {
      ++left_out;
      continue;
    }
    fill_numbers(built.profile, m, std::move(values));
    built.profile.metrics.push_back(std::move(m));
  }
  if (left_out > 0) built.notes.push_back(std::to_string(left_out) + " number(s) left out: not in every result");
}

// Of the gate metrics' scatter within each scanner.
std::vector<std::vector<double>> correlation_of(const Profile& profile) {
  std::vector<std::vector<double>> residuals;
  for (const ProfileMetric* m : profile.gates()) {
    std::map<std::string, Sample> means;
    std::map<std::string, std::vector<double>> groups;
    std::vector<double> y;
    for (const double v : m->values) y.push_back(to_scale(v, m->scale, m->unit));
    for (std::size_t k = 0; k < y.size(); ++k) groups[profile.scans[k].scanner].push_back(y[k]);
    for (const auto& [scanner, values] : groups) means[scanner] = sample_of(values);
    for (std::size_t k = 0; k < y.size(); ++k) y[k] -= means[profile.scans[k].scanner].mean;
    residuals.push_back(std::move(y));
  }
  const auto product = [&](std::size_t a, std::size_t b) {
    double sum = 0;
    for (std::size_t k = 0; k < residuals[a].size(); ++k) sum += residuals[a][k] * residuals[b][k];
    return sum;
  };
  std::vector<std::vector<double>> c(residuals.size(), std::vector<double>(residuals.size(), 1));
  for (std::size_t a = 0; a < c.size(); ++a)
    for (std::size_t b = 0; b < c.size(); ++b)
      if (a != b) c[a][b] = std::clamp(product(a, b) / std::sqrt(product(a, a) * product(b, b)), -1.0, 1.0);
  return c;
}

}  // namespace

void refuse_same_scan(const Profile& profile, const std::vector<Record>& records) {
  std::map<std::string, std::pair<const Record*, std::string>> owner;
  for (const ReferenceScan& scan : profile.scans)
    for (const std::string& hash : scan.inputs) owner.emplace(hash, std::pair{nullptr, "the profile's own scans"});
  for (const Record& record : records)
    for (const std::string& hash : record.inputs) {
      const auto [found, fresh] = owner.emplace(hash, std::pair{&record, record.source});
      if (!fresh && found->second.first != &record)
        throw InputError("same_scan", record.source, "holds the same scan as " + found->second.second,
                         "give each scan once, and none of the reference among those of the site");
    }
}

BuiltProfile build_profile(const Profile& plan, const std::vector<Record>& records) {
  if (records.empty()) throw InputError("no_scans", "profile build", "no results are given");
  refuse_same_scan({}, records);
  BuiltProfile built{plan, {}};
  Profile& profile = built.profile;
  for (const Record& record : records) profile.scans.push_back({record.scanner, record.inputs});
  if (profile.phantom_serial.empty()) profile.phantom_serial = records.front().phantom_serial;
  if (profile.conditions.empty())
    for (const char* tag : condition_tags) {
      if (const auto condition = shared_condition(tag, records)) profile.conditions[tag] = *condition;
      else if (records.front().conditions.count(tag))
        built.notes.push_back(std::string(tag) + " differs between the scans, or not all tell it: no condition");
    }
  add_gates(records, profile);
  add_information(records, built);
  if (!profile.gates().empty()) profile.correlation = correlation_of(profile);
  if (records.size() < 10)
    built.notes.push_back(std::to_string(records.size()) +
                          " reference scans: fewer than 5 decide nothing, 10 or more are advised");
  return built;
}

}  // namespace iqgate::judge
