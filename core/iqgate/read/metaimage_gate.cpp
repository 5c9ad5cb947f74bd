// MetaImage: what its header claims, and whether the voxels behind it, or in other files, are there.
#include <set>
#include <sstream>

#include "iqgate/read/raster_checks.hpp"
#include "iqgate/read/text_header.hpp"

namespace iqgate::read {
namespace {

// The one name of a MetaImage field, or nothing: several names of one field are not to contradict each other.
std::string meta_key(const std::string& key) {
  static const std::map<std::string, std::string> aliases{{"Position", "Offset"},
                                                          {"Origin", "Offset"},
                                                          {"Rotation", "TransformMatrix"},
                                                          {"Orientation", "TransformMatrix"},
                                                          {"ElementByteOrderMSB", "BinaryDataByteOrderMSB"}};
  static const std::set<std::string> known{"ObjectType",
                                           "ObjectSubType",
                                           "NDims",
                                           "Name",
                                           "ID",
                                           "ParentID",
                                           "Comment",
                                           "AcquisitionDate",
                                           "CompressedData",
                                           "CompressedDataSize",
                                           "CompressionLevel",
                                           "BinaryData",
                                           "BinaryDataByteOrderMSB",
                                           "Color",
                                           "Offset",
                                           "TransformMatrix",
                                           "TransformType",
                                           "CenterOfRotation",
                                           "DistanceUnits",
                                           "AnatomicalOrientation",
                                           "ElementSpacing",
                                           "DimSize",
                                           "HeaderSize",
                                           "Modality",
                                           "ImagePosition",
                                           "SequenceID",
                                           "ElementMin",
                                           "ElementMax",
                                           "ElementNumberOfChannels",
                                           "ElementSize",
                                           "ElementNBits",
                                           "ElementType",
                                           "ElementDataFile",
                                           "ElementToIntensityFunctionSlope",
                                           "ElementToIntensityFunctionOffset"};
  if (const auto alias = aliases.find(key); alias != aliases.end()) return alias->second;
  const bool dicom_tag = key.size() == 9 && key[4] == '|';  // what SimpleITK copies from DICOM; MetaIO ignores it
  return known.count(key) || dicom_tag || key.compare(0, 4, "ITK_") == 0 ? key : std::string();
}

// Fields up to ElementDataFile, which ends the header; `data_at` is what follows it.
HeaderFields meta_fields(const std::string& path, const std::string& head, std::size_t& data_at) {
  constexpr std::size_t longest_value = 254;  // MetaIO copies texts to 255 bytes
  HeaderFields fields;
  std::set<std::string> names;
  for (data_at = 0; data_at < head.size() && !fields.count("ElementDataFile");) {
    const std::size_t end = std::min(head.find('\n', data_at), head.size());
    const std::string line = plain_line(path, head.substr(data_at, end - data_at));
    const std::size_t equals = line.find('=');
    if (equals == std::string::npos || names.size() > 100) refuse(path, "not_metaimage", "is not a MetaImage header");
    const std::string name = trimmed(line.substr(0, equals)), value = trimmed(line.substr(equals + 1));
    const std::string key = meta_key(name);
    if (key.empty() || value.size() > longest_value)
      refuse(path, "bad_header", "has a header line that is not read (" + line.substr(0, 40) + ")");
    if (!names.insert(name).second || (fields.count(key) && fields[key] != value))
      refuse(path, "bad_header", "says " + key + " twice");
    fields[key] = value;
    data_at = std::min(end + 1, head.size());
  }
  if (!fields.count("ElementDataFile")) refuse(path, "not_metaimage", "names no ElementDataFile");
  return fields;
}

bool meta_flag(const std::string& path, const HeaderFields& fields, const char* key, bool absent) {
  const std::string text = text_of(fields, key);
  if (!fields.count(key)) return absent;
  for (const char* yes : {"True", "true", "TRUE", "T", "1"})
    if (text == yes) return true;
  for (const char* no : {"False", "false", "FALSE", "F", "0"})
    if (text == no) return false;
  refuse(path, "bad_header", std::string(key) + " is neither True nor False");
}

// What MetaIO would obey without a word, or allocate.
void check_meta_extras(const std::string& path, const HeaderFields& fields) {
  // Absent is binary, for MetaIO too, and common.
  if (!meta_flag(path, fields, "BinaryData", true)) refuse(path, "pixel_format", "holds voxels as text");
  if (fields.count("DistanceUnits") && text_of(fields, "DistanceUnits") != "mm")
    refuse(path, "wrong_units", "has lengths in other units than mm");
  for (const auto& [key, plain] : {std::pair{"ElementToIntensityFunctionSlope", "1"},
                                   {"ElementToIntensityFunctionOffset", "0"},
                                   {"ElementNumberOfChannels", "1"}})
    if (fields.count(key) && text_of(fields, key) != plain)
      refuse(path, key == std::string("ElementNumberOfChannels") ? "colour_image" : "bad_header",
             std::string(key) + " other than " + plain + " is not read");
}

std::vector<std::string> meta_data_files(const std::string& path, const std::string& value, const std::string& head,
                                         std::size_t after, std::uint64_t slices) {
  std::vector<std::string> names;
  if (value == "LIST" || value.compare(0, 5, "LIST ") == 0) {
    std::istringstream lines(head.substr(after));
    lines.exceptions(std::ios::badbit);  // memory that is refused is no end of the text
    for (std::string line; std::getline(lines, line);)
      if (line = trimmed(line); !line.empty()) names.push_back(line);
  } else if (const std::size_t percent = value.find('%'); percent != std::string::npos) {
    // pattern first last step, as in image_%03d.raw 1 10 1
    std::istringstream words(value);
    words.exceptions(std::ios::badbit);  // memory that is refused is no end of the text
    std::string pattern;
    long first = 0, last = -1, step = 1;
    constexpr long largest = 100000000;  // far from where sums of them overflow
    words >> pattern >> first >> last >> step;
    const std::size_t d = pattern.find('d', percent);
    const std::string format = d == std::string::npos ? "" : pattern.substr(percent, d - percent + 1);
    if (format.empty() || format.size() > 5 || format.find_first_not_of("%0123456789d") != std::string::npos ||
        step < 1 || step > largest || first < 0 || last > largest || last < first || (last - first) / step > 100000)
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

RasterClaim check_metaimage(const std::string& path, const IntakeLimits& limits) {
  const std::string head = ByteSource::file(path).head(std::size_t{1} << 20);
  RasterClaim claim{.kind = RasterKind::metaimage, .data_files = {path}};
  std::size_t data_at = 0;
  HeaderFields fields = meta_fields(path, head, data_at);
  check_meta_extras(path, fields);
  using Type = RawLayout::Type;
  static const std::map<std::string, Type> types{{"MET_CHAR", Type::int8},     {"MET_UCHAR", Type::uint8},
                                                 {"MET_SHORT", Type::int16},   {"MET_USHORT", Type::uint16},
                                                 {"MET_INT", Type::int32},     {"MET_UINT", Type::uint32},
                                                 {"MET_FLOAT", Type::float32}, {"MET_DOUBLE", Type::float64}};
  const auto type = types.find(fields["ElementType"]);
  if (type == types.end())
    refuse(path, "pixel_format", "has a voxel type that is not read (" + fields["ElementType"] + ")");
  claim.sizes = whole_numbers(path, fields["DimSize"], "DimSize");
  const auto dimensions = whole_numbers(path, fields["NDims"], "NDims");
  if (dimensions.size() != 1 || dimensions[0] != claim.sizes.size() || claim.sizes.size() < 2 || claim.sizes.size() > 3)
    refuse(path, "bad_header", "NDims and DimSize do not name 2 or 3 dimensions");
  if (!fields.count("ElementSpacing")) {
    // ElementSize is the size of the element, not the distance of elements; it is all that some writers give.
    claim.flags.push_back("spacing_missing");
  }
  const std::uint64_t claimed = claimed_bytes(path, claim.sizes, bytes_of(type->second), limits);
  const std::string& value = fields["ElementDataFile"];
  const bool compressed = meta_flag(path, fields, "CompressedData", false);
  const bool swap =
      meta_flag(path, fields, "BinaryDataByteOrderMSB", false) || meta_flag(path, fields, "ElementByteOrderMSB", false);
  const auto need_voxels = [&](const std::string& file, std::uint64_t offset, std::uint64_t bytes) {
    const std::uint64_t present = ByteSource::file(file).size() - offset;
    if (fields.count("CompressedDataSize")) {
      const auto packed = whole_numbers(path, fields["CompressedDataSize"], "CompressedDataSize");
      if (packed.size() != 1 || packed[0] > present)
        refuse(path, "bad_header", "CompressedDataSize is larger than the data");
    }
    need_present(file, bytes, compressed ? gzip_bytes(file, offset, bytes) : present);
  };
  if (fields.count("HeaderSize") && fields["HeaderSize"] != "0" && fields["HeaderSize"] != "-1")
    refuse(path, "bad_header", "a HeaderSize is not read");
  if (value == "LOCAL" || value == "Local" || value == "local") {
    need_voxels(path, data_at, claimed);
    if (!compressed) claim.raw = RawLayout{{path}, data_at, type->second, swap, 1, 0};
    return claim;
  }
  const std::uint64_t slices = claim.sizes.size() == 3 ? claim.sizes[2] : 1;
  const auto files = meta_data_files(path, value, head, data_at, slices);
  for (const std::string& file : files) {
    need_voxels(file, 0, claimed / files.size());
    claim.data_files.push_back(file);
  }
  if (!compressed) claim.raw = RawLayout{files, 0, type->second, swap, 1, 0};
  return claim;
}

}  // namespace iqgate::read
