#include "iqgate/read/dicom_file.hpp"

#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmdata/dcistrmb.h>
#include <dcmtk/dcmdata/dcistrmf.h>
#include <dcmtk/dcmdata/dctk.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <optional>

#include "iqgate/base/error.hpp"

namespace iqgate::read {
namespace {

struct Refusal {
  std::string code, reason;
};

std::optional<double> parse_number(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '+')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\0')) text.remove_suffix(1);
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || !std::isfinite(value)) return std::nullopt;
  return value;
}

std::string text_of(DcmItem& item, const DcmTagKey& tag) {
  OFString value;
  if (item.findAndGetOFStringArray(tag, value).bad()) return {};
  std::string text(value.c_str(), value.length());
  while (!text.empty() && (text.back() == ' ' || text.back() == '\0')) text.pop_back();
  return text;
}

// All values of a decimal-string tag; empty when absent; a refusal when one is not a number.
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

// Technique and device identity by DICOM keyword: what a report needs, and no patient data.
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
                           DCM_ImagesInAcquisition,
                           DCM_GantryDetectorTilt,
                           DCM_PatientPosition};

void keep_tags(DcmItem& item, std::map<std::string, std::string>& tags) {
  for (const DcmTagKey& key : kept_tags) {
    const std::string text = text_of(item, key);
    if (!text.empty() && text.size() <= 256) tags.emplace(DcmTag(key).getTagName(), text);
  }
  // AcquisitionMatrix has four numbers: frequency rows, columns, phase rows, columns (one pair is zero).
  const std::string matrix = text_of(item, DCM_AcquisitionMatrix);
  if (!matrix.empty()) tags.emplace("AcquisitionMatrix", matrix);
}

void read_orientation(DcmItem& item, DicomFrame& frame) {
  const auto v = numbers_of(item, DCM_ImageOrientationPatient);
  if (v.empty()) return;
  if (v.size() != 6) throw Refusal{"bad_header", "ImageOrientationPatient has not six numbers"};
  const Vec3 row{v[0], v[1], v[2]}, column{v[3], v[4], v[5]};
  if (std::abs(norm(row) - 1) > 1e-2 || std::abs(norm(column) - 1) > 1e-2 || std::abs(dot(row, column)) > 1e-2)
    throw Refusal{"bad_orientation", "ImageOrientationPatient is not two perpendicular unit vectors"};
  frame.row_direction = normalised(row);
  frame.column_direction = normalised(column - dot(column, frame.row_direction) * frame.row_direction);
  frame.has_orientation = true;
}

void read_position(DcmItem& item, DicomFrame& frame) {
  const auto v = numbers_of(item, DCM_ImagePositionPatient);
  if (v.empty()) return;
  if (v.size() != 3) throw Refusal{"bad_header", "ImagePositionPatient has not three numbers"};
  for (const double c : v)
    if (std::abs(c) > 1e5) throw Refusal{"bad_header", "ImagePositionPatient lies more than 100 m away"};
  frame.position_mm = {v[0], v[1], v[2]};
  frame.has_position = true;
}

bool read_spacing(DcmItem& item, const DcmTagKey& tag, DicomFrame& frame, double scale = 1) {
  const auto v = numbers_of(item, tag);
  if (v.empty()) return false;
  if (v.size() != 2 || !(v[0] > 0) || !(v[1] > 0) || v[0] > 1000 || v[1] > 1000 || v[0] < 1e-4 || v[1] < 1e-4)
    throw Refusal{"bad_spacing",
                  std::string(DcmTag(tag).getTagName()) + " is not two sizes between 0.0001 and 1000 mm"};
  frame.row_spacing_mm = v[0] * scale;
  frame.column_spacing_mm = v[1] * scale;
  return true;
}

void read_rescale(DcmItem& item, DicomFrame& frame) {
  if (const auto slope = number_of(item, DCM_RescaleSlope)) frame.slope = *slope;
  if (const auto intercept = number_of(item, DCM_RescaleIntercept)) frame.intercept = *intercept;
  if (frame.slope == 0) throw Refusal{"bad_rescale", "RescaleSlope is 0"};
}

