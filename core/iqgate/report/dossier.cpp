#include "iqgate/report/dossier.hpp"

#include <algorithm>

#include "iqgate/base/sha256.hpp"
#include "iqgate/report/dossier_tables.hpp"
#include "iqgate/report/dossier_template.hpp"
#include "iqgate/report/flag_words.hpp"
#include "iqgate/report/html_sections.hpp"
#include "iqgate/report/page.hpp"
#include "iqgate/report/result_file.hpp"

namespace iqgate::report {
namespace {

using json::list_at;
using json::number_at;
using json::text_at;
using json::Value;

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
