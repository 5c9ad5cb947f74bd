#include "iqgate/report/dossier.hpp"

#include <algorithm>

#include "iqgate/base/sha256.hpp"
#include "iqgate/report/dossier_template.hpp"
#include "iqgate/report/flag_words.hpp"
#include "iqgate/report/html_sections.hpp"
#include "iqgate/report/page.hpp"
#include "iqgate/report/result_file.hpp"
#include "iqgate/report/tables.hpp"

namespace iqgate::report {
namespace {

using json::list_at;
using json::number_at;
using json::text_at;
using json::Value;

std::string number_text(const Value& v, std::string_view key) {
  const auto number = number_at(&v, key);
  return number ? short_number(*number) : "—";
}

// What the comparison was made for comes first: a context given later cannot change the question.
std::string context_text(const DossierParts& parts, const char* key) {
  if (parts.comparison)
    if (const std::string text = text_at(parts.comparison->find("context"), key); !text.empty()) return text;
  if (const auto found = parts.context.find(key); found != parts.context.end()) return found->second;
  for (const DossierResult& r : parts.results)
    if (const std::string text = text_at(r.result.find("context"), key); !text.empty()) return text;
  return {};
}

// The first result, with what the dossier knows about site and people.
Value with_context(const Value& result, const DossierParts& parts) {
  json::Object members;
  for (const json::Member& m : *result.object())
    if (m.key != "context") members.push_back(m);
  json::Object context;
  for (const char* key : {"site", "room", "operator", "physicist", "test_type", "phantom_serial"})
    context.push_back({key, context_text(parts, key)});
  members.push_back({"context", std::move(context)});
  return members;
}

// The answer must stay on page one.
std::string shortened(const std::string& text) {
  constexpr std::size_t most = 400;
  if (text.size() <= most) return text;
  std::size_t end = most;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  return text.substr(0, end) + " … (shortened)";
}

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

// The worst of the results' own verdicts; whatever is no verdict is none.
std::string overall_of(const std::vector<DossierResult>& results) {
  std::size_t pass = 0, no_limit = 0;
  for (const DossierResult& r : results) {
    const std::string overall = text_at(&r.result, "overall");
    if (overall == "fail") return "fail";
    pass += overall == "pass", no_limit += overall == "no_limit";
  }
  return pass == results.size() ? "pass" : no_limit == results.size() ? "no_limit" : "no_verdict";
}

// What a board must know beside the answer.
json::Array warnings(const DossierParts& parts) {
  json::Array out;
  const auto warn = [&](const std::string& text) { out.push_back(object({{"text", text}})); };
  if (!parts.comparison) return out;
  std::size_t broken = 0;
  for (const DossierResult& r : parts.results) broken += text_at(&r.result, "overall") == "fail";
  if (broken > 0)
    warn(std::to_string(broken) + " of the " + std::to_string(parts.results.size()) +
         " scans FAIL the limits they were judged against (below: Deviations, and what failed).");
  const std::string scanner = text_at(parts.comparison->find("site"), "scanner");
  bool later = false;
  if (parts.log)
    for (const Value& e : parts.log->entries) {
      if (later && text_at(&e, "scanner") == scanner)
        warn("A LATER DECISION about this scanner stands in the log: " + text_at(&e, "overall") +
             (json::flag_at(&e, "provisional") ? " (provisional)" : "") + ", entry " + number_text(e, "index") +
             ", profile " + text_at(&e, "profile_name") + ".");
      later = later || text_at(&e, "comparison_sha256") == parts.comparison_sha256;
    }
  return out;
}

void set_answer(const DossierParts& parts, Value& page) {
  json::Array decides;
  std::string answer, colour, sentence, scans;
  if (parts.comparison) {
    const Value& c = *parts.comparison;
    answer = text_at(&c, "overall");
    colour = answer == "GO" ? "pass" : answer == "NO-GO" ? "fail" : "no_verdict";
    if (json::flag_at(&c, "provisional")) answer += " (provisional)", colour = "no_verdict";
    sentence = text_at(&c, "sentence");
    if (list_at(&c, "differences").empty()) scans = text_at(c.find("scans_needed"), "sentence");
    for (const Value& d : list_at(&c, "decides")) decides.push_back(object({{"text", text_at(&d, "sentence")}}));
    for (const Value& d : list_at(&c, "differences"))
      decides.push_back(
          object({{"text", text_at(&d, "scan") + ": " + text_at(&d, "tag") + " is " + text_at(&d, "found") +
                               ", the profile asks for " + text_at(&d, "wanted") + "."}}));
  } else {
    const std::string overall = overall_of(parts.results);
    answer = overall == "no_limit" ? "NOT JUDGED" : words(overall);
    colour = overall;
    sentence = std::to_string(parts.results.size()) + " result(s) judged against limits; the worst of them counts.";
  }
  page.set("answer", answer), page.set("colour", colour), page.set("sentence", sentence), page.set("needed", scans);
  page.set("decides", std::move(decides));
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

// Limits that are broken or not decided, and what could not be measured: each once, with the scans it is true of.
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

}  // namespace

void check_parts(const DossierParts& parts) {
  std::vector<judge::Record> records;
  for (const DossierResult& r : parts.results) {
    records.push_back(record_of(r.result, r.name));
    if (records.back().scanner != records.front().scanner || records.back().phantom != records.front().phantom)
      throw InputError("several_scanners", r.name,
                       "is of another scanner or phantom than " + parts.results.front().name,
                       "make a dossier for each scanner and phantom");
  }
  judge::refuse_same_scan({}, records);
  if (parts.selftest && list_at(&*parts.selftest, "rows").empty())
    throw InputError("no_evidence", "--selftest", "holds no rows", "run iqgate selftest -o DIR");
  if (!parts.comparison) return;
  for (const auto& [key, value] : parts.context)
    if (const std::string text = text_at(parts.comparison->find("context"), key); !text.empty() && text != value)
      throw UsageError("other_context", "--context", "the comparison was made for another " + key,
                       "compare again with this context, or leave it out");
  if (!parts.log && number_at(&*parts.comparison, "look"))
    throw UsageError("wrong_use", "--comparison", "was entered in a decision log, and none is named",
                     "name it with --log: only the log tells that the comparison is the one that was made");
  const json::Array& scans = list_at(parts.comparison->find("site"), "scans");
  for (const Value& scan : scans) {
    const std::string digest = text_at(&scan, "result_sha256");
    if (std::none_of(parts.results.begin(), parts.results.end(),
                     [&](const DossierResult& r) { return r.sha256 == digest; }))
      throw InputError("other_results", text_at(&scan, "result"),
                       "the comparison was made from a result that is not among those given, or was changed since",
                       "give the very result folders that were compared");
  }
  if (parts.results.size() != scans.size())
    throw InputError("other_results", "--dossier", "holds results that the comparison does not know",
                     "give the very result folders that were compared");
  if (!parts.log) return;
  for (const Value& e : parts.log->entries)
    if (text_at(&e, "comparison_sha256") == parts.comparison_sha256) return;
  throw InputError("not_in_log", "--log", "the decision log does not hold this comparison",
                   "compare with --log, and keep that comparison.json");
}

std::string dossier_html(const DossierParts& parts) {
  Value page;
  page.set("version", parts.version), page.set("created", parts.created_utc);
  for (const char* key : {"question", "method", "claim", "site", "operator", "physicist", "certificate"})
    page.set(key, shortened(or_not_given(context_text(parts, key))));
  set_answer(parts, page);
  const auto set_list = [&](const std::string& key, json::Array rows) {
    page.set("has_" + key, !rows.empty());
    page.set(key, std::move(rows));
  };
  set_list("gates", parts.comparison ? gate_rows(*parts.comparison) : json::Array{});
  page.set("identity", identity(with_context(parts.results.front().result, parts)));
  page.set("technique", technique(parts.results.front().result));
  set_list("scan_rows", scan_rows(parts));
  set_list("pictures", picture_figures(parts.pictures, parts.maps));
  set_list("plots", curve_figures(parts.results.front().result));
  set_list("trouble", trouble_rows(parts));
  set_list("history", history_rows(parts));
  set_list("warnings", warnings(parts));
  page.set("deviations", or_not_given(context_text(parts, "deviations")));
  json::Array notes;
  if (parts.comparison)
    for (const Value& f : list_at(&*parts.comparison, "flags"))
      if (f.string() && (*f.string() != "unplanned_look" || text_at(&*parts.comparison, "overall") == "GO"))
        notes.push_back(object({{"text", flag_words(*f.string())}}));
  set_list("notes", std::move(notes));
  page.set("selftest",
           parts.selftest
               ? selftest_sentence(*parts.selftest, text_at(parts.results.front().result.find("software"), "version"))
               : "No evidence of a self-test of this installation was filed with this dossier.");
  page.set("provenance", provenance(parts));
  return render_page(dossier_template, page);
}

Value dossier_manifest(const std::map<std::string, std::string>& file_sha256, const DossierParts& parts) {
  Value v;
  v.set("schema", "iqgate.dossier/1");
  v.set("created_utc", parts.created_utc);
  json::Object files;
  for (const auto& [name, digest] : file_sha256) files.push_back({name, digest});
  v.set("files", std::move(files));
  Value log;
  if (parts.log) {
    log.set("length", parts.log->state.length);
    log.set("last_digest", parts.log->state.last_digest);
  }
  v.set("log", std::move(log));
  v.set("digest", sha256_hex(json::write(v, 0)));
  return v;
}

}  // namespace iqgate::report
