#pragma once
// A reference of ten scans, a site of some, and one gate metric: noise, lower is better, at most 5 % worse.
#include <algorithm>
#include <functional>

#include "iqgate/base/error.hpp"
#include "iqgate/judge/compare.hpp"
#include "iqgate/judge/profile_build.hpp"

namespace iqgate::judge {

inline Record record(int k, double noise, const std::string& scanner = "A") {
  Record r;
  r.source = scanner + std::to_string(k);
  r.scanner = scanner;
  r.inputs = {scanner + "-" + std::to_string(k)};
  r.conditions = {{"modality", "CT"}, {"KVP", "120"}};
  r.place_mm = Vec3{double(k), 0, 0};
  Measurement m;
  m.name = "noise_sd_hu", m.where = "water", m.unit = "HU", m.value = noise, m.se = 0.1 + 1e-6 * k;
  Measurement other = m;
  other.name = "roi_mean", other.value = 0.01 * k;
  r.measurements = {m, other};
  return r;
}

inline std::vector<Record> records(const std::vector<double>& noise, const std::string& scanner) {
  std::vector<Record> list;
  for (std::size_t k = 0; k < noise.size(); ++k) list.push_back(record(int(k), noise[k], scanner));
  return list;
}

inline const std::vector<double> ten{9.9, 10.1, 10, 9.95, 10.05, 9.85, 10.15, 10, 9.92, 10.08};
inline const std::vector<double> five{10, 10.1, 9.9, 10.05, 9.95};

inline Profile plan() {
  Profile p;
  p.name = "p", p.version = "1";
  ProfileMetric m;
  m.name = "noise_sd_hu", m.where = "water", m.unit = "HU", m.gate = true;
  m.scale = Scale::log, m.better = Better::lower, m.margin = 0.05, m.margin_kind = MarginKind::relative;
  m.rationale = "r", m.set_by = "s";
  p.metrics = {m};
  return p;
}

inline Profile built() { return build_profile(plan(), records(ten, "R")).profile; }

inline Comparison compared(const Profile& p, const std::vector<Record>& site, CompareOptions options = {}) {
  options.plan = false;
  if (!options.look) options.look = 1;
  return compare(p, site, options);
}

inline bool has(const std::vector<std::string>& flags, const std::string& flag) {
  return std::find(flags.begin(), flags.end(), flag) != flags.end();
}

inline std::string refused(const std::function<void()>& run) {
  try {
    run();
  } catch (const Error& e) {
    return e.code;
  }
  return "";
}

}  // namespace iqgate::judge
