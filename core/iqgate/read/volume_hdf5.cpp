#include <hdf5.h>

#include <algorithm>
#include <cmath>
#include <mutex>

#include "iqgate/base/error.hpp"
#include "iqgate/base/hdf5_handle.hpp"
#include "iqgate/base/sha256.hpp"
#include "iqgate/read/raster.hpp"

namespace iqgate::read {
namespace {

// Debian's serial HDF5 is not thread-safe.
std::mutex& hdf5_mutex() {
  static std::mutex mutex;
  return mutex;
}

Hdf5Handle open_file(const std::string& path) {
  H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
  Hdf5Handle file(H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT), H5Fclose);
  if (!file.good())
    throw InputError("bad_hdf5", path, "cannot be opened as HDF5 (damaged, or never closed by its writer)");
  return file;
}

std::vector<double> number_attribute(hid_t dataset, const char* name, std::size_t count, const std::string& path) {
  const Hdf5Handle attribute(H5Aopen(dataset, name, H5P_DEFAULT), H5Aclose);
  if (!attribute.good()) throw InputError("bad_header", path, std::string("the dataset has no attribute ") + name);
  const Hdf5Handle space(H5Aget_space(attribute.get()), H5Sclose);
  std::vector<double> values(count);
  if (H5Sget_simple_extent_npoints(space.get()) != static_cast<hssize_t>(count) ||
      H5Aread(attribute.get(), H5T_NATIVE_DOUBLE, values.data()) < 0)
    throw InputError("bad_header", path,
                     std::string("attribute ") + name + " has not " + std::to_string(count) + " numbers");
  for (const double v : values)
    if (!std::isfinite(v)) throw InputError("bad_header", path, std::string("attribute ") + name + " is not finite");
  return values;
}

std::string text_attribute(hid_t dataset, const char* name) {
  if (H5Aexists(dataset, name) <= 0) return {};
  const Hdf5Handle attribute(H5Aopen(dataset, name, H5P_DEFAULT), H5Aclose);
  const Hdf5Handle type(H5Aget_type(attribute.get()), H5Tclose);
  if (H5Tget_class(type.get()) != H5T_STRING) return {};
  if (H5Tis_variable_str(type.get()) > 0) {
    char* text = nullptr;
    if (H5Aread(attribute.get(), type.get(), &text) < 0 || !text) return {};
    std::string result(text);
    H5free_memory(text);
    return result;
  }
  std::string result(std::min<std::size_t>(H5Tget_size(type.get()), 256), '\0');
  if (H5Tget_size(type.get()) > 256 || H5Aread(attribute.get(), type.get(), result.data()) < 0) return {};
  return result.c_str();
}

class Hdf5Loader : public VoxelLoader {
 public:
  Hdf5Loader(std::string path, std::string dataset, std::size_t voxels)
      : path_(std::move(path)), dataset_(std::move(dataset)), voxels_(voxels) {}
  void load(std::vector<float>& values) const override {
    const std::lock_guard lock(hdf5_mutex());
    const Hdf5Handle file = open_file(path_);
    const Hdf5Handle dataset(H5Dopen2(file.get(), dataset_.c_str(), H5P_DEFAULT), H5Dclose);
    values.resize(voxels_);
    if (!dataset.good() || H5Dread(dataset.get(), H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()) < 0)
      throw InputError("decode_failed", path_, "the dataset cannot be read whole");
  }
  std::vector<std::string> input_hashes() const override { return {sha256_file(path_)}; }

 private:
  std::string path_, dataset_;
  std::size_t voxels_;
};

}  // namespace

