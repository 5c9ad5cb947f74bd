#include "iqgate/read/raster_gate.hpp"

#include <zlib.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <map>
#include <memory>
#include <sstream>

#include "iqgate/base/error.hpp"

namespace iqgate::read {
namespace fs = std::filesystem;
namespace {

bool ends_with(const std::string& text, std::string_view tail) {
  return text.size() >= tail.size() &&
         std::equal(tail.rbegin(), tail.rend(), text.rbegin(), [](char a, char b) { return a == std::tolower(b); });
}

[[noreturn]] void refuse(const std::string& path, const std::string& code, const std::string& why) {
  throw InputError(code, path, why);
}

// Unpacked bytes of a gzip stream from `offset`, counted up to `enough`; nothing is kept.
std::uint64_t gzip_bytes(const std::string& path, std::uint64_t offset, std::uint64_t enough) {
  std::unique_ptr<FILE, int (*)(FILE*)> file(std::fopen(path.c_str(), "rb"), &std::fclose);
  if (!file || std::fseek(file.get(), static_cast<long>(offset), SEEK_SET) != 0)
    refuse(path, "cannot_read", "cannot be opened");
  z_stream stream{};
  if (inflateInit2(&stream, 15 + 32) != Z_OK) throw ResourceError("zlib", path, "cannot start");
  std::vector<unsigned char> in(1 << 16), out(1 << 16);
  std::uint64_t total = 0;
  int status = Z_OK;
  while (status != Z_STREAM_END && total <= enough) {
    stream.avail_in = static_cast<uInt>(std::fread(in.data(), 1, in.size(), file.get()));
    stream.next_in = in.data();
    if (stream.avail_in == 0) break;
    while (stream.avail_in > 0 && status != Z_STREAM_END && total <= enough) {
      stream.next_out = out.data();
      stream.avail_out = static_cast<uInt>(out.size());
      status = inflate(&stream, Z_NO_FLUSH);
      if (status != Z_OK && status != Z_STREAM_END) {
        inflateEnd(&stream);
        refuse(path, "truncated", "the compressed data are damaged");
      }
      total += out.size() - stream.avail_out;
    }
  }
  inflateEnd(&stream);
  return total;
}

std::uint64_t claimed_bytes(const std::string& path, const std::vector<std::uint64_t>& sizes,
                            std::uint64_t bytes_per_voxel, const IntakeLimits& limits) {
  std::uint64_t voxels = 1;
  for (const std::uint64_t n : sizes) {
    if (n == 0) refuse(path, "empty_image", "has a dimension of size 0");
    const auto product = checked_product(voxels, n);
    if (!product) refuse(path, "too_large", "claims more voxels than 64 bits can count");
    voxels = *product;
  }
  const auto as_float = checked_product(voxels, sizeof(float));
  const auto bytes = checked_product(voxels, bytes_per_voxel);
  if (!as_float || !bytes || *as_float > limits.max_scan_bytes)
    refuse(path, "too_large", "claims more voxels than the limit on memory allows");
  return *bytes;
}

void need_present(const std::string& path, std::uint64_t claimed, std::uint64_t present) {
  if (claimed > present)
    refuse(path, "truncated",
           "claims " + std::to_string(claimed) + " bytes of voxels and holds " + std::to_string(present));
}

// --- NIfTI -----------------------------------------------------------------------------------------------------
std::string nifti_head(const std::string& path, bool gzipped) {
  std::string head(540, '\0');
  if (!gzipped) return ByteSource::file(path).head(540);
  gzFile file = gzopen(path.c_str(), "rb");
  if (!file) refuse(path, "cannot_read", "cannot be opened");
  const int n = gzread(file, head.data(), 540);
  gzclose(file);
  head.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
  return head;
}

template <class T>
T field(const std::string& head, std::size_t at, bool swap) {
  char bytes[sizeof(T)];
  std::memcpy(bytes, head.data() + at, sizeof(T));
  if (swap) std::reverse(bytes, bytes + sizeof(T));
  T value;
  std::memcpy(&value, bytes, sizeof(T));
  return value;
}

template <class T>
void need_finite(const std::string& path, long offset, std::uint64_t bytes, bool swap) {
  const std::unique_ptr<gzFile_s, int (*)(gzFile)> file(gzopen(path.c_str(), "rb"), &gzclose);  // reads plain files too
  if (!file || gzseek(file.get(), offset, SEEK_SET) != offset) refuse(path, "cannot_read", "cannot be read");
  std::string buffer(std::size_t{1} << 16, '\0');
  while (bytes > 0) {
    const int n =
        gzread(file.get(), buffer.data(), static_cast<unsigned>(std::min<std::uint64_t>(bytes, buffer.size())));
    if (n <= 0) refuse(path, "truncated", "ends before its voxels do");
    for (std::size_t at = 0; at + sizeof(T) <= static_cast<std::size_t>(n); at += sizeof(T))
      if (!std::isfinite(field<T>(buffer, at, swap)))
        refuse(path, "not_finite", "holds voxels that are not finite numbers (NaN or Inf)");
    bytes -= static_cast<std::uint64_t>(n);
  }
}

RasterClaim check_nifti(const std::string& path, const IntakeLimits& limits) {
  const bool gzipped = ends_with(path, ".gz");
  const std::string head = nifti_head(path, gzipped);
  if (head.size() < 348) refuse(path, "truncated", "is shorter than a NIfTI header");
  bool swap = false;
  std::int32_t size = field<std::int32_t>(head, 0, false);
  if (size != 348 && size != 540) {
    swap = true;
    size = field<std::int32_t>(head, 0, true);
  }
  if (size != 348) refuse(path, "not_nifti", size == 540 ? "is NIfTI-2, which is not read" : "is not a NIfTI-1 file");
  if (head.compare(344, 3, "n+1") != 0) refuse(path, "not_nifti", "is not a single-file NIfTI-1 (magic n+1)");
  RasterClaim claim{.kind = RasterKind::nifti, .data_files = {path}};
  const int dimensions = field<std::int16_t>(head, 40, swap);
  if (dimensions < 2 || dimensions > 4)
    refuse(path, "bad_header", "has " + std::to_string(dimensions) + " dimensions; 2 to 4 are read");
  for (int d = 0; d < dimensions; ++d) {
    const int n = field<std::int16_t>(head, 42 + 2 * std::size_t(d), swap);
    if (n <= 0) refuse(path, "empty_image", "has a dimension that is not positive");
    claim.sizes.push_back(static_cast<std::uint64_t>(n));
  }
  static const std::map<int, int> bits_of{{2, 8}, {4, 16}, {8, 32}, {16, 32}, {64, 64}, {256, 8}, {512, 16}, {768, 32}};
  const int type = field<std::int16_t>(head, 70, swap), bits = field<std::int16_t>(head, 72, swap);
  const auto known = bits_of.find(type);
  if (known == bits_of.end() || known->second != bits)
    refuse(path, "pixel_format", "has a voxel type that is not read (" + std::to_string(type) + ")");
  const float offset = field<float>(head, 108, swap);
  if (!(offset >= 348 && offset < 1e6f)) refuse(path, "bad_header", "has a voxel offset out of range");
  for (int d = 0; d < std::min(dimensions, 3); ++d) {
    const float spacing = field<float>(head, 80 + 4 * std::size_t(d), swap);
    if (!(std::abs(spacing) > 1e-4f && std::abs(spacing) < 1e4f))
      refuse(path, "bad_spacing", "has a voxel size that is not between 0.0001 and 10000 mm");
  }
  const int unit = head[123] & 7;
  if (unit == 1 || unit == 3) refuse(path, "wrong_units", "has lengths in metres or micrometres; convert it to mm");
  if (unit == 0) claim.flags.push_back("units_unknown");
  if (field<std::int16_t>(head, 252, swap) <= 0 && field<std::int16_t>(head, 254, swap) <= 0)
    claim.flags.push_back("orientation_unknown");
  const std::uint64_t claimed = claimed_bytes(path, claim.sizes, static_cast<std::uint64_t>(bits) / 8, limits);
  const std::uint64_t needed = claimed + static_cast<std::uint64_t>(offset);
  need_present(path, needed, gzipped ? gzip_bytes(path, 0, needed) : ByteSource::file(path).size());
  // The NIfTI library turns NaN and Inf into zeros without a word.
  if (type == 16) need_finite<float>(path, static_cast<long>(offset), claimed, swap);
  if (type == 64) need_finite<double>(path, static_cast<long>(offset), claimed, swap);
  return claim;
}

// --- text headers ----------------------------------------------------------------------------------------------
std::vector<std::uint64_t> whole_numbers(const std::string& path, const std::string& text, const char* key) {
  std::vector<std::uint64_t> numbers;
  std::istringstream stream(text);
  for (std::string word; stream >> word;) {
    std::uint64_t n = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), n);
    if (error != std::errc{} || end != word.data() + word.size() || numbers.size() > 16)
      refuse(path, "bad_header", std::string(key) + " is not a list of whole numbers");
    numbers.push_back(n);
  }
  return numbers;
}

