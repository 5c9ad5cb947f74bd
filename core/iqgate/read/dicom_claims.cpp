// The intake gate of a DICOM file: what its header claims against the bytes that are there.
#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmdata/dctk.h>

#include <algorithm>

#include "iqgate/read/dicom_file.hpp"
#include "iqgate/read/dicom_tags.hpp"

namespace iqgate::read {
namespace {

void walk_fragments(DicomFile& file, std::size_t max_fragments) {
  std::uint64_t at = file.pixel_offset;
  for (bool first = true;; first = false) {
    if (at + 8 > file.source.size())
      throw Refusal{"truncated", "the encapsulated pixel data ends before its delimiter"};
    const std::string header = file.source.read(at, 8);
    const std::uint32_t tag = u32(header, 0, false), length = u32(header, 4, false);
    if (tag == 0xE0DDFFFEu) return;
    if (tag != 0xE000FFFEu || length == 0xFFFFFFFFu)
      throw Refusal{"bad_fragments", "a fragment of the pixel data has no item tag"};
    if (length > file.source.size() - at - 8) throw Refusal{"truncated", "a fragment reaches past the end of the file"};
    if (!first) file.fragments.emplace_back(at + 8, length);
    if (file.fragments.size() > max_fragments) throw Refusal{"too_many_frames", "has too many fragments"};
    file.pixel_bytes += length;
    at += 8 + std::uint64_t{length};
  }
}

}  // namespace

void read_format(DcmDataset& data, DicomFile& file) {
  file.rows = short_of(data, DCM_Rows, "Rows");
  file.columns = short_of(data, DCM_Columns, "Columns");
  if (file.rows == 0 || file.columns == 0) throw Refusal{"empty_image", "has no rows or no columns"};
  if (short_of(data, DCM_SamplesPerPixel, "SamplesPerPixel") != 1) throw Refusal{"colour_image", "is a colour image"};
  const std::string photometric = text_of(data, DCM_PhotometricInterpretation);
  if (photometric != "MONOCHROME1" && photometric != "MONOCHROME2")
    throw Refusal{"colour_image", "is not a grey-scale image"};
  file.tags.emplace("PhotometricInterpretation", photometric);
  PixelFormat& f = file.format;
  f.bits_allocated = short_of(data, DCM_BitsAllocated, "BitsAllocated");
  if (f.is_float) {
    if (f.bits_allocated != 32) throw Refusal{"pixel_format", "float pixel data not of 32 bits"};
    return;
  }
  f.bits_stored = short_of(data, DCM_BitsStored, "BitsStored");
  f.high_bit = short_of(data, DCM_HighBit, "HighBit");
  f.is_signed = short_of(data, DCM_PixelRepresentation, "PixelRepresentation") != 0;
  if ((f.bits_allocated != 8 && f.bits_allocated != 16 && f.bits_allocated != 32) || f.bits_stored == 0 ||
      f.bits_stored > f.bits_allocated || f.high_bit >= f.bits_allocated || f.high_bit + 1 < f.bits_stored)
    throw Refusal{"pixel_format", "bits allocated, stored and high bit do not fit together"};
}

std::uint32_t u32(const std::string& b, std::size_t at, bool big) {
  std::uint32_t v = 0;
  for (std::size_t k = 0; k < 4; ++k)
    v |= std::uint32_t{static_cast<unsigned char>(b[at + k])} << (8 * (big ? 3 - k : k));
  return v;
}

std::optional<std::uint32_t> pixel_element_length(const DicomFile& file, std::uint64_t end, bool big, bool& is_float) {
  const ByteSource& source = file.source;
  const auto tag_at = [&](std::uint64_t at) -> bool {
    const std::string b = source.read(at, 4);
    const auto byte = [&](std::size_t k) { return static_cast<unsigned char>(b[k]); };
    const unsigned group = big ? byte(0) * 256u + byte(1) : byte(1) * 256u + byte(0);
    const unsigned element = big ? byte(2) * 256u + byte(3) : byte(3) * 256u + byte(2);
    is_float = element == 0x0008;
    return group == 0x7fe0 && (element == 0x0010 || element == 0x0008);
  };
  if (end > source.size() || end < 8) return std::nullopt;
  if (end >= 12 && tag_at(end - 12)) {
    const std::string b = source.read(end - 12, 12);
    if (b[4] == 'O') return u32(b, 8, big);
  }
  if (tag_at(end - 8)) return u32(source.read(end - 8, 8), 4, big);
  return std::nullopt;
}

void check_claims(DicomFile& file, std::uint32_t element_length, std::size_t frame_count, const IntakeLimits& limits) {
  const auto pixels = checked_product(std::uint64_t{file.rows} * file.columns, frame_count);
  const auto decoded = pixels ? checked_product(*pixels, sizeof(float)) : std::nullopt;
  const auto claimed = pixels ? checked_product(*pixels, file.format.bits_allocated / 8) : std::nullopt;
  if (!decoded || !claimed || *decoded > limits.max_scan_bytes)
    throw Refusal{"too_large", "claims more voxels than the limit on memory allows"};
  const std::uint64_t present = file.source.size() - std::min(file.source.size(), file.pixel_offset);
  if (file.encoding == PixelEncoding::native_little || file.encoding == PixelEncoding::native_big) {
    if (element_length == 0xFFFFFFFFu)
      throw Refusal{"pixel_format", "pixel data of undefined length in a native transfer syntax"};
    if (element_length > present) throw Refusal{"truncated", "the file ends before its pixel data does"};
    if (*claimed > element_length)
      throw Refusal{"truncated", "claims " + std::to_string(*claimed) + " bytes of pixels and holds " +
                                     std::to_string(element_length)};
    if (element_length - *claimed > 1)
      throw Refusal{"pixel_length", "holds " + std::to_string(element_length) +
                                        " bytes of pixels, its header asks for " + std::to_string(*claimed)};
    file.pixel_bytes = *claimed;
    return;
  }
  const std::uint64_t allowance = std::uint64_t{1} << 20;  // constant images pack better than the ratio
  const auto packed_limit = checked_product(present, limits.max_ratio);
  if (*claimed > allowance && packed_limit && *claimed > *packed_limit)
    throw Refusal{"too_large", "claims more pixels than its bytes can hold"};
  if (element_length != 0xFFFFFFFFu) throw Refusal{"pixel_format", "compressed pixel data that is not encapsulated"};
  walk_fragments(file, limits.max_frames);
  if (file.fragments.size() < frame_count)
    throw Refusal{"truncated", "holds fewer compressed frames than its header says"};
  if (frame_count > 1 && file.fragments.size() != frame_count)
    throw Refusal{"bad_fragments", "frames that are split over several fragments are not supported"};
}

}  // namespace iqgate::read
