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
  EXPECT_THROW(trend_json({}, {}, {}), InputError);
  options.metrics = {"absent"};
  EXPECT_THROW(trend_json(nights(25), {}, options), InputError);
  std::vector<DatedRecord> twice = nights(25);
  twice[4].record.inputs = twice[3].record.inputs;
  EXPECT_THROW(trend_json(twice, {}, {}), InputError);
  test::TemporaryFolder folder;
  write_file_atomically(folder.path("e.json"),
                        R"({"schema": "iqgate.events/1", "events": [{"at": "soon", "text": "x"}]})");
  EXPECT_THROW(read_events(folder.path("e.json")), UsageError);
}

}  // namespace
}  // namespace iqgate::report