std::string trimmed(std::string text) {
  const auto space = [](char c) { return c == ' ' || c == '\t' || c == '\r'; };
  while (!text.empty() && space(text.back())) text.pop_back();
  while (!text.empty() && space(text.front())) text.erase(text.begin());
  return text;
}

// A data file that a header names: must lie in the header's own folder or below.
std::string data_file(const std::string& header, const std::string& name) {
  const fs::path relative(name);
  if (relative.is_absolute() || name.empty()) refuse(header, "bad_header", "names a data file outside its folder");
  for (const auto& part : relative)
    if (part == "..") refuse(header, "bad_header", "names a data file outside its folder");
  const fs::path full = fs::path(header).parent_path() / relative;
  if (!fs::is_regular_file(full)) refuse(header, "missing_data", "names a data file that is not there (" + name + ")");
  return full.string();
}

RasterClaim check_nrrd(const std::string& path, const IntakeLimits& limits) {
  const std::string head = ByteSource::file(path).head(65536);
  if (head.compare(0, 4, "NRRD") != 0) refuse(path, "not_nrrd", "is not an NRRD file");
  const std::size_t blank = std::min(head.find("\n\n"), head.find("\r\n\r\n"));
  RasterClaim claim{.kind = RasterKind::nrrd, .data_files = {path}};
  std::map<std::string, std::string> fields;
  std::istringstream lines(head.substr(0, blank));
  for (std::string line; std::getline(lines, line);)
    if (const std::size_t colon = line.find(": "); colon != std::string::npos && line[0] != '#')
      fields[line.substr(0, colon)] = trimmed(line.substr(colon + 2));
  static const std::map<std::string, unsigned> bytes_of{
      {"uchar", 1},    {"unsigned char", 1}, {"uint8", 1},      {"uint8_t", 1},        {"signed char", 1},
      {"int8", 1},     {"int8_t", 1},        {"short", 2},      {"short int", 2},      {"signed short", 2},
      {"int16", 2},    {"int16_t", 2},       {"ushort", 2},     {"unsigned short", 2}, {"uint16", 2},
      {"uint16_t", 2}, {"int", 4},           {"signed int", 4}, {"int32", 4},          {"int32_t", 4},
      {"uint", 4},     {"unsigned int", 4},  {"uint32", 4},     {"uint32_t", 4},       {"float", 4},
      {"double", 8}};
  const auto type = bytes_of.find(fields["type"]);
  if (type == bytes_of.end())
    refuse(path, "pixel_format", "has a voxel type that is not read (" + fields["type"] + ")");
  claim.sizes = whole_numbers(path, fields["sizes"], "sizes");
  if (claim.sizes.size() < 2 || claim.sizes.size() > 3) refuse(path, "bad_header", "has not 2 or 3 dimensions");
  if (!fields.count("space directions") && !fields.count("spacings")) claim.flags.push_back("spacing_missing");
  const std::uint64_t claimed = claimed_bytes(path, claim.sizes, type->second, limits);
  std::string data = fields.count("data file") ? fields["data file"] : fields["datafile"];
  std::uint64_t offset = 0;
  std::string data_path = path;
  if (!data.empty()) {
    if (data.find("LIST") == 0 || data.find('%') != std::string::npos)
      refuse(path, "bad_header", "an NRRD with a list of data files is not read");
    data_path = data_file(path, data);
    claim.data_files.push_back(data_path);
  } else {
    if (blank == std::string::npos) refuse(path, "bad_header", "has no end of header");
    offset = blank + (head.compare(blank, 4, "\r\n\r\n") == 0 ? 4 : 2);
  }
  const std::string& encoding = fields["encoding"];
  if (encoding == "raw") need_present(path, claimed, ByteSource::file(data_path).size() - offset);
  else if (encoding == "gzip" || encoding == "gz") need_present(path, claimed, gzip_bytes(data_path, offset, claimed));
  else refuse(path, "pixel_format", "has an encoding that is not read (" + encoding + ")");
  return claim;
}

