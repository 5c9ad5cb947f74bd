#include <hdf5.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>

#include "iqgate/base/error.hpp"
#include "iqgate/base/hdf5_handle.hpp"
#include "iqgate/base/sha256.hpp"
#include "iqgate/read/raster.hpp"
#include "iqgate/read/raster_checks.hpp"
#include "iqgate/read/trial.hpp"

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

constexpr std::size_t longest_text = 256;
constexpr std::uint64_t largest_chunk = std::uint64_t{64} << 20, small_chunk = std::uint64_t{1} << 20;

std::string text_attribute(hid_t dataset, const char* name, const std::string& path) {
  if (H5Aexists(dataset, name) <= 0) return {};
  const auto unread = [&] {
    return InputError("bad_header", path, std::string("attribute ") + name + " is not one short text");
  };
  const Hdf5Handle attribute(H5Aopen(dataset, name, H5P_DEFAULT), H5Aclose);
  const Hdf5Handle type(H5Aget_type(attribute.get()), H5Tclose), space(H5Aget_space(attribute.get()), H5Sclose);
  if (!attribute.good() || !type.good() || !space.good() || H5Tget_class(type.get()) != H5T_STRING ||
      H5Sget_simple_extent_npoints(space.get()) != 1)
    throw unread();
  const bool variable = H5Tis_variable_str(type.get()) > 0;
  const Hdf5Handle memory(H5Tcopy(H5T_C_S1), H5Tclose);
  if (H5Tset_size(memory.get(), variable ? H5T_VARIABLE : longest_text + 1) < 0 ||
      H5Tset_cset(memory.get(), H5Tget_cset(type.get())) < 0)
    throw unread();
  if (variable) {
    char* text = nullptr;
    if (H5Aread(attribute.get(), memory.get(), &text) < 0) throw unread();
    const std::unique_ptr<char, herr_t (*)(void*)> owned(text, [](void* p) { return H5free_memory(p); });
    if (!text || std::strlen(text) > longest_text) throw unread();
    return text;
  }
  std::string result(longest_text + 1, '\0');
  if (H5Tget_size(type.get()) > longest_text || H5Aread(attribute.get(), memory.get(), result.data()) < 0)
    throw unread();
  return result.c_str();
}

// A link of another kind is not followed: it may lead to any other file.
bool reached_by_hard_links(hid_t file, const std::string& name) {
  for (std::size_t end = 0; end != std::string::npos;) {
    end = name.find('/', end + 1);
    const std::string part = name.substr(0, end);
    if (part.empty() || part == "/") continue;
    H5L_info_t link{};
    if (H5Lexists(file, part.c_str(), H5P_DEFAULT) <= 0) return false;
    if (H5Lget_info(file, part.c_str(), &link, H5P_DEFAULT) < 0 || link.type != H5L_TYPE_HARD) return false;
  }
  return true;
}

void need_plain_filters(hid_t creation, const std::string& path) {
  int deflates = 0;
  for (int k = 0, n = H5Pget_nfilters(creation); k < n; ++k) {
    unsigned flags = 0, config = 0;
    std::size_t values = 0;
    const H5Z_filter_t filter =
        H5Pget_filter2(creation, static_cast<unsigned>(k), &flags, &values, nullptr, 0, nullptr, &config);
    deflates += filter == H5Z_FILTER_DEFLATE;
    if (deflates > 1 ||
        (filter != H5Z_FILTER_DEFLATE && filter != H5Z_FILTER_SHUFFLE && filter != H5Z_FILTER_FLETCHER32))
      throw InputError("pixel_format", path, "the dataset is packed in a way that is not read");
  }
}

// Before the dataset is asked for anything that would open another file.
void need_voxels_in_file(hid_t creation, const std::string& path) {
  const H5D_layout_t layout = H5Pget_layout(creation);
  if ((layout != H5D_COMPACT && layout != H5D_CONTIGUOUS && layout != H5D_CHUNKED) ||
      H5Pget_external_count(creation) != 0)
    throw InputError("bad_header", path, "the dataset keeps its voxels in other files", "copy them into one file");
  need_plain_filters(creation, path);
}

