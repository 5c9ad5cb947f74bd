#include "iqgate/report/profile_table.hpp"

#include <algorithm>
#include <map>

#include "iqgate/report/tables.hpp"

namespace iqgate::report {
namespace {

std::string condition_text(const judge::Condition& c) {
  if (!c.range) return c.text;
  if (c.range->low == c.range->high) return json::number_text(c.range->low);
  return short_number(c.range->low) + " to " + short_number(c.range->high);
}

std::string aim_text(const judge::ProfileMetric& m) {
  if (m.limit) return "limit (" + m.limit->source + ")";
  if (!(m.margin > 0)) return "for information";
  const std::string side = m.better == judge::Better::higher  ? "not lower by more than "
                           : m.better == judge::Better::lower ? "not higher by more than "
                                                              : "within ";
  return side + (m.margin_kind == judge::MarginKind::relative ? short_number(100 * m.margin) + " %"
                                                              : short_number(m.margin) + " " + m.unit);
}

std::string reference_text(const judge::ProfileMetric& m) {
  return short_number(m.mean) + (m.sd_within ? " +- " + short_number(*m.sd_within) : "") + " " + m.unit + " (" +
         std::to_string(m.n) + " scans)";
}

// Every member of the document as text, by its path; metrics by their own key instead of their place in the list.
void flatten(const json::Value& v, const std::string& path, std::map<std::string, std::string>& all) {
  if (const json::Object* members = v.object()) {
    for (const json::Member& m : *members) flatten(m.value, path.empty() ? m.key : path + " " + m.key, all);
  } else if (path == "metrics") {
    for (const json::Value& m : *v.array())
      flatten(
          m,
          judge::metric_key(json::text_at(&m, "name"), json::text_at(&m, "variant"), json::text_at(&m, "where")) + ":",
          all);
  } else {
    all[path] = v.string() ? *v.string() : json::write(v, 0);
  }
}

std::map<std::string, std::string> facts(const judge::Profile& p) {
  std::map<std::string, std::string> all;
  flatten(judge::profile_json(p), "", all);
  all.erase("digest");
  return all;
}

}  // namespace

std::string profile_table(const judge::Profile& p) {
  std::string out = p.name + ", version " + p.version + (p.source.empty() ? "" : " (" + p.source + ")") + "\n";
  out += "digest " + p.digest + "\n";
  out += "claim: " + std::string(word(p.claim)) + "; reference " + (p.fixed ? "fixed" : "estimated") + " from " +
         std::to_string(p.scans.size()) + " scans of " + std::to_string(p.scanners()) + " scanner(s); alpha " +
         short_number(p.alpha_go) + " for GO, " + short_number(p.alpha_nogo) + " for NO-GO; at least " +
         std::to_string(p.n_min) + " site scans; looks " + std::to_string(p.looks) + "\n";
  for (const auto& [tag, c] : p.conditions) out += "condition " + tag + ": " + condition_text(c) + "\n";
  std::size_t information = 0;
  for (const judge::ProfileMetric& m : p.metrics) {
    if (!m.gate) {
      ++information;
      continue;
    }
    out += "gate " + judge::metric_key(m.name, m.variant, m.where) + ": " + reference_text(m) + "; " + aim_text(m) +
           " on the " + std::string(word(m.scale)) + " scale";
    if (!m.rationale.empty()) out += "; because " + m.rationale;
    if (!m.set_by.empty()) out += "; set by " + m.set_by;
    out += "\n";
  }
  return out + std::to_string(information) + " more number(s) for information\n";
}

std::vector<std::string> profile_differences(const judge::Profile& from, const judge::Profile& to) {
  const auto a = facts(from), b = facts(to);
  std::vector<std::string> lines;
  for (const auto& [key, value] : a) {
    const auto other = b.find(key);
    if (other == b.end()) lines.push_back(key + ": " + value + " -> not there");
    else if (other->second != value) lines.push_back(key + ": " + value + " -> " + other->second);
  }
  for (const auto& [key, value] : b)
    if (!a.count(key)) lines.push_back(key + ": not there -> " + value);
  return lines;
}

}  // namespace iqgate::report
