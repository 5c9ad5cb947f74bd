// Every number in every export, parsed back, is that of result.json; verdict words are the same.
#include <charconv>
#include <cmath>
#include <cstdlib>

#include "iqgate/base/atomic_file.hpp"
#include "iqgate/base/json.hpp"
#include "iqgate/report/exports.hpp"
#include "iqgate/report/tables.hpp"
#include "support/support.hpp"

namespace iqgate {
namespace {

using test::bytes_of;
using test::run_program;

bool have(const std::string& program) {
  return std::system(("command -v " + program + " >/dev/null 2>&1").c_str()) == 0;
}

std::string output_of(const std::string& command, const std::string& to) {
  EXPECT_EQ(std::system((command + " > " + to + " 2>&1").c_str()), 0) << command;
  return bytes_of(to);
}

class ExportsSlow : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = new test::TemporaryFolder;
    write_file_atomically(path("l.json"),
                          R"({"schema": "iqgate.limits/1", "name": "l", "source": "s", "edition": "1", "limits": [
      {"name": "noise_sd_hu", "unit": "HU", "act": [null, 2], "source": "too strict"},
      {"name": "roi_mean", "unit": "HU", "act": [-4, 4], "warn": [-0.001, 0.001], "due_days": 30, "source": "a <b> & \"c\""},
      {"name": "snr", "unit": "1", "act": [1, null], "source": "not there"}]})");
    ASSERT_EQ(
        run_program("phantoms render water_cylinder --size 160 160 8 --voxel 1.4 1.4 4 -q -o " + path("scan")).code, 0);
    ASSERT_EQ(run_program("check " + path("scan") + " --phantom water_cylinder -q --limits " + path("l.json") + " -o " +
                          path("out"))
                  .code,
              1);
    result_ = json::parse_file(path("out/result.json"), ErrorKind::input);
    rows_ = report::rows_of(result_);
    ASSERT_GT(rows_.size(), 40u);
  }
  static void TearDownTestSuite() { delete folder_; }
  static std::string path(const std::string& name) { return folder_->path(name); }
  static std::string exported(const std::string& to) {
    const std::string file = path("export." + to);
    EXPECT_EQ(run_program("export " + path("out") + " --to " + to + " --collection https://qa/1 -o " + file).code, 0)
        << to;
    return bytes_of(file);
  }
  static test::TemporaryFolder* folder_;
  static json::Value result_;
  static std::vector<report::ResultRow> rows_;
};
test::TemporaryFolder* ExportsSlow::folder_ = nullptr;
json::Value ExportsSlow::result_;
std::vector<report::ResultRow> ExportsSlow::rows_;

TEST_F(ExportsSlow, Csv) {
  const std::string csv = exported("csv");
  EXPECT_EQ(csv, bytes_of(path("out/measurements.csv")));
  std::size_t at = csv.find("\r\n") + 2;
  for (const report::ResultRow& r : rows_) {
    const std::string line = csv.substr(at, csv.find("\r\n", at) - at);
    at += line.size() + 2;
    const std::string value = r.value ? json::number_text(*r.value) : "";
    EXPECT_EQ(line.rfind(r.name + "," + r.variant + "," + r.where + "," + value + ",", 0), 0u) << line;
    EXPECT_NE(line.find("," + r.state + ","), std::string::npos) << line;
  }
}

TEST_F(ExportsSlow, Xlsx) {
  exported("xlsx");
  if (!have("unzip")) GTEST_SKIP() << "UNZIP IS NOT INSTALLED: the workbook was not looked into";
  const std::string sheet =
      output_of("unzip -p " + path("export.xlsx") + " xl/worksheets/sheet1.xml", path("sheet.xml"));
  std::size_t row = 1;
  for (const report::ResultRow& r : rows_) {
    if (!r.value) continue;
    ++row;
    const std::string cell = "<c r=\"D" + std::to_string(row) + "\"><v>";
    const std::size_t at = sheet.find(cell);
    ASSERT_NE(at, std::string::npos) << row;
    // The library writes 16 or 17 digits.
    EXPECT_NEAR(std::strtod(sheet.c_str() + at + cell.size(), nullptr), *r.value, 1e-15 * std::abs(*r.value)) << r.name;
  }
  EXPECT_EQ(sheet.find("D" + std::to_string(row + 1) + "\""), std::string::npos);
  const std::string strings =
      output_of("unzip -p " + path("export.xlsx") + " xl/sharedStrings.xml", path("strings.xml"));
  for (const char* word : {"fail", "warn", "no_limit", "not_measured"})
    EXPECT_NE(strings.find(std::string("<t>") + word + "</t>"), std::string::npos) << word;
}

