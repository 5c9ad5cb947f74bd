#pragma once
// What the gates of the raster formats share. Internal to this folder.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include "iqgate/base/error.hpp"
#include "iqgate/base/volume.hpp"
#include "iqgate/read/raster_gate.hpp"

namespace iqgate::read {

[[noreturn]] inline void refuse(const std::string& path, const std::string& code, const std::string& why) {
  throw InputError(code, path, why);
}

/// Unpacked bytes of a gzip stream from `offset`, counted to a little more than `enough`; nothing is kept. Refuses a
/// stream that is cut, or whose checksum is not right.
std::uint64_t gzip_bytes(const std::string& path, std::uint64_t offset, std::uint64_t enough);
/// Bytes of all voxels, by checked 64-bit products; refuses empty and too large volumes.
std::uint64_t claimed_bytes(const std::string& path, const std::vector<std::uint64_t>& sizes,
                            std::uint64_t bytes_per_voxel, const IntakeLimits& limits);
/// Refuses a file that holds fewer bytes than it claims.
void need_present(const std::string& path, std::uint64_t claimed, std::uint64_t present);

/// Refuses a grid whose spacing, origin or axes are not those of a scan.
void need_sane_geometry(const std::string& path, const Grid& grid);
/// Whether a coordinate can be one of a scan, in mm.
inline bool sane_position(double mm) { return std::abs(mm) <= 1e5; }

/// A number of a binary header.
template <class T>
T field(const std::string& head, std::size_t at, bool swap) {
  char bytes[sizeof(T)];
  std::memcpy(bytes, head.data() + at, sizeof(T));
  if (swap) std::reverse(bytes, bytes + sizeof(T));
  T value;
  std::memcpy(&value, bytes, sizeof(T));
  return value;
}

RasterClaim check_nifti(const std::string& path, const IntakeLimits& limits);
RasterClaim check_nrrd(const std::string& path, const IntakeLimits& limits);
RasterClaim check_metaimage(const std::string& path, const IntakeLimits& limits);
RasterClaim check_tiff(const std::string& path, const IntakeLimits& limits);
/// Whether a path ends with `tail` (lower case), in either case.
bool ends_with(const std::string& path, std::string_view tail);

}  // namespace iqgate::read
