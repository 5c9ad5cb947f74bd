#include <algorithm>

#include "iqgate/batch/outputs.hpp"
#include "iqgate/report/exports.hpp"
#include "iqgate/report/page.hpp"

namespace iqgate::batch {
namespace {

using json::list_at;
using json::text_at;
using json::Value;

constexpr const char* page_template = R"html(<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>iqgate batch</title>
<style>
@page { size: A4 landscape; margin: 12mm; }
body { font: 14px/1.45 system-ui, sans-serif; color: #1c2430; margin: 0 auto; max-width: 1180px; padding: 20px; background: #fff; }
h1 { font-size: 22px; margin: 0 0 4px; } h2 { font-size: 17px; margin: 28px 0 8px; border-bottom: 1px solid #cfd6df; padding-bottom: 3px; }
.small { color: #56616e; font-size: 12px; }
.counts { display: flex; flex-wrap: wrap; gap: 10px; margin: 14px 0; } .counts div { border: 2px solid #cfd6df; border-radius: 6px; padding: 6px 14px; text-align: center; }
.counts b { display: block; font-size: 22px; font-variant-numeric: tabular-nums; } .alarm { color: #a11212; font-weight: 700; }
table { border-collapse: collapse; width: 100%; font-size: 12.5px; } th { text-align: left; background: #eef2f7; } th, td { padding: 4px 7px; border-bottom: 1px solid #e1e6ec; vertical-align: top; }
td:first-child { white-space: nowrap; font-family: monospace; } td:last-child { overflow-wrap: break-word; min-width: 220px; }
.fail, .failed, .quarantined { background: #fcebeb; } .no_verdict, .open { background: #fff6e0; } .warn { background: #fffbe6; }
td.state { font-weight: 700; white-space: nowrap; } .pass td.state { color: #12692f; } .fail td.state, .failed td.state, .quarantined td.state { color: #a11212; } .no_verdict td.state, .warn td.state, .open td.state { color: #8a5a00; }
</style></head><body>
<h1>Batch of phantom scans</h1>
<p class="small">run {{run}}{{#resumed}}, resumed{{/resumed}}; written {{now}}; {{computed}} scan(s) settled by this run, {{kept}} before it{{#stopped}}; <span class="alarm">stopped before its end</span>{{/stopped}}</p>
<div class="counts">{{#counts}}<div class="{{state}}"><b>{{count}}</b>{{words}}</div>{{/counts}}</div>
{{#missing}}<p class="alarm">Nothing came from {{scanner}} within {{hours}} h (last: {{last}}).</p>{{/missing}}
<h2>Scans</h2>
<p class="small">What needs a look comes first. A scan is told by the first digits of its key.</p>
<table><tr><th>scan</th><th>state</th><th>scanner</th><th>phantom</th><th>taken</th><th>rule</th><th>gate</th><th>why</th></tr>
{{&rows}}</table>
<h2>Trends</h2>
{{#charts}}<p>{{#alarm}}<span class="alarm">ALARM</span> {{/alarm}}{{scanner}}, {{phantom}}: {{list}}</p>
{{/charts}}{{#has_trend}}<p><a href="trend.html">All control charts</a></p>{{/has_trend}}{{^has_trend}}<p>No number that has a limit: nothing is charted.</p>{{/has_trend}}
</body></html>
)html";

int urgency(const store::Entry& e) {
  static const std::vector<std::string> order{"quarantined", "failed", "fail",    "no_verdict",
                                              "open",        "warn",   "no_limit"};
  const auto found = std::find(order.begin(), order.end(), standing_of(e.outcome));
  return static_cast<int>(found - order.begin()) + (e.computed ? 0 : 100);
}

std::string row(const store::Entry& e) {
  const std::string state = standing_of(e.outcome), key = e.scan.key.substr(0, 12);
  const auto cell = [](const std::string& text) { return "<td>" + report::xml_text(text) + "</td>"; };
  const bool report = e.outcome.files.count("report.html") != 0;
  const std::string name =
      report ? "<a href=\"" + result_folder("", e.scan.key).substr(1) + "/report.html\">" + key + "</a>" : key;
  const std::string why = e.outcome.code.empty() ? "" : e.outcome.code + ": " + e.outcome.reason;
  return "<tr class=\"" + state + "\"><td>" + name + "</td><td class=\"state\">" + words_of(state) + "</td>" +
         cell(e.scan.scanner) + cell(e.outcome.phantom) + cell(e.outcome.taken) + cell(e.scan.rule) +
         cell(e.outcome.gate) + cell(why) + "</tr>\n";
}

std::string rows_of(const Summary& summary) {
  std::vector<const store::Entry*> order;
  for (const store::Entry& e : summary.entries) order.push_back(&e);
  std::stable_sort(order.begin(), order.end(),
                   [](const store::Entry* a, const store::Entry* b) { return urgency(*a) < urgency(*b); });
  std::string rows;
  for (const store::Entry* e : order) rows += row(*e);
  return rows;
}

json::Array charts_of(const Value& trend) {
  json::Array charts;
  for (const Value& group : list_at(&trend, "groups")) {
    std::string alarms;
    for (const Value& chart : list_at(&group, "charts"))
      if (json::flag_at(&chart, "alarm_at_newest"))
        alarms += (alarms.empty() ? "" : ", ") + text_at(&chart, "name") + " " + text_at(&chart, "where");
    Value v;
    v.set("scanner", text_at(&group, "scanner")), v.set("phantom", text_at(&group, "phantom"));
    v.set("alarm", !alarms.empty() || json::flag_at(&group, "overdue"));
    v.set("list", !alarms.empty()                    ? alarms
                  : json::flag_at(&group, "overdue") ? std::string("overdue")
                                                     : std::to_string(list_at(&group, "charts").size()) +
                                                           " chart(s), none with an alarm at its newest point");
    charts.push_back(std::move(v));
  }
  return charts;
}

}  // namespace

std::string index_html(const Summary& summary, const BatchRun& run, const Value& trend, const std::string& now) {
  std::map<std::string, std::size_t> counts;
  std::size_t computed = 0, kept = 0;
  for (const auto& [word, count] : summary.computed) counts[word] += count, computed += count;
  for (const auto& [word, count] : summary.kept) counts[word] += count, kept += count;
  if (summary.open > 0) counts["open"] = summary.open;
  json::Array boxes, missing;
  for (const char* word : {"pass", "warn", "fail", "no_verdict", "no_limit", "failed", "quarantined", "open"})
    if (counts.count(word)) {
      Value box;
      box.set("state", word), box.set("words", words_of(word)), box.set("count", std::to_string(counts[word]));
      boxes.push_back(std::move(box));
    }
  for (const Expectation& e : summary.expectations)
    if (e.missing) {
      Value entry;
      entry.set("scanner", e.scanner), entry.set("hours", json::number_text(e.hours));
      entry.set("last", e.last_arrival.empty() ? "never" : e.last_arrival);
      missing.push_back(std::move(entry));
    }
  Value page;
  page.set("run", run.run.id), page.set("resumed", run.run.resumed), page.set("now", now);
  page.set("stopped", run.stopped), page.set("computed", std::to_string(computed)),
      page.set("kept", std::to_string(kept));
  page.set("counts", std::move(boxes)), page.set("missing", std::move(missing)), page.set("rows", rows_of(summary));
  page.set("charts", charts_of(trend)), page.set("has_trend", !trend.is_null());
  return report::render_page(page_template, page);
}

}  // namespace iqgate::batch