TEST_F(ExportsSlow, JunitPrometheusQatrack) {
  const std::string junit = exported("junit");
  int failures = 0, errors = 0;
  for (const report::ResultRow& r : rows_) {
    failures += r.state == "fail";
    errors += r.state == "undecided" || (r.state == "not_measured" && !r.unit.empty());
  }
  EXPECT_NE(junit.find("failures=\"" + std::to_string(failures) + "\" errors=\"" + std::to_string(errors) + "\""),
            std::string::npos);
  EXPECT_EQ(failures, 1);
  EXPECT_EQ(errors, 1);  // the limit on snr
  EXPECT_NE(junit.find("too strict"), std::string::npos);
  if (have("xmllint")) EXPECT_EQ(std::system(("xmllint --noout " + path("export.junit")).c_str()), 0);
  const std::string prometheus = exported("prometheus");
  const json::Value qatrack = json::parse(exported("qatrack"), "qatrack", ErrorKind::input);
  for (const report::ResultRow& r : rows_) {
    if (!r.value) continue;
    EXPECT_NE(prometheus.find("metric=\"" + r.name + "\",variant=\"" + r.variant + "\",where=\"" + r.where +
                              "\",unit=\"" + r.unit + "\"} " + json::number_text(*r.value) + "\n"),
              std::string::npos);
    const json::Value* test = qatrack.find("tests")->find(report::qatrack_slug(r));
    ASSERT_NE(test, nullptr) << r.name;
    EXPECT_EQ(json::number_at(test, "value"), r.value);
  }
  EXPECT_NE(prometheus.find("state=\"fail\"} 1\n"), std::string::npos);
}

TEST_F(ExportsSlow, StructuredReportPassesItsCheckers) {
  exported("sr");
  const std::string dump = output_of("dsrdump " + path("export.sr"), path("dump.txt"));
  for (const report::ResultRow& r : rows_)
    if (r.value) EXPECT_NE(dump.find("\"" + r.name + "\")"), std::string::npos) << r.name;
  EXPECT_NE(dump.find("(fail,99IQGATE,\"fail\")"), std::string::npos);
  if (!have("dciodvfy")) GTEST_SKIP() << "DCIODVFY IS NOT INSTALLED: the SR was looked at by DCMTK alone";
  EXPECT_EQ(output_of("dciodvfy " + path("export.sr"), path("v.txt")).find("Error"), std::string::npos)
      << bytes_of(path("v.txt"));
}

TEST_F(ExportsSlow, PdfTextHoldsEveryNumberAndIsTheSameTwice) {
  if (!have("weasyprint") || !have("pdftotext"))
    GTEST_SKIP() << "WEASYPRINT OR PDFTOTEXT IS NOT INSTALLED: no PDF was made";
  ASSERT_EQ(run_program("report " + path("out") + " --format pdf -o " + path("pdf")).code, 0);
  ASSERT_EQ(run_program("report " + path("out") + " --format pdf -o " + path("pdf2")).code, 0);
  EXPECT_EQ(bytes_of(path("pdf/report.pdf")), bytes_of(path("pdf2/report.pdf")));
  const std::string text = output_of("pdftotext -raw " + path("pdf/report.pdf") + " -", path("pdf.txt"));
  const std::string html = bytes_of(path("pdf/report.html"));
  for (const report::ResultRow& r : rows_) {
    if (!r.value) continue;
    EXPECT_NE(text.find(report::short_number(*r.value, r.se)), std::string::npos) << r.name;
    EXPECT_NE(html.find(">" + report::short_number(*r.value, r.se) + "<"), std::string::npos) << r.name;
  }
  for (const char* word : {"FAIL", "WARN", "NOT MEASURED"}) EXPECT_NE(text.find(word), std::string::npos) << word;
  exported("dicom-pdf");
  if (have("dciodvfy"))
    EXPECT_EQ(output_of("dciodvfy " + path("export.dicom-pdf"), path("v.txt")).find("Error"), std::string::npos)
        << bytes_of(path("v.txt"));
}

TEST_F(ExportsSlow, WrongUse) {
  EXPECT_EQ(run_program("export " + path("out") + " --to doc").code, 2);
  EXPECT_EQ(run_program("export " + path("out") + " --to xlsx").code, 2);
  EXPECT_EQ(run_program("export " + path("out") + " --to qatrack").code, 2);
  EXPECT_EQ(run_program("export " + path("out") + " " + path("out") + " --to csv").code, 2);
  EXPECT_EQ(run_program("export " + path("scan") + " --to csv").code, 3);
}

}  // namespace
}  // namespace iqgate