std::vector<std::string> meta_data_files(const std::string& path, const std::string& value, const std::string& head,
                                         std::size_t after, std::uint64_t slices) {
  std::vector<std::string> names;
  if (value == "LIST" || value.compare(0, 5, "LIST ") == 0) {
    std::istringstream lines(head.substr(after));
    for (std::string line; std::getline(lines, line);)
      if (line = trimmed(line); !line.empty()) names.push_back(line);
  } else if (const std::size_t percent = value.find('%'); percent != std::string::npos) {
    // pattern first last step, as in image_%03d.raw 1 10 1
    std::istringstream words(value);
    std::string pattern;
    long first = 0, last = -1, step = 1;
    words >> pattern >> first >> last >> step;
    const std::size_t d = pattern.find('d', percent);
    const std::string format = d == std::string::npos ? "" : pattern.substr(percent, d - percent + 1);
    if (format.empty() || format.size() > 5 || format.find_first_not_of("%0123456789d") != std::string::npos ||
        step < 1 || last < first || (last - first) / step > 100000)
      refuse(path, "bad_header", "has a file pattern that is not read");
    for (long k = first; k <= last; k += step) {
      char number[32];
      std::snprintf(number, sizeof number, format.c_str(), static_cast<int>(k));  // checked above: one %0Nd
      names.push_back(pattern.substr(0, percent) + number + pattern.substr(d + 1));
    }
  } else {
    names.push_back(value);
    slices = 1;
  }
  if (names.size() != slices)
    refuse(path, "missing_data",
           "lists " + std::to_string(names.size()) + " data files for " + std::to_string(slices) + " slices");
  for (std::string& name : names) name = data_file(path, name);
  return names;
}

