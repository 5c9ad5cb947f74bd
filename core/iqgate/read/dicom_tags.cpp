#include "iqgate/read/dicom_tags.hpp"

#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmdata/dctk.h>

#include <array>
#include <charconv>
#include <cmath>

#include "iqgate/read/find_scans.hpp"

namespace iqgate::read {
namespace {

std::optional<double> parse_number(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '+')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\0')) text.remove_suffix(1);
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || !std::isfinite(value)) return std::nullopt;
  return value;
}

const std::array kept_tags{DCM_Manufacturer,
                           DCM_ManufacturerModelName,
                           DCM_DeviceSerialNumber,
                           DCM_SoftwareVersions,
                           DCM_AcquisitionDate,
                           DCM_AcquisitionTime,
                           DCM_KVP,
                           DCM_XRayTubeCurrent,
                           DCM_Exposure,
                           DCM_ExposureTime,
                           DCM_ConvolutionKernel,
                           DCM_SliceThickness,
                           DCM_SpacingBetweenSlices,
                           DCM_ReconstructionDiameter,
                           DCM_CTDIvol,
                           DCM_SpiralPitchFactor,
                           DCM_FilterType,
                           DCM_MagneticFieldStrength,
                           DCM_ReceiveCoilName,
                           DCM_SequenceName,
                           DCM_ScanningSequence,
                           DCM_RepetitionTime,
                           DCM_EchoTime,
                           DCM_InversionTime,
                           DCM_FlipAngle,
                           DCM_PixelBandwidth,
                           DCM_NumberOfAverages,
                           DCM_NumberOfPhaseEncodingSteps,
                           DCM_InPlanePhaseEncodingDirection,
                           DCM_PercentSampling,
                           DCM_PercentPhaseFieldOfView,
                           DCM_EchoTrainLength,
                           DCM_AcquisitionNumber,
                           DCM_Units,
                           DCM_DecayCorrection,
                           DCM_ReconstructionMethod,
                           DCM_RescaleType,
                           DCM_RescaleSlope,
                           DCM_NumberOfTemporalPositions,
                           DCM_ImagesInAcquisition,
                           DCM_GantryDetectorTilt,
                           DCM_PatientPosition};

const std::array identity_tags{DCM_StudyDescription, DCM_SeriesDescription, DCM_ProtocolName, DCM_StationName,
                               DCM_InstitutionName,  DCM_BodyPartExamined,  DCM_PatientID,    DCM_PatientName};

// Philips scales each image of a series for display; this private number takes that back.
const DcmTagKey philips_creator(0x2005, 0x0010), philips_scale_slope(0x2005, 0x100e);

}  // namespace

std::string text_of(DcmItem& item, const DcmTagKey& tag) {
  OFString value;
  if (item.findAndGetOFStringArray(tag, value).bad()) return {};
  std::string text(value.c_str(), value.length());
  while (!text.empty() && (text.back() == ' ' || text.back() == '\0')) text.pop_back();
  return text;
}

std::vector<double> numbers_of(DcmItem& item, const DcmTagKey& tag) {
  std::vector<double> numbers;
  DcmElement* element = nullptr;
  if (item.findAndGetElement(tag, element).bad() || !element) return numbers;
  if (element->getVM() > 64)
    throw Refusal{"bad_header", std::string(DcmTag(tag).getTagName()) + " has too many values"};
  for (unsigned long k = 0; k < element->getVM(); ++k) {
    OFString text;
    if (element->getOFString(text, k).bad()) return {};
    const auto value = parse_number({text.c_str(), text.length()});
    if (!value) throw Refusal{"bad_header", std::string(DcmTag(tag).getTagName()) + " is not a number"};
    numbers.push_back(*value);
  }
  return numbers;
}

std::optional<double> number_of(DcmItem& item, const DcmTagKey& tag) {
  const auto values = numbers_of(item, tag);
  if (values.empty()) return std::nullopt;
  return values.front();
}

unsigned short_of(DcmItem& item, const DcmTagKey& tag, const char* name) {
  Uint16 value = 0;
  if (item.findAndGetUint16(tag, value).bad())
    throw Refusal{"bad_header", std::string(name) + " is missing or not a 16-bit number"};
  return value;
}

DcmItem* first_item(DcmItem& parent, const DcmTagKey& sequence) {
  DcmItem* item = nullptr;
  return parent.findAndGetSequenceItem(sequence, item, 0).good() ? item : nullptr;
}

void keep_tags(DcmItem& item, std::map<std::string, std::string>& tags) {
  for (const DcmTagKey& key : kept_tags) {
    const std::string text = text_of(item, key);
    if (!text.empty() && text.size() <= 256) tags.emplace(DcmTag(key).getTagName(), text);
  }
  // AcquisitionMatrix has four numbers: frequency rows, columns, phase rows, columns (one pair is zero).
  const std::string matrix = text_of(item, DCM_AcquisitionMatrix);
  if (!matrix.empty()) tags.emplace("AcquisitionMatrix", matrix);
  Float32 scale = 0;
  if (text_of(item, philips_creator).rfind("Philips MR", 0) == 0 &&
      item.findAndGetFloat32(philips_scale_slope, scale).good() && std::isfinite(scale) && scale > 0)
    tags.emplace("PhilipsScaleSlope", std::to_string(double(scale)));
}

std::vector<std::string> rule_keywords() {
  std::vector<std::string> keywords;
  for (const DcmTagKey& key : kept_tags) keywords.emplace_back(DcmTag(key).getTagName());
  for (const DcmTagKey& key : identity_tags) keywords.emplace_back(DcmTag(key).getTagName());
  return keywords;
}

void keep_identity(DcmItem& item, std::map<std::string, std::string>& identity) {
  for (const DcmTagKey& key : identity_tags) {
    const std::string text = text_of(item, key);
    if (!text.empty() && text.size() <= 256) identity.emplace(DcmTag(key).getTagName(), text);
  }
}

}  // namespace iqgate::read