// HDF5 fills what was never written with zeros: that is a truncated scan.
void need_all_written(hid_t dataset, hid_t space, hid_t creation, std::uint64_t plain, const std::string& path) {
  const InputError truncated("truncated", path, "claims more voxels than it stores");
  if (H5Pget_layout(creation) != H5D_CHUNKED) {
    if (H5Dget_storage_size(dataset) < plain) throw truncated;
    return;
  }
  hsize_t sizes[3] = {0, 0, 0}, chunk[3] = {0, 0, 0}, expected = 1, written = 0;
  std::optional<std::uint64_t> bytes = H5Tget_size(Hdf5Handle(H5Dget_type(dataset), H5Tclose).get());
  if (H5Sget_simple_extent_dims(space, sizes, nullptr) != 3 || H5Pget_chunk(creation, 3, chunk) != 3)
    throw InputError("bad_header", path, "the dataset has chunks of another shape");
  for (int d = 0; d < 3; ++d) {
    bytes = bytes && chunk[d] > 0 ? checked_product(*bytes, chunk[d]) : std::nullopt;
    if (!bytes) throw InputError("bad_header", path, "the dataset has chunks of no or of endless size");
    expected *= (sizes[d] - 1) / chunk[d] + 1;  // at most the voxels, which were counted
  }
  if (*bytes > std::min(largest_chunk, std::max(plain, small_chunk)))
    throw InputError("too_large", path, "the dataset has chunks that are larger than it");
  if (H5Dget_num_chunks(dataset, space, &written) < 0 || written != expected) throw truncated;
}

// Debian's HDF5 1.10 runs out of its memory on damaged metadata: what does not survive it is refused.
void need_survival(const std::string& path, unsigned seconds, const std::function<void()>& work) {
  if (!survives_trial(seconds, work))
    throw InputError("bad_hdf5", path, "is so damaged that it crashes the HDF5 library");
}

class Hdf5Loader : public VoxelLoader {
 public:
  Hdf5Loader(std::string path, std::string dataset, std::size_t voxels)
      : path_(std::move(path)), dataset_(std::move(dataset)), voxels_(voxels) {}
  void load(Voxels& values) const override {
    const std::lock_guard lock(hdf5_mutex());
    values.resize(voxels_);
    // Tens of megabytes a second, where chunks are packed.
    need_survival(path_, 5 + static_cast<unsigned>(voxels_ >> 22), [&] { read_whole(values); });
    read_whole(values);
  }
  void read_whole(Voxels& values) const {
    const Hdf5Handle file = open_file(path_);
    const Hdf5Handle dataset(H5Dopen2(file.get(), dataset_.c_str(), H5P_DEFAULT), H5Dclose);
    if (!dataset.good() || H5Dread(dataset.get(), H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()) < 0)
      throw InputError("decode_failed", path_, "the dataset cannot be read whole");
  }
  bool load_slices(std::size_t first, std::size_t count, float* to) const override {
    const std::lock_guard lock(hdf5_mutex());
    const Hdf5Handle file = open_file(path_);
    const Hdf5Handle dataset(H5Dopen2(file.get(), dataset_.c_str(), H5P_DEFAULT), H5Dclose);
    const InputError unread("decode_failed", path_, "slices of the dataset cannot be read");
    if (!dataset.good()) throw unread;
    const Hdf5Handle space(H5Dget_space(dataset.get()), H5Sclose);
    hsize_t sizes[3] = {0, 0, 0};
    if (H5Sget_simple_extent_ndims(space.get()) != 3 || H5Sget_simple_extent_dims(space.get(), sizes, nullptr) != 3 ||
        first + count > sizes[0])
      throw unread;
    const hsize_t from[3] = {first, 0, 0}, some[3] = {count, sizes[1], sizes[2]};
    const Hdf5Handle memory(H5Screate_simple(3, some, nullptr), H5Sclose);
    if (H5Sselect_hyperslab(space.get(), H5S_SELECT_SET, from, nullptr, some, nullptr) < 0 ||
        H5Dread(dataset.get(), H5T_NATIVE_FLOAT, memory.get(), space.get(), H5P_DEFAULT, to) < 0)
      throw unread;
    return true;
  }
  std::vector<std::string> input_hashes() const override { return {sha256_file(path_)}; }

