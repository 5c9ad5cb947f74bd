#include <map>
#include <set>

#include "iqgate/read/raster_checks.hpp"

namespace iqgate::read {
namespace {

constexpr unsigned byte = 1, ascii = 2, short_ = 3, long_ = 4, rational = 5, undefined = 7;

// A tag that is read, the types it may have (the second 0: one only) and how many values: 0 for any number.
struct Known {
  unsigned types[2];
  std::uint32_t count;
};

// The TIFF library and ITK trust a tag to have the type and number of values of its definition: others are not let
// through, nor are tags that scans have no use for.
const Known* known_tag(unsigned tag) {
  static const std::map<unsigned, Known> tags{
      {254, {{long_, 0}, 1}},      {255, {{short_, 0}, 1}},      {256, {{short_, long_}, 1}},
      {257, {{short_, long_}, 1}}, {258, {{short_, 0}, 1}},      {259, {{short_, 0}, 1}},
      {262, {{short_, 0}, 1}},     {263, {{short_, 0}, 1}},      {266, {{short_, 0}, 1}},
      {269, {{ascii, 0}, 0}},      {270, {{ascii, 0}, 0}},       {271, {{ascii, 0}, 0}},
      {272, {{ascii, 0}, 0}},      {273, {{short_, long_}, 0}},  {274, {{short_, 0}, 1}},
      {277, {{short_, 0}, 1}},     {278, {{short_, long_}, 1}},  {279, {{short_, long_}, 0}},
      {280, {{short_, 0}, 1}},     {281, {{short_, 0}, 1}},      {282, {{rational, 0}, 1}},
      {283, {{rational, 0}, 1}},   {284, {{short_, 0}, 1}},      {285, {{ascii, 0}, 0}},
      {286, {{rational, 0}, 1}},   {287, {{rational, 0}, 1}},    {296, {{short_, 0}, 1}},
      {297, {{short_, 0}, 2}},     {305, {{ascii, 0}, 0}},       {306, {{ascii, 0}, 20}},
      {315, {{ascii, 0}, 0}},      {316, {{ascii, 0}, 0}},       {317, {{short_, 0}, 1}},
      {322, {{short_, long_}, 1}}, {323, {{short_, long_}, 1}},  {324, {{long_, 0}, 0}},
      {325, {{short_, long_}, 0}}, {339, {{short_, 0}, 1}},      {700, {{byte, 0}, 0}},
      {33432, {{ascii, 0}, 0}},    {34675, {{undefined, 0}, 0}}, {42112, {{ascii, 0}, 0}},
      {50838, {{long_, 0}, 0}},    {50839, {{byte, 0}, 0}}};
  const auto found = tags.find(tag);
  return found == tags.end() ? nullptr : &found->second;
}

void check_entry(const std::string& path, const std::string& directory, std::size_t at, bool swap,
                 const ByteSource& source) {
  constexpr std::uint64_t bytes_of[] = {0, 1, 1, 2, 4, 8, 1, 1};  // by field type
  const unsigned tag = field<std::uint16_t>(directory, at, swap), type = field<std::uint16_t>(directory, at + 2, swap);
  const std::uint32_t count = field<std::uint32_t>(directory, at + 4, swap);
  const Known* known = known_tag(tag);
  if (!known || (type != known->types[0] && type != known->types[1]) || count == 0 ||
      (known->count != 0 && count != known->count))
    refuse(path, "bad_header", "has a tag that is not read (" + std::to_string(tag) + ")");
  const std::uint64_t bytes = bytes_of[type] * count, values = field<std::uint32_t>(directory, at + 8, swap);
  if (bytes > 4 && values + bytes > source.size())
    refuse(path, "truncated", "has a tag whose values lie outside the file");
  if (type != ascii) return;
  const char last =
      bytes > 4 ? source.read(values + bytes - 1, 1)[0] : directory[at + 7 + static_cast<std::size_t>(bytes)];
  if (last != '\0') refuse(path, "bad_header", "has a text without an end");
}

}  // namespace

RasterClaim check_tiff(const std::string& path, const IntakeLimits& limits) {
  const ByteSource source = ByteSource::file(path);
  const std::string magic = source.head(8);
  if (magic.size() < 8 ||
      (magic.compare(0, 4, std::string("II*\0", 4)) != 0 && magic.compare(0, 4, std::string("MM\0*", 4)) != 0))
    refuse(path, "not_tiff", "is not a TIFF file");
  const bool swap = magic[0] == 'M';
  RasterClaim claim{.kind = RasterKind::tiff, .data_files = {path}};
  constexpr unsigned max_entries = 1024;  // baseline and extension tags together are fewer than 200
  std::set<std::uint64_t> seen;
  std::uint64_t pages = 0, width = 0, height = 0, bits = 0;
  for (std::uint64_t at = field<std::uint32_t>(magic, 4, swap); at != 0;) {
    if (!seen.insert(at).second) refuse(path, "too_many_frames", "has a loop of pages");
    if (++pages > limits.max_frames) refuse(path, "too_many_frames", "has more pages than the limit");
    const unsigned entries = field<std::uint16_t>(source.read(at, 2), 0, swap);
    if (entries > max_entries) refuse(path, "bad_header", "has a page with too many tags");
    const std::string directory = source.read(at + 2, std::size_t{12} * entries + 4);
    std::uint64_t w = 0, h = 0, b = 1, samples = 1, compression = 1, photometric = 1;
    std::set<unsigned> tags;
    for (unsigned e = 0; e < entries; ++e) {
      const std::size_t o = std::size_t{12} * e;
      check_entry(path, directory, o, swap, source);
      if (!tags.insert(field<std::uint16_t>(directory, o, swap)).second) refuse(path, "bad_header", "has a tag twice");
      const unsigned tag = field<std::uint16_t>(directory, o, swap),
                     type = field<std::uint16_t>(directory, o + 2, swap);
      const std::uint64_t v =
          type == 3 ? field<std::uint16_t>(directory, o + 8, swap) : field<std::uint32_t>(directory, o + 8, swap);
      if (tag == 256) w = v;
      if (tag == 257) h = v;
      if (tag == 258) b = v;
      if (tag == 259) compression = v;
      if (tag == 262) photometric = v;
      if (tag == 277) samples = v;
    }
    if (samples != 1) refuse(path, "colour_image", "has more than one sample a pixel");
    if (photometric > 1) refuse(path, "colour_image", "is not a grey-scale image");
    if (compression != 1 && compression != 5 && compression != 8 && compression != 32946 && compression != 32773)
      refuse(path, "pixel_format", "has a compression that is not read");
    if (b != 8 && b != 16 && b != 32) refuse(path, "pixel_format", "has not 8, 16 or 32 bits a pixel");
    if (pages > 1 && (w != width || h != height || b != bits))
      refuse(path, "mixed_slices", "has pages of different sizes");
    width = w, height = h, bits = b;
    const std::uint64_t page = claimed_bytes(path, {w, h}, b / 8, limits);
    if (compression == 1) need_present(path, page, source.size());
    else need_present(path, page, checked_product(source.size(), limits.max_ratio).value_or(0) + (1u << 20));
    at = field<std::uint32_t>(directory, std::size_t{12} * entries, swap);
  }
  if (pages == 0) refuse(path, "empty_image", "has no page");
  claim.sizes = {width, height, pages};
  claimed_bytes(path, claim.sizes, bits / 8, limits);
  claim.flags.push_back("spacing_missing");  // a TIFF resolution is a print size, not a length in the object
  return claim;
}

}  // namespace iqgate::read
