// Files made to mislead the readers of volumes and archives: each is refused with its reason, quickly.
#include <archive.h>
#include <archive_entry.h>
#include <hdf5.h>

#include <cmath>
#include <cstring>
#include <fstream>
#include <functional>
#include <iterator>

#include "iqgate/base/atomic_file.hpp"
#include "iqgate/base/error.hpp"
#include "iqgate/read/archive.hpp"
#include "iqgate/read/find_scans.hpp"
#include "iqgate/report/volume_writer.hpp"
#include "read/hdf5_geometry.hpp"
#include "support/support.hpp"

namespace iqgate::read {
namespace {

class Hostile : public ::testing::Test {
 protected:
  test::TemporaryFolder folder;
  std::string code_of(const std::string& path) {
    const auto headers = find_scans({path});
    return headers.size() != 1 ? "not one scan" : headers[0].usable ? "usable" : headers[0].code;
  }
  std::string code_of(const std::string& name, const std::string& bytes) {
    write_file_atomically(folder.path(name), bytes);
    return code_of(folder.path(name));
  }
};

struct Hdf5Case {
  std::function<void(hid_t)> properties = [](hid_t) {}, attributes = [](hid_t) {};
  hsize_t written_slices = 4;
  double origin = 0;
};

// A volume of 4 x 32 x 32; returns the path.
std::string write_hdf5(const std::string& path, const Hdf5Case& c, const char* name = "volume") {
  const hid_t file = H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  const hsize_t sizes[3] = {4, 32, 32}, start[3] = {0, 0, 0}, part[3] = {c.written_slices, 32, 32};
  const hid_t space = H5Screate_simple(3, sizes, nullptr), create = H5Pcreate(H5P_DATASET_CREATE);
  c.properties(create);
  const hid_t set = H5Dcreate2(file, name, H5T_NATIVE_FLOAT, space, H5P_DEFAULT, create, H5P_DEFAULT);
  if (c.written_slices > 0) {
    const std::vector<float> values(4 * 32 * 32, 7);
    const hid_t memory = H5Screate_simple(3, part, nullptr);
    H5Sselect_hyperslab(space, H5S_SELECT_SET, start, nullptr, part, nullptr);
    H5Dwrite(set, H5T_NATIVE_FLOAT, memory, space, H5P_DEFAULT, values.data());
    H5Sclose(memory);
  }
  add_geometry(set, {1, 1, 1}, c.origin);
  c.attributes(set);
  H5Dclose(set), H5Pclose(create), H5Sclose(space), H5Fclose(file);
  return path;
}

void add_texts(hid_t set, hsize_t count, std::size_t size) {
  const hid_t type = H5Tcopy(H5T_C_S1), space = H5Screate_simple(1, &count, nullptr);
  H5Tset_size(type, size);
  const hid_t a = H5Acreate2(set, "units", type, space, H5P_DEFAULT, H5P_DEFAULT);
  static const char word[] = "HU";
  const std::vector<const char*> pointers(count, word);
  std::string plain(size == H5T_VARIABLE ? 0 : count * size, '\0');
  for (std::size_t k = 0; k < plain.size(); k += size) plain.replace(k, 2, word);
  H5Awrite(a, type, size == H5T_VARIABLE ? static_cast<const void*>(pointers.data()) : plain.data());
  H5Aclose(a), H5Sclose(space), H5Tclose(type);
}

void set_chunk(hid_t create, hsize_t z, hsize_t y, hsize_t x) {
  const hsize_t chunk[3] = {z, y, x};
  H5Pset_chunk(create, 3, chunk);
}

TEST_F(Hostile, Hdf5TextsThatAreArrays) {
  const std::string path = folder.path("t.h5");
  for (const std::size_t size : {std::size_t{200}, H5T_VARIABLE}) {
    const auto with = [&](hsize_t count) {
      return write_hdf5(path, {.attributes = [&](hid_t set) { add_texts(set, count, size); }});
    };
    EXPECT_EQ(code_of(with(3000 / 12)), "bad_header");
    ASSERT_EQ(code_of(with(1)), "usable");
    EXPECT_EQ(find_scans({path})[0].value_unit, "HU");
  }
  EXPECT_EQ(code_of(write_hdf5(path, {.attributes = [](hid_t set) { add_texts(set, 1, 1000); }})), "bad_header");
}

TEST_F(Hostile, Hdf5ChunksThatWereNeverWritten) {
  const std::string path = folder.path("c.h5");
  for (const bool deflated : {false, true}) {
    const auto slices = [&](hsize_t n) {
      return write_hdf5(path, {.properties =
                                   [&](hid_t create) {
                                     set_chunk(create, 1, 32, 20);
                                     if (deflated) H5Pset_shuffle(create), H5Pset_deflate(create, 6);
                                   },
                               .written_slices = n});
    };
    EXPECT_EQ(code_of(slices(4)), "usable");
    EXPECT_EQ(code_of(slices(3)), "truncated");
    EXPECT_EQ(code_of(slices(0)), "truncated");
  }
}

TEST_F(Hostile, Hdf5Packing) {
  const std::string path = folder.path("p.h5");
  const auto with = [&](std::function<void(hid_t)> properties) {
    return code_of(write_hdf5(path, {.properties = std::move(properties)}));
  };
  EXPECT_EQ(with([](hid_t p) { set_chunk(p, 4, 32, 32), H5Pset_deflate(p, 9), H5Pset_fletcher32(p); }), "usable");
  EXPECT_EQ(with([](hid_t p) { set_chunk(p, 1, 32, 32), H5Pset_deflate(p, 9), H5Pset_deflate(p, 9); }), "pixel_format");
  EXPECT_EQ(with([](hid_t p) { set_chunk(p, 1, 32, 32), H5Pset_nbit(p); }), "pixel_format");
}

TEST_F(Hostile, Hdf5VoxelsElsewhere) {
  const std::string good = write_hdf5(folder.path("good.h5"), {}), path = folder.path("e.h5");
  write_file_atomically(folder.path("secret"), std::string(4 * 32 * 32 * 4, 'x'));
  const auto external = [&](hid_t create) { H5Pset_external(create, folder.path("secret").c_str(), 0, H5F_UNLIMITED); };
  EXPECT_EQ(code_of(write_hdf5(path, {.properties = external, .written_slices = 0})), "bad_header");
  const auto virtual_set = [&](hid_t create) {
    const hsize_t sizes[3] = {4, 32, 32};
    const hid_t space = H5Screate_simple(3, sizes, nullptr);
    H5Pset_virtual(create, space, good.c_str(), "/volume", space);
    H5Sclose(space);
  };
  EXPECT_EQ(code_of(write_hdf5(path, {.properties = virtual_set, .written_slices = 0})), "bad_header");
  const hid_t file = H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  H5Lcreate_external(good.c_str(), "/volume", file, "volume", H5P_DEFAULT, H5P_DEFAULT);
  H5Lcreate_external(good.c_str(), "/", file, "group", H5P_DEFAULT, H5P_DEFAULT);
  H5Lcreate_soft("/group/volume", file, "soft", H5P_DEFAULT, H5P_DEFAULT);
  H5Fclose(file);
  for (const char* name : {":/volume", ":/group/volume", ":/soft"}) EXPECT_EQ(code_of(path + name), "no_volume");
}

TEST_F(Hostile, OriginsBeyondReason) {
  EXPECT_EQ(code_of(write_hdf5(folder.path("o.h5"), {.origin = 1e308})), "bad_header");
  EXPECT_EQ(code_of(write_hdf5(folder.path("o.h5"), {.origin = 9e4})), "usable");
}

const std::string nrrd_head =
    "NRRD0004\ntype: unsigned short\ndimension: 3\nspace: left-posterior-superior\nsizes: 2 3 4\nspace directions: "
    "(1,0,0) (0,2,0) (0,0,3)\nendian: little\nencoding: raw\nspace origin: (5,6,7)\n";

TEST_F(Hostile, NrrdFields) {
  const std::string voxels(48, '\2');
  const auto with = [&](const std::string& line) { return code_of("x.nrrd", nrrd_head + line + "\n" + voxels); };
  EXPECT_EQ(with("key:=value: more\n# a comment: of no weight\n"), "usable");
  for (const char* line : {"DATA FILE: /etc/passwd\n", "DataFile: ../x\n", "datafile:/etc/passwd\n", "data file: -\n",
                           "TYPE: float\n", "Sizes: 30000 30000 4\n", "byte skip: -1\n", "Line Skip: 5\n",
                           "lineskip: 5\n", "surprise: 1\n", "no colon\n", "# a comment\rDATA FILE: /etc/passwd\n"})
    EXPECT_EQ(with(line), "bad_header") << line;
  EXPECT_EQ(with("space units: \"mm\" \"mm\" \"mm\"\n"), "usable");
  EXPECT_EQ(with("space units: \"um\" \"um\" \"um\"\n"), "wrong_units");
  std::string nan = nrrd_head;
  nan.replace(nan.find("(5,6,7)"), 7, "(nan,nan,nan)");
  EXPECT_EQ(code_of("x.nrrd", nan + "\n" + voxels), "bad_header");
  EXPECT_EQ(code_of("x.nhdr", nrrd_head + "#" + std::string(70000, 'x') + "\n\n" + voxels), "bad_header");
}

TEST_F(Hostile, MetaImageFields) {
  const std::string head =
      "ObjectType = Image\nNDims = 3\nElementSpacing = 1 2 3\nDimSize = 2 3 4\nElementType = MET_USHORT\n";
  const auto with = [&](const std::string& line) {
    return code_of("x.mha", head + line + "ElementDataFile = LOCAL\n" + std::string(48, '\1'));
  };
  EXPECT_EQ(with(""), "usable");
  EXPECT_EQ(with("BinaryData = True\n0008|0060 = CT\nElementByteOrderMSB = False\nBinaryDataByteOrderMSB = False\n"),
            "usable");
  EXPECT_EQ(with("BinaryData = False\n"), "pixel_format");
  EXPECT_EQ(with("DistanceUnits = um\n"), "wrong_units");
  for (const char* line : {"ElementType = MET_UCHAR\n", "BinaryData = perhaps\n", "CompressedData = x\n",
                           "CompressedDataSize = -1\n", "CompressedDataSize = 5000000000\n", "Surprise = 1\n",
                           "Origin = 0 0 0\nOffset = 1 2 3\n", "ElementToIntensityFunctionSlope = 2\n"})
    EXPECT_EQ(with(line), "bad_header") << line;
  EXPECT_EQ(with("Comment = " + std::string(9000, 'A') + "\n"), "bad_header");
  EXPECT_EQ(with("Offset = 1e308 0 0\n"), "bad_header");
  EXPECT_NE(with("TransformMatrix = nan 0 0 0 1 0 0 0 1\n"), "usable");
}

TEST_F(Hostile, NiftiNumbersThatAreNone) {
  Scan scan{.modality = "CT", .value_unit = "HU"};
  scan.volume.grid = test::centred_grid({4, 4, 3}, {1, 1, 1});
  scan.volume.values.assign(48, 5);
  report::write_volume(scan, report::VolumeFormat::nifti, folder.path(), "good", {});
  std::ifstream stream(folder.path("good.nii"), std::ios::binary);
  const std::string good{std::istreambuf_iterator<char>(stream), {}};
  const auto with = [&](std::size_t at, float value, bool sform) {
    std::string bytes = good;
    const std::int16_t codes[2] = {std::int16_t(!sform), std::int16_t(sform)};
    std::memcpy(bytes.data() + 252, codes, 4);
    std::memcpy(bytes.data() + at, &value, 4);
    return code_of("x.nii", bytes);
  };
  for (const bool sform : {false, true}) {
    EXPECT_EQ(with(112, 1, sform), "usable");
    EXPECT_EQ(with(112, 0, sform), "usable");
    for (const std::size_t at : {76, 92, 112, 116, 256, 268, 280, 292, 324})
      for (const float value : {NAN, INFINITY}) EXPECT_EQ(with(at, value, sform), "bad_header") << at;
    for (const std::size_t at : {268, 276, 292, 324}) EXPECT_EQ(with(at, 3e38f, sform), "bad_header") << at;
  }
}

TEST_F(Hostile, TiffPages) {
  std::string loop("II*\0\x08\0\0\0", 8);
  const auto u16 = [&](std::uint16_t v) { loop.append(reinterpret_cast<const char*>(&v), 2); };
  const auto u32 = [&](std::uint32_t v) { loop.append(reinterpret_cast<const char*>(&v), 4); };
  u16(3);
  for (const std::uint16_t tag : {256, 257, 258}) u16(tag), u16(3), u32(1), u32(8);
  u32(8);
  IntakeLimits limits;
  limits.max_frames = std::size_t{1} << 40;
  write_file_atomically(folder.path("x.tif"), loop + std::string(64, 'x'));
  EXPECT_EQ(find_scans({folder.path("x.tif")}, limits)[0].code, "too_many_frames");
  loop[8] = loop[9] = '\xff';
  EXPECT_EQ(code_of("x.tif", loop + std::string(800000, '\0')), "bad_header");
}

std::string zip_of(const std::string& path, const std::vector<std::pair<std::string, std::string>>& files) {
  struct archive* zip = archive_write_new();
  archive_write_set_format_zip(zip);
  archive_write_open_filename(zip, path.c_str());
  for (const auto& [name, bytes] : files) {
    struct archive_entry* entry = archive_entry_new();
    archive_entry_set_pathname(entry, name.c_str());
    archive_entry_set_size(entry, la_int64_t(bytes.size()));
    archive_entry_set_filetype(entry, AE_IFREG);
    archive_entry_set_perm(entry, 0644);
    archive_write_header(zip, entry);
    archive_write_data(zip, bytes.data(), bytes.size());
    archive_entry_free(entry);
  }
  archive_write_free(zip);
  return path;
}

// The name of the only entry, in both headers of the zip, made another of the same length and said to be UTF-8.
void rename_in_zip(const std::string& path, const std::string& from, const std::string& to) {
  std::ifstream stream(path, std::ios::binary);
  std::string bytes{std::istreambuf_iterator<char>(stream), {}};
  for (std::size_t at = bytes.find(from); at != std::string::npos; at = bytes.find(from, at + 1))
    bytes.replace(at, from.size(), to);
  bytes[7] = char(bytes[7] | 8);
  const std::size_t central = bytes.rfind("PK\x01\x02");
  bytes[central + 9] = char(bytes[central + 9] | 8);
  write_file_atomically(path, bytes);
}

TEST_F(Hostile, Archives) {
  const auto refusal = [&](const std::string& path) -> std::string {
    try {
      return "read " + std::to_string(read_archive(ByteSource::file(path), {}).size());
    } catch (const InputError& error) {
      return error.code;
    }
  };
  const std::string path = folder.path("a.zip");
  zip_of(path, {{"plain_xx.dcm", "some bytes"}});
  EXPECT_EQ(refusal(path), "read 1");
  rename_in_zip(path, "plain_xx", "M\xc3\xbcnst\xc3\xa9");
  EXPECT_EQ(refusal(path), "read 1");  // the test's locale is C: it cannot spell this name
  const std::string empty("PK\x05\x06\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 22);
  EXPECT_EQ(code_of("empty.zip", empty), "empty_archive");
  EXPECT_EQ(refusal(zip_of(path, {{"bomb.dcm", std::string(std::size_t{40} << 20, '\0')}})), "too_large");
  EXPECT_EQ(refusal(zip_of(path, {{"flat.dcm", std::string(std::size_t{8} << 20, '\0')}})), "read 1");
}

}  // namespace
}  // namespace iqgate::read
