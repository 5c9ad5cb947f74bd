#include "iqgate/report/trend.hpp"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <map>
#include <set>

#include "iqgate/base/text_number.hpp"
#include "iqgate/base/utc_time.hpp"
#include "iqgate/judge/profile.hpp"
#include "iqgate/report/result_file.hpp"
#include "iqgate/report/tables.hpp"

namespace iqgate::report {
namespace {

using json::list_at;
using json::text_at;
using json::Value;

std::string key_of(const Value& m) {
  return judge::metric_key(text_at(&m, "name"), text_at(&m, "variant"), text_at(&m, "where"));
}

// 120.0 and 2.5000001 as 120 and 2.5: the same protocol.
std::string plain(const std::string& text) {
  const auto value = number_from_text(text);
  if (!value) return text;
  char shorter[32];
  std::snprintf(shorter, sizeof shorter, "%.4g", *value);
  return shorter;
}

// What makes two scans comparable over time.
std::string protocol_of(const judge::Record& r) {
  std::string text;
  for (const char* tag : {"modality", "KVP", "ConvolutionKernel", "SliceThickness", "MagneticFieldStrength",
                          "ReceiveCoilName", "SequenceName", "EchoTime", "RepetitionTime", "spacing_z_mm"})
    if (const auto found = r.conditions.find(tag); found != r.conditions.end() && !found->second.empty())
      text += (text.empty() ? "" : ", ") + std::string(tag) + " " + plain(found->second);
  return text;
}

// Spreads, ratios of signal and noise and spectra scatter in proportion to themselves.
bool is_proportional(const std::string& name) {
  for (const char* part : {"noise", "snr", "sfnr", "_sd", "nps", "cnr", "dprime", "mtf", "ttf"})
    if (name.find(part) != std::string::npos) return true;
  return false;
}

double days_between(const std::string& from, const std::string& to) {
  const auto a = utc_seconds(from), b = utc_seconds(to);
  return a && b ? double(*b - *a) / 86400 : NAN;
}

struct Group {
  std::string scanner, phantom, protocol;
  std::vector<const DatedRecord*> records;  ///< in order of time
};

struct Series {
  std::string name, variant, where, unit;
};

// The numbers to chart, in the order of the first record that holds them.
std::vector<Series> series_of(const Group& group, const std::vector<std::string>& wanted) {
  std::vector<Series> list;
  std::set<std::string> seen;
  for (const DatedRecord* r : group.records)
    for (const Measurement& m : r->record.measurements) {
      const std::string key = judge::metric_key(m.name, m.variant, m.where);
      const bool asked = wanted.empty() ? std::find(r->judged.begin(), r->judged.end(), key) != r->judged.end()
                                        : std::find(wanted.begin(), wanted.end(), m.name) != wanted.end();
      if (asked && seen.insert(key).second) list.push_back({m.name, m.variant, m.where, m.unit});
    }
  return list;
}

Value chart_json(const Group& group, const Series& s, const std::vector<Event>& events, const TrendOptions& options) {
  std::vector<const Measurement*> numbers;
  bool positive = true;
  for (const DatedRecord* r : group.records) {
    const Measurement* m = r->record.find(s.name, s.variant, s.where);
    numbers.push_back(m && m->unit == s.unit ? m : nullptr);
    positive = positive && (!numbers.back() || numbers.back()->value > 0);
  }
  const bool log = positive && is_proportional(s.name);
  std::vector<std::optional<double>> values;
  for (const Measurement* m : numbers)
    values.push_back(m ? std::optional(log ? std::log(m->value) : m->value) : std::nullopt);
  judge::ChartOptions chart_options{options.rules, options.baseline, 0};
  for (const Event& e : events)
    if (e.resets_baseline && (e.scanner == "*" || e.scanner == group.scanner))
      for (std::size_t k = chart_options.start; k < group.records.size() && group.records[k]->at < e.at; ++k)
        chart_options.start = k + 1;
  const judge::ControlChart chart = judge::control_chart(values, chart_options);
  const auto in_unit = [&](double y) { return log ? std::exp(y) : y; };
  Value v;
  v.set("name", s.name), v.set("variant", s.variant), v.set("where", s.where), v.set("unit", s.unit);
  v.set("scale", log ? "log" : "linear");
  v.set("baseline_points", chart.baseline_points), v.set("baseline_from", chart_options.start);
  v.set("centre", chart.centre ? Value(in_unit(*chart.centre)) : Value());
  v.set("sigma_on_scale", Value(chart.sigma));
  v.set("lower_limit", chart.centre ? Value(in_unit(*chart.centre - 3 * *chart.sigma)) : Value());
  v.set("upper_limit", chart.centre ? Value(in_unit(*chart.centre + 3 * *chart.sigma)) : Value());
  json::Array points, signals;
  for (std::size_t k = 0; k < numbers.size(); ++k) {
    Value point;
    point.set("at", group.records[k]->at);
    point.set("day", days_between(group.records.front()->at, group.records[k]->at));
    point.set("result", group.records[k]->record.source);
    point.set("value", numbers[k] ? Value(numbers[k]->value) : Value());
    const bool interval = numbers[k] && numbers[k]->ci95;
    point.set("ci95_lo", interval ? Value(numbers[k]->ci95->low) : Value());
    point.set("ci95_hi", interval ? Value(numbers[k]->ci95->high) : Value());
    point.set("ewma", chart.ewma.empty() ? Value() : Value(chart.ewma[k]));
    point.set("cusum_high", chart.ewma.empty() ? Value() : Value(chart.cusum_high[k]));
    point.set("cusum_low", chart.ewma.empty() ? Value() : Value(chart.cusum_low[k]));
    points.push_back(std::move(point));
  }
  for (const judge::Signal& signal : chart.signals) {
    Value entry;
    entry.set("point", signal.point), entry.set("at", group.records[signal.point]->at);
    entry.set("rule", std::string(word(signal.rule)));
    signals.push_back(std::move(entry));
  }
  v.set("change_point", chart.change_point ? Value(group.records[*chart.change_point]->at) : Value());
  std::vector<std::string> flags = chart.flags;
  bool other_unit = false;
  for (const DatedRecord* r : group.records)
    if (const Measurement* m = r->record.find(s.name, s.variant, s.where)) other_unit = other_unit || m->unit != s.unit;
  if (other_unit) flags.push_back("unit_changed");
  if (!numbers.back()) flags.push_back("newest_missing");
  v.set("alarm_at_newest", chart.alarm || other_unit || !numbers.back());
  v.set("flags", json::array_of(flags));
  v.set("signals", std::move(signals)), v.set("points", std::move(points));
  return v;
}

// A scan that was measured again counts once: its newest result. Returns how many went.
std::size_t drop_repeats(Group& group) {
  std::map<std::string, const DatedRecord*> newest;
  for (const DatedRecord* r : group.records)
    for (const std::string& hash : r->record.inputs) {
      const DatedRecord*& kept = newest[hash];
      if (!kept || kept->made < r->made) kept = r;
    }
  return std::erase_if(group.records, [&](const DatedRecord* r) {
    return std::any_of(r->record.inputs.begin(), r->record.inputs.end(),
                       [&](const std::string& hash) { return newest[hash] != r; });
  });
}

std::vector<Group> groups_of(const std::vector<DatedRecord>& records) {
  std::map<std::string, Group> groups;
  for (const DatedRecord& r : records) {
    const std::string protocol = protocol_of(r.record);
    // Without a serial number, site and room must tell two scanners of one model apart.
    const std::string scanner = r.record.scanner + (r.serial_told || r.place.empty() ? "" : " (" + r.place + ")");
    Group& group = groups[scanner + "\n" + r.record.phantom + "\n" + protocol];
    group.scanner = scanner, group.phantom = r.record.phantom, group.protocol = protocol;
    group.records.push_back(&r);
  }
  std::vector<Group> list;
  for (auto& [key, group] : groups) list.push_back(std::move(group));
  return list;
}

}  // namespace

DatedRecord dated_record(const Value& result, const std::string& source) {
  DatedRecord d;
  d.record = record_of(result, source);
  d.time_of_scan = !d.record.taken.empty();
  d.made = text_at(&result, "created_utc").substr(0, 19);
  d.at = d.time_of_scan ? d.record.taken : d.made;
  if (!std::isfinite(days_between(d.at, "2000-01-01T00:00:00")))
    throw InputError("no_time", source, "tells neither when it was scanned nor when it was measured");
  const json::Array& scans = list_at(result.find("input"), "scans");
  d.serial_told = !scans.empty() && !text_at(scans.front().find("tags"), "DeviceSerialNumber").empty();
  const Value* context = result.find("context");
  d.place = text_at(context, "site") + (text_at(context, "room").empty() ? "" : ", " + text_at(context, "room"));
  for (const Value& v : list_at(&result, "verdicts")) {
    const std::string state = text_at(&v, "state");
    if (state != "no_limit" && state != "not_measured") d.judged.push_back(key_of(v));
    if (const auto days = json::number_at(v.find("limit"), "due_days"))
      d.due_days = std::min(d.due_days.value_or(*days), *days);
  }
  return d;
}

std::vector<Event> read_events(const std::string& path) {
  const Value document = json::parse_file(path, ErrorKind::usage);
  json::Fields fields(document, path, "", ErrorKind::usage);
  if (fields.text("schema") != "iqgate.events/1") fields.fail("schema", "unknown_value", "must be iqgate.events/1");
  std::vector<Event> events;
  for (json::Fields& entry : fields.objects("events")) {
    Event e;
    e.at = entry.text("at");
    // Times are compared as text: only one spelling of each will do.
    static constexpr std::string_view form = "0000-00-00T00:00:00";
    bool right = e.at.size() == 10 || e.at.size() == form.size();
    for (std::size_t k = 0; k < e.at.size() && right; ++k)
      right = form[k] == '0' ? std::isdigit(static_cast<unsigned char>(e.at[k])) != 0 : e.at[k] == form[k];
    if (!right || !std::isfinite(days_between(e.at.size() == 10 ? e.at + "T00:00:00" : e.at, "2000-01-01T00:00:00")))
      entry.fail("at", "out_of_range", "must be YYYY-MM-DD or YYYY-MM-DDThh:mm:ss");
    e.scanner = entry.text_or("scanner", "*");
    e.text = entry.text("text");
    e.resets_baseline = entry.flag_or("resets_baseline", false);
    entry.done();
    events.push_back(std::move(e));
  }
  fields.done();
  std::sort(events.begin(), events.end(), [](const Event& a, const Event& b) { return a.at < b.at; });
  return events;
}

Value trend_json(std::vector<DatedRecord> records, const std::vector<Event>& events, const TrendOptions& options) {
  std::sort(records.begin(), records.end(), [](const DatedRecord& a, const DatedRecord& b) {
    return std::tie(a.at, a.record.source) < std::tie(b.at, b.record.source);
  });
  Value v;
  v.set("schema", "iqgate.trend/1");
  json::Array groups;
  std::size_t charts = 0;
  for (Group& group : groups_of(records)) {
    const std::size_t dropped = drop_repeats(group);
    Value g;
    g.set("scanner", group.scanner), g.set("phantom", group.phantom), g.set("protocol", group.protocol);
    g.set("results", group.records.size());
    const DatedRecord& last = *group.records.back();
    g.set("newest", last.at);
    // A protocol that gave way to another is not overdue: the scanner's newest result of this phantom counts.
    std::string newest = last.at;
    for (const DatedRecord& r : records)
      if (r.record.scanner == last.record.scanner && r.record.phantom == group.phantom) newest = std::max(newest, r.at);
    const double age = options.now.empty() ? NAN : days_between(newest, options.now);
    g.set("overdue", last.due_days && age > *last.due_days);
    json::Array flags, list, happened;
    for (const DatedRecord* r : group.records)
      if (!r->time_of_scan && flags.empty()) flags.emplace_back("time_of_result");
    if (dropped > 0) flags.emplace_back("same_scan_dropped");
    if (group.scanner.empty() || !last.serial_told) flags.emplace_back("scanner_not_told");
    for (const Series& s : series_of(group, options.metrics))
      list.push_back(chart_json(group, s, events, options)), ++charts;
    for (const Event& e : events) {
      if (e.scanner != "*" && e.scanner != group.scanner) continue;
      Value entry;
      entry.set("at", e.at), entry.set("text", e.text), entry.set("resets_baseline", e.resets_baseline);
      happened.push_back(std::move(entry));
    }
    g.set("flags", std::move(flags)), g.set("events", std::move(happened)), g.set("charts", std::move(list));
    groups.push_back(std::move(g));
  }
  for (const std::string& name : options.metrics) {
    bool found = false;
    for (const DatedRecord& r : records)
      for (const Measurement& m : r.record.measurements) found = found || m.name == name;
    if (!found)
      throw InputError("nothing_to_chart", "--metric " + name, "no result holds such a number", "see iqgate metrics");
  }
  if (charts == 0)
    throw InputError("nothing_to_chart", "trend", "no result holds a number that was judged or named",
                     "name metrics with --metric");
  v.set("groups", std::move(groups));
  return v;
}

bool trend_alarm(const Value& trend) {
  for (const Value& g : list_at(&trend, "groups")) {
    if (json::flag_at(&g, "overdue")) return true;
    for (const Value& c : list_at(&g, "charts"))
      if (json::flag_at(&c, "alarm_at_newest")) return true;
  }
  return false;
}

std::string trend_table(const Value& trend) {
  std::string out;
  const auto number = [](const Value& v, const char* key) {
    const auto found = json::number_at(&v, key);
    return found ? short_number(*found) : "-";
  };
  for (const Value& g : list_at(&trend, "groups")) {
    out += text_at(&g, "scanner") + ", " + text_at(&g, "phantom") + ", " + text_at(&g, "protocol") + ": " +
           number(g, "results") + " results, newest " + text_at(&g, "newest") +
           (json::flag_at(&g, "overdue") ? ", OVERDUE" : "") + "\n";
    for (const Value& c : list_at(&g, "charts")) {
      const json::Array& points = list_at(&c, "points");
      out += "  " + key_of(c) + ": newest " + number(points.back(), "value") + ", centre " + number(c, "centre") +
             ", limits " + number(c, "lower_limit") + " .. " + number(c, "upper_limit") + " " + text_at(&c, "unit");
      for (const Value& f : list_at(&c, "flags")) out += ", " + *f.string();
      out += json::flag_at(&c, "alarm_at_newest") ? ", ALARM\n" : "\n";
      for (const Value& s : list_at(&c, "signals"))
        out += "    " + text_at(&s, "at") + " " + text_at(&s, "rule") + "\n";
      if (const std::string at = text_at(&c, "change_point"); !at.empty()) out += "    shifted since " + at + "\n";
    }
  }
  return out;
}

}  // namespace iqgate::report
