// NRRD: what its header claims, and whether the voxels behind it, or in another file, are there.
#include <set>
#include <sstream>

#include "iqgate/read/raster_checks.hpp"
#include "iqgate/read/text_header.hpp"

namespace iqgate::read {
namespace {

// NRRD lets a field be spelled in either case and some with or without a blank.
std::string nrrd_key(std::string key) {
  std::erase(key, ' ');
  for (char& c : key) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return key;
}

HeaderFields nrrd_fields(const std::string& path, const std::string& head) {
  static const std::set<std::string> known{
      "content",  "number",     "type",        "dimension",  "space",    "spacedimension",
      "sizes",    "spacings",   "kinds",       "labels",     "units",    "spacedirections",
      "centers",  "centerings", "thicknesses", "axismins",   "min",      "max",
      "axismaxs", "oldmin",     "oldmax",      "endian",     "encoding", "sampleunits",
      "lineskip", "byteskip",   "spaceorigin", "spaceunits", "datafile", "measurementframe"};
  HeaderFields fields;
  std::istringstream lines(head);
  lines.exceptions(std::ios::badbit);  // memory that is refused is no end of the text
  std::string line;
  std::getline(lines, line);  // the magic
  plain_line(path, line);
  while (std::getline(lines, line)) {
    line = plain_line(path, line);
    const std::size_t colon = line.find(": "), pair = line.find(":=");
    if (line[0] == '#' || pair < colon) continue;
    const std::string key = nrrd_key(line.substr(0, colon));
    if (colon == std::string::npos || !known.count(key))
      refuse(path, "bad_header", "has a header line that is not read (" + line.substr(0, 40) + ")");
    add_field(path, fields, key, trimmed(line.substr(colon + 2)));
  }
  // An unknown number (nan, none) would be read as a place or a length that nobody gave.
  for (const char* key : {"spaceorigin", "spacedirections", "spacings"})
    if (fields.count(key) && fields[key].find_first_not_of("0123456789+-.eE(), \t") != std::string::npos)
      refuse(path, "bad_header", std::string(key) + " holds more than numbers");
  std::string units = text_of(fields, "spaceunits");
  std::erase_if(units, [](char c) { return c == '"' || c == ' ' || c == '\t'; });
  for (; units.compare(0, 2, "mm") == 0; units.erase(0, 2)) {
  }
  if (!units.empty()) refuse(path, "wrong_units", "has lengths in other units than mm");
  for (const char* skip : {"lineskip", "byteskip"})
    if (fields.count(skip) && fields[skip] != "0")
      refuse(path, "bad_header", std::string("a ") + skip + " is not read");
  return fields;
}

}  // namespace

RasterClaim check_nrrd(const std::string& path, const IntakeLimits& limits) {
  constexpr std::size_t longest_head = 65536;
  const std::string head = ByteSource::file(path).head(longest_head);
  if (head.compare(0, 4, "NRRD") != 0) refuse(path, "not_nrrd", "is not an NRRD file");
  const std::size_t blank = std::min(head.find("\n\n"), head.find("\r\n\r\n"));
  if (blank == std::string::npos && head.size() == longest_head) refuse(path, "bad_header", "has no end of header");
  RasterClaim claim{.kind = RasterKind::nrrd, .data_files = {path}};
  HeaderFields fields = nrrd_fields(path, head.substr(0, blank));
  using Type = RawLayout::Type;
  static const std::map<std::string, Type> types{{"uchar", Type::uint8},      {"unsigned char", Type::uint8},
                                                 {"uint8", Type::uint8},      {"uint8_t", Type::uint8},
                                                 {"signed char", Type::int8}, {"int8", Type::int8},
                                                 {"int8_t", Type::int8},      {"short", Type::int16},
                                                 {"short int", Type::int16},  {"signed short", Type::int16},
                                                 {"int16", Type::int16},      {"int16_t", Type::int16},
                                                 {"ushort", Type::uint16},    {"unsigned short", Type::uint16},
                                                 {"uint16", Type::uint16},    {"uint16_t", Type::uint16},
                                                 {"int", Type::int32},        {"signed int", Type::int32},
                                                 {"int32", Type::int32},      {"int32_t", Type::int32},
                                                 {"uint", Type::uint32},      {"unsigned int", Type::uint32},
                                                 {"uint32", Type::uint32},    {"uint32_t", Type::uint32},
                                                 {"float", Type::float32},    {"double", Type::float64}};
  const auto type = types.find(fields["type"]);
  if (type == types.end()) refuse(path, "pixel_format", "has a voxel type that is not read (" + fields["type"] + ")");
  claim.sizes = whole_numbers(path, fields["sizes"], "sizes");
  if (claim.sizes.size() < 2 || claim.sizes.size() > 3) refuse(path, "bad_header", "has not 2 or 3 dimensions");
  if (!fields.count("spacedirections") && !fields.count("spacings")) claim.flags.push_back("spacing_missing");
  const std::uint64_t claimed = claimed_bytes(path, claim.sizes, bytes_of(type->second), limits);
  const std::string data = fields["datafile"];
  std::uint64_t offset = 0;
  std::string data_path = path;
  if (!data.empty()) {
    if (data.find("LIST") == 0 || data.find('%') != std::string::npos || data == "-")
      refuse(path, "bad_header", "an NRRD with a list of data files, or with standard input, is not read");
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
  // Other spellings are left to the library, which reads the volume whole.
  const std::string endian = text_of(fields, "endian");
  if (encoding == "raw" && (endian == "big" || endian == "little" || bytes_of(type->second) == 1))
    claim.raw = RawLayout{{data_path}, offset, type->second, endian == "big", 1, 0};
  return claim;
}

}  // namespace iqgate::read
