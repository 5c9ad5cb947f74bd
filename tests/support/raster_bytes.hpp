#pragma once
// TIFF pages and zip archives put together byte by byte.
#include <zlib.h>

#include <cstdint>
#include <string>
#include <vector>

namespace iqgate::test {

inline std::string tiff_page(std::uint16_t width, std::uint16_t height, const std::string& voxels,
                             std::uint16_t samples = 1) {
  std::string t("II*\0\x08\0\0\0", 8);
  const auto u16 = [&](std::uint16_t v) { t.append(reinterpret_cast<const char*>(&v), 2); };
  const auto u32 = [&](std::uint32_t v) { t.append(reinterpret_cast<const char*>(&v), 4); };
  const auto entry = [&](std::uint16_t tag, std::uint16_t type, std::uint32_t value) {
    u16(tag), u16(type), u32(1), u32(value);
  };
  u16(9);
  entry(256, 3, width), entry(257, 3, height), entry(258, 3, 16), entry(259, 3, 1), entry(262, 3, 1),
      entry(273, 4, 8 + 2 + 9 * 12 + 4), entry(277, 3, samples), entry(278, 3, height),
      entry(279, 4, std::uint32_t(voxels.size()));
  u32(0);
  return t + voxels;
}

/// An entry of a zip archive; what its headers claim may differ from what it holds.
struct ZipEntry {
  std::string name, data;
  std::uint32_t mode = 0100644;  ///< of UNIX: file type and permissions
  unsigned method = 0;           ///< 0: stored, 8: deflated (data are then packed already)
  std::uint32_t unpacked = 0;    ///< claimed; 0: as long as data
  std::uint32_t crc = 0;         ///< claimed; 0: that of data
  unsigned flags = 0;
  bool listed = true;  ///< stands in the central directory
  int same_as = -1;    ///< the central directory leads to that entry's bytes instead
};

inline std::string zip_bytes(const std::vector<ZipEntry>& entries) {
  std::string file, central;
  const auto put = [](std::string& to, std::uint64_t v, int bytes) {
    for (int k = 0; k < bytes; ++k) to += static_cast<char>(v >> (8 * k));
  };
  std::vector<std::size_t> at;
  std::uint32_t listed = 0;
  for (const ZipEntry& e : entries) {
    at.push_back(file.size());
    std::string common;
    put(common, e.flags, 2), put(common, e.method, 2), put(common, 0, 4);
    const auto crc = crc32(0, reinterpret_cast<const Bytef*>(e.data.data()), static_cast<uInt>(e.data.size()));
    put(common, e.crc ? e.crc : crc, 4), put(common, e.data.size(), 4);
    put(common, e.unpacked ? e.unpacked : e.data.size(), 4), put(common, e.name.size(), 2), put(common, 0, 2);
    put(file, 0x04034b50, 4), put(file, 20, 2);
    file += common + e.name + e.data;
    if (!e.listed) continue;
    ++listed;
    put(central, 0x02014b50, 4), put(central, 0x0314, 2), put(central, 20, 2);
    central += common;
    put(central, 0, 6), put(central, std::uint64_t{e.mode} << 16, 4);
    put(central, e.same_as < 0 ? at.back() : at[static_cast<std::size_t>(e.same_as)], 4);
    central += e.name;
  }
  const std::size_t start = file.size();
  file += central;
  put(file, 0x06054b50, 4), put(file, 0, 4), put(file, listed, 2), put(file, listed, 2), put(file, central.size(), 4);
  put(file, start, 4), put(file, 0, 2);
  return file;
}

}  // namespace iqgate::test
