#include "iqgate/read/dicom_streams.hpp"

#include "iqgate/base/error.hpp"
#include "iqgate/read/dicom_tags.hpp"

namespace iqgate::read {
namespace {

InputError failed(const DicomFile& file, const std::string& why) {
  return InputError("decode_failed", file.source.name(), why, "transfer the file again, or export it uncompressed");
}

// PackBits: every `stride`-th byte of `into`.
void decode_segment(const std::string& stream, std::size_t at, std::size_t end, std::size_t count, char* into,
                    std::size_t stride, const DicomFile& file) {
  std::size_t done = 0;
  while (done < count) {
    if (at >= end) throw failed(file, "an RLE segment ends before its pixels do");
    const auto control = static_cast<unsigned char>(stream[at++]);
    if (control == 128) continue;
    const bool literal = control < 128;
    const std::size_t run = literal ? control + 1u : 257u - control, taken = literal ? run : 1;
    if (taken > end - at) throw failed(file, "an RLE segment ends before its pixels do");
    if (run > count - done) throw failed(file, "an RLE segment holds more pixels than the header claims");
    for (std::size_t k = 0; k < run; ++k) into[(done + k) * stride] = stream[literal ? at + k : at];
    at += taken;
    done += run;
  }
  if (end - at > 1) throw failed(file, "an RLE segment holds more pixels than the header claims");
}

unsigned byte_at(const std::string& stream, std::size_t at) { return static_cast<unsigned char>(stream[at]); }
unsigned short_at(const std::string& stream, std::size_t at) {
  return byte_at(stream, at) * 256 + byte_at(stream, at + 1);
}

void check_frame_header(const std::string& stream, std::size_t at, const DicomFile& file) {
  const unsigned precision = byte_at(stream, at), rows = short_at(stream, at + 1), columns = short_at(stream, at + 3);
  if (rows != file.rows || columns != file.columns || byte_at(stream, at + 5) != 1)
    throw failed(file, "the JPEG stream has " + std::to_string(columns) + " x " + std::to_string(rows) +
                           " pixels, the header claims " + std::to_string(file.columns) + " x " +
                           std::to_string(file.rows));
  const PixelFormat& f = file.format;
  if (precision > f.bits_allocated || precision <= f.high_bit || (precision > 8) != (f.bits_allocated > 8))
    throw failed(file, "the JPEG stream has " + std::to_string(precision) + " bits, the header stores " +
                           std::to_string(f.bits_stored) + " of " + std::to_string(f.bits_allocated));
}

}  // namespace

std::string decode_rle(const std::string& stream, const DicomFile& file) {
  const std::size_t pixels = file.rows * file.columns, segments = file.format.bits_allocated / 8;
  if (stream.size() < 64 || u32(stream, 0, false) != segments)
    throw failed(file, "the RLE header names another number of segments than the pixels have bytes");
  std::string raw(file.frame_bytes(), '\0');
  for (std::size_t k = 0; k < segments; ++k) {
    const std::size_t start = u32(stream, 4 + 4 * k, false);
    const std::size_t end = k + 1 < segments ? u32(stream, 8 + 4 * k, false) : stream.size();
    if (start < 64 || start > end || end > stream.size())
      throw failed(file, "the segments of the RLE header do not lie one after another in the frame");
    decode_segment(stream, start, end, pixels, raw.data() + (segments - 1 - k), segments, file);
  }
  return raw;
}

void check_jpeg(const std::string& stream, const DicomFile& file) {
  if (file.format.bits_allocated > 16) throw failed(file, "JPEG pixels of more than 16 bits");
  if (stream.size() < 4 || short_at(stream, 0) != 0xFFD8) throw failed(file, "the frame is not a JPEG stream");
  unsigned frame_type = 0;
  for (std::size_t at = 2; at + 4 <= stream.size();) {
    const unsigned marker = short_at(stream, at);
    if (marker == 0xFFFF) {
      ++at;
      continue;
    }
    const std::size_t length = short_at(stream, at + 2);
    if (marker < 0xFF01 || length < 2 || length > stream.size() - at - 2) break;
    const bool frame_header = marker == 0xFFF7 || (marker >= 0xFFC0 && marker <= 0xFFCF && marker != 0xFFC4 &&
                                                   marker != 0xFFC8 && marker != 0xFFCC);
    if (frame_header) {
      if (marker != 0xFFC3 && marker != 0xFFF7) throw failed(file, "the JPEG stream is not a lossless one");
      if (frame_type != 0 || length < 11) break;
      check_frame_header(stream, at + 4, file);
      frame_type = marker;
    }
    if (marker == 0xFFDA) {
      if (frame_type == 0 || length < 8) break;
      if (frame_type == 0xFFF7 && byte_at(stream, at + 7) != 0)
        throw failed(file, "the JPEG-LS stream is not a lossless one");
      return;
    }
    at += 2 + length;
  }
  throw failed(file, "the JPEG stream has no sound frame header");
}

}  // namespace iqgate::read
