// Verdicts against an oracle that was written from the contract alone, by someone who had not seen the code.
#include <algorithm>
#include <cmath>
#include <map>

#include "iqgate/base/error.hpp"
#include "iqgate/judge/limits.hpp"
#include "support/support.hpp"
#include "verdict_oracle.hpp"

namespace iqgate::judge {
namespace {

oracle::Outcome ours(const oracle::Row& row) {
  Limit limit;
  limit.name = "roi_mean";
  limit.unit = row.limit_unit;
  limit.act = {row.act_low, row.act_high};
  limit.warn = {row.warn_low, row.warn_high};
  limit.open = row.open;
  limit.source = "table";
  limit.decision = row.decision == oracle::Row::interval      ? Decision::interval
                   : row.decision == oracle::Row::value_alone ? Decision::value
                                                              : Decision::guarded;
  limit.relative_to = row.relative_to == oracle::Row::none      ? RelativeTo::none
                      : row.relative_to == oracle::Row::nominal ? RelativeTo::nominal
                                                                : RelativeTo::baseline;
  Reference reference;
  Results results;
  Measurement m;
  m.name = "roi_mean", m.where = "place", m.unit = row.value_unit;
  if (row.reference) {
    Measurement baseline = m;
    baseline.value = *row.reference;
    reference.baseline = {baseline};
    Region region;
    region.name = "place";
    region.nominal["roi_mean"] = *row.reference;
    reference.regions = {region};
  }
  if (row.value && std::isfinite(*row.value)) {
    m.value = *row.value, m.se = row.se;
    if (row.ci95) m.ci95 = Interval{row.ci95->first, row.ci95->second};
    results.measurements = {m};
  } else if (row.value && !m.unit.empty()) {
    m.value = *row.value;
    results.add(m);  // no NaN leaves the measuring stage as a number
  } else {
    results.skip("roi_mean", "place", "missing");
  }
  try {
    const Judgement judgement = judge(results, {{"table", "t", "1", "", "", {limit}}}, reference);
    const Verdict& v = judgement.verdicts.at(0);
    return {std::string(word(v.state)), v.flags};
  } catch (const UsageError&) {
    return {"error", {}};
  }
}

TEST(VerdictTable, EveryRowAsTheOracleSays) {
  std::map<std::string, int> seen;
  const std::vector<oracle::Row> rows = oracle::table();
  ASSERT_GE(rows.size(), 3000u);
  for (std::size_t k = 0; k < rows.size(); ++k) {
    oracle::Outcome wanted = oracle::verdict(rows[k]), found = ours(rows[k]);
    std::sort(found.flags.begin(), found.flags.end());
    EXPECT_EQ(found.state, wanted.state) << "row " << k << ", " << oracle::code_of(rows[k]);
    EXPECT_EQ(found.flags, wanted.flags) << "row " << k << ", " << oracle::code_of(rows[k]);
    ++seen[wanted.state];
  }
  for (const char* state : {"pass", "warn", "fail", "undecided", "not_measured", "error"}) EXPECT_GT(seen[state], 100);
}

}  // namespace
}  // namespace iqgate::judge
