#pragma once
// One frame's compressed bytes against what its header claims. Internal to this folder.
#include <string>

#include "iqgate/read/dicom_file.hpp"

namespace iqgate::read {

/// The stored bytes of an RLE frame, little endian; throws InputError("decode_failed") unless every segment holds
/// exactly one byte a pixel.
std::string decode_rle(const std::string& stream, const DicomFile& file);
/// Throws InputError("decode_failed") unless a JPEG or JPEG-LS stream is lossless and has the header's size and depth.
void check_jpeg(const std::string& stream, const DicomFile& file);

}  // namespace iqgate::read
