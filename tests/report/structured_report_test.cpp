// The SR read back by DCMTK's own reader: every double, word and place as it was written.
#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmdata/dctk.h>
#include <dcmtk/dcmsr/codes/dcm.h>
#include <dcmtk/dcmsr/dsrdoc.h>

#include <cstdlib>

#include "iqgate/base/result.hpp"
#include "iqgate/report/exports.hpp"
#include "support/support.hpp"

namespace iqgate::report {
namespace {

// The private codes, written down once more: what is in files must not change with the program.
const DSRBasicCodedEntry variant_code("VARIANT", "99IQGATE", "Variant of metric"),
    se_code("SE", "99IQGATE", "Standard error"),
    low_code("CI95_LO", "99IQGATE", "Lower limit of 95 % confidence interval"),
    high_code("CI95_HI", "99IQGATE", "Upper limit of 95 % confidence interval"),
    verdict_code("VERDICT", "99IQGATE", "Verdict against limit");

std::string text_of(const OFString& text) { return {text.c_str(), text.size()}; }

bool contains(const DSRContentItem& item, DSRTypes::E_ValueType type) {
  return item.getValueType() == type && item.getRelationshipType() == DSRTypes::RT_contains;
}

double number_of(const DSRContentItem& item) {
  Float64 value = 0;
  EXPECT_TRUE(item.getNumericValue().getFloatingPointRepresentation(value).good());
  // The decimal string beside it holds 16 characters, 10 digits at least.
  EXPECT_NEAR(std::strtod(item.getNumericValue().getNumericValue().c_str(), nullptr), value, 1e-9 * std::abs(value));
  return value;
}

std::vector<ResultRow> read_sr(const std::string& path) {
  DcmFileFormat file;
  DSRDocument document;
  EXPECT_TRUE(file.loadFile(OFFilename(path.c_str())).good());
  EXPECT_TRUE(document.read(*file.getDataset()).good());
  DSRDocumentTree& tree = document.getTree();
  std::vector<ResultRow> rows;
  std::string place;
  for (std::size_t node = tree.gotoRoot(); node > 0; node = tree.iterate()) {
    const DSRContentItem& item = tree.getCurrentContentItem();
    const DSRCodedEntryValue& name = item.getConceptName();
    if (name == CODE_DCM_TrackingIdentifier) {
      const std::string text = text_of(item.getStringValue());
      const bool of_group = item.getRelationshipType() == DSRTypes::RT_hasObsContext;
      (of_group ? place : rows.back().where) = text == "(whole scan)" ? "" : text;
    }
    if (contains(item, DSRTypes::VT_Num) || contains(item, DSRTypes::VT_Code))
      rows.emplace_back().name = text_of(name.getCodeMeaning());
    if (rows.empty()) continue;
    ResultRow& row = rows.back();
    const std::string meaning = text_of(item.getCodeValue().getCodeMeaning());
    if (contains(item, DSRTypes::VT_Code)) row.state = meaning;
    if (contains(item, DSRTypes::VT_Num)) {
      row.where = place, row.value = number_of(item);
      row.unit = text_of(item.getNumericValue().getMeasurementUnit().getCodeValue());
    }
    if (name == variant_code) row.variant = meaning;
    if (name == verdict_code) row.state = meaning;
    if (name == se_code) row.se = number_of(item);
    if (name == low_code) row.ci95_lo = number_of(item);
    if (name == high_code) row.ci95_hi = number_of(item);
    if (name == CODE_DCM_EquivalentMeaningOfConceptName) row.name = text_of(item.getStringValue());
  }
  return rows;
}

SrHeader header() {
  SrHeader h;
  h.modality = "CT";
  h.study_uid = "2.25.1", h.series_uid = "2.25.2", h.instance_uid = "2.25.3", h.device_observer_uid = "2.25.4";
  h.manufacturer = "Maker", h.model = "Model", h.serial = "1";
  h.content_date = h.study_date = "20260102", h.content_time = h.study_time = "030405";
  h.software_version = "1";
  return h;
}

TEST(StructuredReport, EveryDoubleComesBack) {
  std::vector<ResultRow> rows;
  for (const double v : {1.0 / 3, -1e-300, 6.02214076e23, 0.1, 123456789.123456789, 5e-324}) {
    ResultRow r;
    r.name = "a_metric_with_a_long_name_" + std::to_string(rows.size());
    r.variant = rows.size() % 2 ? "center" : "";
    r.where = rows.size() < 3 ? "water/centre" : "";
    r.unit = "HU2 mm2";
    r.value = v, r.se = std::abs(v) / 7, r.ci95_lo = v - 1, r.ci95_hi = v + 1;
    r.state = rows.size() % 2 ? "pass" : "fail";
    rows.push_back(r);
  }
  ResultRow missing;
  missing.name = "snr", missing.where = "water/rim", missing.state = "not_measured";
  rows.push_back(missing);
  ResultRow standard = rows[0];
  standard.name = "snr", standard.unit = "1", standard.where = "";
  rows.insert(rows.begin() + 6, standard);
  test::TemporaryFolder folder;
  write_sr(folder.path("a.dcm"), header(), rows);
  const std::vector<ResultRow> back = read_sr(folder.path("a.dcm"));
  ASSERT_EQ(back.size(), rows.size());
  for (std::size_t k = 0; k < rows.size(); ++k) {
    EXPECT_EQ(back[k].name, rows[k].name) << k;
    EXPECT_EQ(back[k].variant, rows[k].variant) << k;
    EXPECT_EQ(back[k].where, rows[k].where) << k;
    EXPECT_EQ(back[k].value, rows[k].value) << k;
    EXPECT_EQ(back[k].se, rows[k].se) << k;
    EXPECT_EQ(back[k].ci95_lo, rows[k].ci95_lo) << k;
    EXPECT_EQ(back[k].ci95_hi, rows[k].ci95_hi) << k;
    EXPECT_EQ(back[k].state, rows[k].state) << k;
    if (rows[k].value) EXPECT_EQ(back[k].unit, find_unit(rows[k].unit)->ucum) << k;
  }
  write_sr(folder.path("b.dcm"), header(), rows);
  EXPECT_EQ(test::bytes_of(folder.path("a.dcm")), test::bytes_of(folder.path("b.dcm")));
}

TEST(StructuredReport, CodesAreShortAndKeepNamesApart) {
  EXPECT_EQ(short_code("roi_mean"), "roi_mean");
  EXPECT_LE(short_code("a_metric_with_a_long_name_1").size(), 16u);
  EXPECT_NE(short_code("a_metric_with_a_long_name_1"), short_code("a_metric_with_a_long_name_2"));
}

}  // namespace
}  // namespace iqgate::report
