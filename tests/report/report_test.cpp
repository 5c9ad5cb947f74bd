#include <fstream>
#include <iterator>

#include "iqgate/pipeline/job.hpp"
#include "iqgate/report/exports.hpp"
#include "iqgate/report/hdf5_writer.hpp"
#include "iqgate/report/html.hpp"
#include "iqgate/report/picture.hpp"
#include "iqgate/report/result_file.hpp"
#include "iqgate/report/tables.hpp"
#include "support/support.hpp"

namespace iqgate::report {
namespace {

Document small_document() {
  Document d;
  d.software = {{"version", "test"}};
  d.phantom_title = "a <b>phantom</b>";
  d.backend = "cpu";
  d.created_utc = "2020-01-01T00:00:00Z";
  Measurement m;
  m.name = "roi_mean";
  m.variant = "center";
  m.where = "=cmd|' /C calc'!A0";
  m.value = 1.0 / 3;
  m.unit = "HU";
  m.se = 0.01;
  m.ci95 = Interval{0.31, 0.35};
  m.flags = {"a", "b"};
  d.results.measurements = {m};
  d.results.not_measured = {{"snr", "mroi", "has, a comma and a \"quote\""}};
  d.results.curves = {{.name = "mtf",
                       .where = "edge",
                       .x = {"spatial frequency", "1/mm", {0, 0.5, 1}},
                       .y = {"MTF", "1", {1, 0.6, 0.2}},
                       .ci95_lo = {1, 0.5, 0.1},
                       .ci95_hi = {1, 0.7, 0.3}}};
  ScanRecord scan;
  scan.id = "abc";
  scan.modality = "CT";
  scan.tags["Manufacturer"] = "<script>alert(1)</script>";
  d.scans = {scan};
  Picture p{.title = "slice 1 of 1", .width = 8, .height = 6};
  for (int k = 0; k < 48; ++k) p.values.push_back(float(k));
  p.window_high = 48;
  p.outlines = {{1, "centre", {{1, 1}, {5, 1}, {5, 4}}}};
  d.pictures = {p};
  d.results.maps = {{.name = "noise_map", .where = "x", .unit = "HU", .width = 8, .height = 6, .values = p.values}};
  d.judgement = judge::judge(d.results, {}, {});
  return d;
}

TEST(ResultJson, IsTheContractAndReadsBack) {
  test::TemporaryFolder folder;
  Document d = small_document();
  pipeline::write_results(d, folder.path("out"));
  const json::Value v = json::parse_file(folder.path("out/result.json"), ErrorKind::input);
  EXPECT_EQ(*v.find("schema")->string(), "iqgate.result/1");
  for (const char* key : {"software", "input", "phantom", "backend", "measurements", "not_measured", "curves",
                          "verdicts", "overall", "files"})
    EXPECT_NE(v.find(key), nullptr) << key;
  const json::Value& m = (*v.find("measurements")->array())[0];
  EXPECT_EQ(*m.find("value")->number(), 1.0 / 3);
  EXPECT_TRUE(m.find("n_eff")->is_null());  // unknown is null, never zero
  const auto back = read_measurements(folder.path("out/result.json"));
  ASSERT_EQ(back.size(), 1u);
  EXPECT_EQ(back[0].value, 1.0 / 3);
  EXPECT_THROW(read_measurements(std::string(IQGATE_SOURCE_DIR) + "/phantoms/wire.json"), InputError);
}

TEST(Csv, IsSafeInASpreadsheet) {
  const std::string csv = measurements_csv(document_json(small_document()));
  EXPECT_NE(csv.find("'=cmd|"), std::string::npos);
  EXPECT_EQ(csv.find(",=cmd"), std::string::npos);
  EXPECT_NE(csv.find("\"not measured: has, a comma and a \"\"quote\"\"\""), std::string::npos);
  const std::string curves = curves_csv(small_document());
  EXPECT_EQ(std::count(curves.begin(), curves.end(), '\n'), 4);
}

TEST(Html, EscapesWhatComesFromFilesAndFetchesNothing) {
  const Document d = small_document();
  const std::string html = html_report(document_json(d), d.pictures, d.results.maps);
  EXPECT_EQ(html.find("<script"), std::string::npos);
  EXPECT_NE(html.find("&lt;script&gt;"), std::string::npos);
  EXPECT_EQ(html.find("<b>phantom"), std::string::npos);
  EXPECT_EQ(html.find("http://"), std::string::npos);
  EXPECT_EQ(html.find("https://"), std::string::npos);
  EXPECT_NE(html.find("Content-Security-Policy"), std::string::npos);
  EXPECT_NE(html.find("NOT JUDGED"), std::string::npos);
  for (const char* block : {"Identity", "Technique", "Not measured", "What was measured", "Curves", "Quality notes",
                            "Sign-off", "Appendix"})
    EXPECT_NE(html.find(std::string("<h2>") + block), std::string::npos) << block;
  EXPECT_NE(html.find("data:image/png;base64,iVBOR"), std::string::npos);
}

TEST(Hdf5, StoresWhatTheReportNeedsAndSameBytesTwice) {
  test::TemporaryFolder folder;
  const Document d = small_document();
  write_result_hdf5(folder.path("a.h5"), d, "{\"x\": 1}");
  write_result_hdf5(folder.path("b.h5"), d, "{\"x\": 1}");
  const auto bytes = [](const std::string& path) {
    std::ifstream s(path, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(s), {});
  };
  EXPECT_EQ(bytes(folder.path("a.h5")), bytes(folder.path("b.h5")));
  const StoredPictures stored = read_result_hdf5(folder.path("a.h5"));
  EXPECT_EQ(stored.result_json, "{\"x\": 1}");
  ASSERT_EQ(stored.pictures.size(), 1u);
  EXPECT_EQ(stored.pictures[0].values, d.pictures[0].values);
  EXPECT_EQ(stored.pictures[0].outlines[0].name, "centre");
  ASSERT_EQ(stored.maps.size(), 1u);
  EXPECT_EQ(stored.maps[0].values, d.results.maps[0].values);
  EXPECT_THROW(read_result_hdf5(std::string(IQGATE_SOURCE_DIR) + "/README.md"), InputError);
  EXPECT_THROW(write_result_hdf5(folder.path("absent/a.h5"), d, ""), OutputError);
}

TEST(Base64, KnownAnswers) {  // RFC 4648
  EXPECT_EQ(base64(""), "");
  EXPECT_EQ(base64("f"), "Zg==");
  EXPECT_EQ(base64("foob"), "Zm9vYg==");
  EXPECT_EQ(base64("foobar"), "Zm9vYmFy");
}

TEST(ShortNumber, KeepsTheDigitsOfItsError) {
  EXPECT_EQ(short_number(12.34567, 0.02), "12.346");
  EXPECT_EQ(short_number(-0.00768, 0.14), "-0.01");
  EXPECT_EQ(short_number(1234.567, 60.0), "1235");
  EXPECT_EQ(short_number(0.123456), "0.12346");
  EXPECT_EQ(short_number(123600), "123600");
}

}  // namespace
}  // namespace iqgate::report