ScanHeader read_hdf5_volume(const std::string& path, const std::string& dataset_name, const IntakeLimits& limits) {
  const std::lock_guard lock(hdf5_mutex());
  const Hdf5Handle file = open_file(path);
  const std::string name = dataset_name.empty() ? "/volume" : dataset_name;
  ScanHeader header = refused_scan(path, "no_volume", "holds no dataset " + name);
  header.is_scan = !dataset_name.empty();
  if (H5Lexists(file.get(), name.c_str(), H5P_DEFAULT) <= 0) return header;
  const Hdf5Handle dataset(H5Dopen2(file.get(), name.c_str(), H5P_DEFAULT), H5Dclose);
  if (!dataset.good()) return header;
  const Hdf5Handle space(H5Dget_space(dataset.get()), H5Sclose);
  const Hdf5Handle type(H5Dget_type(dataset.get()), H5Tclose);
  hsize_t sizes[3] = {0, 0, 0};
  if (H5Sget_simple_extent_ndims(space.get()) != 3 || H5Sget_simple_extent_dims(space.get(), sizes, nullptr) != 3)
    throw InputError("bad_header", path, "the dataset has not three dimensions [z][y][x]");
  const H5T_class_t kind = H5Tget_class(type.get());
  if (kind != H5T_INTEGER && kind != H5T_FLOAT)
    throw InputError("pixel_format", path, "the dataset does not hold numbers");
  if (sizes[0] == 0 || sizes[1] == 0 || sizes[2] == 0) throw InputError("empty_image", path, "the dataset is empty");
  const auto plane = checked_product(sizes[1], sizes[2]);
  const auto voxels = plane ? checked_product(*plane, sizes[0]) : std::nullopt;
  const auto bytes =
      voxels ? checked_product(*voxels, std::max<std::uint64_t>(sizeof(float), H5Tget_size(type.get()))) : std::nullopt;
  if (!bytes || *bytes > limits.max_scan_bytes)
    throw InputError("too_large", path, "claims more voxels than the limit on memory allows");
  // HDF5 fills what was never written with zeros: that is a truncated scan.
  const auto packed = checked_product(H5Dget_storage_size(dataset.get()), limits.max_ratio);
  const Hdf5Handle creation(H5Dget_create_plist(dataset.get()), H5Pclose);
  const bool filtered = H5Pget_nfilters(creation.get()) > 0;
  const std::uint64_t plain = *voxels * H5Tget_size(type.get());
  if (filtered ? (packed && *packed < plain) : H5Dget_storage_size(dataset.get()) < plain)
    throw InputError("truncated", path, "claims more voxels than it stores");
  header.grid.size = {sizes[2], sizes[1], sizes[0]};
  const auto spacing = number_attribute(dataset.get(), "spacing_mm", 3, path);
  const auto origin = number_attribute(dataset.get(), "origin_mm", 3, path);
  const auto direction = number_attribute(dataset.get(), "direction", 9, path);
  header.grid.spacing_mm = {spacing[0], spacing[1], spacing[2]};
  header.grid.origin_mm = {origin[0], origin[1], origin[2]};
  std::copy(direction.begin(), direction.end(), header.grid.direction.m.begin());
  for (int d = 0; d < 3; ++d) {
    if (!(spacing[std::size_t(d)] > 1e-4 && spacing[std::size_t(d)] < 1e4))
      throw InputError("bad_spacing", path, "spacing_mm is not between 0.0001 and 10000 mm");
    for (int e = 0; e <= d; ++e)
      if (std::abs(dot(header.grid.direction.column(d), header.grid.direction.column(e)) - (d == e ? 1.0 : 0.0)) > 1e-2)
        throw InputError("bad_orientation", path, "direction is not three perpendicular unit vectors");
  }
  header.value_unit = text_attribute(dataset.get(), "units");
  if (header.value_unit != "HU" && header.value_unit != "Bq/mL") header.value_unit = "1";
  header.modality = text_attribute(dataset.get(), "modality");
  header.frames = sizes[0];
  header.id = sha256_file(path).substr(0, 12);
  header.group = header.id;
  header.code.clear();
  header.reason.clear();
  header.is_scan = header.usable = true;
  header.loader = std::make_shared<Hdf5Loader>(path, name, *voxels);
  return header;
}

}  // namespace iqgate::read
