#include "iqgate/report/tables.hpp"

#include <algorithm>
#include <cmath>

#include "iqgate/report/exports.hpp"

namespace iqgate::report {
namespace {

const judge::Verdict* verdict_of(const Document& d, const Measurement& m) {
  for (const judge::Verdict& v : d.judgement.verdicts)
    if (v.name == m.name && v.variant == m.variant && v.where == m.where) return &v;
  return nullptr;
}

std::string padded(std::string text, std::size_t width) {
  if (text.size() < width) text.append(width - text.size(), ' ');
  return text;
}

std::string coloured(const std::string& word, bool colour) {
  if (!colour) return word;
  const char* code = word == "pass" ? "32" : word == "fail" ? "31;1" : word == "no_limit" ? "2" : "33";
  return std::string("\x1b[") + code + "m" + word + "\x1b[0m";
}

std::string limit_text(const judge::Verdict& v) {
  if (!v.limit) return "";
  const judge::Bounds b = v.applied.value_or(v.limit->act);
  if (b.low && b.high) return short_number(*b.low) + " .. " + short_number(*b.high);
  if (b.low) return ">= " + short_number(*b.low);
  if (b.high) return "<= " + short_number(*b.high);
  return "";
}

}  // namespace

std::string short_number(double value, std::optional<double> se) {
  char text[40];
  // To two digits of the standard error, so that a value and its interval end at one place.
  const double decimals = se && *se > 0 ? 1 - std::floor(std::log10(*se)) : -1;
  if (se && *se > 0 && decimals <= 8 && std::abs(value) < 1e9)
    std::snprintf(text, sizeof text, "%.*f", static_cast<int>(std::max(decimals, 0.0)), value);
  else std::snprintf(text, sizeof text, std::abs(value) < 1e9 && value == std::floor(value) ? "%.0f" : "%.5g", value);
  return text;
}

std::string curves_csv(const Document& d) {
  std::string out = "curve,variant,where,x_name,x_unit,y_name,y_unit,x,y,ci95_lo,ci95_hi\r\n";
  for (const Curve& c : d.results.curves)
    for (std::size_t k = 0; k < c.x.values.size(); ++k)
      out += csv_cell(c.name) + "," + csv_cell(c.variant) + "," + csv_cell(c.where) + "," + csv_cell(c.x.name) + "," +
             csv_cell(c.x.unit) + "," + csv_cell(c.y.name) + "," + csv_cell(c.y.unit) + "," +
             json::number_text(c.x.values[k]) + "," + json::number_text(c.y.values[k]) + "," +
             (c.ci95_lo.empty() ? "" : json::number_text(c.ci95_lo[k])) + "," +
             (c.ci95_hi.empty() ? "" : json::number_text(c.ci95_hi[k])) + "\r\n";
  return out;
}

std::string terminal_table(const Document& d, bool colour) {
  struct Row {
    std::string name, where, value, interval, unit, limit, state, flags;
  };
  std::vector<Row> rows{{"metric", "where", "value", "95 % interval", "unit", "limit", "verdict", ""}};
  for (const Measurement& m : d.results.measurements) {
    const judge::Verdict* v = verdict_of(d, m);
    Row r{m.name + (m.variant.empty() ? "" : "[" + m.variant + "]"),
          m.where,
          short_number(m.value, m.se),
          "",
          m.unit,
          v ? limit_text(*v) : "",
          std::string(v ? word(v->state) : ""),
          ""};
    if (m.ci95) r.interval = short_number(m.ci95->low, m.se) + " .. " + short_number(m.ci95->high, m.se);
    for (const std::string& f : m.flags)
      if (f != "ci_scope=within_scan") r.flags += (r.flags.empty() ? "" : " ") + f;
    rows.push_back(std::move(r));
  }
  std::size_t w[7] = {};
  for (const Row& r : rows) {
    const std::string* cells[7] = {&r.name, &r.where, &r.value, &r.interval, &r.unit, &r.limit, &r.state};
    for (int k = 0; k < 7; ++k) w[k] = std::max(w[k], cells[k]->size());
  }
  std::string out;
  for (std::size_t k = 0; k < rows.size(); ++k) {
    const Row& r = rows[k];
    out += padded(r.name, w[0] + 2) + padded(r.where, w[1] + 2) + padded(r.value, w[2] + 2) +
           padded(r.interval, w[3] + 2) + padded(r.unit, w[4] + 2) + padded(r.limit, w[5] + 2);
    out += (k == 0 ? r.state : coloured(r.state, colour)) + std::string(w[6] - r.state.size() + 2, ' ') + r.flags;
    while (!out.empty() && out.back() == ' ') out.pop_back();
    out += "\n";
  }
  for (const NotMeasured& n : d.results.not_measured)
    out += "not measured: " + n.name + (n.where.empty() ? "" : " (" + n.where + ")") + ": " + n.reason + "\n";
  for (const judge::Verdict& v : d.judgement.verdicts)
    if (v.state == judge::State::not_measured)
      out += "limit without a number: " + v.name + " (" + v.where + "): " + coloured("not_measured", colour) + "\n";
  return out;
}

}  // namespace iqgate::report
