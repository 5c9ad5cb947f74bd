// A volume in a file, worked on in slabs: the bits of the volume in memory.
#include "iqgate/read/scan_source.hpp"

#include <cstring>
#include <random>

#include "hdf5_geometry.hpp"
#include "iqgate/base/error.hpp"
#include "iqgate/compute/local_maps.hpp"
#include "iqgate/compute/volume_statistics.hpp"
#include "iqgate/read/find_scans.hpp"
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

}  // namespace
}  // namespace iqgate::read