RasterClaim check_metaimage(const std::string& path, const IntakeLimits& limits) {
  const std::string head = ByteSource::file(path).head(std::size_t{1} << 20);
  RasterClaim claim{.kind = RasterKind::metaimage, .data_files = {path}};
  std::map<std::string, std::string> fields;
  std::size_t at = 0, data_at = 0;
  while (at < head.size() && !fields.count("ElementDataFile")) {
    const std::size_t end = std::min(head.find('\n', at), head.size());
    const std::string line = head.substr(at, end - at);
    const std::size_t equals = line.find('=');
    if (equals == std::string::npos || fields.size() > 100) refuse(path, "not_metaimage", "is not a MetaImage header");
    fields[trimmed(line.substr(0, equals))] = trimmed(line.substr(equals + 1));
    at = end + 1;
    data_at = std::min(at, head.size());
  }
  if (!fields.count("ElementDataFile")) refuse(path, "not_metaimage", "names no ElementDataFile");
  static const std::map<std::string, unsigned> bytes_of{{"MET_CHAR", 1},   {"MET_UCHAR", 1}, {"MET_SHORT", 2},
                                                        {"MET_USHORT", 2}, {"MET_INT", 4},   {"MET_UINT", 4},
                                                        {"MET_FLOAT", 4},  {"MET_DOUBLE", 8}};
  const auto type = bytes_of.find(fields["ElementType"]);
  if (type == bytes_of.end())
    refuse(path, "pixel_format", "has a voxel type that is not read (" + fields["ElementType"] + ")");
  if (fields.count("ElementNumberOfChannels") && fields["ElementNumberOfChannels"] != "1")
    refuse(path, "colour_image", "has more than one channel");
  claim.sizes = whole_numbers(path, fields["DimSize"], "DimSize");
  const auto dimensions = whole_numbers(path, fields["NDims"], "NDims");
  if (dimensions.size() != 1 || dimensions[0] != claim.sizes.size() || claim.sizes.size() < 2 || claim.sizes.size() > 3)
    refuse(path, "bad_header", "NDims and DimSize do not name 2 or 3 dimensions");
  if (!fields.count("ElementSpacing")) {
    // ElementSize is the size of the element, not the distance of elements; it is all that some writers give.
    claim.flags.push_back("spacing_missing");
  }
  const std::uint64_t claimed = claimed_bytes(path, claim.sizes, type->second, limits);
  const std::string& value = fields["ElementDataFile"];
  const bool compressed = !fields["CompressedData"].empty() && std::tolower(fields["CompressedData"][0]) == 't';
  if (fields.count("HeaderSize") && fields["HeaderSize"] != "0" && fields["HeaderSize"] != "-1")
    refuse(path, "bad_header", "a HeaderSize is not read");
  if (value == "LOCAL" || value == "Local" || value == "local") {
    need_present(path, claimed,
                 compressed ? gzip_bytes(path, data_at, claimed) : ByteSource::file(path).size() - data_at);
    return claim;
  }
  const std::uint64_t slices = claim.sizes.size() == 3 ? claim.sizes[2] : 1;
  const auto files = meta_data_files(path, value, head, data_at, slices);
  for (const std::string& file : files) {
    need_present(file, claimed / files.size(),
                 compressed ? gzip_bytes(file, 0, claimed) : ByteSource::file(file).size());
    claim.data_files.push_back(file);
  }
  return claim;
}

