#include "iqgate/base/sha256.hpp"
#include "iqgate/judge/profile.hpp"

namespace iqgate::judge {
namespace {

json::Value metric_json(const ProfileMetric& m) {
  json::Value v;
  v.set("name", m.name), v.set("variant", m.variant), v.set("where", m.where), v.set("unit", m.unit);
  if (!m.title.empty()) v.set("title", m.title);
  v.set("role", m.gate ? "gate" : "info");
  v.set("n", m.n), v.set("mean", m.mean);
  v.set("sd_within", json::Value(m.sd_within)), v.set("sd_between", json::Value(m.sd_between));
  if (m.dof) v.set("dof", *m.dof);
  v.set("scale", std::string(word(m.scale))), v.set("better", std::string(word(m.better)));
  if (m.margin > 0) {
    v.set("margin", m.margin);
    v.set("margin_kind", std::string(word(m.margin_kind)));
  }
  if (m.limit) {
    json::Value limit;
    limit.set("bounds", json::Array{json::Value(m.limit->bounds.low), json::Value(m.limit->bounds.high)});
    limit.set("rule", m.limit->simple ? "simple" : "interval");
    limit.set("source", m.limit->source);
    v.set("limit", std::move(limit));
  }
  v.set("rationale", m.rationale), v.set("set_by", m.set_by);
  if (m.systematic > 0) v.set("systematic", m.systematic);
  if (!m.refused_if.empty()) v.set("refused_if", json::array_of(m.refused_if));
  if (m.min_n_eff) v.set("min_n_eff", *m.min_n_eff);
  if (!m.values.empty()) v.set("values", json::array_of(m.values));
  return v;
}

}  // namespace

std::string profile_digest(const json::Value& document) {
  json::Object rest;
  for (const json::Member& m : *document.object())
    if (m.key != "digest") rest.push_back(m);
  return sha256_hex(json::write(rest, 0));
}

json::Value profile_json(const Profile& p) {
  json::Value v;
  v.set("schema", "iqgate.profile/1");
  v.set("name", p.name), v.set("version", p.version), v.set("source", p.source);
  json::Value conditions = json::Object{};
  for (const auto& [tag, c] : p.conditions) {
    if (!c.range) conditions.set(tag, c.text);
    else conditions.set(tag, json::array_of(std::vector<double>{c.range->low, c.range->high}));
  }
  v.set("conditions", std::move(conditions));
  v.set("alpha_go", p.alpha_go), v.set("alpha_nogo", p.alpha_nogo);
  v.set("n_min", p.n_min), v.set("planned_scans", p.planned_scans), v.set("looks", p.looks);
  if (!p.repositioned) v.set("repositioned", false);
  v.set("allow_few_scans", p.allow_few_scans), v.set("allow_no_repositioning", p.allow_no_repositioning);
  v.set("reference", p.fixed ? "fixed" : "estimated");
  v.set("claim", std::string(word(p.claim)));
  if (p.claim == Claim::proportion) v.set("content", p.content);
  v.set("phantom_serial", p.phantom_serial);
  json::Array scans, metrics, correlation;
  for (const ReferenceScan& s : p.scans) {
    json::Value entry;
    entry.set("scanner", s.scanner), entry.set("inputs", json::array_of(s.inputs));
    scans.push_back(std::move(entry));
  }
  v.set("scans", std::move(scans));
  for (const ProfileMetric& m : p.metrics) metrics.push_back(metric_json(m));
  v.set("metrics", std::move(metrics));
  for (const std::vector<double>& row : p.correlation) correlation.emplace_back(json::array_of(row));
  v.set("correlation", std::move(correlation));
  v.set("digest", profile_digest(v));
  return v;
}

}  // namespace iqgate::judge
