#include "iqgate/read/raw_slices.hpp"

#include <algorithm>
#include <cstring>

#include "iqgate/read/bytes.hpp"

namespace iqgate::read {
namespace {

template <class T>
void convert(const char* from, const RawLayout& layout, float* to, std::size_t n) {
  const bool scaled = layout.slope != 1 || layout.intercept != 0;
  for (std::size_t k = 0; k < n; ++k) {
    char bytes[sizeof(T)];
    std::memcpy(bytes, from + k * sizeof(T), sizeof(T));
    if (layout.swap) std::reverse(bytes, bytes + sizeof(T));
    T value;
    std::memcpy(&value, bytes, sizeof(T));
    to[k] = static_cast<float>(scaled ? double(value) * layout.slope + layout.intercept : double(value));
  }
}

void convert(const char* from, const RawLayout& layout, float* to, std::size_t n) {
  switch (layout.type) {
    case RawLayout::Type::int8: return convert<std::int8_t>(from, layout, to, n);
    case RawLayout::Type::uint8: return convert<std::uint8_t>(from, layout, to, n);
    case RawLayout::Type::int16: return convert<std::int16_t>(from, layout, to, n);
    case RawLayout::Type::uint16: return convert<std::uint16_t>(from, layout, to, n);
    case RawLayout::Type::int32: return convert<std::int32_t>(from, layout, to, n);
    case RawLayout::Type::uint32: return convert<std::uint32_t>(from, layout, to, n);
    case RawLayout::Type::float32: return convert<float>(from, layout, to, n);
    case RawLayout::Type::float64: return convert<double>(from, layout, to, n);
  }
}

}  // namespace

std::size_t bytes_of(RawLayout::Type type) {
  using Type = RawLayout::Type;
  switch (type) {
    case Type::int8:
    case Type::uint8: return 1;
    case Type::int16:
    case Type::uint16: return 2;
    case Type::int32:
    case Type::uint32:
    case Type::float32: return 4;
    case Type::float64: return 8;
  }
  return 0;
}

void read_raw_slices(const RawLayout& layout, Size3 size, std::size_t first, std::size_t count, float* to) {
  constexpr std::size_t piece = std::size_t{1} << 20;  // voxels
  const std::size_t plane = size.x * size.y, width = bytes_of(layout.type);
  const bool as_stored =
      layout.type == RawLayout::Type::float32 && !layout.swap && layout.slope == 1 && layout.intercept == 0;
  std::string buffer;
  for (std::size_t done = 0; done < count * plane;) {
    // A file a slice, or all in one.
    const bool apart = layout.files.size() > 1;
    const std::size_t slice = first + done / plane, in_slice = done % plane;
    const std::size_t n = std::min(piece, apart ? plane - in_slice : count * plane - done);
    const std::uint64_t at = layout.offset + width * (apart ? in_slice : first * plane + done);
    const ByteSource source = ByteSource::file(layout.files[apart ? slice : 0]);
    if (as_stored) {
      source.read(at, reinterpret_cast<char*>(to + done), n * width);
    } else {
      buffer.resize(n * width);
      source.read(at, buffer.data(), buffer.size());
      convert(buffer.data(), layout, to + done, n);
    }
    done += n;
  }
}

}  // namespace iqgate::read