 private:
  std::string path_, dataset_;
  std::size_t voxels_;
};

ScanHeader read_header(const std::string& path, const std::string& dataset_name, const IntakeLimits& limits) {
  const Hdf5Handle file = open_file(path);
  const std::string name = dataset_name.empty() ? "/volume" : dataset_name;
  ScanHeader header = refused_scan(path, "no_volume", "holds no dataset " + name);
  header.paths = {path + ":" + name};
  header.is_scan = !dataset_name.empty();
  if (!reached_by_hard_links(file.get(), name)) {
    header.reason += " (links to other places are not followed)";
    return header;
  }
  const Hdf5Handle dataset(H5Dopen2(file.get(), name.c_str(), H5P_DEFAULT), H5Dclose);
  if (!dataset.good()) return header;
  const Hdf5Handle creation(H5Dget_create_plist(dataset.get()), H5Pclose);
  need_voxels_in_file(creation.get(), path);
  const Hdf5Handle space(H5Dget_space(dataset.get()), H5Sclose);
  const Hdf5Handle type(H5Dget_type(dataset.get()), H5Tclose);
  hsize_t sizes[3] = {0, 0, 0};
  if (H5Sget_simple_extent_ndims(space.get()) != 3 || H5Sget_simple_extent_dims(space.get(), sizes, nullptr) != 3)
    throw InputError("bad_header", path, "the dataset has not three dimensions [z][y][x]");
  const H5T_class_t kind = H5Tget_class(type.get());
  if ((kind != H5T_INTEGER && kind != H5T_FLOAT) || H5Tget_size(type.get()) > sizeof(double))
    throw InputError("pixel_format", path, "the dataset does not hold numbers");
  if (sizes[0] == 0 || sizes[1] == 0 || sizes[2] == 0) throw InputError("empty_image", path, "the dataset is empty");
  const auto plane = checked_product(sizes[1], sizes[2]);
  const auto voxels = plane ? checked_product(*plane, sizes[0]) : std::nullopt;
  const auto bytes =
      voxels ? checked_product(*voxels, std::max<std::uint64_t>(sizeof(float), H5Tget_size(type.get()))) : std::nullopt;
  if (!bytes || *bytes > limits.max_scan_bytes)
    throw InputError("too_large", path, "claims more voxels than the limit on memory allows");
  need_all_written(dataset.get(), space.get(), creation.get(), *voxels * H5Tget_size(type.get()), path);
  header.grid.size = {sizes[2], sizes[1], sizes[0]};
  const auto spacing = number_attribute(dataset.get(), "spacing_mm", 3, path);
  const auto origin = number_attribute(dataset.get(), "origin_mm", 3, path);
  const auto direction = number_attribute(dataset.get(), "direction", 9, path);
  header.grid.spacing_mm = {spacing[0], spacing[1], spacing[2]};
  header.grid.origin_mm = {origin[0], origin[1], origin[2]};
  std::copy(direction.begin(), direction.end(), header.grid.direction.m.begin());
  need_sane_geometry(path, header.grid);
  header.value_unit = text_attribute(dataset.get(), "units", path);
  if (header.value_unit != "HU" && header.value_unit != "Bq/mL") header.value_unit = "1";
  header.modality = text_attribute(dataset.get(), "modality", path);
  header.frames = sizes[0];
  header.id = sha256_file(path).substr(0, 12);
  header.group = header.id;
  header.code.clear();
  header.reason.clear();
  header.is_scan = header.usable = true;
  header.loader = std::make_shared<Hdf5Loader>(path, name, *voxels);
  return header;
}

}  // namespace

ScanHeader read_hdf5_volume(const std::string& path, const std::string& dataset, const IntakeLimits& limits) {
  const std::lock_guard lock(hdf5_mutex());
  need_survival(path, 3, [&] { read_header(path, dataset, limits); });
  return read_header(path, dataset, limits);
}

}  // namespace iqgate::read