void read_split(DcmItem& item, DicomFrame& frame) {
  for (const DcmTagKey& key : {DCM_EchoTime, DCM_InversionTime, DCM_TemporalPositionIdentifier, DCM_AcquisitionNumber,
                               DCM_TriggerTime, DCM_FlipAngle, DCM_ImageType, DCM_AcquisitionTime}) {
    const std::string text = text_of(item, key);
    if (!text.empty()) frame.split[DcmTag(key).getTagName()] = text;
  }
}

// A planar image's spacing, in the order of trust.
void read_planar_spacing(DcmItem& data, DicomFrame& frame, std::vector<std::string>& flags) {
  if (read_spacing(data, DCM_PixelSpacing, frame)) return;
  if (read_spacing(data, DCM_ImagePlanePixelSpacing, frame)) {
    flags.push_back("spacing_at_receptor");
    return;
  }
  const auto magnification = number_of(data, DCM_EstimatedRadiographicMagnificationFactor);
  if (magnification && !(*magnification >= 1 && *magnification < 100))
    throw Refusal{"bad_header", "EstimatedRadiographicMagnificationFactor is not between 1 and 100"};
  if (read_spacing(data, DCM_ImagerPixelSpacing, frame, 1.0 / magnification.value_or(1.0))) {
    flags.push_back(magnification ? "spacing_demagnified" : "spacing_at_receptor");
    return;
  }
  throw Refusal{"no_pixel_spacing", "has no pixel spacing: lengths in mm cannot be told"};
}

// Enhanced multi-frame: a functional group of the frame, else of the shared ones.
struct FunctionalGroups {
  DcmItem* shared;
  DcmItem* own;
  DcmItem* find(const DcmTagKey& sequence) const {
    if (own)
      if (DcmItem* item = first_item(*own, sequence)) return item;
    return shared ? first_item(*shared, sequence) : nullptr;
  }
};

void read_functional_groups(DcmDataset& data, DicomFile& file, std::size_t frame_count) {
  DcmItem* shared = first_item(data, DCM_SharedFunctionalGroupsSequence);
  DcmSequenceOfItems* per_frame = nullptr;
  data.findAndGetSequence(DCM_PerFrameFunctionalGroupsSequence, per_frame);
  if (!per_frame || per_frame->card() != frame_count)
    throw Refusal{"bad_header", "the per-frame functional groups do not match the number of frames"};
  if (shared) keep_tags(*shared, file.tags);
  for (std::size_t k = 0; k < frame_count; ++k) {
    DicomFrame frame;
    frame.number = k;
    const FunctionalGroups groups{shared, per_frame->getItem(static_cast<unsigned long>(k))};
    read_split(data, frame);
    if (DcmItem* g = groups.find(DCM_PlanePositionSequence)) read_position(*g, frame);
    if (DcmItem* g = groups.find(DCM_PlaneOrientationSequence)) read_orientation(*g, frame);
    DcmItem* measures = groups.find(DCM_PixelMeasuresSequence);
    if (!measures || !read_spacing(*measures, DCM_PixelSpacing, frame)) read_planar_spacing(data, frame, file.flags);
    if (measures) file.slice_thickness_mm = number_of(*measures, DCM_SliceThickness).value_or(file.slice_thickness_mm);
    if (DcmItem* g = groups.find(DCM_PixelValueTransformationSequence)) read_rescale(*g, frame);
    else read_rescale(data, frame);
    if (DcmItem* g = groups.find(DCM_FrameContentSequence)) {
      for (const DcmTagKey& key : {DCM_StackID, DCM_TemporalPositionIndex}) {
        const std::string text = text_of(*g, key);
        if (!text.empty()) frame.split[DcmTag(key).getTagName()] = text;
      }
      keep_tags(*g, file.tags);
    }
    if (DcmItem* g = groups.find(DCM_MREchoSequence)) {
      const std::string echo = text_of(*g, DCM_EffectiveEchoTime);
      if (!echo.empty()) {
        frame.split["EchoTime"] = echo;
        file.tags.emplace("EchoTime", echo);
      }
    }
    for (const DcmTagKey& sequence :
         {DCM_MRTimingAndRelatedParametersSequence, DCM_MRFOVGeometrySequence, DCM_MRModifierSequence,
          DCM_MRImagingModifierSequence, DCM_MRAveragesSequence, DCM_CTReconstructionSequence,
          DCM_CTXRayDetailsSequence, DCM_MRReceiveCoilSequence, DCM_CTExposureSequence}) {
      DcmItem* g = groups.find(sequence);
      if (!g) continue;
      keep_tags(*g, file.tags);
      if (sequence == DCM_MRModifierSequence) {
        const std::string ti = text_of(*g, DCM_InversionTimes);
        if (!ti.empty()) frame.split["InversionTime"] = ti;
      }
    }
    file.frames.push_back(std::move(frame));
  }
}

