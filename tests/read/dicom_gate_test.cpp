// DICOM headers and files that must be refused before anything is decoded or allocated.
#include <fstream>

#include "iqgate/base/atomic_file.hpp"
#include "read/dicom_series.hpp"

namespace iqgate::read {
namespace {
namespace fs = std::filesystem;

TEST_F(DicomSeries, HeaderFaultsAreRefused) {
  struct Fault {
    const char* code;
    std::function<void(DcmDataset&)> change;
  };
  const std::vector<Fault> faults{
      {"empty_image", [](DcmDataset& d) { d.putAndInsertUint16(DCM_Rows, 0); }},
      {"truncated", [](DcmDataset& d) { d.putAndInsertUint16(DCM_Rows, 21); }},
      {"pixel_length", [](DcmDataset& d) { d.putAndInsertUint16(DCM_Rows, 19); }},
      {"truncated", [](DcmDataset& d) { d.putAndInsertString(DCM_NumberOfFrames, "2"); }},
      {"too_many_frames", [](DcmDataset& d) { d.putAndInsertString(DCM_NumberOfFrames, "2000000000"); }},
      {"too_many_frames", [](DcmDataset& d) { d.putAndInsertString(DCM_NumberOfFrames, "-1"); }},
      {"pixel_format", [](DcmDataset& d) { d.putAndInsertUint16(DCM_BitsStored, 17); }},
      {"pixel_format", [](DcmDataset& d) { d.putAndInsertUint16(DCM_HighBit, 16); }},
      {"pixel_format", [](DcmDataset& d) { d.putAndInsertUint16(DCM_BitsAllocated, 12); }},
      {"bad_spacing", [](DcmDataset& d) { d.putAndInsertString(DCM_PixelSpacing, "0\\0.7"); }},
      {"bad_spacing", [](DcmDataset& d) { d.putAndInsertString(DCM_PixelSpacing, "0.7"); }},
      {"bad_header", [](DcmDataset& d) { d.putAndInsertString(DCM_PixelSpacing, "0,9\\0,7"); }},
      {"no_pixel_spacing", [](DcmDataset& d) { delete d.remove(DCM_PixelSpacing); }},
      {"bad_orientation", [](DcmDataset& d) { d.putAndInsertString(DCM_ImageOrientationPatient, "1\\0\\0\\1\\0\\0"); }},
      {"bad_orientation", [](DcmDataset& d) { d.putAndInsertString(DCM_ImageOrientationPatient, "2\\0\\0\\0\\2\\0"); }},
      {"bad_header", [](DcmDataset& d) { d.putAndInsertString(DCM_ImagePositionPatient, "1e9\\0\\0"); }},
      {"bad_header", [](DcmDataset& d) { d.putAndInsertString(DCM_RescaleSlope, "nan"); }},
      {"bad_rescale", [](DcmDataset& d) { d.putAndInsertString(DCM_RescaleSlope, "0"); }},
      {"colour_image", [](DcmDataset& d) { d.putAndInsertUint16(DCM_SamplesPerPixel, 3); }},
      {"colour_image", [](DcmDataset& d) { d.putAndInsertString(DCM_PhotometricInterpretation, "PALETTE COLOR"); }},
      {"localiser", [](DcmDataset& d) { d.putAndInsertString(DCM_ImageType, "ORIGINAL\\PRIMARY\\LOCALIZER"); }},
      {"truncated",  // cut between two elements: an image by its class, and none by what is there
       [](DcmDataset& d) {
         delete d.remove(DCM_PixelData);
         delete d.remove(DCM_Rows);
       }},
      {"not_an_image", [](DcmDataset& d) {
         d.putAndInsertString(DCM_SOPClassUID, UID_BasicTextSRStorage);
         delete d.remove(DCM_PixelData);
         delete d.remove(DCM_Rows);
       }}};
  const std::string one = folder.path("one.dcm");
  for (const Fault& fault : faults) {
    fs::copy_file(files[2], one, fs::copy_options::overwrite_existing);
    alter(one, fault.change);
    const auto h = find_scans({one});
    ASSERT_EQ(h.size(), 1u);
    EXPECT_FALSE(h[0].usable) << fault.code;
    EXPECT_EQ(h[0].code, fault.code) << h[0].reason;
  }
}

TEST_F(DicomSeries, ADamagedFileRefusesItsWholeSeries) {
  fs::resize_file(files[5], fs::file_size(files[5]) - 100);
  expect_refused("truncated");
  expect_refused("missing_slices");
}

TEST_F(DicomSeries, EveryTruncationIsRefused) {
  const std::string one = folder.path("one.dcm");
  const auto size = fs::file_size(files[0]);
  for (std::uintmax_t cut = 0; cut < size; cut += std::max<std::uintmax_t>(1, size / 256)) {
    fs::copy_file(files[0], one, fs::copy_options::overwrite_existing);
    fs::resize_file(one, cut);
    for (const ScanHeader& h : find_scans({one})) EXPECT_FALSE(h.usable) << "cut at " << cut;
  }
}

TEST_F(DicomSeries, AHeaderThatClaimsGigabytesCostsNothing) {
  // 498 bytes that claim 65535 x 65535 pixels of 16 bits.
  const std::string one = folder.path("bomb.dcm");
  fs::copy_file(files[0], one);
  alter(one, [](DcmDataset& d) {
    d.putAndInsertUint16(DCM_Rows, 65535);
    d.putAndInsertUint16(DCM_Columns, 65535);
    const Uint16 pixels[4] = {1, 2, 3, 4};
    d.putAndInsertUint16Array(DCM_PixelData, pixels, 4);
  });
  const auto resident = [] {
    long pages = 0, shared = 0;
    std::ifstream("/proc/self/statm") >> pages >> shared;
    return shared * 4096;
  };
  const long before = resident();
  const auto start = std::chrono::steady_clock::now();
  const auto h = find_scans({one});
  EXPECT_LT(std::chrono::steady_clock::now() - start,
            std::chrono::milliseconds(1000));  // the promise is 100 ms; sanitizers are slow
  EXPECT_LT(resident() - before, 64 << 20);
  ASSERT_EQ(h.size(), 1u);
  EXPECT_FALSE(h[0].usable);
}

}  // namespace
}  // namespace iqgate::read
