#include "iqgate/judge/profile_build.hpp"

#include <algorithm>
#include <cmath>
#include <map>

#include "iqgate/base/error.hpp"
#include "iqgate/base/text_number.hpp"
#include "iqgate/judge/compare_metric.hpp"
#include "iqgate/judge/margin_test.hpp"

namespace iqgate::judge {
namespace {

constexpr const char* condition_tags[] = {"modality",
                                          "phantom",
                                          "phantom_sha256",
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

// What all scans share: a text, or numbers within 1 % (dose: 5 %) of their middle one. Throws where they differ: the
// reference was then not taken under one condition.
Condition shared_condition(const std::string& tag, const std::vector<Record>& records) {
  std::vector<double> numbers;
  const std::string first = records.front().conditions.at(tag);
  for (const Record& record : records) {
    const std::string& text = record.conditions.at(tag);
    const auto value = number_from_text(text);
    if (value) numbers.push_back(*value);
    if (!value && text != first)
      throw InputError("conditions_vary", record.source, tag + " is " + text + ", elsewhere " + first,
                       "build the profile from scans of one protocol, or name the conditions in the plan");
  }
  Condition condition;
  if (numbers.empty()) {
    condition.text = first;
    return condition;
  }
  std::sort(numbers.begin(), numbers.end());
  const double middle = numbers[numbers.size() / 2];
  const double width = (tag == "CTDIvol" ? 0.05 : 0.01) * std::abs(middle);
  if (numbers.size() != records.size() || numbers.front() < middle - width || numbers.back() > middle + width)
    throw InputError("conditions_vary", tag,
                     "goes from " + json::number_text(numbers.front()) + " to " + json::number_text(numbers.back()) +
                         " over the reference's scans",
                     "build the profile from scans of one protocol, or name the conditions in the plan");
  condition.range = Interval{middle - width, middle + width};
  return condition;
}

void learn_conditions(const std::vector<Record>& records, BuiltProfile& built) {
  const auto modality = records.front().conditions.find("modality");
  const bool ct = modality != records.front().conditions.end() && modality->second == "CT";
  for (const char* tag : condition_tags) {
    std::size_t told = 0;
    for (const Record& r : records) {
      const auto found = r.conditions.find(tag);
      told += found != r.conditions.end() && !found->second.empty();
    }
    const std::string name = tag;
    if (told == records.size()) built.profile.conditions[tag] = shared_condition(tag, records);
    else if (told > 0)
      built.notes.push_back(name + " is told by " + std::to_string(told) + " scans only: no condition");
    else if (ct && (name == "KVP" || name == "ConvolutionKernel" || name == "CTDIvol"))
      built.notes.push_back(name + " is not told by the scans: a site may differ in it and nobody sees it");
  }
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
    if (const std::string lack = insufficiency(m, *found); !lack.empty())
      throw InputError("not_sufficient", record.source, metric_key(m.name, m.variant, m.where) + ": " + lack,
                       "leave the scan out of the reference");
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

BuiltProfile build_profile(const Profile& plan, const std::vector<Record>& records) {
  if (records.empty()) throw InputError("no_scans", "profile build", "no results are given");
  if (plan.fixed)
    throw UsageError("wrong_use", "profile build", "the plan calls the reference fixed, and measured scans are given",
                     "a fixed reference is a published number: write that profile by hand");
  refuse_same_scan({}, records);
  BuiltProfile built{plan, {}};
  Profile& profile = built.profile;
  for (const Record& record : records) profile.scans.push_back({record.scanner, record.inputs});
  const bool one_phantom = std::all_of(records.begin(), records.end(), [&](const Record& r) {
    return r.phantom_serial == records.front().phantom_serial;
  });
  if (profile.phantom_serial.empty() && one_phantom) profile.phantom_serial = records.front().phantom_serial;
  if (!one_phantom) built.notes.push_back("the scans name several phantom serial numbers: none goes into the profile");
  const auto set_ups = set_ups_of(records);
  profile.repositioned = set_ups == records.size();
  if (!profile.repositioned)
    built.notes.push_back(set_ups ? "the phantom was set up " + std::to_string(*set_ups) + " time(s) for " +
                                        std::to_string(records.size()) +
                                        " scans: the SD misses the set-up, and no GO "
                                        "will be given unless the plan allows it"
                                  : "it is not known whether the phantom was set up anew: no GO will be given unless "
                                    "the plan allows it");
  if (profile.conditions.empty()) learn_conditions(records, built);
  add_gates(records, profile);
  add_information(records, built);
  if (!profile.gates().empty()) profile.correlation = correlation_of(profile);
  if (records.size() < 10)
    built.notes.push_back(std::to_string(records.size()) +
                          " reference scans: fewer than 5 decide nothing, 10 or more are advised");
  return built;
}

}  // namespace iqgate::judge