void read_classic_frames(DcmDataset& data, DicomFile& file, std::size_t frame_count) {
  DicomFrame frame;
  read_split(data, frame);
  read_rescale(data, frame);
  read_orientation(data, frame);
  read_position(data, frame);
  read_planar_spacing(data, frame, file.flags);
  const bool nuclear = file.modality == "NM";
  if (nuclear) {
    if (DcmItem* detector = first_item(data, DCM_DetectorInformationSequence)) {
      read_orientation(*detector, frame);
      read_position(*detector, frame);
    }
    // A reconstructed SPECT volume says so; planar frames of an energy window, phase or detector have no order in
    // space.
    if (file.image_type.find("RECON TOMO") != std::string::npos) {
      const auto spacing = number_of(data, DCM_SpacingBetweenSlices);
      file.frame_spacing_mm = spacing ? *spacing : file.slice_thickness_mm;
      if (!(std::abs(file.frame_spacing_mm) > 1e-3) && frame_count > 1)
        throw Refusal{"bad_spacing", "a tomographic multi-frame without SpacingBetweenSlices or SliceThickness"};
      // Negative: positions fall along the normal; the sign is kept so that the order of frames is right.
      if (!frame.has_position) frame.has_position = true;
    } else {
      frame.has_position = false;
    }
  }
  const Vec3 normal = cross(frame.row_direction, frame.column_direction);
  const Vec3 first = frame.position_mm;
  for (std::size_t k = 0; k < frame_count; ++k) {
    frame.number = k;
    if (file.frame_spacing_mm != 0) frame.position_mm = first + (double(k) * file.frame_spacing_mm) * normal;
    file.frames.push_back(frame);
  }
}

void read_format(DcmDataset& data, DicomFile& file) {
  file.rows = short_of(data, DCM_Rows, "Rows");
  file.columns = short_of(data, DCM_Columns, "Columns");
  if (file.rows == 0 || file.columns == 0) throw Refusal{"empty_image", "has no rows or no columns"};
  if (short_of(data, DCM_SamplesPerPixel, "SamplesPerPixel") != 1) throw Refusal{"colour_image", "is a colour image"};
  const std::string photometric = text_of(data, DCM_PhotometricInterpretation);
  if (photometric != "MONOCHROME1" && photometric != "MONOCHROME2")
    throw Refusal{"colour_image", "is not a grey-scale image"};
  file.tags.emplace("PhotometricInterpretation", photometric);
  PixelFormat& f = file.format;
  f.bits_allocated = short_of(data, DCM_BitsAllocated, "BitsAllocated");
  if (f.is_float) {
    if (f.bits_allocated != 32) throw Refusal{"pixel_format", "float pixel data not of 32 bits"};
    return;
  }
  f.bits_stored = short_of(data, DCM_BitsStored, "BitsStored");
  f.high_bit = short_of(data, DCM_HighBit, "HighBit");
  f.is_signed = short_of(data, DCM_PixelRepresentation, "PixelRepresentation") != 0;
  if ((f.bits_allocated != 8 && f.bits_allocated != 16 && f.bits_allocated != 32) || f.bits_stored == 0 ||
      f.bits_stored > f.bits_allocated || f.high_bit >= f.bits_allocated || f.high_bit + 1 < f.bits_stored)
    throw Refusal{"pixel_format", "bits allocated, stored and high bit do not fit together"};
}

