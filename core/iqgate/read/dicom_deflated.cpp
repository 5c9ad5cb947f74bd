#include "iqgate/read/dicom_deflated.hpp"

#include <zlib.h>

#include <algorithm>
#include <new>

#include "iqgate/base/error.hpp"

namespace iqgate::read {
namespace {

using namespace std::string_literals;

// Preamble, prefix, group length and transfer syntax.
std::string plain_meta() {
  return std::string(128, '\0') + "DICM" + "\x02\0\0\0UL\x04\0\x1c\0\0\0"s + "\x02\0\x10\0UI\x14\0"s +
         "1.2.840.10008.1.2.1\0"s;
}

}  // namespace

ByteSource inflate_dicom(const ByteSource& source, std::uint64_t dataset_offset) {
  const std::uint64_t limit = (std::uint64_t{64} << 20) + 32 * source.size();
  auto plain = std::make_shared<std::string>(plain_meta());
  z_stream stream{};
  if (inflateInit2(&stream, -15) != Z_OK) throw ResourceError("zlib", source.name(), "the inflater cannot start");
  const std::unique_ptr<z_stream, decltype(&inflateEnd)> closing(&stream, &inflateEnd);
  std::string packed, piece(std::size_t{1} << 18, '\0');
  int status = Z_OK;
  for (std::uint64_t at = dataset_offset; status != Z_STREAM_END;) {
    if (stream.avail_in == 0) {
      packed = source.read(at, static_cast<std::size_t>(std::min<std::uint64_t>(piece.size(), source.size() - at)));
      if (packed.empty()) throw InputError("truncated", source.name(), "the deflated data set ends too early");
      at += packed.size();
      stream.next_in = reinterpret_cast<Bytef*>(packed.data());
      stream.avail_in = static_cast<uInt>(packed.size());
    }
    stream.next_out = reinterpret_cast<Bytef*>(piece.data());
    stream.avail_out = static_cast<uInt>(piece.size());
    status = inflate(&stream, Z_NO_FLUSH);
    if (status == Z_MEM_ERROR) throw std::bad_alloc();
    if (status != Z_OK && status != Z_STREAM_END && status != Z_BUF_ERROR)
      throw InputError("decode_failed", source.name(), "the deflated data set is damaged");
    plain->append(piece, 0, piece.size() - stream.avail_out);
    if (plain->size() > limit)
      throw InputError("too_large", source.name(), "inflates to more than its size lets expect",
                       "export it uncompressed");
  }
  return ByteSource::memory(source.name(), std::move(plain));
}

}  // namespace iqgate::read
