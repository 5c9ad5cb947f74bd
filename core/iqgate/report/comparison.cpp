#include "iqgate/report/comparison.hpp"

#include <algorithm>

#include "iqgate/base/sha256.hpp"
#include "iqgate/report/comparison_words.hpp"
#include "iqgate/report/flag_words.hpp"
#include "iqgate/report/tables.hpp"

namespace iqgate::report {
namespace {

using json::text_at;
using json::Value;

const judge::Side* nearest_side(const judge::MetricVerdict& v) {
  if (!v.test) return nullptr;
  for (const auto* side : {&v.test->low, &v.test->high})
    if (*side && v.acceptable && (*side)->bound == *v.acceptable) return &**side;
  return nullptr;
}

Value metric_json(const judge::MetricVerdict& d) {
  const judge::ProfileMetric& m = d.metric;
  Value v;
  v.set("name", m.name), v.set("variant", m.variant), v.set("where", m.where), v.set("unit", m.unit);
  v.set("title", m.title);
  v.set("role", m.gate ? "gate" : "info");
  v.set("state", std::string(word(d.state)));
  v.set("reason", d.reason), v.set("advice", d.advice);
  v.set("n_site", d.n_site), v.set("site_mean", Value(d.site_mean));
  v.set("n_reference", m.n), v.set("reference_mean", Value(d.reference_mean));
  v.set("scale", std::string(word(m.scale)));
  v.set("site_sd_on_scale", Value(d.site_sd)), v.set("reference_sd_on_scale", Value(d.reference_sd));
  v.set("better", std::string(word(m.better)));
  v.set("margin", m.margin > 0 ? Value(m.margin) : Value());
  v.set("margin_kind", std::string(word(m.margin_kind)));
  v.set("rationale", m.rationale), v.set("set_by", m.set_by);
  v.set("acceptable", Value(d.acceptable));
  v.set("room", Value(d.room)), v.set("room_ci_lo", Value(d.room_low)), v.set("room_ci_hi", Value(d.room_high));
  const judge::Side* side = nearest_side(d);
  v.set("se_on_scale", side && side->se > 0 ? Value(side->se) : Value());
  v.set("dof", side && side->se > 0 ? Value(side->dof) : Value());
  v.set("p_noninferior", Value(d.p_noninferior)), v.set("p_inferior", Value(d.p_inferior));
  v.set("sd_ratio_p", Value(d.sd_ratio_p));
  v.set("flags", json::array_of(d.flags));
  return v;
}

Value needed_json(const judge::ScansNeeded& n) {
  Value v;
  v.set("site", n.site ? Value(*n.site) : Value());
  v.set("power", Value(n.power));
  v.set("reference", n.reference ? Value(*n.reference) : Value());
  v.set("never", n.never);
  return v;
}

std::string number(const Value& v, std::string_view key) {
  const auto found = json::number_at(&v, key);
  return found ? short_number(*found) : "-";
}

std::string padded(std::string text, std::size_t width) {
  if (text.size() < width) text.append(width - text.size(), ' ');
  return text;
}

}  // namespace

Value comparison_json(const ComparisonDocument& d) {
  const judge::Comparison& c = d.comparison;
  Value v;
  v.set("schema", "iqgate.comparison/1");
  v.set("software", json::object_of(d.software));
  Value profile;
  profile.set("name", d.profile.name), profile.set("version", d.profile.version);
  profile.set("source", d.profile.source), profile.set("digest", d.profile.digest);
  v.set("profile", std::move(profile));
  Value site;
  site.set("scanner", d.site.front().scanner);
  json::Array scans;
  for (std::size_t k = 0; k < d.site.size(); ++k) {
    std::string inputs;
    for (const std::string& hash : d.site[k].inputs) inputs += hash + "\n";
    Value scan;
    scan.set("result", d.site[k].source), scan.set("taken", d.site[k].taken);
    scan.set("inputs_sha256", sha256_hex(inputs));
    scan.set("result_sha256", k < d.result_sha256.size() ? d.result_sha256[k] : "");
    if (k < d.partner_sha256.size()) scan.set("partner_sha256", d.partner_sha256[k]);
    scans.push_back(std::move(scan));
  }
  site.set("scans", std::move(scans));
  v.set("site", std::move(site));
  v.set("context", json::object_of(d.context));
  v.set("days", c.days > 0 ? Value(c.days) : Value());
  v.set("look", d.look ? Value(*d.look) : Value());
  // As it was before this comparison: a log that does not pass through it was cut or made anew.
  Value log;
  if (d.log_before) log.set("length", d.log_before->length), log.set("last_digest", d.log_before->last_digest);
  v.set("log_before", std::move(log));
  v.set("alpha_go", c.alpha_go), v.set("alpha_nogo", c.alpha_nogo);
  v.set("claim", std::string(word(d.profile.claim)));
  v.set("overall", std::string(word(c.overall)));
  v.set("provisional", c.provisional);
  v.set("sentence", overall_words(c));
  json::Array decides, metrics, differences;
  for (const std::size_t k : c.named) {
    const judge::MetricVerdict& m = c.metrics[k];
    Value entry;
    entry.set("name", m.metric.name), entry.set("variant", m.metric.variant), entry.set("where", m.metric.where);
    entry.set("sentence", metric_words(m, c.alpha_go));
    decides.push_back(std::move(entry));
  }
  v.set("decides", std::move(decides));
  for (const judge::MetricVerdict& m : c.metrics) metrics.push_back(metric_json(m));
  v.set("metrics", std::move(metrics));
  for (const judge::ConditionDifference& x : c.differences) {
    Value entry;
    entry.set("tag", x.tag), entry.set("wanted", x.wanted), entry.set("found", x.found), entry.set("scan", x.scan);
    differences.push_back(std::move(entry));
  }
  v.set("differences", std::move(differences));
  v.set("flags", json::array_of(c.flags));
  Value needed;
  needed.set("if_equal", needed_json(c.needed_if_equal));
  needed.set("as_observed", needed_json(c.needed_as_observed));
  needed.set("power_if_equal", Value(c.power_if_equal));
  needed.set("sentence", scans_words(c, d.profile.planned_scans));
  v.set("scans_needed", std::move(needed));
  v.set("created_utc", d.created_utc);
  return v;
}

std::string comparison_table(const Value& c, bool colour) {
  const std::string overall = text_at(&c, "overall");
  const char* code = overall == "GO" ? "32;1" : overall == "NO-GO" ? "31;1" : "33;1";
  const bool not_final = json::flag_at(&c, "provisional");
  std::string out = (colour ? std::string("\x1b[") + code + "m" + overall + "\x1b[0m" : overall) +
                    (not_final ? " (provisional)" : "") + "\n" + text_at(&c, "sentence") + "\n";
  for (const Value& d : json::list_at(&c, "decides")) out += "  " + text_at(&d, "sentence") + "\n";
  for (const Value& d : json::list_at(&c, "differences"))
    out += "  " + text_at(&d, "scan") + ": " + text_at(&d, "tag") + " is " + text_at(&d, "found") +
           ", the profile asks for " + text_at(&d, "wanted") + "\n";
  if (const std::string needed = text_at(c.find("scans_needed"), "sentence"); !needed.empty()) out += needed + "\n";
  for (const Value& f : json::list_at(&c, "flags"))
    if (f.string()) out += "note: " + flag_words(*f.string()) + "\n";
  std::vector<std::vector<std::string>> rows{
      {"gate metric", "site", "reference", "worst acceptable", "room", "unit", "p", "state", "flags"}};
  for (const Value& m : json::list_at(&c, "metrics")) {
    if (text_at(&m, "role") != "gate") continue;
    std::string flags;
    for (const Value& f : json::list_at(&m, "flags")) flags += (flags.empty() ? "" : ",") + *f.string();
    rows.push_back({judge::metric_key(text_at(&m, "name"), text_at(&m, "variant"), text_at(&m, "where")),
                    number(m, "site_mean"), number(m, "reference_mean"), number(m, "acceptable"), number(m, "room"),
                    text_at(&m, "unit"), number(m, "p_noninferior"), text_at(&m, "state"), flags});
  }
  std::vector<std::size_t> widths(rows.front().size(), 0);
  for (const auto& row : rows)
    for (std::size_t k = 0; k < row.size(); ++k) widths[k] = std::max(widths[k], row[k].size());
  for (const auto& row : rows) {
    std::string line;
    for (std::size_t k = 0; k < row.size(); ++k) line += padded(row[k], widths[k] + 2);
    out += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
  }
  return out;
}

}  // namespace iqgate::report