std::uint32_t u32(const std::string& b, std::size_t at, bool big) {
  std::uint32_t v = 0;
  for (std::size_t k = 0; k < 4; ++k)
    v |= std::uint32_t{static_cast<unsigned char>(b[at + k])} << (8 * (big ? 3 - k : k));
  return v;
}

// The element header that ends at `end`: length of the value, 0xFFFFFFFF for encapsulated.
std::optional<std::uint32_t> pixel_element_length(const ByteSource& source, std::uint64_t end, bool big,
                                                  bool& is_float) {
  const auto tag_at = [&](std::uint64_t at) -> bool {
    const std::string b = source.read(at, 4);
    const auto byte = [&](std::size_t k) { return static_cast<unsigned char>(b[k]); };
    const unsigned group = big ? byte(0) * 256u + byte(1) : byte(1) * 256u + byte(0);
    const unsigned element = big ? byte(2) * 256u + byte(3) : byte(3) * 256u + byte(2);
    is_float = element == 0x0008;
    return group == 0x7fe0 && (element == 0x0010 || element == 0x0008);
  };
  if (end > source.size() || end < 8) return std::nullopt;
  if (end >= 12 && tag_at(end - 12)) {
    const std::string b = source.read(end - 12, 12);
    if (b[4] == 'O') return u32(b, 8, big);
  }
  if (tag_at(end - 8)) return u32(source.read(end - 8, 8), 4, big);
  return std::nullopt;
}

void walk_fragments(DicomFile& file, std::size_t max_fragments) {
  std::uint64_t at = file.pixel_offset;
  for (bool first = true;; first = false) {
    if (at + 8 > file.source.size())
      throw Refusal{"truncated", "the encapsulated pixel data ends before its delimiter"};
    const std::string header = file.source.read(at, 8);
    const std::uint32_t tag = u32(header, 0, false), length = u32(header, 4, false);
    if (tag == 0xE0DDFFFEu) return;
    if (tag != 0xE000FFFEu || length == 0xFFFFFFFFu)
      throw Refusal{"bad_fragments", "a fragment of the pixel data has no item tag"};
    if (length > file.source.size() - at - 8) throw Refusal{"truncated", "a fragment reaches past the end of the file"};
    if (!first) file.fragments.emplace_back(at + 8, length);
    if (file.fragments.size() > max_fragments) throw Refusal{"too_many_frames", "has too many fragments"};
    file.pixel_bytes += length;
    at += 8 + std::uint64_t{length};
  }
}

void check_claims(DicomFile& file, std::uint32_t element_length, std::size_t frame_count, const IntakeLimits& limits) {
  const auto pixels = checked_product(std::uint64_t{file.rows} * file.columns, frame_count);
  const auto decoded = pixels ? checked_product(*pixels, sizeof(float)) : std::nullopt;
  const auto claimed = pixels ? checked_product(*pixels, file.format.bits_allocated / 8) : std::nullopt;
  if (!decoded || !claimed || *decoded > limits.max_scan_bytes)
    throw Refusal{"too_large", "claims more voxels than the limit on memory allows"};
  const std::uint64_t present = file.source.size() - file.pixel_offset;
  if (file.encoding == PixelEncoding::native_little || file.encoding == PixelEncoding::native_big) {
    if (element_length == 0xFFFFFFFFu)
      throw Refusal{"pixel_format", "pixel data of undefined length in a native transfer syntax"};
    if (element_length > present) throw Refusal{"truncated", "the file ends before its pixel data does"};
    if (*claimed > element_length)
      throw Refusal{"truncated", "claims " + std::to_string(*claimed) + " bytes of pixels and holds " +
                                     std::to_string(element_length)};
    if (element_length - *claimed > 1)
      throw Refusal{"pixel_length", "holds " + std::to_string(element_length) +
                                        " bytes of pixels, its header asks for " + std::to_string(*claimed)};
    file.pixel_bytes = *claimed;
    return;
  }
  const std::uint64_t allowance = std::uint64_t{1} << 20;  // constant images pack better than the ratio
  const auto packed_limit = checked_product(present, limits.max_ratio);
  if (*claimed > allowance && packed_limit && *claimed > *packed_limit)
    throw Refusal{"too_large", "claims more pixels than its bytes can hold"};
  if (file.encoding == PixelEncoding::deflated) return;
  if (element_length != 0xFFFFFFFFu) throw Refusal{"pixel_format", "compressed pixel data that is not encapsulated"};
  walk_fragments(file, limits.max_frames);
  if (file.fragments.size() < frame_count)
    throw Refusal{"truncated", "holds fewer compressed frames than its header says"};
  if (frame_count > 1 && file.fragments.size() != frame_count)
    throw Refusal{"bad_fragments", "frames that are split over several fragments are not supported"};
}

