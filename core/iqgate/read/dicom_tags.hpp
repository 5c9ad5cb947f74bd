#pragma once
// Values of a DICOM data set, strictly: a number that is none is a refusal. Internal to this folder.
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "iqgate/read/scan_header.hpp"

class DcmDataset;
class DcmItem;
class DcmTagKey;

namespace iqgate::read {

struct DicomFile;
struct IntakeLimits;

std::string text_of(DcmItem& item, const DcmTagKey& tag);
/// All values of a decimal-string tag; empty when absent.
std::vector<double> numbers_of(DcmItem& item, const DcmTagKey& tag);
std::optional<double> number_of(DcmItem& item, const DcmTagKey& tag);
unsigned short_of(DcmItem& item, const DcmTagKey& tag, const char* name);
/// First item of a sequence, or null.
DcmItem* first_item(DcmItem& parent, const DcmTagKey& sequence);
/// Technique and device identity by DICOM keyword: what a report needs, and no patient data.
void keep_tags(DcmItem& item, std::map<std::string, std::string>& tags);
/// Names and descriptions, by which a site's rules may tell scans apart; no output holds them.
void keep_identity(DcmItem& item, std::map<std::string, std::string>& identity);

/// Fills the frames: positions, orientation, spacing, rescale (dicom_frames.cpp).
void read_functional_groups(DcmDataset& data, DicomFile& file, std::size_t frame_count);
/// A thickness that no slice has is left out, with a flag.
void read_thickness(DcmItem& item, DicomFile& file);
void read_classic_frames(DcmDataset& data, DicomFile& file, std::size_t frame_count);

/// Size and pixel format (dicom_claims.cpp).
void read_format(DcmDataset& data, DicomFile& file);
/// Length of the pixel element whose header ends at `end`, 0xFFFFFFFF when encapsulated; none if there is no such
/// element.
std::optional<std::uint32_t> pixel_element_length(const DicomFile& file, std::uint64_t end, bool big_endian,
                                                  bool& is_float);
/// Claimed bytes against bytes present, before anything is decoded.
void check_claims(DicomFile& file, std::uint32_t element_length, std::size_t frame_count, const IntakeLimits& limits);
/// Four bytes as a number.
std::uint32_t u32(const std::string& bytes, std::size_t at, bool big_endian);

}  // namespace iqgate::read
