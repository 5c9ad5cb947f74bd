// NIfTI, MetaImage, NRRD, TIFF and HDF5 volumes: round trips, and the gate before the libraries.
#include <hdf5.h>

#include <cstring>
#include <fstream>
#include <iterator>

#include "iqgate/base/atomic_file.hpp"
#include "iqgate/read/find_scans.hpp"
#include "iqgate/report/volume_writer.hpp"
#include "read/hdf5_geometry.hpp"
#include "support/raster_bytes.hpp"
#include "support/support.hpp"

namespace iqgate::read {
using test::tiff_page;
namespace {
namespace fs = std::filesystem;

std::string bytes_of(const std::string& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

Scan small_scan() {
  Scan scan{.modality = "CT", .value_unit = "HU"};
  scan.volume.grid = test::centred_grid({9, 8, 5}, {0.7, 0.9, 2.5}, rotation_from_degrees(10, 5, -20));
  for (std::size_t k = 0; k < 9 * 8 * 5; ++k) scan.volume.values.push_back(float(k) * 0.5f - 20);
  return scan;
}

void expect_equal(const ScanHeader& header, const Scan& scan) {
  ASSERT_TRUE(header.usable) << header.reason;
  const auto back = load_scan(header);
  ASSERT_EQ(back.size(), 1u);
  EXPECT_EQ(back[0].volume.values, scan.volume.values);
  const Grid &a = back[0].volume.grid, &b = scan.volume.grid;
  EXPECT_TRUE(a.size == b.size);
  // NIfTI keeps its geometry in single precision.
  for (const Vec3 corner : {Vec3{0, 0, 0}, Vec3{8, 0, 0}, Vec3{0, 7, 0}, Vec3{0, 0, 4}})
    EXPECT_LT(norm(a.to_mm(corner) - b.to_mm(corner)), 1e-4);
}

TEST(Raster, RoundTripsInPatientCoordinates) {
  test::TemporaryFolder folder;
  const Scan scan = small_scan();
  for (const auto format : {report::VolumeFormat::nifti, report::VolumeFormat::metaimage, report::VolumeFormat::hdf5}) {
    const auto paths = report::write_volume(scan, format, folder.path(), "v", {});
    const auto headers = find_scans({paths[0]});
    ASSERT_EQ(headers.size(), 1u);
    expect_equal(headers[0], scan);
  }
  EXPECT_EQ(find_scans({folder.path("v.h5")})[0].value_unit, "HU");
  EXPECT_EQ(find_scans({folder.path("v.h5:/volume")})[0].modality, "CT");
  EXPECT_FALSE(find_scans({folder.path("v.h5:/other")})[0].usable);
}

TEST(Raster, VolumesNamedOneByOneAreRepeats) {
  test::TemporaryFolder folder;
  const Scan scan = small_scan();
  for (const char* name : {"b", "a"}) report::write_volume(scan, report::VolumeFormat::nifti, folder.path(), name, {});
  const auto headers = find_scans({folder.path("b.nii"), folder.path("a.nii")});
  ASSERT_EQ(headers.size(), 2u);
  EXPECT_EQ(headers[0].role, "repeat_1");
  EXPECT_EQ(headers[0].display, folder.path("b.nii"));
  EXPECT_EQ(headers[1].group, headers[0].group);
}

class Gate : public ::testing::Test {
 protected:
  test::TemporaryFolder folder;
  void expect_refused(const std::string& name, const std::string& bytes, const std::string& code) {
    write_file_atomically(folder.path(name), bytes);
    const auto headers = find_scans({folder.path(name)});
    ASSERT_EQ(headers.size(), 1u);
    EXPECT_FALSE(headers[0].usable) << name << " should be refused as " << code;
    EXPECT_EQ(headers[0].code, code) << headers[0].reason;
  }
};

template <class T>
std::string patched(std::string bytes, std::size_t at, T value) {
  std::memcpy(bytes.data() + at, &value, sizeof value);
  return bytes;
}

TEST_F(Gate, NiftiHeadersThatLie) {
  report::write_volume(small_scan(), report::VolumeFormat::nifti, folder.path(), "good", {});
  const std::string good = bytes_of(folder.path("good.nii"));
  expect_refused("x.nii", good.substr(0, good.size() - 1), "truncated");
  expect_refused("x.nii", good.substr(0, 200), "truncated");
  expect_refused("x.nii", patched<std::int16_t>(good, 42, 30000), "truncated");
  {
    std::string huge = good;
    for (const std::size_t at : {42, 44, 46}) huge = patched<std::int16_t>(huge, at, 32767);
    expect_refused("x.nii", huge, "too_large");
  }
  expect_refused("x.nii", patched<std::int16_t>(good, 42, -5), "empty_image");
  expect_refused("x.nii", patched<std::int16_t>(good, 40, 7), "bad_header");
  expect_refused("x.nii", patched<std::int16_t>(good, 70, 1792), "pixel_format");
  expect_refused("x.nii", patched<std::int16_t>(good, 72, 8), "pixel_format");
  expect_refused("x.nii", patched<float>(good, 80, NAN), "bad_spacing");
  expect_refused("x.nii", patched<float>(good, 108, 1e30f), "bad_header");
  expect_refused("x.nii", patched<char>(good, 123, 1), "wrong_units");
  expect_refused("x.nii", patched<char>(good, 344, 'q'), "not_nifti");
}

TEST_F(Gate, NiftiUnitsThatAreNotToldAreFlagged) {
  report::write_volume(small_scan(), report::VolumeFormat::nifti, folder.path(), "good", {});
  write_file_atomically(folder.path("u.nii"), patched<char>(bytes_of(folder.path("good.nii")), 123, 0));
  const auto headers = find_scans({folder.path("u.nii")});
  ASSERT_TRUE(headers[0].usable) << headers[0].reason;
  EXPECT_NE(std::find(headers[0].flags.begin(), headers[0].flags.end(), "units_unknown"), headers[0].flags.end());
}

TEST_F(Gate, NotFiniteVoxelsAreRefused) {
  Scan scan = small_scan();
  scan.volume.values[17] = NAN;
  report::write_volume(scan, report::VolumeFormat::nifti, folder.path(), "nan", {});
  // The NIfTI library would read it as 0: our gate looks itself.
  EXPECT_EQ(find_scans({folder.path("nan.nii")})[0].code, "not_finite");
  for (const auto format : {report::VolumeFormat::metaimage, report::VolumeFormat::hdf5}) {
    const auto headers = find_scans(report::write_volume(scan, format, folder.path(), "nan", {}));
    EXPECT_THROW(load_scan(headers[0]), InputError);
  }
}

const std::string meta_head =
    "ObjectType = Image\nNDims = 3\nBinaryData = True\nBinaryDataByteOrderMSB = False\nElementSpacing = 1 2 3\nDimSize "
    "= 2 3 4\nElementType = MET_USHORT\n";

TEST_F(Gate, MetaImageHeadersThatLie) {
  const std::string voxels(48, '\1');
  write_file_atomically(folder.path("good.mha"), meta_head + "ElementDataFile = LOCAL\n" + voxels);
  const auto good = find_scans({folder.path("good.mha")});
  ASSERT_TRUE(good[0].usable) << good[0].reason;
  EXPECT_EQ(load_scan(good[0])[0].volume.values[5], 0x0101);
  expect_refused("x.mha", meta_head + "ElementDataFile = LOCAL\n" + voxels.substr(1), "truncated");
  expect_refused("x.mha", meta_head + "ElementDataFile = ../../etc/passwd\n", "bad_header");
  expect_refused("x.mha", meta_head + "ElementDataFile = /etc/passwd\n", "bad_header");
  expect_refused("x.mha", meta_head + "ElementDataFile = absent.raw\n", "missing_data");
  expect_refused("x.mha", meta_head + "ElementDataFile = x%s.raw 1 4 1\n", "bad_header");
  std::string huge = meta_head;
  huge.replace(huge.find("2 3 4"), 5, "4294967296 4294967296 2");
  expect_refused("x.mha", huge + "ElementDataFile = LOCAL\n" + voxels, "too_large");
  huge = meta_head;
  huge.replace(huge.find("2 3 4"), 5, "60000 60000 9000");
  expect_refused("x.mha", huge + "ElementDataFile = LOCAL\n" + voxels, "too_large");
  std::string type = meta_head;
  type.replace(type.find("MET_USHORT"), 10, "MET_OTHER");
  expect_refused("x.mha", type + "ElementDataFile = LOCAL\n" + voxels, "pixel_format");
  expect_refused("x.mha", "hello", "not_metaimage");
}

TEST_F(Gate, MetaImageWithOneFileASlice) {
  for (int k = 1; k <= 4; ++k)
    write_file_atomically(folder.path("s_00" + std::to_string(k) + ".raw"), std::string(12, char(k)));
  write_file_atomically(folder.path("p.mhd"), meta_head + "ElementDataFile = s_%03d.raw 1 4 1\n");
  write_file_atomically(folder.path("l.mhd"),
                        meta_head + "ElementDataFile = LIST\ns_001.raw\ns_002.raw\ns_003.raw\ns_004.raw\n");
  for (const char* name : {"p.mhd", "l.mhd"}) {
    const auto headers = find_scans({folder.path(name)});
    ASSERT_TRUE(headers[0].usable) << headers[0].reason;
    const auto values = load_scan(headers[0])[0].volume.values;
    EXPECT_EQ(values[0], 0x0101);
    EXPECT_EQ(values[23], 0x0404);
  }
  fs::remove(folder.path("s_003.raw"));
  EXPECT_EQ(find_scans({folder.path("p.mhd")})[0].code, "missing_data");
  write_file_atomically(folder.path("s_003.raw"), std::string(11, 'x'));
  EXPECT_EQ(find_scans({folder.path("l.mhd")})[0].code, "truncated");
}

TEST_F(Gate, NrrdHeadersThatLie) {
  const std::string head =
      "NRRD0004\ntype: unsigned short\ndimension: 3\nspace: left-posterior-superior\nsizes: 2 3 4\nspace directions: "
      "(1,0,0) (0,2,0) (0,0,3)\nendian: little\nencoding: raw\nspace origin: (5,6,7)\n";
  const std::string voxels(48, '\2');
  write_file_atomically(folder.path("good.nrrd"), head + "\n" + voxels);
  const auto good = find_scans({folder.path("good.nrrd")});
  ASSERT_TRUE(good[0].usable) << good[0].reason;
  EXPECT_NEAR(good[0].grid.spacing_mm.z, 3, 1e-12);
  EXPECT_NEAR(good[0].grid.origin_mm.y, 6, 1e-12);
  EXPECT_EQ(load_scan(good[0])[0].volume.values[5], 0x0202);
  expect_refused("x.nrrd", head + "\n" + voxels.substr(1), "truncated");
  std::string huge = head;
  huge.replace(huge.find("2 3 4"), 5, "99999999999 99999999999 9");
  expect_refused("x.nrrd", huge + "\n" + voxels, "too_large");
  std::string type = head;
  type.replace(type.find("unsigned short"), 14, "block");
  expect_refused("x.nrrd", type + "\n" + voxels, "pixel_format");
  expect_refused("x.nrrd", head + "data file: ../x.raw\n\n", "bad_header");
  expect_refused("x.nrrd", head + "data file: " + std::string(300, 'a') + "\n\n", "missing_data");
  expect_refused("x.nrrd", "something else entirely", "not_nrrd");
}

TEST_F(Gate, TiffStacksAndLies) {
  fs::create_directory(folder.path("stack"));
  for (int k = 0; k < 3; ++k)
    write_file_atomically(folder.path("stack/p" + std::to_string(k) + ".tif"),
                          tiff_page(4, 2, std::string(16, char(k + 1))));
  const auto headers = find_scans({folder.path("stack")});
  ASSERT_EQ(headers.size(), 1u);
  ASSERT_TRUE(headers[0].usable) << headers[0].reason;
  EXPECT_EQ(headers[0].grid.size.z, 3u);
  EXPECT_EQ(load_scan(headers[0])[0].volume.values[16], 0x0303);
  // A TIFF does not tell lengths in the object.
  EXPECT_NE(std::find(headers[0].flags.begin(), headers[0].flags.end(), "spacing_missing"), headers[0].flags.end());
  expect_refused("x.tif", tiff_page(40, 20, std::string(16, 'x')), "truncated");
  expect_refused("x.tif", tiff_page(4, 2, std::string(16, 'x'), 3), "colour_image");
  expect_refused("x.tif", "II", "not_tiff");
  std::string loop = tiff_page(4, 2, std::string(16, 'x'));
  const std::uint32_t back = 8;
  std::memcpy(loop.data() + 8 + 2 + 9 * 12, &back, 4);
  expect_refused("x.tif", loop, "too_many_frames");
}

TEST_F(Gate, Hdf5ThatIsNotAVolume) {
  expect_refused("x.h5", std::string("\x89HDF\r\n\x1a\n", 8) + std::string(100, 'x'), "bad_hdf5");
  const std::string path = folder.path("v.h5");
  const auto write = [&](std::vector<hsize_t> sizes, bool fill, double spacing) {
    const hid_t file = H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    const hid_t space = H5Screate_simple(int(sizes.size()), sizes.data(), nullptr);
    const hid_t set = H5Dcreate2(file, "/volume", H5T_NATIVE_FLOAT, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    if (fill) {
      const std::vector<float> values(sizes[0] * sizes[1] * sizes[2], 1);
      H5Dwrite(set, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data());
    }
    add_geometry(set, {spacing, 1, 1});
    H5Dclose(set), H5Sclose(space), H5Fclose(file);
    return find_scans({path})[0];
  };
  EXPECT_TRUE(write({3, 4, 5}, true, 1).usable);
  EXPECT_EQ(write({3, 4, 5}, true, -1).code, "bad_spacing");
  EXPECT_EQ(write({3, 4, 5}, false, 1).code, "truncated");  // never written: HDF5 would give zeros
  EXPECT_EQ(write({100000, 100000, 100000}, false, 1).code, "too_large");
  EXPECT_EQ(write({4, 5}, false, 1).code, "bad_header");
}

}  // namespace
}  // namespace iqgate::read