// --- TIFF ------------------------------------------------------------------------------------------------------
RasterClaim check_tiff(const std::string& path, const IntakeLimits& limits) {
  const ByteSource source = ByteSource::file(path);
  const std::string magic = source.head(8);
  if (magic.size() < 8 ||
      (magic.compare(0, 4, std::string("II*\0", 4)) != 0 && magic.compare(0, 4, std::string("MM\0*", 4)) != 0))
    refuse(path, "not_tiff", "is not a TIFF file");
  const bool swap = magic[0] == 'M';
  RasterClaim claim{.kind = RasterKind::tiff, .data_files = {path}};
  std::uint64_t pages = 0, width = 0, height = 0, bits = 0;
  for (std::uint64_t at = field<std::uint32_t>(magic, 4, swap); at != 0;) {
    if (++pages > limits.max_frames)
      refuse(path, "too_many_frames", "has more pages than the limit, or a loop of pages");
    const unsigned entries = field<std::uint16_t>(source.read(at, 2), 0, swap);
    const std::string directory = source.read(at + 2, std::size_t{12} * entries + 4);
    std::uint64_t w = 0, h = 0, b = 1, samples = 1, compression = 1;
    for (unsigned e = 0; e < entries; ++e) {
      const std::size_t o = std::size_t{12} * e;
      const unsigned tag = field<std::uint16_t>(directory, o, swap),
                     type = field<std::uint16_t>(directory, o + 2, swap);
      const std::uint64_t v =
          type == 3 ? field<std::uint16_t>(directory, o + 8, swap) : field<std::uint32_t>(directory, o + 8, swap);
      if (tag == 256) w = v;
      if (tag == 257) h = v;
      if (tag == 258) b = v;
      if (tag == 259) compression = v;
      if (tag == 277) samples = v;
    }
    if (samples != 1) refuse(path, "colour_image", "has more than one sample a pixel");
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

}  // namespace

bool raster_kind(const std::string& path, RasterKind& kind) {
  if (ends_with(path, ".nii") || ends_with(path, ".nii.gz")) kind = RasterKind::nifti;
  else if (ends_with(path, ".nrrd") || ends_with(path, ".nhdr")) kind = RasterKind::nrrd;
  else if (ends_with(path, ".mha") || ends_with(path, ".mhd")) kind = RasterKind::metaimage;
  else if (ends_with(path, ".tif") || ends_with(path, ".tiff")) kind = RasterKind::tiff;
  else return false;
  return true;
}

RasterClaim check_raster(const std::string& path, RasterKind kind, const IntakeLimits& limits) {
  switch (kind) {
    case RasterKind::nifti: return check_nifti(path, limits);
    case RasterKind::nrrd: return check_nrrd(path, limits);
    case RasterKind::metaimage: return check_metaimage(path, limits);
    case RasterKind::tiff: return check_tiff(path, limits);
  }
  throw std::logic_error("unknown raster kind");
}

}  // namespace iqgate::read
