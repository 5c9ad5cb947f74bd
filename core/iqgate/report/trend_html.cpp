#include <algorithm>
#include <cmath>
#include <cstdio>
#include <set>

#include "iqgate/judge/profile.hpp"
#include "iqgate/report/html_sections.hpp"
#include "iqgate/report/page.hpp"
#include "iqgate/report/tables.hpp"
#include "iqgate/report/trend.hpp"

namespace iqgate::report {
namespace {

using json::list_at;
using json::number_at;
using json::text_at;
using json::Value;

constexpr double width = 860, height = 220, left = 70, right = 12, top = 12, bottom = 28;

constexpr const char* trend_template = R"html(<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<title>iqgate trends</title>
<style>
body { font: 14px/1.45 system-ui, sans-serif; color: #1c2430; margin: 0 auto; max-width: 940px; padding: 20px; }
h1 { font-size: 22px; } h2 { font-size: 17px; border-bottom: 1px solid #cfd6df; } figure { margin: 0 0 18px; break-inside: avoid; } figcaption { font-size: 12.5px; }
.alarm { color: #a11212; font-weight: 700; } .small { color: #56616e; font-size: 12px; }
</style></head><body>
<h1>Trends</h1>
<p class="small">Points with their 95 % intervals; centre and 3-sigma limits from the baseline (shaded); red: a rule is broken. Thin, blue: EWMA.</p>
{{#groups}}<h2>{{scanner}}</h2><p>{{phantom}}; {{protocol}}; {{results}} results, newest {{newest}}{{#overdue}} <span class="alarm">OVERDUE</span>{{/overdue}}</p>
<ul>{{#events}}<li>{{at}}: {{text}}{{#resets_baseline}} (new baseline){{/resets_baseline}}</li>{{/events}}</ul>
{{#charts}}<figure>{{&svg}}<figcaption><b>{{title}}</b> in {{unit}}{{#alarm}} <span class="alarm">ALARM</span>{{/alarm}}<br>{{words}}</figcaption></figure>
{{/charts}}{{/groups}}
</body></html>
)html";

std::string at(double x, double y) {
  char text[48];
  std::snprintf(text, sizeof text, "%.1f,%.1f", x, y);
  return text;
}

std::string line(double x1, double y1, double x2, double y2, const char* style) {
  char text[240];
  std::snprintf(text, sizeof text, "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" style=\"%s\"/>", x1, y1, x2,
                y2, style);
  return text;
}

std::string label(double x, double y, const std::string& words, const char* anchor) {
  return "<text x=\"" + std::to_string(static_cast<int>(x)) + "\" y=\"" + std::to_string(static_cast<int>(y)) +
         "\" font-size=\"10\" text-anchor=\"" + anchor + "\">" + words + "</text>";
}

// Only numbers and times of our own form reach the drawing.
std::string chart_svg(const Value& chart) {
  const json::Array& points = list_at(&chart, "points");
  const auto centre = number_at(&chart, "centre"), lower = number_at(&chart, "lower_limit"),
             upper = number_at(&chart, "upper_limit"), sigma = number_at(&chart, "sigma_on_scale");
  double low = INFINITY, high = -INFINITY;
  const auto take = [&](const std::optional<double>& v) {
    if (v) low = std::min(low, *v), high = std::max(high, *v);
  };
  for (const Value& p : points)
    for (const char* key : {"value", "ci95_lo", "ci95_hi"}) take(number_at(&p, key));
  take(lower), take(upper);
  if (!(high > low)) low -= 1, high += 1;
  const double margin = 0.05 * (high - low);
  const double days = std::max(1e-9, points.empty() ? 0 : number_at(&points.back(), "day").value_or(0));
  low -= margin, high += margin;
  const auto x = [&](std::size_t k) {
    return left + (width - left - right) * number_at(&points[k], "day").value_or(0) / days;
  };
  const auto y = [&](double v) { return top + (height - top - bottom) * (high - v) / (high - low); };
  std::set<std::size_t> broken;
  for (const Value& s : list_at(&chart, "signals"))
    if (const auto point = number_at(&s, "point")) broken.insert(static_cast<std::size_t>(*point));
  std::string svg = "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 860 220\" font-family=\"sans-serif\">";
  if (centre) {
    const double from = x(static_cast<std::size_t>(number_at(&chart, "baseline_from").value_or(0)));
    const double to =
        x(std::min(points.size() - 1, static_cast<std::size_t>(number_at(&chart, "baseline_from").value_or(0) +
                                                               number_at(&chart, "baseline_points").value_or(1) - 1)));
    svg += "<rect x=\"" + std::to_string(from) + "\" y=\"" + std::to_string(top) + "\" width=\"" +
           std::to_string(std::max(to - from, 0.0)) + "\" height=\"" + std::to_string(height - top - bottom) +
           "\" fill=\"#eef2f7\"/>";
    svg += line(left, y(*centre), width - right, y(*centre), "stroke:#12692f;stroke-width:1");
    for (const auto& limit : {lower, upper})
      svg += line(left, y(*limit), width - right, y(*limit), "stroke:#a11212;stroke-width:1;stroke-dasharray:5 4");
    std::string path;
    for (std::size_t k = 0; k < points.size(); ++k)
      if (const auto e = number_at(&points[k], "ewma")) {
        const bool log = text_at(&chart, "scale") == "log";
        const double v = log ? *centre * std::exp(*e * *sigma) : *centre + *e * *sigma;
        path += (path.empty() ? "" : " ") + at(x(k), y(v));
      }
    svg += "<polyline points=\"" + path + "\" style=\"fill:none;stroke:#1f4e8c;stroke-width:0.8\"/>";
  }
  for (std::size_t k = 0; k < points.size(); ++k) {
    const auto v = number_at(&points[k], "value");
    if (!v) continue;
    const auto from = number_at(&points[k], "ci95_lo"), to = number_at(&points[k], "ci95_hi");
    if (from && to) svg += line(x(k), y(*from), x(k), y(*to), "stroke:#8b96a3;stroke-width:1");
    char dot[120];
    std::snprintf(dot, sizeof dot, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"%s\" fill=\"%s\"/>", x(k), y(*v),
                  broken.count(k) ? "4" : "2.6", broken.count(k) ? "#a11212" : "#1c2430");
    svg += dot;
  }
  svg += line(left, top, left, height - bottom, "stroke:#1c2430") +
         line(left, height - bottom, width - right, height - bottom, "stroke:#1c2430");
  for (const double v : {low + margin, (low + high) / 2, high - margin})
    svg += label(left - 5, y(v) + 3, short_number(v), "end");
  if (!points.empty()) {
    svg += label(left, height - 10, text_at(&points.front(), "at").substr(0, 10), "start");
    svg += label(width - right, height - 10, text_at(&points.back(), "at").substr(0, 10), "end");
  }
  return svg + "</svg>";
}

std::string chart_words(const Value& chart) {
  std::string words;
  for (const Value& f : list_at(&chart, "flags")) {
    const std::string flag = *f.string();
    words += flag == "too_few_points"   ? "Fewer than 20 baseline points: no limits. "
             : flag == "no_scatter"     ? "The baseline never changes: any change is an alarm. "
             : flag == "unit_changed"   ? "The unit changed: those points are left out. "
             : flag == "newest_missing" ? "The newest result lacks this number. "
             : flag == "provisional"    ? "Limits from fewer than 50 points: provisional, with more false alarms. "
             : flag == "autocorrelated"
                 ? "The baseline's points depend on one another: the rules give more false alarms. "
                 : "The baseline itself breaks a rule. ";
  }
  for (const Value& s : list_at(&chart, "signals")) words += text_at(&s, "at") + ": " + text_at(&s, "rule") + ". ";
  if (const std::string since = text_at(&chart, "change_point"); !since.empty())
    words += "Shifted since " + since + ".";
  return words;
}

}  // namespace

std::string trend_html(const Value& trend) {
  Value page;
  json::Array groups;
  for (const Value& g : list_at(&trend, "groups")) {
    Value group;
    for (const char* key : {"scanner", "phantom", "protocol", "newest"}) group.set(key, or_not_given(text_at(&g, key)));
    group.set("results", short_number(number_at(&g, "results").value_or(0)));
    group.set("overdue", json::flag_at(&g, "overdue"));
    group.set("events", list_at(&g, "events"));
    json::Array charts;
    for (const Value& c : list_at(&g, "charts")) {
      Value chart;
      chart.set("title", judge::metric_key(text_at(&c, "name"), text_at(&c, "variant"), text_at(&c, "where")));
      chart.set("unit", text_at(&c, "unit")), chart.set("alarm", json::flag_at(&c, "alarm_at_newest"));
      chart.set("words", chart_words(c)), chart.set("svg", chart_svg(c));
      charts.push_back(std::move(chart));
    }
    group.set("charts", std::move(charts));
    groups.push_back(std::move(group));
  }
  page.set("groups", std::move(groups));
  return render_page(trend_template, page);
}

}  // namespace iqgate::report
