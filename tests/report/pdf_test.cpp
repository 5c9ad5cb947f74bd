// Who prints the page: WeasyPrint, else Chromium, else nobody, and then nothing is left behind. (Stand-ins of both
// here; the real WeasyPrint prints in tools/export_test.)
#include "iqgate/report/pdf.hpp"
#include "iqgate/base/json.hpp"
#include "iqgate/report/plot.hpp"

#include <cstdlib>
#include <filesystem>

#include "iqgate/base/atomic_file.hpp"
#include "iqgate/base/error.hpp"
#include "support/support.hpp"

namespace iqgate::report {
namespace {
namespace fs = std::filesystem;

class Pdf : public ::testing::Test {
 protected:
  test::TemporaryFolder folder;
  const std::string page = folder.path("page.html"), pdf = folder.path("page.pdf");
  const std::string path_before = std::getenv("PATH");
  void SetUp() override {
    fs::create_directory(folder.path("bin"));
    write_file_atomically(page, "<p>page</p>");
    ::setenv("PATH", folder.path("bin").c_str(), 1);
  }
  void TearDown() override { ::setenv("PATH", path_before.c_str(), 1); }
  void stand_in(const std::string& name, const std::string& script) {
    const std::string program = folder.path("bin/" + name);
    write_file_atomically(program, "#!/bin/sh\n" + script);
    fs::permissions(program, fs::perms::owner_all);
  }
  std::string printed() { return make_pdf(page, pdf, "2026-01-02T03:04:05Z"); }
};

const char* const browser =
    "for word; do case $word in --print-to-pdf=*) to=${word#--print-to-pdf=};; file://*) from=${word#file://};; esac; "
    "done\n"
    "/bin/cp \"$from\" \"$to\"\n";

TEST_F(Pdf, WeasyPrintFirstThenABrowser) {
  stand_in("google-chrome", browser);
  EXPECT_EQ(printed(), "Chromium") << "no WeasyPrint";
  EXPECT_EQ(test::bytes_of(pdf), "<p>page</p>");
  stand_in("chromium", "exit 1\n");
  EXPECT_EQ(printed(), "Chromium") << "the next one";
  for (const char* broken : {"exit 1\n", "exit 0\n", "kill -9 $$\n"}) {
    stand_in("weasyprint", broken);
    EXPECT_EQ(printed(), "Chromium") << broken;
  }
  stand_in("weasyprint", "printf %s \"$SOURCE_DATE_EPOCH\" > \"$4\"\n");
  EXPECT_EQ(printed(), "WeasyPrint");
  EXPECT_EQ(test::bytes_of(pdf), "1767323045") << "2026-01-02T03:04:05Z";
}

TEST_F(Pdf, WithoutEitherThereIsNone) {
  stand_in("weasyprint", "exit 0\n");
  try {
    printed();
    ADD_FAILURE();
  } catch (const OutputError& e) {
    EXPECT_EQ(e.code, "no_pdf");
  }
  EXPECT_EQ(std::distance(fs::directory_iterator(folder.path()), {}), 2) << "the page and the folder of programs";
}

// The points of a linearity plot are a mark used again: the print engine of Debian 12 knows no colour inherited by it,
// and made no PDF of any CT report.
TEST(Plot, PointsHaveAColourOfTheirOwn) {
  const json::Value curve = json::parse(
      R"({"name": "ct_number_linearity", "variant": "", "where": "m", "x": {"name": "n", "unit": "HU", "values": [-100, 0, 120]},
          "y": {"name": "m", "unit": "HU", "values": [-98, 1, 119]}})",
      "curve", ErrorKind::input);
  const std::vector<std::string> svgs = curve_svgs({&curve});
  ASSERT_EQ(svgs.size(), 1u);
  EXPECT_NE(svgs[0].find("<svg"), std::string::npos) << "gnuplot belongs to what is installed";
  EXPECT_NE(svgs[0].find("<use"), std::string::npos);
  EXPECT_EQ(svgs[0].find("currentColor"), std::string::npos);
}

}  // namespace
}  // namespace iqgate::report
