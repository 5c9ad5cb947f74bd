#include <zlib.h>

#include <cmath>
#include <map>
#include <memory>

#include "iqgate/read/raster_checks.hpp"

namespace iqgate::read {
namespace {

std::string nifti_head(const std::string& path, bool gzipped) {
  std::string head(540, '\0');
  if (!gzipped) return ByteSource::file(path).head(540);
  gzFile file = gzopen(path.c_str(), "rb");
  if (!file) refuse(path, "cannot_read", "cannot be opened");
  const int n = gzread(file, head.data(), 540);
  gzclose(file);
  head.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
  return head;
}

void need_finite_header(const std::string& path, const std::string& head, bool swap) {
  constexpr std::size_t pixdim = 76, vox_offset = 108, quatern = 256, end = 328;
  for (std::size_t at = pixdim; at < end; at = at == vox_offset + 8 ? quatern : at + 4)
    if (!std::isfinite(field<float>(head, at, swap)))
      refuse(path, "bad_header", "has a number that is not finite in its geometry or scaling");
  for (const std::size_t offset : {268, 272, 276, 292, 308, 324})
    if (!sane_position(field<float>(head, offset, swap)))
      refuse(path, "bad_header", "has an origin that is not within 100 m");
}

// The affine, where it counts: the library looks for the rotation nearest to it, for ever where there is none.
void need_sound_axes(const std::string& path, const std::string& head, bool swap) {
  if (field<std::int16_t>(head, 252, swap) > 0)
    for (const std::size_t offset : {256, 260, 264})
      if (!(std::abs(field<float>(head, offset, swap)) <= 2))
        refuse(path, "bad_orientation", "has a quaternion that is no rotation");
  if (field<std::int16_t>(head, 254, swap) <= 0) return;
  Vec3 axes[3];
  double lengths = 1;
  for (int d = 0; d < 3; ++d) {
    for (int row = 0; row < 3; ++row)
      axes[d][row] = double(field<float>(head, 280 + 16 * std::size_t(row) + 4 * std::size_t(d), swap));
    const double length = norm(axes[d]);
    if (!(length >= 1e-4 && length <= 1e4))
      refuse(path, "bad_spacing", "has a voxel size that is not between 0.0001 and 10000 mm");
    lengths *= length;
  }
  if (!(std::abs(dot(axes[0], cross(axes[1], axes[2]))) >= 0.5 * lengths))
    refuse(path, "bad_orientation", "has axes that are far from perpendicular");
}

template <class T>
void need_finite(const std::string& path, long offset, std::uint64_t bytes, bool swap) {
  const std::unique_ptr<gzFile_s, int (*)(gzFile)> file(gzopen(path.c_str(), "rb"), &gzclose);  // reads plain files too
  if (!file || gzseek(file.get(), offset, SEEK_SET) != offset) refuse(path, "cannot_read", "cannot be read");
  std::string buffer(std::size_t{1} << 16, '\0');
  while (bytes > 0) {
    const int n =
        gzread(file.get(), buffer.data(), static_cast<unsigned>(std::min<std::uint64_t>(bytes, buffer.size())));
    if (n <= 0) refuse(path, "truncated", "ends before its voxels do");
    for (std::size_t at = 0; at + sizeof(T) <= static_cast<std::size_t>(n); at += sizeof(T))
      if (!std::isfinite(field<T>(buffer, at, swap)))
        refuse(path, "not_finite", "holds voxels that are not finite numbers (NaN or Inf)");
    bytes -= static_cast<std::uint64_t>(n);
  }
}

}  // namespace

RasterClaim check_nifti(const std::string& path, const IntakeLimits& limits) {
  const bool gzipped = ends_with(path, ".gz");
  const std::string head = nifti_head(path, gzipped);
  if (head.size() < 348) refuse(path, "truncated", "is shorter than a NIfTI header");
  bool swap = false;
  std::int32_t size = field<std::int32_t>(head, 0, false);
  if (size != 348 && size != 540) {
    swap = true;
    size = field<std::int32_t>(head, 0, true);
  }
  if (size != 348) refuse(path, "not_nifti", size == 540 ? "is NIfTI-2, which is not read" : "is not a NIfTI-1 file");
  if (head.compare(344, 3, "n+1") != 0) refuse(path, "not_nifti", "is not a single-file NIfTI-1 (magic n+1)");
  RasterClaim claim{.kind = RasterKind::nifti, .data_files = {path}};
  const int dimensions = field<std::int16_t>(head, 40, swap);
  if (dimensions < 2 || dimensions > 4)
    refuse(path, "bad_header", "has " + std::to_string(dimensions) + " dimensions; 2 to 4 are read");
  for (int d = 0; d < dimensions; ++d) {
    const int n = field<std::int16_t>(head, 42 + 2 * std::size_t(d), swap);
    if (n <= 0) refuse(path, "empty_image", "has a dimension that is not positive");
    claim.sizes.push_back(static_cast<std::uint64_t>(n));
  }
  static const std::map<int, int> bits_of{{2, 8}, {4, 16}, {8, 32}, {16, 32}, {64, 64}, {256, 8}, {512, 16}, {768, 32}};
  const int type = field<std::int16_t>(head, 70, swap), bits = field<std::int16_t>(head, 72, swap);
  const auto known = bits_of.find(type);
  if (known == bits_of.end() || known->second != bits)
    refuse(path, "pixel_format", "has a voxel type that is not read (" + std::to_string(type) + ")");
  const float offset = field<float>(head, 108, swap);
  if (!(offset >= 348 && offset < 1e6f)) refuse(path, "bad_header", "has a voxel offset out of range");
  for (int d = 0; d < std::min(dimensions, 3); ++d) {
    const float spacing = field<float>(head, 80 + 4 * std::size_t(d), swap);
    if (!(std::abs(spacing) >= 1e-4f && std::abs(spacing) <= 1e4f))
      refuse(path, "bad_spacing", "has a voxel size that is not between 0.0001 and 10000 mm");
  }
  need_finite_header(path, head, swap);
  need_sound_axes(path, head, swap);
  const int unit = head[123] & 7;
  if (unit == 1 || unit == 3) refuse(path, "wrong_units", "has lengths in metres or micrometres; convert it to mm");
  if (unit == 0) claim.flags.push_back("units_unknown");
  if (field<std::int16_t>(head, 252, swap) <= 0 && field<std::int16_t>(head, 254, swap) <= 0)
    claim.flags.push_back("orientation_unknown");
  const std::uint64_t claimed = claimed_bytes(path, claim.sizes, static_cast<std::uint64_t>(bits) / 8, limits);
  const std::uint64_t needed = claimed + static_cast<std::uint64_t>(offset);
  need_present(path, needed, gzipped ? gzip_bytes(path, 0, needed) : ByteSource::file(path).size());
  // The NIfTI library turns NaN and Inf into zeros without a word.
  if (type == 16) need_finite<float>(path, static_cast<long>(offset), claimed, swap);
  if (type == 64) need_finite<double>(path, static_cast<long>(offset), claimed, swap);
  using Type = RawLayout::Type;
  static const std::map<int, Type> types{{2, Type::uint8},    {4, Type::int16},    {8, Type::int32},
                                         {16, Type::float32}, {64, Type::float64}, {256, Type::int8},
                                         {512, Type::uint16}, {768, Type::uint32}};
  if (!gzipped) {
    claim.raw =
        RawLayout{.files = {path}, .offset = static_cast<std::uint64_t>(offset), .type = types.at(type), .swap = swap};
    if (const float slope = field<float>(head, 112, swap); slope != 0)
      claim.raw->slope = double(slope), claim.raw->intercept = double(field<float>(head, 116, swap));
  }
  return claim;
}

}  // namespace iqgate::read
