#include "iqgate/read/raster_gate.hpp"

#include <zlib.h>

#include <cctype>
#include <cstdio>
#include <memory>
#include <new>
#include <stdexcept>

#include "iqgate/read/raster_checks.hpp"

namespace iqgate::read {

bool ends_with(const std::string& path, std::string_view tail) {
  return path.size() >= tail.size() &&
         std::equal(tail.rbegin(), tail.rend(), path.rbegin(), [](char a, char b) { return a == std::tolower(b); });
}

std::uint64_t gzip_bytes(const std::string& path, std::uint64_t offset, std::uint64_t enough) {
  std::unique_ptr<FILE, int (*)(FILE*)> file(std::fopen(path.c_str(), "rb"), &std::fclose);
  if (!file || std::fseek(file.get(), static_cast<long>(offset), SEEK_SET) != 0)
    refuse(path, "cannot_read", "cannot be opened");
  z_stream stream{};
  if (inflateInit2(&stream, 15 + 32) != Z_OK) throw ResourceError("zlib", path, "cannot start");
  std::vector<unsigned char> in(1 << 16), out(1 << 16);
  std::uint64_t total = 0;
  int status = Z_OK;
  // On to the end of the stream, where its checksum stands; what is far longer than it should be is left there.
  const std::uint64_t far = enough + (std::uint64_t{64} << 20);
  while (status != Z_STREAM_END && total <= far) {
    stream.avail_in = static_cast<uInt>(std::fread(in.data(), 1, in.size(), file.get()));
    stream.next_in = in.data();
    if (stream.avail_in == 0) {
      inflateEnd(&stream);
      refuse(path, "truncated", "the compressed data end too early");
    }
    while (stream.avail_in > 0 && status != Z_STREAM_END && total <= far) {
      stream.next_out = out.data();
      stream.avail_out = static_cast<uInt>(out.size());
      status = inflate(&stream, Z_NO_FLUSH);
      if (status != Z_OK && status != Z_STREAM_END) {
        inflateEnd(&stream);
        if (status == Z_MEM_ERROR) throw std::bad_alloc();
        refuse(path, "truncated", "the compressed data are damaged");
      }
      total += out.size() - stream.avail_out;
    }
  }
  inflateEnd(&stream);
  return total;
}

std::uint64_t claimed_bytes(const std::string& path, const std::vector<std::uint64_t>& sizes,
                            std::uint64_t bytes_per_voxel, const IntakeLimits& limits) {
  std::uint64_t voxels = 1;
  for (const std::uint64_t n : sizes) {
    if (n == 0) refuse(path, "empty_image", "has a dimension of size 0");
    const auto product = checked_product(voxels, n);
    if (!product) refuse(path, "too_large", "claims more voxels than 64 bits can count");
    voxels = *product;
  }
  const auto as_float = checked_product(voxels, sizeof(float));
  const auto bytes = checked_product(voxels, bytes_per_voxel);
  if (!as_float || !bytes || *as_float > limits.max_scan_bytes)
    refuse(path, "too_large", "claims more voxels than the limit on memory allows");
  return *bytes;
}

void need_present(const std::string& path, std::uint64_t claimed, std::uint64_t present) {
  if (claimed > present)
    refuse(path, "truncated",
           "claims " + std::to_string(claimed) + " bytes of voxels and holds " + std::to_string(present));
}

void need_sane_geometry(const std::string& path, const Grid& grid) {
  for (int d = 0; d < 3; ++d) {
    const double spacing = grid.spacing_mm[d];
    if (!(spacing >= 1e-4 && spacing <= 1e4))
      refuse(path, "bad_spacing", "has a voxel size that is not between 0.0001 and 10000 mm");
    if (!sane_position(grid.origin_mm[d])) refuse(path, "bad_header", "has an origin that is not within 100 m");
    for (int e = 0; e <= d; ++e)
      if (!(std::abs(dot(grid.direction.column(d), grid.direction.column(e)) - (d == e ? 1.0 : 0.0)) <= 1e-2))
        refuse(path, "bad_orientation", "has axes that are not perpendicular unit vectors");
  }
}

bool raster_kind(const std::string& path, RasterKind& kind) {
  if (ends_with(path, ".nii") || ends_with(path, ".nii.gz")) kind = RasterKind::nifti;
  else if (ends_with(path, ".nrrd") || ends_with(path, ".nhdr")) kind = RasterKind::nrrd;
  else if (ends_with(path, ".mha") || ends_with(path, ".mhd")) kind = RasterKind::metaimage;
  else if (ends_with(path, ".tif") || ends_with(path, ".tiff")) kind = RasterKind::tiff;
  else return false;
  return true;
}

RasterClaim check_raster(const std::string& path, RasterKind kind, const IntakeLimits& limits) {
  switch (kind) {
    case RasterKind::nifti: return check_nifti(path, limits);
    case RasterKind::nrrd: return check_nrrd(path, limits);
    case RasterKind::metaimage: return check_metaimage(path, limits);
    case RasterKind::tiff: return check_tiff(path, limits);
  }
  throw std::logic_error("unknown raster kind");
}

}  // namespace iqgate::read
