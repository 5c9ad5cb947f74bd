#pragma once
// A small series written as DICOM, and ways to spoil it.
#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmdata/dctk.h>

#include <algorithm>
#include <functional>

#include "iqgate/read/find_scans.hpp"
#include "iqgate/report/volume_writer.hpp"
#include "support/support.hpp"

namespace iqgate::read {

inline Scan small_scan(const std::string& modality = "CT", std::size_t slices = 12) {
  compute::RenderJob job;
  job.grid = test::centred_grid({24, 20, slices}, {0.7, 0.9, 2.5});
  job.noise = {.kind = compute::NoiseKind::white, .sd = 10, .seed = 11};
  Scan scan = test::ct_scan(test::one_shape({.kind = phantom::ShapeKind::sphere, .radius_mm = 6}, 100, -50), job);
  scan.modality = modality;
  scan.value_unit = modality == "CT" ? "HU" : "1";
  for (float& v : scan.volume.values) v = std::round(v);
  return scan;
}

class DicomSeries : public ::testing::Test {
 protected:
  test::TemporaryFolder folder;
  Scan scan = small_scan();
  std::vector<std::string> files =
      report::write_volume(scan, report::VolumeFormat::dicom, folder.path("s"), "slice", {.uid_seed = "t"});

  std::vector<ScanHeader> found() { return find_scans({folder.path("s")}); }
  static void alter(const std::string& path, const std::function<void(DcmDataset&)>& change) {
    DcmFileFormat format;
    ASSERT_TRUE(format.loadFile(path.c_str()).good());
    format.loadAllDataIntoMemory();
    change(*format.getDataset());
    ASSERT_TRUE(format.saveFile(path.c_str(), EXS_LittleEndianExplicit).good());
  }
  void expect_refused(const std::string& code) {
    const auto headers = found();
    ASSERT_FALSE(headers.empty());
    EXPECT_TRUE(std::none_of(headers.begin(), headers.end(), [](const ScanHeader& h) { return h.usable; })) << code;
    EXPECT_TRUE(std::any_of(headers.begin(), headers.end(), [&](const ScanHeader& h) { return h.code == code; }))
        << "got " << headers.front().code << ": " << headers.front().reason << ", wanted " << code;
  }
};

}  // namespace iqgate::read
