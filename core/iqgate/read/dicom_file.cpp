#include "iqgate/read/dicom_file.hpp"

#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmdata/dcistrmf.h>
#include <dcmtk/dcmdata/dctk.h>

#include <cmath>
#include <memory>
#include <new>

#include "iqgate/base/error.hpp"
#include "iqgate/read/dicom_deflated.hpp"
#include "iqgate/read/dicom_log.hpp"
#include "iqgate/read/dicom_memory.hpp"
#include "iqgate/read/dicom_scan.hpp"
#include "iqgate/read/dicom_tags.hpp"

namespace iqgate::read {
namespace {

PixelEncoding encoding_of(E_TransferSyntax xfer) {
  switch (xfer) {
    case EXS_LittleEndianImplicit:
    case EXS_LittleEndianExplicit: return PixelEncoding::native_little;
    case EXS_BigEndianExplicit: return PixelEncoding::native_big;
    case EXS_RLELossless: return PixelEncoding::rle;
    case EXS_JPEGProcess14:
    case EXS_JPEGProcess14SV1:
    case EXS_JPEGLSLossless: return PixelEncoding::jpeg;
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

bool has_preamble(const ByteSource& source) { return source.size() >= 132 && source.read(128, 4) == "DICM"; }

void fill(DcmDataset& data, E_TransferSyntax xfer, DicomFile& file, std::uint64_t pixel_start,
          const IntakeLimits& limits) {
  file.modality = text_of(data, DCM_Modality);
  if (const std::string own = text_of(data, DCM_SOPClassUID); !own.empty()) file.sop_class = own;
  file.series_uid = text_of(data, DCM_SeriesInstanceUID);
  file.study_uid = text_of(data, DCM_StudyInstanceUID);
  file.frame_of_reference_uid = text_of(data, DCM_FrameOfReferenceUID);
  file.instance_uid = text_of(data, DCM_SOPInstanceUID);
  file.patient = text_of(data, DCM_PatientID) + "^" + text_of(data, DCM_PatientName);
  file.image_type = text_of(data, DCM_ImageType);
  const bool big = xfer == EXS_BigEndianExplicit;
  const auto length = pixel_element_length(file, pixel_start, big, file.format.is_float);
  file.is_image = length.has_value() || data.tagExists(DCM_Rows);
  // A file cut before its pixels, between two elements, reads well.
  const bool should_be_image =
      file.sop_class.empty() ? has_preamble(file.source) : dcmIsImageStorageSOPClassUID(file.sop_class.c_str());
  if (!file.is_image && should_be_image) throw Refusal{"truncated", "should be an image and holds none"};
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
  keep_identity(data, file.identity);
  read_thickness(data, file);
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

// Up to the pixels; where the stream stands then.
OFCondition read_header(const DicomFile& file, DcmFileFormat& format, std::uint64_t& pixel_start) {
  std::unique_ptr<DcmInputStream> stream;
  if (const auto& bytes = file.source.in_memory()) stream = memory_stream(bytes);
  else stream = std::make_unique<DcmInputFileStream>(OFFilename(file.source.name().c_str()));
  if (stream->status().bad()) throw Refusal{"cannot_read", stream->status().text()};
  format.transferInit();
  const OFCondition status = format.readUntilTag(*stream, EXS_Unknown, EGL_noChange, 65536, DcmTagKey(0x7fe0, 0x0008));
  format.transferEnd();
  pixel_start = static_cast<std::uint64_t>(stream->tell());
  return status;
}

void parse(DicomFile& file, const IntakeLimits& limits) {
  auto format = std::make_unique<DcmFileFormat>();
  std::uint64_t pixel_start = 0;
  OFCondition status = read_header(file, *format, pixel_start);
  if (status == EC_StreamNotifyClient) {  // the end of the file, or memory that was refused on the way: the end stays
    format = std::make_unique<DcmFileFormat>();
    status = read_header(file, *format, pixel_start);
  }
  DcmDataset& data = *format->getDataset();
  if (status == EC_MemoryExhausted) throw std::bad_alloc();
  if (status.bad()) {
    // With the preamble it is DICOM, and what cannot be parsed of it is damage; without, it only looked like it.
    throw Refusal{has_preamble(file.source) || data.tagExists(DCM_SOPClassUID) ? "truncated" : "not_dicom",
                  std::string("cannot be parsed: ") + status.text()};
  }
  file.sop_class = text_of(*format->getMetaInfo(), DCM_MediaStorageSOPClassUID);
  fill(data, data.getOriginalXfer(), file, pixel_start, limits);
}

}  // namespace

bool looks_like_dicom(const ByteSource& source) {
  if (source.size() < 16) return false;
  if (has_preamble(source)) return true;
  // Without a preamble: group 0002 or 0008 first, with a plausible first element.
  const std::string b = source.head(16);
  const auto byte = [&](std::size_t k) { return static_cast<unsigned char>(b[k]); };
  const unsigned group = byte(1) * 256u + byte(0), element = byte(3) * 256u + byte(2);
  const bool explicit_vr = b[4] >= 'A' && b[4] <= 'Z' && b[5] >= 'A' && b[5] <= 'Z';
  const bool short_length = u32(b, 4, false) < 1024;
  return (group == 0x0002 || group == 0x0008) && element <= 0x0070 && (explicit_vr || short_length);
}

DicomFile read_dicom_file(const ByteSource& source, const IntakeLimits& limits) {
  listen_to_dcmtk();
  DicomFile file{.source = source};
  try {
    const DicomOutline outline = outline_dicom(source);
    file.dataset_offset = outline.dataset_offset;
    const bool deflated = outline.transfer_syntax == UID_DeflatedExplicitVRLittleEndianTransferSyntax;
    if (deflated) {
      file.source = inflate_dicom(source, outline.dataset_offset);
      outline_dicom(file.source);
    }
    parse(file, limits);
    if (deflated) {
      file.source = source;
      file.encoding = PixelEncoding::deflated;
    }
    file.usable = true;
  } catch (const Refusal& refusal) {
    file.code = refusal.code;
    file.reason = refusal.reason;
    file.source = source;
  } catch (const InputError& error) {
    file.code = error.code;
    file.reason = error.why;
    file.source = source;
  }
  return file;
}

}  // namespace iqgate::read
