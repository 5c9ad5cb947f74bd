#pragma once
// DICOM files put together byte by byte, so that each length, VR and value can be made to lie.
#include <zlib.h>

#include <algorithm>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

namespace iqgate::test::dicom {

inline const std::string explicit_little = "1.2.840.10008.1.2.1", deflated = "1.2.840.10008.1.2.1.99",
                         rle = "1.2.840.10008.1.2.5";
inline constexpr std::uint32_t undefined = 0xFFFFFFFFu;

inline std::string le(std::uint32_t value, int bytes) {
  std::string text;
  for (int k = 0; k < bytes; ++k) text += static_cast<char>(value >> (8 * k));
  return text;
}
inline std::string tag(unsigned group, unsigned element) { return le(group, 2) + le(element, 2); }
inline std::string item(const std::string& value) {
  return tag(0xFFFE, 0xE000) + le(static_cast<std::uint32_t>(value.size()), 4) + value;
}
inline std::string element(unsigned g, unsigned e, const std::string& vr, std::string value,
                           bool undefined_length = false) {
  if (value.size() % 2) value += vr == "UI" || vr == "OB" ? '\0' : ' ';
  const auto length = undefined_length ? undefined : static_cast<std::uint32_t>(value.size());
  const bool extended = vr == "OB" || vr == "OW" || vr == "SQ" || vr == "UN";
  return tag(g, e) + vr + (extended ? le(0, 2) + le(length, 4) : le(length, 2)) + value;
}

struct Claims {
  unsigned rows = 16, columns = 16, bits = 16;
  std::string frames = "1", modality = "CT", thickness = "4", image_type = "ORIGINAL\\PRIMARY\\AXIAL", spacing = "4\\4";
  std::string slice_spacing, nested;
};

inline std::string meta(const std::string& syntax) {
  return std::string(128, '\0') + "DICM" + element(2, 0x10, "UI", syntax);
}

inline std::string header(const Claims& c) {
  const auto us = [](unsigned e, unsigned v) { return element(0x28, e, "US", le(v, 2)); };
  std::string d = element(8, 8, "CS", c.image_type) + element(8, 0x16, "UI", "1.2.840.10008.5.1.4.1.1.2") +
                  element(8, 0x18, "UI", "1.2.3.4") + element(8, 0x60, "CS", c.modality) + c.nested +
                  element(0x18, 0x50, "DS", c.thickness);
  if (!c.slice_spacing.empty()) d += element(0x18, 0x88, "DS", c.slice_spacing);
  return d + element(0x20, 0xD, "UI", "1.2.9") + element(0x20, 0xE, "UI", "1.2.8") +
         element(0x20, 0x32, "DS", "0\\0\\0") + element(0x20, 0x37, "DS", "1\\0\\0\\0\\1\\0") + us(2, 1) +
         element(0x28, 4, "CS", "MONOCHROME2") + element(0x28, 8, "IS", c.frames) + us(0x10, c.rows) +
         us(0x11, c.columns) + element(0x28, 0x30, "DS", c.spacing) + us(0x100, c.bits) + us(0x101, c.bits) +
         us(0x102, c.bits - 1) + us(0x103, 0) + element(0x28, 0x1052, "DS", "0") + element(0x28, 0x1053, "DS", "1");
}

inline std::string native(const std::string& pixels) { return element(0x7FE0, 0x10, "OW", pixels); }
inline std::string encapsulated(const std::vector<std::string>& frames) {
  std::string value = item("");
  for (const std::string& f : frames) value += item(f.size() % 2 ? f + '\0' : f);
  return element(0x7FE0, 0x10, "OB", value + tag(0xFFFE, 0xE0DD) + le(0, 4), true);
}

// 16-bit pixels of value 5 in runs, `segments` of them.
inline std::string rle_frame(std::size_t pixels, unsigned segments = 2) {
  std::string head = le(segments, 4), body;
  for (unsigned s = 0; s < segments; ++s) {
    head += le(static_cast<std::uint32_t>(64 + body.size()), 4);
    for (std::size_t left = pixels; left > 0;) {
      const std::size_t run = std::min<std::size_t>(left, 128);
      body += run == 1 ? '\0' : static_cast<char>(257 - run);
      body += s + 1 == segments ? '\5' : '\0';
      left -= run;
    }
  }
  head.resize(64, '\0');
  return head + body;
}

inline std::string deflate_raw(const std::string& plain) {
  z_stream z{};
  if (deflateInit2(&z, 9, Z_DEFLATED, -15, 9, Z_DEFAULT_STRATEGY) != Z_OK) throw std::runtime_error("deflate");
  std::string packed(deflateBound(&z, plain.size()), '\0');
  z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(plain.data()));
  z.avail_in = static_cast<uInt>(plain.size());
  z.next_out = reinterpret_cast<Bytef*>(packed.data());
  z.avail_out = static_cast<uInt>(packed.size());
  if (deflate(&z, Z_FINISH) != Z_STREAM_END) throw std::runtime_error("deflate");
  packed.resize(z.total_out);
  deflateEnd(&z);
  return packed;
}

}  // namespace iqgate::test::dicom
