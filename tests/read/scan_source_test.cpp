// A volume in a file, worked on in slabs: the bits of the volume in memory.
#include "iqgate/read/scan_source.hpp"

#include <cstring>
#include <fstream>
#include <random>

#include "hdf5_geometry.hpp"
#include "iqgate/base/atomic_file.hpp"
#include "iqgate/base/error.hpp"
#include "iqgate/compute/local_maps.hpp"
#include "iqgate/compute/volume_statistics.hpp"
#include "iqgate/read/find_scans.hpp"
#include "iqgate/report/volume_writer.hpp"
#include "support/support.hpp"

namespace iqgate::read {
namespace {

// Chunked and packed; `values` [z][y][x].
void write_volume(const std::string& path, const std::vector<float>& values, Size3 size) {
  const hsize_t sizes[3] = {size.z, size.y, size.x}, chunk[3] = {7, 16, 16};
  const hid_t file = H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  const hid_t space = H5Screate_simple(3, sizes, nullptr), creation = H5Pcreate(H5P_DATASET_CREATE);
  H5Pset_chunk(creation, 3, chunk), H5Pset_deflate(creation, 1);
  const hid_t set = H5Dcreate2(file, "/volume", H5T_NATIVE_FLOAT, space, H5P_DEFAULT, creation, H5P_DEFAULT);
  H5Dwrite(set, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data());
  add_geometry(set, {0.5, 0.6, 0.7});
  H5Dclose(set), H5Pclose(creation), H5Sclose(space), H5Fclose(file);
}

TEST(ScanSource, AnHdf5VolumeInSlabs) {
  const test::TemporaryFolder folder;
  const Size3 size{33, 29, 150};
  std::vector<float> values(size.count());
  std::mt19937 engine(4);
  std::normal_distribution<float> normal(100, 9);
  for (float& v : values) v = normal(engine);
  write_volume(folder.path("v.h5"), values, size);
  const auto source = open_source(find_scans({folder.path("v.h5")})[0]);
  ASSERT_TRUE(source);
  EXPECT_EQ(source->size().z, size.z);
  EXPECT_EQ(source->spacing_mm().z, 0.7);
  const auto run = [&](const VolumeSource& from, std::size_t memory) {
    std::vector<float> sd(size.count());
    compute::MemorySink sink(sd.data(), size.x * size.y);
    compute::LocalMapPass maps(size, from.spacing_mm(), {.half = {2, 2, 2}, .mean = false}, {.sd = &sink});
    compute::VolumeStatisticsPass statistics(size);
    compute::SlabOperation* const both[] = {&maps, &statistics};
    compute::run_in_slabs(from, nullptr, both, memory);
    sd.push_back(float(statistics.finish().mean));
    return sd;
  };
  const std::vector<float> expected = run(MemorySource({values.data(), size, {0.5, 0.6, 0.7}}), 0);
  for (const std::size_t slices : {std::size_t{7}, std::size_t{20}}) {
    const std::vector<float> got = run(*source, 3 * slices * size.x * size.y * sizeof(float));
    EXPECT_EQ(std::memcmp(got.data(), expected.data(), got.size() * sizeof(float)), 0) << slices;
  }
  values[140 * 33 * 29] = NAN;
  write_volume(folder.path("v.h5"), values, size);
  const auto bad = open_source(find_scans({folder.path("v.h5")})[0]);
  EXPECT_THROW(run(*bad, 40 * size.x * size.y * sizeof(float)), InputError);
}

// The program's own phantoms in every format, a big-endian and a scaled file: slices alone are those of the whole.
void expect_slices_of_the_whole(const std::string& path, const std::string& what) {
  const ScanHeader header = find_scans({path})[0];
  ASSERT_TRUE(header.usable) << what << header.reason;
  const std::vector<Scan> whole = load_scan(header);
  const auto source = open_source(header);
  ASSERT_TRUE(source) << what;
  const Size3 size = source->size();
  const std::size_t plane = size.x * size.y;
  std::vector<float> part(2 * plane);
  for (std::size_t first = 0; first + 2 <= size.z; ++first) {
    source->read(first, 2, part.data());
    ASSERT_EQ(std::memcmp(part.data(), whole[0].volume.values.data() + first * plane, part.size() * sizeof(float)), 0)
        << what << first;
  }
}

TEST(ScanSource, EveryPlainFormatGivesItsSlices) {
  const test::TemporaryFolder folder;
  compute::RenderJob job;
  job.grid = test::centred_grid({21, 17, 9}, {0.8, 0.9, 2});
  job.noise = {.kind = compute::NoiseKind::white, .sd = 20, .seed = 2};
  const Scan scan = test::ct_scan(test::one_shape({.kind = phantom::ShapeKind::sphere, .radius_mm = 6}, 200, 0), job);
  using report::VolumeFormat;
  for (const VolumeFormat format :
       {VolumeFormat::dicom, VolumeFormat::nifti, VolumeFormat::metaimage, VolumeFormat::hdf5}) {
    const std::string to = folder.path("format" + std::to_string(int(format)));
    make_folder(to);
    report::write_volume(scan, format, to, "v", {.uid_seed = "s"});
    expect_slices_of_the_whole(to, to);
    if (format != VolumeFormat::nifti) continue;
    std::ifstream file(to + "/v.nii", std::ios::binary);
    std::string bytes((std::istreambuf_iterator<char>(file)), {});
    const float scale[2] = {0.37f, -12.5f};
    std::memcpy(bytes.data() + 112, scale, sizeof scale);
    make_folder(folder.path("scaled"));
    write_file_atomically(folder.path("scaled/v.nii"), bytes);
    expect_slices_of_the_whole(folder.path("scaled"), "scaled NIfTI");
  }
  std::string raw(21 * 17 * 9 * 2, '\0');
  for (std::size_t k = 0; k < raw.size(); ++k) raw[k] = static_cast<char>(k * 37 % 251);
  write_file_atomically(
      folder.path("big.mhd"),
      "ObjectType = Image\nNDims = 3\nDimSize = 21 17 9\nElementSpacing = 1 1 2\nElementType = MET_SHORT\n"
      "BinaryDataByteOrderMSB = True\nElementDataFile = big.raw\n");
  write_file_atomically(folder.path("big.raw"), raw);
  expect_slices_of_the_whole(folder.path("big.mhd"), "big-endian MetaImage");
  write_file_atomically(
      folder.path("big.nrrd"),
      "NRRD0004\ntype: int16\ndimension: 3\nsizes: 21 17 9\nspacings: 1 1 2\nendian: big\nencoding: raw\n\n" + raw);
  expect_slices_of_the_whole(folder.path("big.nrrd"), "big-endian NRRD");
}

}  // namespace
}  // namespace iqgate::read
