#include "iqgate/report/dossier_tables.hpp"

#include "iqgate/report/flag_words.hpp"
#include "iqgate/report/html_sections.hpp"
#include "iqgate/report/tables.hpp"

namespace iqgate::report {

using json::list_at;
using json::number_at;
using json::text_at;
using json::Value;

namespace {

std::string metric_title(const Value& m) {
  const std::string title = text_at(&m, "title");
  const std::string variant = text_at(&m, "variant");
  const std::string key =
      text_at(&m, "name") + (variant.empty() ? "" : " [" + variant + "]") + ", " + text_at(&m, "where");
  return title.empty() ? key : title + " — " + key;
}

// NO-GO names what is shown to be worse; what only looks worse is not that.
std::string state_words(const Value& comparison, const Value& m) {
  const std::string state = text_at(&m, "state");
  if (!list_at(&comparison, "differences").empty()) return "NUMBERS ONLY";
  if (state == "equivalent") return "SHOWN EQUIVALENT";
  if (state == "noninferior") return "SHOWN GOOD ENOUGH";
  if (state != "different") return state == "not_assessable" ? "NOT ASSESSABLE" : "NOT SHOWN";
  for (const Value& d : list_at(&comparison, "decides"))
    if (text_at(&comparison, "overall") == "NO-GO" && text_at(&d, "name") == text_at(&m, "name") &&
        text_at(&d, "variant") == text_at(&m, "variant") && text_at(&d, "where") == text_at(&m, "where"))
      return "SHOWN WORSE";
  return "LOOKS WORSE, NOT SHOWN";
}

std::string margin_words(const Value& m) {
  const auto margin = number_at(&m, "margin");
  if (!margin) return "limit";
  return text_at(&m, "margin_kind") == "relative" ? short_number(100 * *margin) + " %"
                                                  : short_number(*margin) + " " + text_at(&m, "unit");
}

std::string aim_words(const Value& m) {
  const std::string better = text_at(&m, "better"), scale = text_at(&m, "scale");
  return (better == "target" ? "Near the reference is better" : "A " + better + " value is better") +
         ", compared on the " + scale + " scale";
}

std::string interval_text(const Value& m) {
  const auto low = number_at(&m, "room_ci_lo"), high = number_at(&m, "room_ci_hi");
  return low && high ? short_number(*low) + " .. " + short_number(*high) : "—";
}

}  // namespace

std::string number_text(const Value& v, std::string_view key) {
  const auto number = number_at(&v, key);
  return number ? short_number(*number) : "—";
}

// What the comparison was made for comes first: a context given later cannot change the question.
json::Array gate_rows(const Value& comparison) {
  json::Array rows;
  for (const Value& m : list_at(&comparison, "metrics")) {
    if (text_at(&m, "role") != "gate") continue;
    const std::string unit = text_at(&m, "unit"),
                      state = list_at(&comparison, "differences").empty() ? text_at(&m, "state") : "inconclusive";
    std::string notes = text_at(&m, "reason");
    for (const Value& f : list_at(&m, "flags"))
      if (f.string()) notes += (notes.empty() ? "" : "; ") + flag_words(*f.string());
    rows.push_back(object({{"title", metric_title(m)},
                           {"site", number_text(m, "site_mean")},
                           {"reference", number_text(m, "reference_mean")},
                           {"acceptable", number_text(m, "acceptable")},
                           {"room", number_text(m, "room")},
                           {"interval", interval_text(m)},
                           {"unit", unit},
                           {"n", number_text(m, "n_site") + " / " + number_text(m, "n_reference")},
                           {"p", number_text(m, "p_noninferior")},
                           {"p_inferior", number_text(m, "p_inferior")},
                           {"state", state},
                           {"state_words", state_words(comparison, m)},
                           {"margin", margin_words(m)},
                           {"aim", aim_words(m)},
                           {"rationale", or_not_given(text_at(&m, "rationale"))},
                           {"set_by", or_not_given(text_at(&m, "set_by"))},
                           {"notes", notes.empty() ? "" : " Notes: " + notes + "."}}));
  }
  return rows;
}

json::Array scan_rows(const DossierParts& parts) {
  json::Array rows;
  for (const DossierResult& r : parts.results) {
    const json::Array& scans = list_at(r.result.find("input"), "scans");
    const Value* tags = scans.empty() ? nullptr : scans.front().find("tags");
    rows.push_back(object({{"name", r.name},
                           {"date", or_not_given(text_at(tags, "AcquisitionDate"))},
                           {"scan", scans.empty() ? "" : text_at(&scans.front(), "id")},
                           {"numbers", std::to_string(list_at(&r.result, "measurements").size())},
                           {"missing", std::to_string(list_at(&r.result, "not_measured").size())},
                           {"overall", words(text_at(&r.result, "overall"))},
                           {"sha256", r.sha256}}));
  }
  return rows;
}

json::Array trouble_rows(const DossierParts& parts) {
  std::map<std::string, std::string> scans_of;
  const auto add = [&](const std::string& what, const std::string& scan) {
    std::string& list = scans_of[what];
    list += (list.empty() ? "" : ", ") + scan;
  };
  for (const DossierResult& r : parts.results) {
    for (const Value& v : list_at(&r.result, "verdicts")) {
      const std::string state = text_at(&v, "state");
      if (state == "fail" || state == "undecided" || state == "not_measured")
        add("limit on " + metric_title(v) + ": " + words(state), r.name);
    }
    for (const Value& n : list_at(&r.result, "not_measured"))
      add(text_at(&n, "name") + ", " + text_at(&n, "where") + " not measured: " + text_at(&n, "reason"), r.name);
  }
  json::Array rows;
  for (const auto& [what, scans] : scans_of) rows.push_back(object({{"what", what}, {"scans", scans}}));
  return rows;
}

json::Array history_rows(const DossierParts& parts) {
  json::Array rows;
  if (!parts.log || !parts.comparison) return rows;
  const std::string scanner = text_at(parts.comparison->find("site"), "scanner");
  for (const Value& e : parts.log->entries)
    if (text_at(&e, "scanner") == scanner)
      rows.push_back(
          object({{"index", number_text(e, "index")},
                  {"at", text_at(&e, "at_utc")},
                  {"profile", text_at(&e, "profile_name")},
                  {"overall", text_at(&e, "overall") + (json::flag_at(&e, "provisional") ? " (provisional)" : "")},
                  {"look", number_text(e, "look")},
                  {"operator", or_not_given(text_at(&e, "operator"))}}));
  return rows;
}

std::string selftest_sentence(const Value& selftest, const std::string& version) {
  std::size_t passed = 0, all = 0;
  for (const Value& row : list_at(&selftest, "rows")) ++all, passed += text_at(&row, "verdict") == "pass";
  const std::string tested = text_at(selftest.find("software"), "version");
  std::string text = std::to_string(passed) + " of " + std::to_string(all) +
                     " numbers of digital phantoms with known truth were measured rightly by iqgate " + tested + ".";
  if (passed < all) text += " WARNING: not all were.";
  if (tested != version) text += " WARNING: the results were measured by version " + version + ".";
  return text;
}

json::Array provenance(const DossierParts& parts) {
  json::Array rows;
  const auto add = [&](const std::string& key, const std::string& value) {
    rows.push_back(object({{"key", key}, {"value", or_not_given(value)}}));
  };
  if (parts.comparison) {
    const Value* profile = parts.comparison->find("profile");
    add("reference profile", text_at(profile, "name") + ", version " + text_at(profile, "version"));
    add("reference profile, source", text_at(profile, "source"));
    add("reference profile, digest", text_at(profile, "digest"));
    add("comparison.json, SHA-256", parts.comparison_sha256);
  }
  const Value& first = parts.results.front().result;
  add("phantom file", text_at(first.find("phantom"), "name"));
  add("phantom file, SHA-256", text_at(first.find("phantom"), "sha256"));
  for (const Value& f : list_at(&first, "limits"))
    add("limits " + text_at(&f, "name"),
        text_at(&f, "source") + ", edition " + text_at(&f, "edition") + ", SHA-256 " + text_at(&f, "sha256"));
  add("backend", text_at(first.find("backend"), "name") + " " + text_at(first.find("backend"), "device"));
  if (const Value* software = first.find("software"); software && software->object())
    for (const json::Member& m : *software->object())
      if (m.value.string()) add("software, " + m.key, *m.value.string());
  if (parts.log) {
    add("decision log, entries", std::to_string(parts.log->state.length));
    add("decision log, last digest", parts.log->state.last_digest);
  }
  return rows;
}

}  // namespace iqgate::report
