#include "iqgate/report/html.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <map>

#include "iqgate/base/sha256.hpp"
#include "iqgate/report/html_sections.hpp"
#include "iqgate/report/page.hpp"
#include "iqgate/report/report_template.hpp"
#include "iqgate/report/tables.hpp"

namespace iqgate::report {
namespace {

using json::list_at;
using json::number_at;
using json::text_at;
using json::Value;

std::string bounds_text(const Value* pair) {
  if (!pair || !pair->array() || pair->array()->size() != 2) return "";
  const auto low = (*pair->array())[0].number(), high = (*pair->array())[1].number();
  if (low && high) return short_number(*low) + " .. " + short_number(*high);
  if (low) return "≥ " + short_number(*low);
  if (high) return "≤ " + short_number(*high);
  return "";
}

std::string joined(const json::Array& items, const char* separator, const std::string& leave_out = {}) {
  std::string out;
  for (const Value& v : items)
    if (v.string() && *v.string() != leave_out) out += (out.empty() ? "" : separator) + *v.string();
  return out;
}

const Value* verdict_of(const Value& result, const Value& m) {
  for (const Value& v : list_at(&result, "verdicts"))
    if (text_at(&v, "name") == text_at(&m, "name") && text_at(&v, "variant") == text_at(&m, "variant") &&
        text_at(&v, "where") == text_at(&m, "where"))
      return &v;
  return nullptr;
}

int severity(const std::string& state) {
  static const std::vector<std::string> order{"fail", "undecided", "not_measured", "warn", "pass", "no_limit", ""};
  return static_cast<int>(std::find(order.begin(), order.end(), state) - order.begin());
}

Value row_of(const Value& result, const Value& m) {
  const Value* v = verdict_of(result, m);
  const std::string state = text_at(v, "state");
  const auto se = number_at(&m, "se"), low = number_at(&m, "ci95_lo"), high = number_at(&m, "ci95_hi");
  const Value* limit = v ? v->find("limit") : nullptr;
  const Value* bounds = limit && limit->find("applied") ? limit->find("applied") : limit ? limit->find("act") : nullptr;
  const std::string variant = text_at(&m, "variant"), verdict_flags = joined(list_at(v, "flags"), ", "),
                    own = joined(list_at(&m, "flags"), ", ", "ci_scope=within_scan");
  return object({{"name", text_at(&m, "name") + (variant.empty() ? "" : " [" + variant + "]")},
                 {"where", text_at(&m, "where")},
                 {"value", short_number(number_at(&m, "value").value_or(0), se)},
                 {"interval", low && high ? short_number(*low, se) + " .. " + short_number(*high, se) : "—"},
                 {"unit", text_at(&m, "unit")},
                 {"limit", bounds_text(bounds)},
                 {"state", state.empty() ? "no_limit" : state},
                 {"state_words", state.empty() ? "" : words(state)},
                 {"source", text_at(v, "source")},
                 {"flags", own + (own.empty() || verdict_flags.empty() ? "" : ", ") + verdict_flags}});
}

// Judged rows, the worst first; or those without a limit, in the order of the catalogue.
Value rows(const Value& result, bool judged) {
  std::vector<std::pair<int, Value>> sorted;
  for (const Value& m : list_at(&result, "measurements"))
    if (const std::string state = text_at(verdict_of(result, m), "state");
        (state.empty() || state == "no_limit") != judged)
      sorted.emplace_back(severity(text_at(verdict_of(result, m), "state")), row_of(result, m));
  for (const Value& v : list_at(&result, "verdicts"))
    if (judged && text_at(&v, "state") == "not_measured") {
      const Value* limit = v.find("limit");
      sorted.emplace_back(severity("not_measured"),
                          object({{"name", text_at(&v, "name")},
                                  {"where", text_at(&v, "where")},
                                  {"value", "—"},
                                  {"interval", "—"},
                                  {"unit", text_at(limit, "unit")},
                                  {"limit", bounds_text(limit ? limit->find("act") : nullptr)},
                                  {"state", "not_measured"},
                                  {"state_words", "NOT MEASURED"},
                                  {"source", text_at(&v, "source")},
                                  {"flags", ""}}));
    }
  std::stable_sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  json::Array out;
  for (auto& [key, row] : sorted) out.push_back(row);
  return out;
}

// Tests that are to be repeated: one note for each period.
void due_notes(const Value& result, json::Array& out) {
  std::map<double, std::string> tests;
  for (const Value& v : list_at(&result, "verdicts"))
    if (const auto days = number_at(v.find("limit"), "due_days")) {
      std::string& names = tests[*days];
      if (names.find(text_at(&v, "name")) == std::string::npos)
        names += (names.empty() ? "" : ", ") + text_at(&v, "name");
    }
  for (const auto& [days, names] : tests)
    out.push_back(
        object({{"text", "To be repeated within " + short_number(days) + " days of the scan: " + names + "."}}));
}

Value notes(const Value& result) {
  json::Array out;
  const auto add = [&](const std::string& note) { out.push_back(object({{"text", note}})); };
  const Value* backend = result.find("backend");
  add("Computed on " + text_at(backend, "name") + " (" + text_at(backend, "device") + "). " +
      text_at(backend, "reason"));
  if (const Value* placement = result.find("phantom")->find("placement"); placement && placement->object()) {
    add("Phantom placed by " + text_at(placement, "method") + ", score " +
        short_number(number_at(result.find("phantom"), "score").value_or(0)) + ", fit rms " +
        short_number(number_at(placement, "fit_rms_mm").value_or(0)) + " mm" +
        (number_at(placement, "radius_mm")
             ? ", radius " + short_number(*number_at(placement, "radius_mm"), number_at(placement, "radius_se_mm")) +
                   " mm"
             : "") +
        ".");
    if (const std::string flags = joined(list_at(placement, "flags"), ", "); !flags.empty())
      add("Placement: " + flags + ".");
  }
  for (const Value& s : list_at(result.find("input"), "scans"))
    if (const std::string flags = joined(list_at(&s, "flags"), ", "); !flags.empty())
      add("Scan " + text_at(&s, "id") + ": " + flags + ".");
  due_notes(result, out);
  add("Intervals describe the noise within this scan; set-up and scanner drift are not in them.");
  return out;
}

std::string overall_sentence(const Value& result) {
  int counts[7] = {};
  for (const Value& v : list_at(&result, "verdicts")) ++counts[std::min(severity(text_at(&v, "state")), 6)];
  const std::string overall = text_at(&result, "overall");
  const auto n = [](int k) { return std::to_string(k); };
  if (overall == "pass")
    return "All " + n(counts[4] + counts[3]) + " limits that apply are met" +
           (counts[3] ? ", " + n(counts[3]) + " with a warning." : ".");
  if (overall == "fail")
    return n(counts[0]) + " limit(s) broken, " + n(counts[4] + counts[3]) + " met, " + n(counts[1]) + " undecided, " +
           n(counts[2]) + " not measured.";
  if (overall == "no_verdict" && counts[1] + counts[2] == 0)
    return "Limits were given, and none of them applies to this scan: no verdict.";
  if (overall == "no_verdict")
    return "No limit is shown to be broken, but " + n(counts[1]) + " are undecided and " + n(counts[2]) +
           " could not be measured: no verdict.";
  return "Measured without limits: nothing was judged.";
}

Value appendix(const Value& result) {
  json::Array out;
  const auto add_all = [&](const Value* map, const std::string& prefix) {
    if (map && map->object())
      for (const json::Member& m : *map->object())
        if (m.value.string()) out.push_back(object({{"key", prefix + m.key}, {"value", *m.value.string()}}));
  };
  add_all(result.find("software"), "software: ");
  add_all(result.find("input")->find("settings"), "setting: ");
  out.push_back(
      object({{"key", "phantom file SHA-256"}, {"value", or_not_given(text_at(result.find("phantom"), "sha256"))}}));
  for (const Value& f : list_at(&result, "limits"))
    out.push_back(object({{"key", "limits: " + text_at(&f, "name") + " (" + text_at(&f, "edition") + ")"},
                          {"value", text_at(&f, "source") + " — SHA-256 " + text_at(&f, "sha256")}}));
  for (const Value& s : list_at(result.find("input"), "scans"))
    for (const Value& hash : list_at(&s, "sha256"))
      if (hash.string()) out.push_back(object({{"key", "input file SHA-256"}, {"value", *hash.string()}}));
  return out;
}

}  // namespace

std::string html_report(const Value& result, const std::vector<Picture>& pictures, const std::vector<Map>& maps) {
  Value page;
  const std::string overall = text_at(&result, "overall");
  page.set("report_id", sha256_hex(json::write(result, 0)).substr(0, 12));
  page.set("phantom_title", text_at(result.find("phantom"), "title"));
  page.set("version", text_at(result.find("software"), "version"));
  page.set("created", text_at(&result, "created_utc"));
  page.set("overall", overall);
  page.set("overall_words", overall == "no_limit" ? "NOT JUDGED" : words(overall));
  page.set("overall_sentence", overall_sentence(result));
  page.set("counts", std::to_string(list_at(&result, "measurements").size()) + " numbers, " +
                         std::to_string(list_at(&result, "not_measured").size()) + " not measured");
  page.set("identity", identity(result));
  page.set("technique", technique(result));
  const Value judged = rows(result, true), unjudged = rows(result, false);
  const auto present = [](const Value& v) { return !v.array()->empty(); };
  page.set("has_judged", present(judged));
  page.set("judged", judged);
  page.set("has_unjudged", present(unjudged));
  page.set("unjudged", unjudged);
  json::Array missing;
  for (const Value& n : list_at(&result, "not_measured"))
    missing.push_back(
        object({{"name", text_at(&n, "name")}, {"where", text_at(&n, "where")}, {"reason", text_at(&n, "reason")}}));
  page.set("has_missing", !(list_at(&result, "not_measured").empty()));
  page.set("missing", missing);
  const json::Array shown = picture_figures(pictures, maps);
  page.set("has_pictures", !(pictures.empty() && maps.empty()));
  page.set("pictures", shown);
  const json::Array plots = curve_figures(result);
  page.set("has_plots", !plots.empty());
  page.set("plots", plots);
  if (plots.empty() && !list_at(&result, "curves").empty())
    page.set("no_plots", "The curves are not drawn: gnuplot could not be run. Their points stand in curves.csv.");
  page.set("notes", notes(result));
  page.set("appendix", appendix(result));
  return render_page(report_template, page);
}

}  // namespace iqgate::report
