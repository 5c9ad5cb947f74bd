#include "iqgate/report/comparison_words.hpp"

#include <algorithm>
#include <cmath>

#include "iqgate/report/tables.hpp"

namespace iqgate::report {
namespace {

std::string title_of(const judge::ProfileMetric& m) {
  const std::string key = judge::metric_key(m.name, m.variant, m.where);
  return m.title.empty() ? key : m.title + " (" + key + ")";
}

std::string with_unit(double value, const std::string& unit) {
  return short_number(value) + (unit == "1" ? "" : " " + unit);
}

std::string count(std::size_t n, const std::string& noun) {
  return std::to_string(n) + " " + noun + (n == 1 ? "" : "s");
}

std::string margin_text(const judge::ProfileMetric& m) {
  if (m.limit) return "the limit";
  if (m.margin_kind == judge::MarginKind::relative)
    return "the agreed margin of " + short_number(100 * m.margin) + " %";
  return "the agreed margin of " +
         (m.unit == "%" ? short_number(m.margin) + " percentage points" : with_unit(m.margin, m.unit));
}

// Two-sided, as wide as the one-sided tests are strict.
std::string interval_name(double alpha_go) { return short_number(100 * (1 - 2 * alpha_go)) + " %"; }

std::string power_text(double power) {
  return power > 0.99 ? "over 99 %" : std::to_string(static_cast<int>(std::lround(100 * power))) + " %";
}

std::string needed_text(const judge::ScansNeeded& n) {
  if (n.site)
    return count(*n.site, "scan") + " of the site" + (n.power ? " (GO in " + power_text(*n.power) + " of cases)" : "");
  if (n.reference) return "no number of site scans: the reference itself needs at least " + count(*n.reference, "scan");
  return n.never ? "no number of scans" : "";
}

}  // namespace

std::string overall_words(const judge::Comparison& c) {
  const std::size_t gates = static_cast<std::size_t>(
      std::count_if(c.metrics.begin(), c.metrics.end(), [](const judge::MetricVerdict& v) { return v.metric.gate; }));
  const auto has = [&](const char* flag) { return std::find(c.flags.begin(), c.flags.end(), flag) != c.flags.end(); };
  switch (c.overall) {
    case judge::GateWord::go:
      return (gates == 1 ? "The gate metric is" : "All " + count(gates, "gate metric") + " are") +
             " shown to keep within the margins and limits agreed beforehand." +
             (!c.provisional ? ""
              : has("unplanned_look")
                  ? " This GO is provisional: the scans or looks were not planned. Confirm it with a fresh, separate "
                    "set of scans."
                  : " This GO is provisional: without the decision log it is not known how often this site was looked "
                    "at. Compare again with --log.");
    case judge::GateWord::no_go:
      return std::to_string(c.named.size()) + " of " + count(gates, "gate metric") +
             (c.named.size() == 1 ? " is" : " are") + " shown to lie beyond the margin or limit agreed beforehand.";
    case judge::GateWord::inconclusive: break;
  }
  if (!c.differences.empty())
    return "The scans were not taken as the profile demands (" + count(c.differences.size(), "difference") +
           "): no verdict can be given.";
  if (has("no_gate_metric")) return "The profile names no gate metric: nothing can be decided.";
  return "Neither a GO nor a NO-GO is shown. This does not release the method.";
}

std::string metric_words(const judge::MetricVerdict& v, double alpha_go) {
  const judge::ProfileMetric& m = v.metric;
  if (v.state == judge::MetricState::not_assessable)
    return title_of(m) + ": not assessable, because " + v.reason + (v.advice.empty() ? "." : "; " + v.advice + ".");
  std::string text = title_of(m) + ": the site's mean over " + count(v.n_site, "scan") + " is " +
                     with_unit(*v.site_mean, m.unit) + ", the reference's " + with_unit(*v.reference_mean, m.unit) +
                     "; the worst acceptable value under " + margin_text(m) + " is " +
                     with_unit(*v.acceptable, m.unit) + ". ";
  text += "The site is " + with_unit(std::abs(*v.room), m.unit) + (*v.room >= 0 ? " inside" : " beyond") + " it";
  if (v.room_low && v.room_high)
    text += " (" + interval_name(alpha_go) + " interval " + short_number(*v.room_low) + " to " +
            short_number(*v.room_high) + ")";
  text += ".";
  if (!v.go_allowed) text += " Too few scans, or no new set-up between them, for a GO.";
  return text;
}

std::string scans_words(const judge::Comparison& c, std::size_t planned) {
  std::string text;
  if (const std::string equal = needed_text(c.needed_if_equal); !equal.empty())
    text = "Needed, if the site is equal to the reference: " + equal + ".";
  if (const std::string seen = needed_text(c.needed_as_observed); !seen.empty())
    text += (text.empty() ? "" : " ") + ("If the site is as it was seen here (after the fact): " + seen + ".");
  if (planned > 0 && c.needed_if_equal.site.value_or(0) > planned)
    text += " The profile plans " + count(planned, "scan") + ": with more a GO is provisional.";
  return text;
}

}  // namespace iqgate::report
