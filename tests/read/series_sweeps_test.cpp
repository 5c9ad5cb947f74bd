// Series of slices swept over what goes wrong with them: runs of slices missing, orders, spacings, tilts, poses, and
// what the bits of a pixel mean. A series is measured as it lies, or refused.
#include <filesystem>
#include <numbers>
#include <random>

#include "read/dicom_series.hpp"

namespace iqgate::read {
namespace {
namespace fs = std::filesystem;

class SeriesSweep : public DicomSeries {
 protected:
  std::vector<std::string> tall(std::size_t slices) {
    fs::remove_all(folder.path("s"));
    scan = small_scan("CT", slices);
    return files =
               report::write_volume(scan, report::VolumeFormat::dicom, folder.path("s"), "slice", {.uid_seed = "t"});
  }
  void place(std::size_t k, Vec3 at) {
    char text[100];
    std::snprintf(text, sizeof text, "%.12g\\%.12g\\%.12g", at.x, at.y, at.z);
    alter(files[k], [&](DcmDataset& d) { d.putAndInsertString(DCM_ImagePositionPatient, text); });
  }
  static bool has(const ScanHeader& h, const std::string& flag) {
    return std::find(h.flags.begin(), h.flags.end(), flag) != h.flags.end();
  }
};

class SeriesSweepSlow : public SeriesSweep {};

TEST_F(SeriesSweep, EveryRunOfOneToFiveMissingSlicesOfSixtyIsRefused) {
  tall(60);
  int cases = 0;
  for (std::size_t run = 1; run <= 5; ++run)
    for (std::size_t first = 1; first + run < files.size(); ++first, ++cases) {
      for (std::size_t k = 0; k < run; ++k) fs::rename(files[first + k], folder.path("aside" + std::to_string(k)));
      expect_refused("missing_slices");
      for (std::size_t k = 0; k < run; ++k) fs::rename(folder.path("aside" + std::to_string(k)), files[first + k]);
    }
  EXPECT_EQ(cases, 58 + 57 + 56 + 55 + 54);
  EXPECT_TRUE(found()[0].usable);
}

TEST_F(SeriesSweepSlow, AThousandOrdersAndNamesGiveOneVolume) {
  std::mt19937 engine(7);
  const ScanHeader reference = found()[0];
  const auto hashes = reference.loader->input_hashes();
  for (int round = 0; round < 1000; ++round) {
    std::vector<std::string> renamed;
    for (std::size_t k = 0; k < files.size(); ++k) {
      renamed.push_back(folder.path("s") + "/" + std::to_string(engine()) + "_" + std::to_string(k));
      fs::rename(files[k], renamed.back());
    }
    files = renamed;
    std::shuffle(files.begin(), files.end(), engine);
    const auto headers = round % 2 ? found() : find_scans(files);
    ASSERT_EQ(headers.size(), 1u);
    ASSERT_EQ(headers[0].id, reference.id);
    ASSERT_TRUE(headers[0].loader->input_hashes() == hashes);
    ASSERT_TRUE(load_scan(headers[0])[0].volume.values == scan.volume.values) << round;
  }
}

// Every position off by up to half of `relative` of the spacing: gaps are off by up to it, their median too.
TEST_F(SeriesSweepSlow, UnevenSpacingIsSilentFlaggedOrRefused) {
  tall(7);
  std::mt19937 engine(3);
  std::uniform_real_distribution<double> unit(-0.5, 0.5);
  int series = 0;
  for (const double relative : {1e-9, 1e-7, 1e-6, 1e-5, 1e-4, 4e-4})  // twice 4e-4 is below the silent 1e-3
    for (int draw = 0; draw < 50; ++draw, ++series) {
      for (std::size_t k = 0; k < files.size(); ++k)
        place(k, {-8.05, -8.55, 2.5 * (double(k) + relative * unit(engine))});
      const auto h = found();
      ASSERT_TRUE(h.size() == 1 && h[0].usable) << relative << ' ' << h[0].reason;
      EXPECT_FALSE(has(h[0], "spacing_varies")) << relative;
    }
  EXPECT_EQ(series, 300);
  for (const double relative : {0.0125, 0.02, 0.05, 0.1})
    for (int draw = 0; draw < 25; ++draw) {
      for (std::size_t k = 0; k < files.size(); ++k) {
        const double shift = k == 3 ? -0.5 : k == 4 ? 0.5 : 0.2 * unit(engine);  // one gap is off by all of it
        place(k, {-8.05, -8.55, 2.5 * (double(k) + relative * shift)});
      }
      const auto h = found();
      EXPECT_TRUE(!h[0].usable || has(h[0], "spacing_varies")) << relative;
    }
}

TEST_F(SeriesSweep, TiltsAreRefusedBeyondHalfADegreeAndFlaggedBelow) {
  for (const double degrees : {0.1, 0.2, 0.5, 0.7, 1.0, 2.0, 5.0, 10.0, 20.0, 30.0})
    for (const double sign : {-1.0, 1.0}) {
      const double drift = std::tan(sign * degrees * std::numbers::pi / 180) * 2.5;
      for (std::size_t k = 0; k < files.size(); ++k) place(k, {-8.05, -8.55 + drift * double(k), 2.5 * double(k)});
      if (degrees > 0.6) {
        expect_refused("sheared_stack");
      } else {
        const auto h = found();
        EXPECT_TRUE(h[0].usable && has(h[0], "stack_slightly_sheared")) << degrees;
      }
    }
}

TEST_F(SeriesSweepSlow, TwoHundredPosesComeBack) {
  std::mt19937 engine(11);
  std::uniform_real_distribution<double> angle(-180, 180);
  Scan turned = small_scan("CT", 4);
  for (int draw = 0; draw < 200; ++draw) {
    turned.volume.grid = test::centred_grid({24, 20, 4}, {0.7, 0.9, 2.5},
                                            rotation_from_degrees(angle(engine), angle(engine), angle(engine)));
    fs::remove_all(folder.path("t"));
    report::write_volume(turned, report::VolumeFormat::dicom, folder.path("t"), "slice", {.uid_seed = "u"});
    const auto headers = find_scans({folder.path("t")});
    ASSERT_TRUE(headers.size() == 1 && headers[0].usable) << headers[0].reason;
    const auto back = load_scan(headers[0]);
    EXPECT_TRUE(same_grid(back[0].volume.grid, turned.volume.grid)) << draw;
    EXPECT_TRUE(back[0].volume.values == turned.volume.values) << draw;
  }
}

// Rows and columns that run the other way, and cosines that are not quite one: each pixel lies where the header puts
// it.
TEST_F(SeriesSweep, FlippedAndUnevenCosines) {
  const auto stored = load_scan(found()[0])[0].volume;
  const std::size_t columns = 24, rows = 20;
  for (const auto& [row, column] : {std::pair{Vec3{-1, 0, 0}, Vec3{0, 1, 0}},
                                    {Vec3{1, 0, 0}, Vec3{0, -1, 0}},
                                    {Vec3{0, 1, 0}, Vec3{1, 0, 0}},
                                    {Vec3{-1.004, 0, 0}, Vec3{0, 0.996, 0}}}) {
    for (const std::string& f : files)
      alter(f, [&, r = row, c = column](DcmDataset& d) {
        char text[120];
        std::snprintf(text, sizeof text, "%g\\%g\\%g\\%g\\%g\\%g", r.x, r.y, r.z, c.x, c.y, c.z);
        d.putAndInsertString(DCM_ImageOrientationPatient, text);
      });
    const auto headers = found();
    ASSERT_TRUE(headers[0].usable) << headers[0].reason;
    const auto volume = load_scan(headers[0])[0].volume;
    for (const std::size_t k : {std::size_t{0}, std::size_t{5}, files.size() - 1})
      for (const std::size_t i : {std::size_t{0}, std::size_t{17}})
        for (const std::size_t j : {std::size_t{3}, std::size_t{19}}) {
          const Vec3 first = stored.grid.origin_mm + 2.5 * double(k) * Vec3{0, 0, 1};
          const Vec3 at =
              volume.grid.to_index(first + 0.7 * double(i) * normalised(row) + 0.9 * double(j) * normalised(column));
          const auto x = std::size_t(std::lround(at.x)), y = std::size_t(std::lround(at.y)),
                     z = std::size_t(std::lround(at.z));
          EXPECT_NEAR(std::abs(at.x - double(x)) + std::abs(at.y - double(y)) + std::abs(at.z - double(z)), 0, 1e-6);
          EXPECT_EQ(volume.values[(z * rows + y) * columns + x], stored.values[(k * rows + j) * columns + i]);
        }
  }
  for (const char* wrong :
       {"1.02\\0\\0\\0\\1\\0", "1\\0\\0\\0.02\\1\\0", "1\\0\\0\\1\\0\\0", "0\\0\\0\\0\\1\\0", "1\\0\\0"}) {
    for (const std::string& f : files)
      alter(f, [&](DcmDataset& d) { d.putAndInsertString(DCM_ImageOrientationPatient, wrong); });
    for (const ScanHeader& h : found()) EXPECT_FALSE(h.usable) << wrong;
  }
}

// Signed or not, 8 to 16 bits stored, in the lower or upper bits, rubbish beside them, inverted display: against the
// bits taken apart here. Slope 0.5 and intercept -7 are exact in binary.
TEST_F(SeriesSweepSlow, WhatTheBitsMean) {
  std::mt19937 engine(5);
  const std::string one = folder.path("one.dcm");
  fs::copy_file(files[0], one);
  int cases = 0;
  for (unsigned stored = 8; stored <= 16; ++stored)
    for (unsigned high = stored - 1; high < 16; ++high)
      for (const bool is_signed : {false, true})
        for (const char* photometric : {"MONOCHROME1", "MONOCHROME2"})
          for (const bool big_endian : {false, true}) {
            std::vector<Uint16> pixels(24 * 20);
            for (Uint16& p : pixels) p = Uint16(engine());
            DcmFileFormat format;
            ASSERT_TRUE(format.loadFile(one.c_str()).good());
            DcmDataset& d = *format.getDataset();
            d.putAndInsertUint16(DCM_BitsStored, Uint16(stored)), d.putAndInsertUint16(DCM_HighBit, Uint16(high));
            d.putAndInsertUint16(DCM_PixelRepresentation, is_signed);
            d.putAndInsertString(DCM_PhotometricInterpretation, photometric);
            d.putAndInsertString(DCM_RescaleSlope, "0.5"), d.putAndInsertString(DCM_RescaleIntercept, "-7");
            d.putAndInsertUint16Array(DCM_PixelData, pixels.data(), pixels.size());
            const std::string path = folder.path("altered.dcm");
            ASSERT_TRUE(
                format.saveFile(path.c_str(), big_endian ? EXS_BigEndianExplicit : EXS_LittleEndianExplicit).good());
            const auto headers = find_scans({path});
            ASSERT_TRUE(headers.size() == 1 && headers[0].usable) << headers[0].reason;
            const auto values = load_scan(headers[0])[0].volume.values;
            for (std::size_t k = 0; k < pixels.size(); ++k) {
              int value = 0;
              for (unsigned bit = 0; bit < stored; ++bit)
                if (pixels[k] >> (high + 1 - stored + bit) & 1)
                  value += is_signed && bit + 1 == stored ? -(1 << bit) : 1 << bit;
              ASSERT_EQ(values[k], 0.5f * float(value) - 7) << stored << ' ' << high << ' ' << is_signed;
            }
            ++cases;
          }
  EXPECT_EQ(cases, 8 * 45);
}

}  // namespace
}  // namespace iqgate::read
