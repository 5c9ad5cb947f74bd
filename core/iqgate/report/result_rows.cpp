#include "iqgate/report/result_rows.hpp"

#include <algorithm>
#include <map>

namespace iqgate::report {
namespace {

using json::list_at;
using json::number_at;
using json::text_at;
using json::Value;

std::string key_of(const Value& v) {
  return text_at(&v, "name") + "\n" + text_at(&v, "variant") + "\n" + text_at(&v, "where");
}

void add_verdict(const Value& verdict, ResultRow& row) {
  row.state = text_at(&verdict, "state");
  row.limit_source = text_at(&verdict, "source");
  const Value* limit = verdict.find("limit");
  const json::Array& applied = list_at(limit, "applied");
  const json::Array& bounds = applied.empty() ? list_at(limit, "act") : applied;
  if (bounds.size() == 2) row.limit_low = bounds[0].number(), row.limit_high = bounds[1].number();
}

}  // namespace

std::vector<ResultRow> rows_of(const Value& result) {
  std::map<std::string, const Value*> verdicts;
  // Of several verdicts on one number the worst counts.
  const auto severity = [](const Value& v) {
    static const std::vector<std::string> order{"no_limit", "pass", "warn", "not_measured", "undecided", "fail"};
    return std::find(order.begin(), order.end(), text_at(&v, "state")) - order.begin();
  };
  for (const Value& v : list_at(&result, "verdicts")) {
    const auto [found, fresh] = verdicts.emplace(key_of(v), &v);
    if (!fresh && severity(v) > severity(*found->second)) found->second = &v;
  }
  std::vector<ResultRow> rows;
  for (const Value& m : list_at(&result, "measurements")) {
    ResultRow row{text_at(&m, "name"), text_at(&m, "variant"), text_at(&m, "where")};
    row.value = number_at(&m, "value");
    row.unit = text_at(&m, "unit");
    row.se = number_at(&m, "se");
    row.ci95_lo = number_at(&m, "ci95_lo"), row.ci95_hi = number_at(&m, "ci95_hi");
    row.n_eff = number_at(&m, "n_eff");
    row.method = text_at(&m, "method"), row.standard = text_at(&m, "standard");
    for (const Value& f : list_at(&m, "flags"))
      if (f.string()) row.flags.push_back(*f.string());
    if (const auto found = verdicts.find(key_of(m)); found != verdicts.end()) add_verdict(*found->second, row);
    rows.push_back(std::move(row));
  }
  for (const Value& n : list_at(&result, "not_measured")) {
    ResultRow row{text_at(&n, "name"), "", text_at(&n, "where")};
    row.method = "not measured: " + text_at(&n, "reason");
    row.state = "not_measured";
    rows.push_back(std::move(row));
  }
  for (const Value& v : list_at(&result, "verdicts")) {
    if (text_at(&v, "state") != "not_measured") continue;
    ResultRow row{text_at(&v, "name"), text_at(&v, "variant"), text_at(&v, "where")};
    row.unit = text_at(v.find("limit"), "unit");
    row.method = "not measured: the limit met no number";
    add_verdict(v, row);
    rows.push_back(std::move(row));
  }
  return rows;
}

}  // namespace iqgate::report
