#pragma once
// The gate before ITK: our own reading of the small headers of NIfTI, NRRD, MetaImage and TIFF. What it returns is
// consistent: the bytes that the header claims are there. Nothing is allocated on a header's word.
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "iqgate/read/bytes.hpp"

namespace iqgate::read {

enum class RasterKind { nifti, nrrd, metaimage, tiff };

/// Plain voxels, slice after slice in one file, or a file a slice: stored * slope + intercept.
struct RawLayout {
  enum class Type { int8, uint8, int16, uint16, int32, uint32, float32, float64 };
  std::vector<std::string> files;
  std::uint64_t offset = 0;  ///< of the first voxel, in each file
  Type type = Type::int16;
  bool swap = false;
  double slope = 1, intercept = 0;
};
std::size_t bytes_of(RawLayout::Type type);

struct RasterClaim {
  RasterKind kind = RasterKind::nifti;
  std::vector<std::uint64_t> sizes;     ///< x, y, z, t (those present)
  std::vector<std::string> data_files;  ///< every file that holds bytes of it, the header first
  std::optional<RawLayout> raw;         ///< where voxels can be read slice by slice
  std::vector<std::string> flags;       ///< spacing_missing, units_unknown, orientation_unknown
};

/// The kind by file name, or false.
bool raster_kind(const std::string& path, RasterKind& kind);
/// Throws InputError when header and bytes do not fit together.
RasterClaim check_raster(const std::string& path, RasterKind kind, const IntakeLimits& limits);

}  // namespace iqgate::read
