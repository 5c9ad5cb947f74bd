#include <itkImage.h>
#include <itkImageFileReader.h>
#include <itkMetaImageIO.h>
#include <itkNiftiImageIO.h>
#include <itkNrrdImageIO.h>
#include <itkTIFFImageIO.h>

#include <algorithm>
#include <new>

#include "iqgate/base/error.hpp"
#include "iqgate/base/sha256.hpp"
#include "iqgate/read/raster.hpp"
#include "iqgate/read/raster_checks.hpp"
#include "iqgate/read/raw_slices.hpp"

namespace iqgate::read {
namespace {

itk::ImageIOBase::Pointer make_io(RasterKind kind) {
  switch (kind) {
    case RasterKind::nifti: return itk::NiftiImageIO::New().GetPointer();
    case RasterKind::nrrd: return itk::NrrdImageIO::New().GetPointer();
    case RasterKind::metaimage: return itk::MetaImageIO::New().GetPointer();
    case RasterKind::tiff: return itk::TIFFImageIO::New().GetPointer();
  }
  throw std::logic_error("unknown raster kind");
}

std::vector<std::string> hashes_of(const std::vector<std::string>& paths) {
  std::vector<std::string> hashes;
  for (const std::string& path : paths) hashes.push_back(sha256_file(path));
  std::sort(hashes.begin(), hashes.end());
  return hashes;
}

void read_with_itk(const std::string& path, RasterKind kind, std::uint64_t expected, float* into) {
  using Image = itk::Image<float, 4>;
  const auto reader = itk::ImageFileReader<Image>::New();
  reader->SetFileName(path);
  reader->SetImageIO(make_io(kind));
  try {
    reader->Update();
  } catch (const itk::MemoryAllocationError&) {
    throw std::bad_alloc();
  } catch (const itk::ExceptionObject& error) {
    throw InputError("decode_failed", path, std::string("cannot be read: ") + error.GetDescription());
  }
  const auto image = reader->GetOutput();
  if (image->GetLargestPossibleRegion().GetNumberOfPixels() != expected)
    throw InputError("decode_failed", path, "decoded to another size than its header");
  std::copy_n(image->GetBufferPointer(), expected, into);
}

class RasterLoader : public VoxelLoader {
 public:
  RasterLoader(std::vector<std::string> files, RasterKind kind, std::uint64_t voxels_each, Size3 size,
               std::optional<RawLayout> raw, std::vector<std::string> inputs)
      : files_(std::move(files)),
        kind_(kind),
        voxels_each_(voxels_each),
        size_(size),
        raw_(std::move(raw)),
        inputs_(std::move(inputs)) {}
  void load(Voxels& values) const override {
    values.resize(voxels_each_ * files_.size());
    for (std::size_t k = 0; k < files_.size(); ++k)
      read_with_itk(files_[k], kind_, voxels_each_, values.data() + k * voxels_each_);
  }
  bool load_slices(std::size_t first, std::size_t count, float* to) const override {
    if (raw_) {
      read_raw_slices(*raw_, size_, first, count, to);
      return true;
    }
    if (files_.size() != size_.z) return false;
    for (std::size_t k = 0; k < count; ++k)
      read_with_itk(files_[first + k], kind_, voxels_each_, to + k * voxels_each_);
    return true;
  }
  std::vector<std::string> input_hashes() const override { return hashes_of(inputs_); }

 private:
  std::vector<std::string> files_;
  RasterKind kind_;
  std::uint64_t voxels_each_;
  Size3 size_;
  std::optional<RawLayout> raw_;
  std::vector<std::string> inputs_;
};

}  // namespace

ScanHeader refused_scan(const std::string& path, const std::string& code, const std::string& reason) {
  ScanHeader header;
  header.display = path;
  header.paths = {path};
  header.files = 1;
  header.id = sha256_hex(path).substr(0, 12);
  header.group = header.id;
  header.code = code;
  header.reason = reason;
  return header;
}

ScanHeader read_raster(const std::string& path, RasterKind kind, const IntakeLimits& limits) {
  RasterClaim claim = check_raster(path, kind, limits);
  const auto io = make_io(kind);
  io->SetFileName(path);
  try {
    io->ReadImageInformation();
  } catch (const itk::MemoryAllocationError&) {
    throw std::bad_alloc();
  } catch (const itk::ExceptionObject& error) {
    throw InputError("bad_header", path, std::string("cannot be read: ") + error.GetDescription());
  }
  claim.sizes.resize(4, 1);
  for (unsigned d = 0; d < 4; ++d)
    if ((d < io->GetNumberOfDimensions() ? io->GetDimensions(d) : 1u) != claim.sizes[d])
      throw InputError("bad_header", path, "is read with other dimensions than its header says");
  if (io->GetNumberOfComponents() != 1) throw InputError("colour_image", path, "has more than one channel");
  ScanHeader header;
  header.display = path;
  header.paths = {path};
  header.files = claim.data_files.size();
  header.frames = claim.sizes[2] * claim.sizes[3];
  header.value_unit = "1";
  header.flags = claim.flags;
  Vec3 columns[3] = {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}};
  header.grid.size = {claim.sizes[0], claim.sizes[1], claim.sizes[2]};
  for (unsigned d = 0; d < std::min(3u, io->GetNumberOfDimensions()); ++d) {
    header.grid.spacing_mm[int(d)] = io->GetSpacing(d);
    header.grid.origin_mm[int(d)] = io->GetOrigin(d);
    const std::vector<double> axis = io->GetDirection(d);
    for (unsigned r = 0; r < 3; ++r) columns[d][int(r)] = r < axis.size() ? axis[r] : (r == d ? 1.0 : 0.0);
  }
  if (io->GetNumberOfDimensions() == 2) header.flags.push_back("single_slice");
  header.grid.direction = Mat3::from_columns(columns[0], columns[1], columns[2]);
  need_sane_geometry(path, header.grid);
  const std::uint64_t voxels = claim.sizes[0] * claim.sizes[1] * claim.sizes[2] * claim.sizes[3];
  header.id = sha256_file(path).substr(0, 12);
  header.group = header.id;
  header.loader = std::make_shared<RasterLoader>(std::vector<std::string>{path}, kind, voxels, header.grid.size,
                                                 claim.raw, claim.data_files);
  header.usable = true;
  return header;
}

ScanHeader read_tiff_stack(const std::vector<std::string>& paths, const IntakeLimits& limits) {
  ScanHeader header = read_raster(paths.front(), RasterKind::tiff, limits);
  const Size3 page = header.grid.size;
  for (const std::string& path : paths) {
    const RasterClaim claim = check_raster(path, RasterKind::tiff, limits);
    if (claim.sizes[0] != page.x || claim.sizes[1] != page.y || claim.sizes[2] != 1)
      throw InputError("mixed_slices", path, "has another size than the other TIFF files of its folder");
  }
  if (page.count() * paths.size() * sizeof(float) > limits.max_scan_bytes)
    throw InputError("too_large", paths.front(), "the stack is larger than the limit on memory allows");
  header.paths = paths;
  header.grid.size.z = paths.size();
  header.frames = header.files = paths.size();
  header.flags.push_back("order_by_name");
  header.loader =
      std::make_shared<RasterLoader>(paths, RasterKind::tiff, page.x * page.y, header.grid.size, std::nullopt, paths);
  return header;
}

}  // namespace iqgate::read
