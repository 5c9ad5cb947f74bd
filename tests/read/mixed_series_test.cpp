// Slices that do not belong among those of a series: beside it, and in the place of one of its own. Never stacked with
// them: what is usable is the series as it was, or the foreign slice alone.
#include <filesystem>

#include "read/dicom_series.hpp"

namespace iqgate::read {
namespace {
namespace fs = std::filesystem;

struct Foreign {
  const char* what;
  std::function<void(DcmDataset&)> change;
};

void text(DcmDataset& d, const DcmTagKey& tag, const char* value) { d.putAndInsertString(tag, value); }

const Foreign foreigners[] = {
    {"another patient", [](DcmDataset& d) { text(d, DCM_PatientID, "SOMEBODY"); }},
    {"another series", [](DcmDataset& d) { text(d, DCM_SeriesInstanceUID, "2.25.999"); }},
    {"another study", [](DcmDataset& d) { text(d, DCM_StudyInstanceUID, "2.25.998"); }},
    {"another frame of reference", [](DcmDataset& d) { text(d, DCM_FrameOfReferenceUID, "2.25.997"); }},
    {"another kernel", [](DcmDataset& d) { text(d, DCM_ConvolutionKernel, "SHARP"); }},
    {"another modality", [](DcmDataset& d) { text(d, DCM_Modality, "MR"); }},
    {"another scanner", [](DcmDataset& d) { text(d, DCM_DeviceSerialNumber, "4711"); }},
    {"a coronal slice", [](DcmDataset& d) { text(d, DCM_ImageOrientationPatient, "1\\0\\0\\0\\0\\-1"); }},
    {"a turned slice", [](DcmDataset& d) { text(d, DCM_ImageOrientationPatient, "0\\1\\0\\-1\\0\\0"); }},
    {"a slice turned by two degrees",
     [](DcmDataset& d) {
       text(d, DCM_ImageOrientationPatient, "0.99939082\\0.03489950\\0\\-0.03489950\\0.99939082\\0");
     }},
    {"a mirrored slice", [](DcmDataset& d) { text(d, DCM_ImageOrientationPatient, "-1\\0\\0\\0\\1\\0"); }},
    {"other pixels", [](DcmDataset& d) { text(d, DCM_PixelSpacing, "0.45\\0.35"); }},
    {"swapped pixels", [](DcmDataset& d) { text(d, DCM_PixelSpacing, "0.7\\0.9"); }},
    {"another matrix",
     [](DcmDataset& d) {
       d.putAndInsertUint16(DCM_Rows, 24);
       d.putAndInsertUint16(DCM_Columns, 20);
     }},
    {"a localiser", [](DcmDataset& d) { text(d, DCM_ImageType, "ORIGINAL\\PRIMARY\\LOCALIZER"); }},
    {"a dose page",
     [](DcmDataset& d) {
       text(d, DCM_SOPClassUID, UID_SecondaryCaptureImageStorage);
       text(d, DCM_ImageType, "DERIVED\\SECONDARY\\SCREEN SAVE");
       delete d.remove(DCM_ImagePositionPatient);
       delete d.remove(DCM_ImageOrientationPatient);
     }},
    {"without a place", [](DcmDataset& d) { delete d.remove(DCM_ImagePositionPatient); }},
    {"another energy", [](DcmDataset& d) { text(d, DCM_KVP, "80"); }},
    {"another echo", [](DcmDataset& d) { text(d, DCM_EchoTime, "99"); }},
};

class MixedSeries : public DicomSeries {
 protected:
  // A copy of slice k, its pixels 5000 up (no voxel of the series is), changed and under its own name.
  std::string foreign_slice(std::size_t k, const Foreign& foreign) {
    const std::string path = folder.path("s") + "/foreign";
    fs::copy_file(files[k], path);
    alter(path, [&](DcmDataset& d) {
      const Uint16* pixels = nullptr;
      unsigned long n = 0;
      d.findAndGetUint16Array(DCM_PixelData, pixels, &n);
      std::vector<Uint16> brighter(pixels, pixels + n);
      for (Uint16& p : brighter) p = Uint16(p + 5000);
      d.putAndInsertUint16Array(DCM_PixelData, brighter.data(), n);
      text(d, DCM_SOPInstanceUID, "2.25.4444");
      foreign.change(d);
    });
    return path;
  }
};

TEST_F(MixedSeries, AForeignSliceIsNeverStacked) {
  int cases = 0;
  for (const Foreign& foreign : foreigners)
    for (const std::size_t k : {std::size_t{0}, std::size_t{5}, files.size() - 1})
      for (const bool replaces : {false, true}) {
        const std::string path = foreign_slice(k, foreign), what = std::string(foreign.what) +
                                                                   (replaces ? " for slice " : " beside slice ") +
                                                                   std::to_string(k);
        if (replaces) fs::rename(files[k], folder.path("aside"));
        for (const ScanHeader& header : found()) {
          if (!header.usable) continue;
          for (const Scan& loaded : load_scan(header)) {
            const Voxels& values = loaded.volume.values;
            const auto bright = std::count_if(values.begin(), values.end(), [](float v) { return v > 3000; });
            EXPECT_TRUE(bright == 0 || bright == std::ptrdiff_t(values.size())) << what;
            if (bright != 0) continue;
            // Without the slice that was put aside, an inner one is missed; a lost end leaves no trace but the count.
            EXPECT_TRUE(!replaces || k == 0 || k + 1 == files.size()) << what;
            EXPECT_EQ(loaded.volume.grid.size.z, replaces ? files.size() - 1 : files.size()) << what;
            if (!replaces) EXPECT_EQ(values, scan.volume.values) << what;
          }
        }
        fs::remove(path);
        if (replaces) fs::rename(folder.path("aside"), files[k]);
        ++cases;
      }
  EXPECT_GE(cases, 100);
  EXPECT_TRUE(found()[0].usable);
}

// The same value written otherwise is no other value.
TEST_F(MixedSeries, OneEnergyInTwoSpellings) {
  for (std::size_t k = 0; k < files.size(); ++k)
    alter(files[k], [&](DcmDataset& d) { text(d, DCM_KVP, k % 2 ? "120" : "120.0"); });
  ASSERT_EQ(found().size(), 1u);
  EXPECT_TRUE(found()[0].usable) << found()[0].reason;
}

}  // namespace
}  // namespace iqgate::read
