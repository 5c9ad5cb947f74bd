#include "iqgate/report/trend.hpp"

#include "iqgate/base/atomic_file.hpp"
#include "support/support.hpp"

namespace iqgate::report {
namespace {

DatedRecord night(int k, double noise, const std::string& scanner = "A", const std::string& kernel = "Br40") {
  DatedRecord d;
  char at[32];
  std::snprintf(at, sizeof at, "2026-%02d-%02dT03:00:%02d", 1 + k / 28, 1 + k % 28, k % 60);
  d.at = at;
  d.record.source = "night_" + std::to_string(k);
  d.record.scanner = scanner;
  d.record.phantom = "water";
  d.record.inputs = {scanner + kernel + std::to_string(k)};
  d.record.conditions = {{"modality", "CT"}, {"ConvolutionKernel", kernel}};
  Measurement m;
  m.name = "noise_sd_hu", m.where = "centre", m.unit = "HU", m.value = noise, m.ci95 = Interval{noise - 1, noise + 1};
  d.record.measurements = {m};
  d.judged = {"noise_sd_hu centre"};
  d.due_days = 3;
  return d;
}

std::vector<DatedRecord> nights(int n, double shift_after = 1e9) {
  std::vector<DatedRecord> list;
  for (int k = 0; k < n; ++k) list.push_back(night(k, 10 + 0.1 * ((k * 7) % 5 - 2) + (k >= shift_after ? 1 : 0)));
  return list;
}

const json::Value& chart_of(const json::Value& trend, std::size_t group = 0) {
  return json::list_at(&json::list_at(&trend, "groups")[group], "charts")[0];
}

TEST(Trend, OneChartForEachScannerPhantomAndProtocol) {
  std::vector<DatedRecord> list = nights(25);
  list.push_back(night(30, 20, "B"));
  list.push_back(night(31, 5, "A", "Br60"));
  const json::Value trend = trend_json(list, {}, {});
  EXPECT_EQ(json::list_at(&trend, "groups").size(), 3u);
  EXPECT_EQ(json::list_at(&chart_of(trend), "points").size(), 25u);
  EXPECT_EQ(json::text_at(&chart_of(trend), "scale"), "log");
  EXPECT_FALSE(trend_alarm(trend));
  // A geometric mean, and limits that are further above it than below.
  const double centre = *json::number_at(&chart_of(trend), "centre");
  EXPECT_NEAR(centre, 10, 0.01);
  EXPECT_GT(*json::number_at(&chart_of(trend), "upper_limit") - centre,
            centre - *json::number_at(&chart_of(trend), "lower_limit"));
  EXPECT_EQ(json::list_at(&chart_of(trend, 2), "flags").size(), 1u);  // one point: no limits
}

TEST(Trend, AShiftAlarmsAndAServiceEventStartsAnew) {
  const json::Value trend = trend_json(nights(40, 30), {}, {});
  EXPECT_TRUE(trend_alarm(trend));
  EXPECT_EQ(json::text_at(&chart_of(trend), "change_point").substr(0, 10), "2026-02-03");  // night 30
  const json::Value anew = trend_json(nights(60, 30), {{"2026-02-03", "*", "tube", true}}, {});
  EXPECT_FALSE(trend_alarm(anew));
  EXPECT_NEAR(*json::number_at(&chart_of(anew), "centre"), 11, 0.01);
  EXPECT_NE(trend_html(anew).find("tube"), std::string::npos);
  EXPECT_NE(trend_table(trend).find("ALARM"), std::string::npos);
}

TEST(Trend, MissingNumbersKeepTheirPlaceInTime) {
  std::vector<DatedRecord> list = nights(40);
  list[33].record.measurements.clear();
  std::swap(list[3], list[20]);  // the order of files says nothing
  const json::Value trend = trend_json(list, {}, {});
  const json::Array& points = json::list_at(&chart_of(trend), "points");
  ASSERT_EQ(points.size(), 40u);
  EXPECT_TRUE(points[33].find("value")->is_null());
  EXPECT_NEAR(*json::number_at(&points[39], "day"), 42 + 39.0 / 86400, 1e-9);  // 1 January to 12 February
}

TEST(Trend, OverdueAndFaults) {
  TrendOptions options;
  options.now = "2026-02-20T00:00:00Z";
  EXPECT_TRUE(json::flag_at(
      &json::list_at(&static_cast<const json::Value&>(trend_json(nights(25), {}, options)), "groups")[0], "overdue"));
  std::vector<DatedRecord> moved = nights(25);  // on to another kernel, the day before
  moved.push_back(night(49, 10, "A", "Br60"));
  const json::Value on = trend_json(moved, {}, options);
  for (const json::Value& g : json::list_at(&on, "groups")) EXPECT_FALSE(json::flag_at(&g, "overdue"));
  EXPECT_THROW(trend_json({}, {}, {}), InputError);
  options.metrics = {"absent"};
  EXPECT_THROW(trend_json(nights(25), {}, options), InputError);
  // A scan that was measured again counts once, by its newest result.
  std::vector<DatedRecord> twice = nights(25);
  twice.push_back(twice[3]);
  twice[3].made = "2026-01-01T00:00:00", twice[25].made = "2026-01-02T00:00:00";
  twice[25].record.measurements[0].value = 10.05;
  const json::Value once = trend_json(twice, {}, {});
  ASSERT_EQ(json::list_at(&chart_of(once), "points").size(), 25u);
  EXPECT_EQ(*json::number_at(&json::list_at(&chart_of(once), "points")[3], "value"), 10.05);
  test::TemporaryFolder folder;
  write_file_atomically(folder.path("e.json"),
                        R"({"schema": "iqgate.events/1", "events": [{"at": "soon", "text": "x"}]})");
  EXPECT_THROW(read_events(folder.path("e.json")), UsageError);
  write_file_atomically(folder.path("e.json"),
                        R"({"schema": "iqgate.events/1", "events": [{"at": "2026-1-5", "text": "x"}]})");
  EXPECT_THROW(read_events(folder.path("e.json")), UsageError);  // as text it would stand after October
}

// What changed so much that it cannot be charted is news too.
TEST(Trend, SilenceIsAnAlarm) {
  std::vector<DatedRecord> list = nights(30);
  list.back().record.measurements.clear();
  EXPECT_TRUE(trend_alarm(trend_json(list, {}, {})));
  list = nights(30);
  list.back().record.measurements[0].unit = "%";
  EXPECT_TRUE(trend_alarm(trend_json(list, {}, {})));
  list = nights(30);
  for (DatedRecord& r : list) r.record.measurements[0].value = 10;
  EXPECT_FALSE(trend_alarm(trend_json(list, {}, {})));
  list.back().record.measurements[0].value = 10.1;
  EXPECT_TRUE(trend_alarm(trend_json(list, {}, {})));
  list = nights(30);
  list[29].record.conditions["KVP"] = "120.0";
  for (int k = 0; k < 29; ++k) list[std::size_t(k)].record.conditions["KVP"] = "120";
  const json::Value one = trend_json(list, {}, {});
  EXPECT_EQ(json::list_at(&one, "groups").size(), 1u);
  // Two scanners of one model without serial numbers: told apart by where they stand.
  for (std::size_t k = 0; k < 30; ++k) list[k].serial_told = false, list[k].place = k % 2 ? "north" : "south";
  const json::Value two = trend_json(list, {}, {});
  EXPECT_EQ(json::list_at(&two, "groups").size(), 2u);
}

}  // namespace
}  // namespace iqgate::report
