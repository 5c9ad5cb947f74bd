#include "iqgate/batch/summary.hpp"

#include <algorithm>
#include <cmath>
#include <set>

#include "iqgate/base/error.hpp"
#include "iqgate/base/text_number.hpp"
#include "iqgate/base/utc_time.hpp"

namespace iqgate::batch {
namespace {

constexpr const char* words[] = {"pass", "warn", "fail", "no_verdict", "no_limit", "failed", "quarantined"};

std::size_t total(const std::map<std::string, std::size_t>& counts) {
  std::size_t sum = 0;
  for (const auto& [word, count] : counts) sum += count;
  return sum;
}

json::Value counts_json(const std::map<std::string, std::size_t>& counts) {
  json::Value v;
  v.set("total", total(counts));
  for (const char* word : words) v.set(word, counts.count(word) ? counts.at(word) : std::size_t{0});
  return v;
}

int code_of(const store::Entry& e) {
  if (e.outcome.state == store::State::done) return e.outcome.exit_code;
  return 4;  // failed, quarantined, or still open: not analysed
}

int worse(int a, int b) {
  for (const int code : {70, 5, 6, 4, 3, 1})
    if (a == code || b == code) return code;
  return 0;
}

}  // namespace

std::string standing_of(const store::Outcome& o) {
  switch (o.state) {
    case store::State::failed: return "failed";
    case store::State::quarantined: return "quarantined";
    case store::State::queued:
    case store::State::running: return "open";
    case store::State::done: break;
  }
  // The exit code knows of the comparison with a reference, too.
  if (o.exit_code == 1) return "fail";
  if (o.exit_code == 3) return "no_verdict";
  return o.overall == "pass" && o.warned ? "warn" : o.overall;
}

std::string words_of(const std::string& standing) {
  if (standing == "failed") return "not analysed";
  if (standing == "no_verdict") return "no verdict";
  return standing == "no_limit" ? "no limit" : standing;
}

Expectation read_expectation(const std::string& text) {
  const std::size_t at = text.rfind('@');
  const auto number = at == std::string::npos || text.size() < at + 3
                          ? std::nullopt
                          : number_from_text(std::string_view(text).substr(at + 1, text.size() - at - 2));
  const char unit = text.empty() ? ' ' : text.back();
  if (at == 0 || !number || !(*number > 0) || (unit != 'h' && unit != 'd'))
    throw UsageError("bad_value", "--expect", "\"" + text + "\" is not SCANNER@HOURSh or SCANNER@DAYSd",
                     "write --expect \"Aera 12345@24h\"");
  return {text.substr(0, at), unit == 'd' ? *number * 24 : *number, "", false};
}

void look_for_arrivals(store::Store& store, const std::string& now, std::vector<Expectation>& expectations) {
  for (Expectation& e : expectations) {
    e.last_arrival = store.last_arrival(e.scanner);
    const auto then = utc_seconds(e.last_arrival), today = utc_seconds(now);
    e.missing =
        !then || !today || std::abs(double(*today - *then)) > e.hours * 3600;  // one far ahead was a wrong clock
  }
}

Summary summarise(const BatchRun& run, store::Store& store, std::vector<Expectation> expectations) {
  Summary s;
  s.expectations = std::move(expectations);
  const std::set<std::string> keys(run.keys.begin(), run.keys.end());
  store.each(run.run.id, [&](const store::Entry& e) {
    if (!keys.count(e.scan.key)) return;
    s.entries.push_back(e);
  });
  count(s);
  return s;
}

void count(Summary& s) {
  s.computed.clear(), s.kept.clear();
  s.found = s.entries.size(), s.open = 0;
  s.worker_seconds = s.reading_seconds = 0;
  for (const store::Entry& e : s.entries) {
    const std::string standing = standing_of(e.outcome);
    if (standing == "open") ++s.open;
    else ++(e.computed ? s.computed : s.kept)[standing];
    if (e.computed) s.worker_seconds += e.outcome.seconds, s.reading_seconds += e.outcome.reading_seconds;
  }
}

int exit_code(const Summary& summary, const BatchRun& run, bool all) {
  int code = 0;
  for (const store::Entry& e : summary.entries)
    if (all || e.computed || standing_of(e.outcome) == "open") code = worse(code, code_of(e));
  for (const Expectation& e : summary.expectations)
    if (e.missing) code = worse(code, 4);
  const bool nothing = summary.found == 0 && run.skipped == 0 && run.other_shards == 0;
  return nothing ? worse(code, 3) : code;
}

json::Value summary_json(const Summary& s, const BatchRun& run, int code) {
  json::Value v;
  v.set("schema", "iqgate.batch/1");
  v.set("run", run.run.id), v.set("resumed", run.run.resumed), v.set("started_utc", run.run.started_utc);
  v.set("stopped", run.stopped), v.set("found", s.found);
  v.set("computed", counts_json(s.computed)), v.set("kept", counts_json(s.kept)), v.set("open", s.open);
  v.set("same_bytes", run.same_bytes), v.set("skipped_by_rule", run.skipped), v.set("not_scans", run.not_scans);
  v.set("other_shards", run.other_shards);
  json::Array expected;
  for (const Expectation& e : s.expectations) {
    json::Value entry;
    entry.set("scanner", e.scanner), entry.set("within_hours", e.hours);
    entry.set("last_arrival_utc", e.last_arrival.empty() ? json::Value() : json::Value(e.last_arrival));
    entry.set("missing", e.missing);
    expected.push_back(std::move(entry));
  }
  v.set("expected", std::move(expected));
  v.set("wall_seconds", s.wall_seconds), v.set("worker_seconds", s.worker_seconds);
  v.set("reading_share", s.worker_seconds > 0 ? json::Value(s.reading_seconds / s.worker_seconds) : json::Value());
  v.set("scans_per_minute",
        s.wall_seconds > 0 ? json::Value(60 * double(total(s.computed)) / s.wall_seconds) : json::Value());
  v.set("exit_code", code);
  return v;
}

std::string summary_line(const Summary& s, const BatchRun& run) {
  std::string text = std::to_string(s.found) + " scan(s): " + std::to_string(total(s.computed)) + " in this run, " +
                     std::to_string(total(s.kept)) + " kept from before;";
  for (const char* word : words) {
    const std::size_t n =
        (s.computed.count(word) ? s.computed.at(word) : 0) + (s.kept.count(word) ? s.kept.at(word) : 0);
    if (n > 0) text += " " + std::to_string(n) + " " + words_of(word) + ",";
  }
  if (s.open > 0) text += " " + std::to_string(s.open) + " open,";
  if (text.back() == ',' || text.back() == ';') text.pop_back();
  const auto also = [&](std::size_t n, const char* what) {
    if (n > 0) text += "; " + std::to_string(n) + " " + what;
  };
  also(run.skipped, "skipped by a rule"), also(run.same_bytes, "with the same bytes as another");
  also(run.not_scans, "file(s) that are no scan"), also(run.other_shards, "left to other shards");
  for (const Expectation& e : s.expectations)
    if (e.missing)
      text += "; NOTHING CAME from " + plain_text(e.scanner) + " in " + json::number_text(e.hours) + " h" +
              (e.last_arrival.empty() ? "" : " (last: " + e.last_arrival + ")");
  return text + (run.stopped ? "; stopped, can be resumed" : "");
}

std::string plain_text(const std::string& text) {
  std::string out;
  const auto byte = [&](std::size_t k) { return k < text.size() ? static_cast<unsigned char>(text[k]) : 0u; };
  for (std::size_t k = 0; k < text.size(); ++k) {
    const unsigned b = byte(k);
    const bool c1 = b == 0xC2 && byte(k + 1) < 0xA0;
    const bool turns = b == 0xE2 && ((byte(k + 1) == 0x80 && byte(k + 2) >= 0x8E && byte(k + 2) <= 0xAE) ||
                                     (byte(k + 1) == 0x81 && byte(k + 2) >= 0xA0));
    if (b < 0x20 || b == 0x7f || c1 || turns) {
      out += '?';
      k += c1 ? 1 : turns ? 2 : 0;
    } else {
      out += text[k];
    }
  }
  return out;
}

}  // namespace iqgate::batch
