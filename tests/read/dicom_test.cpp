// DICOM series: what is one volume, and that values and geometry come back right.
#include <fstream>
#include <random>

#include "iqgate/base/atomic_file.hpp"
#include "read/dicom_series.hpp"

namespace iqgate::read {
namespace {
namespace fs = std::filesystem;

TEST_F(DicomSeries, ValuesAndGeometryComeBack) {
  const auto headers = found();
  ASSERT_EQ(headers.size(), 1u);
  ASSERT_TRUE(headers[0].usable) << headers[0].reason;
  EXPECT_EQ(headers[0].value_unit, "HU");
  const auto scans = load_scan(headers[0]);
  ASSERT_EQ(scans.size(), 1u);
  EXPECT_EQ(scans[0].volume.values, scan.volume.values);
  EXPECT_TRUE(same_grid(scans[0].volume.grid, scan.volume.grid));
}

TEST_F(DicomSeries, ObliqueAndTurnedSlices) {
  for (const auto& [pitch, yaw, roll] : {std::tuple{90., 0., 0.}, {0., 90., 0.}, {13., -27., 41.}}) {
    Scan turned = scan;
    turned.volume.grid = test::centred_grid({24, 20, 12}, {0.7, 0.9, 2.5}, rotation_from_degrees(pitch, yaw, roll));
    report::write_volume(turned, report::VolumeFormat::dicom, folder.path("t"), "slice", {.uid_seed = "u"});
    const auto headers = find_scans({folder.path("t")});
    ASSERT_EQ(headers.size(), 1u);
    ASSERT_TRUE(headers[0].usable) << headers[0].reason;
    const auto back = load_scan(headers[0]);
    EXPECT_TRUE(same_grid(back[0].volume.grid, turned.volume.grid));
    EXPECT_EQ(back[0].volume.values, turned.volume.values);
  }
}

TEST_F(DicomSeries, FileOrderAndNamesPlayNoPart) {
  const auto reference = load_scan(found()[0])[0];
  std::mt19937 engine(1);
  for (int round = 0; round < 20; ++round) {
    std::vector<int> order(files.size());
    for (std::size_t k = 0; k < order.size(); ++k) order[k] = int(k);
    std::shuffle(order.begin(), order.end(), engine);
    const std::string other = folder.path("shuffled" + std::to_string(round));
    fs::create_directory(other);
    for (std::size_t k = 0; k < files.size(); ++k)
      fs::copy_file(files[k], other + "/x" + std::to_string(1000 + order[k]));
    const auto headers = find_scans({other});
    ASSERT_EQ(headers.size(), 1u);
    EXPECT_EQ(headers[0].id, found()[0].id);
    const auto again = load_scan(headers[0])[0];
    EXPECT_EQ(again.volume.values, reference.volume.values);
    EXPECT_EQ(again.volume.grid.origin_mm.z, reference.volume.grid.origin_mm.z);
    EXPECT_EQ(headers[0].loader->input_hashes(), found()[0].loader->input_hashes());
  }
}

TEST_F(DicomSeries, InstanceNumberAgainstPositionIsIgnored) {
  for (std::size_t k = 0; k < files.size(); ++k)
    alter(files[k], [&](DcmDataset& d) { d.putAndInsertString(DCM_InstanceNumber, std::to_string(100 - k).c_str()); });
  EXPECT_EQ(load_scan(found()[0])[0].volume.values, scan.volume.values);
}

TEST_F(DicomSeries, EveryMissingInteriorSliceIsSeen) {
  for (std::size_t gone = 1; gone + 1 < files.size(); ++gone) {
    fs::rename(files[gone], folder.path("aside"));
    expect_refused("missing_slices");
    fs::rename(folder.path("aside"), files[gone]);
  }
  EXPECT_TRUE(found()[0].usable);
}

TEST_F(DicomSeries, SpacingTolerances) {
  const auto shift_last = [&](double relative) {
    for (std::size_t k = 0; k < files.size(); ++k) {
      const double z = (double(k) + (k + 1 == files.size() ? relative : 0)) * 2.5;
      alter(files[k], [&](DcmDataset& d) {
        char text[80];
        std::snprintf(text, sizeof text, "-8.05\\-8.55\\%.9g", z);
        d.putAndInsertString(DCM_ImagePositionPatient, text);
      });
    }
  };
  for (const double silent : {0.0, 1e-9, 5e-4}) {
    shift_last(silent);
    const auto h = found();
    ASSERT_TRUE(h[0].usable) << silent << h[0].reason;
    EXPECT_TRUE(std::find(h[0].flags.begin(), h[0].flags.end(), "spacing_varies") == h[0].flags.end()) << silent;
  }
  shift_last(5e-3);
  const auto flagged = found();
  ASSERT_TRUE(flagged[0].usable);
  EXPECT_TRUE(std::find(flagged[0].flags.begin(), flagged[0].flags.end(), "spacing_varies") != flagged[0].flags.end());
  for (const double refused : {0.02, -0.03, 0.3}) {
    shift_last(refused);
    expect_refused("uneven_spacing");
  }
}

TEST_F(DicomSeries, DuplicatesEqualAreDroppedOthersRefused) {
  fs::copy_file(files[3], folder.path("s") + "/copy");
  auto h = found();
  ASSERT_EQ(h.size(), 1u);
  ASSERT_TRUE(h[0].usable) << h[0].reason;
  EXPECT_TRUE(std::find(h[0].flags.begin(), h[0].flags.end(), "duplicate_dropped") != h[0].flags.end());
  EXPECT_EQ(load_scan(h[0])[0].volume.values, scan.volume.values);
  alter(folder.path("s") + "/copy", [](DcmDataset& d) {
    const Uint16* pixels = nullptr;
    unsigned long n = 0;
    d.findAndGetUint16Array(DCM_PixelData, pixels, &n);
    std::vector<Uint16> changed(pixels, pixels + n);
    changed[5] += 3;
    d.putAndInsertUint16Array(DCM_PixelData, changed.data(), n);
  });
  expect_refused("duplicate_slices");
}

TEST_F(DicomSeries, MixedOrientationPatientAndTilt) {
  alter(files[4], [](DcmDataset& d) { d.putAndInsertString(DCM_ImageOrientationPatient, "0\\1\\0\\0\\0\\-1"); });
  expect_refused("mixed_orientation");
  alter(files[4], [](DcmDataset& d) { d.putAndInsertString(DCM_ImageOrientationPatient, "1\\0\\0\\0\\1\\0"); });
  alter(files[4], [](DcmDataset& d) { d.putAndInsertString(DCM_PatientID, "SOMEBODY"); });
  expect_refused("mixed_slices");
  alter(files[4], [](DcmDataset& d) { d.putAndInsertString(DCM_PatientID, "PHANTOM"); });
  ASSERT_TRUE(found()[0].usable);
  for (std::size_t k = 0; k < files.size(); ++k)
    alter(files[k], [&](DcmDataset& d) {
      char text[80];
      std::snprintf(text, sizeof text, "-8.05\\%.9g\\%.9g", -8.55 + 0.4 * double(k), 2.5 * double(k));
      d.putAndInsertString(DCM_ImagePositionPatient, text);
    });
  expect_refused("sheared_stack");
}

TEST_F(DicomSeries, SeveralSeriesInOneFolderAreSplit) {
  Scan other = small_scan("MR", 5);
  report::write_volume(other, report::VolumeFormat::dicom, folder.path("s"), "mr",
                       {.uid_seed = "other", .series_number = 2});
  // A second kernel in the same series is another volume.
  auto copies = report::write_volume(scan, report::VolumeFormat::dicom, folder.path("s"), "sharp",
                                     {.uid_seed = "t", .tags = {{"ConvolutionKernel", "SHARP"}}});
  const auto h = found();
  EXPECT_EQ(h.size(), 3u);
  for (const ScanHeader& header : h) EXPECT_TRUE(header.usable) << header.reason;
}

TEST_F(DicomSeries, EchoesOfOneSeriesAreSplitAndNamed) {
  fs::remove_all(folder.path("s"));
  Scan mr = small_scan("MR", 4);
  for (int echo = 1; echo <= 3; ++echo) {
    for (float& v : mr.volume.values) v += 1;
    for (const std::string& f :
         report::write_volume(mr, report::VolumeFormat::dicom, folder.path("s"), "e" + std::to_string(echo),
                              {.uid_seed = "m", .tags = {{"EchoTime", std::to_string(echo * 10)}}}))
      alter(f, [&](DcmDataset& d) {
        d.putAndInsertString(DCM_SOPInstanceUID,
                             (std::string("2.25.7") + std::to_string(echo) + f.substr(f.size() - 5, 1)).c_str());
      });
  }
  const auto h = found();
  ASSERT_EQ(h.size(), 3u);
  for (std::size_t k = 0; k < 3; ++k) {
    EXPECT_TRUE(h[k].usable) << h[k].reason;
    EXPECT_EQ(h[k].role, "echo_" + std::to_string(k + 1));
    EXPECT_EQ(h[k].group, h[0].group);
    EXPECT_EQ(h[k].tags.at("EchoTime"), std::to_string((k + 1) * 10));
  }
}

TEST_F(DicomSeries, RescaleIsPerSlice) {
  for (std::size_t k = 0; k < files.size(); ++k)
    alter(files[k], [&](DcmDataset& d) {
      d.putAndInsertString(DCM_RescaleSlope, std::to_string(k + 1).c_str());
      d.putAndInsertString(DCM_RescaleIntercept, "0");
    });
  const auto back = load_scan(found()[0])[0];
  for (std::size_t k = 0; k < back.volume.values.size(); ++k) {
    const double stored = scan.volume.values[k] + 8192;
    ASSERT_EQ(back.volume.values[k], float(stored * double(k / (24 * 20) + 1)));
  }
}

TEST_F(DicomSeries, PixelMeaning) {
  // signed / unsigned, bits stored and high bit, against values made by hand.
  const auto value_with = [&](unsigned stored, unsigned high, bool is_signed, Uint16 raw) {
    for (const std::string& f : files)
      alter(f, [&](DcmDataset& d) {
        d.putAndInsertUint16(DCM_BitsStored, Uint16(stored));
        d.putAndInsertUint16(DCM_HighBit, Uint16(high));
        d.putAndInsertUint16(DCM_PixelRepresentation, is_signed);
        d.putAndInsertString(DCM_RescaleSlope, "1");
        d.putAndInsertString(DCM_RescaleIntercept, "0");
        const std::vector<Uint16> pixels(24 * 20, raw);
        d.putAndInsertUint16Array(DCM_PixelData, pixels.data(), pixels.size());
      });
    const auto h = found();
    EXPECT_TRUE(h[0].usable) << h[0].reason;
    return load_scan(h[0])[0].volume.values[7];
  };
  EXPECT_EQ(value_with(16, 15, false, 0xF123), 0xF123);
  EXPECT_EQ(value_with(16, 15, true, 0xFFFE), -2);
  EXPECT_EQ(value_with(12, 11, true, 0x0FFE), -2);  // 12-bit signed, upper bits zero
  EXPECT_EQ(value_with(12, 11, true, 0x07FF), 2047);
  EXPECT_EQ(value_with(12, 11, false, 0xA123), 0x123);  // rubbish above the stored bits (old overlays)
  EXPECT_EQ(value_with(12, 15, false, 0x1230), 0x123);  // stored in the upper bits
}

TEST_F(DicomSeries, EnhancedMultiFrame) {
  for (const std::string modality : {"CT", "MR"}) {
    Scan enhanced = small_scan(modality, 7);
    const std::string path = folder.path(modality + ".dcm");
    // Frames shuffled in the file: the functional groups, not the order, say where they lie.
    report::write_enhanced_dicom(enhanced, path, {.uid_seed = "e"}, {3, 0, 6, 1, 5, 2, 4});
    const auto h = find_scans({path});
    ASSERT_EQ(h.size(), 1u);
    ASSERT_TRUE(h[0].usable) << h[0].reason;
    EXPECT_EQ(h[0].frames, 7u);
    EXPECT_EQ(h[0].files, 1u);
    const auto back = load_scan(h[0])[0];
    EXPECT_TRUE(same_grid(back.volume.grid, enhanced.volume.grid));
    for (std::size_t k = 0; k < back.volume.values.size(); ++k)
      ASSERT_NEAR(back.volume.values[k], enhanced.volume.values[k], 0.01);
  }
}

TEST_F(DicomSeries, EnhancedPerFrameRescaleAndGaps) {
  const std::string path = folder.path("e.dcm");
  report::write_enhanced_dicom(scan, path, {.uid_seed = "e"});
  alter(path, [](DcmDataset& d) {
    DcmItem *frame = nullptr, *item = nullptr;
    d.findAndGetSequenceItem(DCM_PerFrameFunctionalGroupsSequence, frame, 4);
    frame->findAndGetSequenceItem(DCM_PixelValueTransformationSequence, item, 0);
    item->putAndInsertString(DCM_RescaleSlope, "2");
  });
  const auto h = find_scans({path});
  ASSERT_TRUE(h[0].usable) << h[0].reason;
  const auto back = load_scan(h[0])[0];
  const std::size_t plane = 24 * 20;
  EXPECT_EQ(back.volume.values[3 * plane + 9], scan.volume.values[3 * plane + 9]);
  EXPECT_EQ(back.volume.values[4 * plane + 9], float(2 * (scan.volume.values[4 * plane + 9] + 8192) - 8192));
  alter(path, [](DcmDataset& d) {
    DcmItem *frame = nullptr, *item = nullptr;
    d.findAndGetSequenceItem(DCM_PerFrameFunctionalGroupsSequence, frame, 11);
    frame->findAndGetSequenceItem(DCM_PlanePositionSequence, item, 0);
    item->putAndInsertString(DCM_ImagePositionPatient, "-8.05\\-8.55\\100");
  });
  EXPECT_FALSE(find_scans({path})[0].usable);
}

TEST_F(DicomSeries, MagnificationOfAProjection) {
  const std::string one = folder.path("dx.dcm");
  fs::copy_file(files[0], one);
  alter(one, [](DcmDataset& d) {
    delete d.remove(DCM_PixelSpacing);
    d.putAndInsertString(DCM_ImagerPixelSpacing, "0.2\\0.1");
    d.putAndInsertString(DCM_EstimatedRadiographicMagnificationFactor, "1.25");
  });
  const auto h = find_scans({one});
  ASSERT_TRUE(h[0].usable) << h[0].reason;
  EXPECT_NEAR(h[0].grid.spacing_mm.x, 0.08, 1e-12);
  EXPECT_NEAR(h[0].grid.spacing_mm.y, 0.16, 1e-12);
}

TEST_F(DicomSeries, ZipIsReadInPlace) {
  const std::string zip = folder.path("scan.zip");
  ASSERT_EQ(std::system(("cd " + folder.path("s") + " && zip -q -r " + zip + " .").c_str()), 0);
  const auto before = std::distance(fs::directory_iterator(folder.path()), {});
  const auto h = find_scans({zip});
  ASSERT_EQ(h.size(), 1u);
  ASSERT_TRUE(h[0].usable) << h[0].reason;
  EXPECT_EQ(load_scan(h[0])[0].volume.values, scan.volume.values);
  EXPECT_EQ(std::distance(fs::directory_iterator(folder.path()), {}), before);
  fs::resize_file(zip, fs::file_size(zip) / 2);
  for (const ScanHeader& header : find_scans({zip})) EXPECT_FALSE(header.usable);
}

TEST(FindScans, PathsThatAreNotThere) {
  EXPECT_THROW(find_scans({"/nonexistent/scan"}), InputError);
  test::TemporaryFolder folder;
  EXPECT_TRUE(find_scans({folder.path()}).empty());
  write_file_atomically(folder.path("notes.txt"), "not a scan, and long enough to be looked at closely");
  EXPECT_TRUE(find_scans({folder.path()}).empty());
  const auto named = find_scans({folder.path("notes.txt")});
  ASSERT_EQ(named.size(), 1u);
  EXPECT_EQ(named[0].code, "unknown_format");
}

}  // namespace
}  // namespace iqgate::read
