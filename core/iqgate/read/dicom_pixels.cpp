#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmdata/dcistrma.h>
#include <dcmtk/dcmdata/dcpixel.h>
#include <dcmtk/dcmdata/dctk.h>
#include <dcmtk/dcmjpeg/djdecode.h>
#include <dcmtk/dcmjpls/djdecode.h>

#include <bit>
#include <cstring>
#include <mutex>
#include <new>

#include "iqgate/base/error.hpp"
#include "iqgate/read/dicom_deflated.hpp"
#include "iqgate/read/dicom_file.hpp"
#include "iqgate/read/dicom_log.hpp"
#include "iqgate/read/dicom_memory.hpp"
#include "iqgate/read/dicom_streams.hpp"
#include "iqgate/read/jpeg2000.hpp"

namespace iqgate::read {
namespace {

// DCMTK keeps its codecs in a process-wide list; they are entered once.
void register_codecs() {
  static std::once_flag once;
  std::call_once(once, [] {
    DJDecoderRegistration::registerCodecs(EDC_never);
    DJLSDecoderRegistration::registerCodecs();
  });
}

float value_of(std::uint32_t stored, const PixelFormat& f) {
  stored >>= f.high_bit + 1 - f.bits_stored;
  if (f.bits_stored < 32) stored &= (std::uint32_t{1} << f.bits_stored) - 1;
  if (!f.is_signed) return static_cast<float>(stored);
  if (f.bits_stored < 32 && (stored >> (f.bits_stored - 1)) != 0) stored |= ~std::uint32_t{0} << f.bits_stored;
  return static_cast<float>(static_cast<std::int32_t>(stored));
}

// Raw bytes of one frame to rescaled floats. `swap`: the bytes are in the other order than this machine's.
void convert(const char* raw, const DicomFile& file, const DicomFrame& frame, bool swap, float* into) {
  const std::size_t count = file.rows * file.columns;
  const PixelFormat& f = file.format;
  for (std::size_t k = 0; k < count; ++k) {
    double value;
    if (f.is_float) {
      float v;
      std::memcpy(&v, raw + 4 * k, 4);
      value = v;
    } else if (f.bits_allocated == 8) {
      value = value_of(static_cast<unsigned char>(raw[k]), f);
    } else if (f.bits_allocated == 16) {
      std::uint16_t v;
      std::memcpy(&v, raw + 2 * k, 2);
      value = value_of(swap ? static_cast<std::uint16_t>(__builtin_bswap16(v)) : v, f);
    } else {
      std::uint32_t v;
      std::memcpy(&v, raw + 4 * k, 4);
      value = value_of(swap ? __builtin_bswap32(v) : v, f);
    }
    into[k] = static_cast<float>(value * frame.slope + frame.intercept);
  }
}

void load_whole(const DicomFile& file, DcmFileFormat& format) {
  OFCondition status;
  if (const auto& bytes = file.source.in_memory()) {
    format.transferInit();
    status = format.read(*memory_stream(bytes));
    format.transferEnd();
  } else {
    status = format.loadFile(OFFilename(file.source.name().c_str()));
  }
  if (status == EC_MemoryExhausted) throw std::bad_alloc();
  if (status.bad())
    throw InputError("truncated", file.source.name(), std::string("cannot be read whole: ") + status.text());
}

std::string frame_stream(const DicomFile& file, std::size_t frame) {
  if (file.frames.size() > 1) return file.source.read(file.fragments[frame].first, file.fragments[frame].second);
  std::string stream;
  for (const auto& [offset, length] : file.fragments) stream += file.source.read(offset, length);
  return stream;
}

void decode_native(const ByteSource& source, const DicomFile& file, std::size_t first, std::size_t count, float* into) {
  const bool big = file.encoding == PixelEncoding::native_big;
  const bool swap = big == (std::endian::native == std::endian::little);
  std::string raw(file.frame_bytes(), '\0');
  for (std::size_t k = 0; k < count; ++k) {
    source.read(file.pixel_offset + (first + k) * file.frame_bytes(), raw.data(), raw.size());
    convert(raw.data(), file, file.frames[first + k], swap, into + k * file.rows * file.columns);
  }
}

void decode_rle_frames(const DicomFile& file, std::size_t first, std::size_t count, float* into) {
  for (std::size_t k = first; k < first + count; ++k)
    convert(decode_rle(frame_stream(file, k), file).data(), file, file.frames[k],
            std::endian::native != std::endian::little, into + (k - first) * file.rows * file.columns);
}

void decode_jpeg(const DicomFile& file, std::size_t first, std::size_t count, float* into) {
  for (std::size_t k = first; k < first + count; ++k) check_jpeg(frame_stream(file, k), file);
  register_codecs();
  DcmFileFormat format;
  load_whole(file, format);
  DcmElement* element = nullptr;
  format.getDataset()->findAndGetElement(DCM_PixelData, element);
  auto* pixels = dynamic_cast<DcmPixelData*>(element);
  if (!pixels) throw InputError("decode_failed", file.source.name(), "pixel data cannot be read");
  std::string raw(file.frame_bytes() + 1, '\0');  // DCMTK asks for an even size
  for (std::size_t k = first; k < first + count; ++k) {
    OFString colour_model;
    Uint32 fragment = static_cast<Uint32>(k + 1);  // one a frame, after the offset table
    const std::size_t complaints = codec_complaints();
    const OFCondition status =
        pixels->getUncompressedFrame(format.getDataset(), static_cast<Uint32>(k), fragment, raw.data(),
                                     static_cast<Uint32>((file.frame_bytes() + 1) & ~std::size_t{1}), colour_model);
    if (status == EC_MemoryExhausted) throw std::bad_alloc();
    if (status.bad())
      throw InputError("decode_failed", file.source.name(), std::string("frame cannot be decoded: ") + status.text());
    if (codec_complaints() != complaints)
      throw InputError("decode_failed", file.source.name(), "the JPEG stream of a frame is cut or damaged",
                       "transfer the file again, or export it uncompressed");
    convert(raw.data(), file, file.frames[k], false, into + (k - first) * file.rows * file.columns);
  }
}

void decode_with_openjpeg(const DicomFile& file, std::size_t first, std::size_t count, float* into) {
  const std::size_t pixels = file.rows * file.columns;
  for (std::size_t k = 0; k < count; ++k) {
    const auto values = decode_jpeg2000(frame_stream(file, first + k), file.columns, file.rows, file.source.name());
    const DicomFrame& frame = file.frames[first + k];
    for (std::size_t p = 0; p < pixels; ++p)
      into[k * pixels + p] = static_cast<float>(double(values[p]) * frame.slope + frame.intercept);
  }
}

}  // namespace

void decode_frames(const DicomFile& file, std::size_t first, std::size_t count, float* into) {
  switch (file.encoding) {
    case PixelEncoding::native_little:
    case PixelEncoding::native_big: return decode_native(file.source, file, first, count, into);
    case PixelEncoding::deflated:
      return decode_native(inflate_dicom(file.source, file.dataset_offset), file, first, count, into);
    case PixelEncoding::rle: return decode_rle_frames(file, first, count, into);
    case PixelEncoding::jpeg: return decode_jpeg(file, first, count, into);
    case PixelEncoding::jpeg2000: return decode_with_openjpeg(file, first, count, into);
  }
}

}  // namespace iqgate::read