PixelEncoding encoding_of(E_TransferSyntax xfer) {
  switch (xfer) {
    case EXS_LittleEndianImplicit:
    case EXS_LittleEndianExplicit: return PixelEncoding::native_little;
    case EXS_BigEndianExplicit: return PixelEncoding::native_big;
    case EXS_DeflatedLittleEndianExplicit: return PixelEncoding::deflated;
    case EXS_RLELossless:
    case EXS_JPEGProcess14:
    case EXS_JPEGProcess14SV1:
    case EXS_JPEGLSLossless: return PixelEncoding::dcmtk_codec;
    case EXS_JPEG2000LosslessOnly: return PixelEncoding::jpeg2000;
    default:
      throw Refusal{"transfer_syntax", std::string("transfer syntax ") + DcmXfer(xfer).getXferName() +
                                           " is not one that keeps pixels exact"};
  }
}

// Values in a series that must be equal for its slices to form one volume.
std::string make_series_key(DcmDataset& data, const DicomFile& file) {
  const DicomFrame& f = file.frames.front();
  char spacing[64];
  std::snprintf(spacing, sizeof spacing, "%.5g %.5g", f.row_spacing_mm, f.column_spacing_mm);
  return file.series_uid + "|" + file.sop_class + "|" + std::to_string(file.columns) + "x" + std::to_string(file.rows) +
         "|" + spacing + "|" + text_of(data, DCM_ConvolutionKernel) + "|" + file.value_unit;
}

void fill(DcmDataset& data, E_TransferSyntax xfer, DicomFile& file, std::uint64_t pixel_start,
          const IntakeLimits& limits) {
  file.modality = text_of(data, DCM_Modality);
  file.sop_class = text_of(data, DCM_SOPClassUID);
  file.series_uid = text_of(data, DCM_SeriesInstanceUID);
  file.study_uid = text_of(data, DCM_StudyInstanceUID);
  file.instance_uid = text_of(data, DCM_SOPInstanceUID);
  file.patient = text_of(data, DCM_PatientID) + "^" + text_of(data, DCM_PatientName);
  file.image_type = text_of(data, DCM_ImageType);
  const bool big = xfer == EXS_BigEndianExplicit;
  std::optional<std::uint32_t> length;
  if (xfer == EXS_DeflatedLittleEndianExplicit)
    length = data.tagExists(DCM_Rows) ? std::optional<std::uint32_t>(0u) : std::nullopt;
  else length = pixel_element_length(file.source, pixel_start, big, file.format.is_float);
  file.is_image = length.has_value() || data.tagExists(DCM_Rows);
  if (!file.is_image)
    throw Refusal{"not_an_image", "is a DICOM object without an image (" +
                                      (file.modality.empty() ? "no modality" : file.modality) + ")"};
  if (!length) throw Refusal{"truncated", "describes an image and holds no pixel data"};
  if (file.modality.empty()) throw Refusal{"bad_header", "Modality is missing"};
  if (file.series_uid.empty()) file.flags.push_back("no_series_uid");
  file.encoding = encoding_of(xfer);
  if (file.format.is_float && file.encoding != PixelEncoding::native_little)
    throw Refusal{"pixel_format", "float pixels in this transfer syntax"};
  file.pixel_offset = pixel_start;
  read_format(data, file);
  std::size_t frame_count = 1;
  if (const auto frames = number_of(data, DCM_NumberOfFrames)) {
    if (*frames < 1 || *frames > double(limits.max_frames) || *frames != std::floor(*frames))
      throw Refusal{"too_many_frames", "NumberOfFrames is not between 1 and the limit"};
    frame_count = static_cast<std::size_t>(*frames);
  }
  check_claims(file, *length, frame_count, limits);
  keep_tags(data, file.tags);
  file.slice_thickness_mm = number_of(data, DCM_SliceThickness).value_or(0);
  if (data.tagExists(DCM_PerFrameFunctionalGroupsSequence)) read_functional_groups(data, file, frame_count);
  else read_classic_frames(data, file, frame_count);
  const bool localiser = file.image_type.find("LOCALIZER") != std::string::npos && file.modality == "CT";
  if (localiser) throw Refusal{"localiser", "is a CT topogram, not a scan to measure"};
  if (file.sop_class == UID_SecondaryCaptureImageStorage)
    throw Refusal{"secondary_capture", "is a secondary capture, not a scan"};
  const bool rescaled = data.tagExists(DCM_RescaleSlope) || first_item(data, DCM_SharedFunctionalGroupsSequence);
  const std::string units = text_of(data, DCM_Units);
  if (file.modality == "CT" && !rescaled) file.flags.push_back("no_rescale");
  file.value_unit = file.modality == "CT" && rescaled ? "HU" : file.modality == "PT" && units == "BQML" ? "Bq/mL" : "1";
  file.series_key = make_series_key(data, file);
}

}  // namespace

