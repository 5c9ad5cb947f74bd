#pragma once
// One DICOM file up to its pixel data: what a frame is and where its bytes lie. Nothing is decoded here.
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "iqgate/base/geometry.hpp"
#include "iqgate/read/bytes.hpp"

namespace iqgate::read {

enum class PixelEncoding { native_little, native_big, deflated, rle, jpeg, jpeg2000 };

struct PixelFormat {
  unsigned bits_allocated = 16, bits_stored = 16, high_bit = 15;
  bool is_signed = false, is_float = false;
};

struct DicomFrame {
  std::size_t number = 0;  ///< within its file, from 0
  bool has_position = false, has_orientation = false;
  Vec3 position_mm, row_direction{1, 0, 0}, column_direction{0, 1, 0};
  double row_spacing_mm = 0, column_spacing_mm = 0;  ///< between rows (y), between columns (x)
  double slope = 1, intercept = 0;
  std::map<std::string, std::string> split;  ///< values that tell volumes of one series apart (EchoTime...)
};

struct DicomFile {
  ByteSource source;
  std::string series_uid, study_uid, frame_of_reference_uid, patient, instance_uid, sop_class, modality, value_unit,
      image_type, series_key;
  std::map<std::string, std::string> tags, identity;
  std::vector<std::string> flags;
  std::size_t rows = 0, columns = 0;
  double slice_thickness_mm = 0;
  double frame_spacing_mm = 0;  ///< NM tomographic multi-frame only
  PixelFormat format;
  PixelEncoding encoding = PixelEncoding::native_little;
  std::uint64_t dataset_offset = 0, pixel_bytes = 0;
  std::uint64_t pixel_offset = 0;                                  ///< in the inflated file where it is deflated
  std::vector<std::pair<std::uint64_t, std::uint64_t>> fragments;  ///< offset and length, offset table left out
  std::vector<DicomFrame> frames;
  bool usable = false, is_image = false;
  std::string code, reason;

  /// A frame can be decoded without the file's others.
  bool random_access() const { return encoding != PixelEncoding::jpeg && encoding != PixelEncoding::deflated; }
  std::size_t frame_bytes() const { return rows * columns * (format.bits_allocated / 8); }
};

/// True if the bytes look like DICOM, with or without preamble and file meta group.
bool looks_like_dicom(const ByteSource& source);
/// Reads the header; a fault becomes `code` and `reason`, never an exception for bad content.
DicomFile read_dicom_file(const ByteSource& source, const IntakeLimits& limits);
/// Decodes frames [first, first + count) into floats (rescaled), thread-safe across files.
void decode_frames(const DicomFile& file, std::size_t first, std::size_t count, float* into);

}  // namespace iqgate::read
