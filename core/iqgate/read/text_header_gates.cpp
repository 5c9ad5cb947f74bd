// NRRD and MetaImage: key and value lines, the voxels behind them or in other files.
#include <charconv>
#include <filesystem>
#include <map>
#include <sstream>

#include "iqgate/read/raster_checks.hpp"

namespace iqgate::read {
namespace fs = std::filesystem;
namespace {

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

}  // namespace

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

}  // namespace iqgate::read