bool looks_like_dicom(const ByteSource& source) {
  if (source.size() < 16) return false;
  if (source.size() >= 132 && source.read(128, 4) == "DICM") return true;
  // Without a preamble: group 0002 or 0008 first, with a plausible first element.
  const std::string b = source.head(16);
  const auto byte = [&](std::size_t k) { return static_cast<unsigned char>(b[k]); };
  const unsigned group = byte(1) * 256u + byte(0), element = byte(3) * 256u + byte(2);
  const bool explicit_vr = b[4] >= 'A' && b[4] <= 'Z' && b[5] >= 'A' && b[5] <= 'Z';
  const bool short_length = u32(b, 4, false) < 1024;
  return (group == 0x0002 || group == 0x0008) && element <= 0x0070 && (explicit_vr || short_length);
}

DicomFile read_dicom_file(const ByteSource& source, const IntakeLimits& limits) {
  OFLog::configure(OFLogger::OFF_LOG_LEVEL);
  DicomFile file{.source = source};
  try {
    DcmFileFormat format;
    std::unique_ptr<DcmInputStream> stream;
    if (const std::string* bytes = source.in_memory()) {
      auto buffer = std::make_unique<DcmInputBufferStream>();
      buffer->setBuffer(bytes->data(), static_cast<offile_off_t>(bytes->size()));
      buffer->setEos();
      stream = std::move(buffer);
    } else {
      stream = std::make_unique<DcmInputFileStream>(OFFilename(source.name().c_str()));
    }
    if (stream->status().bad()) throw Refusal{"cannot_read", stream->status().text()};
    format.transferInit();
    const OFCondition status =
        format.readUntilTag(*stream, EXS_Unknown, EGL_noChange, 65536, DcmTagKey(0x7fe0, 0x0008));
    format.transferEnd();
    DcmDataset& data = *format.getDataset();
    if (status.bad())
      throw Refusal{data.tagExists(DCM_SOPClassUID) ? "truncated" : "not_dicom",
                    std::string("cannot be parsed: ") + status.text()};
    fill(data, data.getOriginalXfer(), file, static_cast<std::uint64_t>(stream->tell()), limits);
    file.usable = true;
  } catch (const Refusal& refusal) {
    file.code = refusal.code;
    file.reason = refusal.reason;
  } catch (const InputError& error) {
    file.code = error.code;
    file.reason = error.why;
  }
  return file;
}

}  // namespace iqgate::read
