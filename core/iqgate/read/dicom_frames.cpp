// Where the frames of a DICOM file lie, and how their stored values become numbers.
#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmdata/dctk.h>

#include <cmath>

#include "iqgate/read/dicom_file.hpp"
#include "iqgate/read/dicom_tags.hpp"

namespace iqgate::read {
namespace {

bool is_length(double mm) { return mm >= 1e-4 && mm <= 1e4; }

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
  if (v.size() != 2 || !is_length(v[0] * scale) || !is_length(v[1] * scale))
    throw Refusal{"bad_spacing",
                  std::string(DcmTag(tag).getTagName()) + " is not two sizes between 0.0001 and 10000 mm"};
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

}  // namespace

void read_thickness(DcmItem& item, DicomFile& file) {
  const auto thickness = number_of(item, DCM_SliceThickness);
  if (!thickness || *thickness == 0) return;  // 0: not known
  if (is_length(*thickness)) file.slice_thickness_mm = *thickness;
  else file.flags.push_back("thickness_ignored");
}

void read_functional_groups(DcmDataset& data, DicomFile& file, std::size_t frame_count) {
  DcmItem* shared = first_item(data, DCM_SharedFunctionalGroupsSequence);
  DcmSequenceOfItems* per_frame = nullptr;
  data.findAndGetSequence(DCM_PerFrameFunctionalGroupsSequence, per_frame);
  if (!per_frame || per_frame->card() != frame_count)
    throw Refusal{"bad_header", "the per-frame functional groups do not match the number of frames"};
  if (shared) keep_tags(*shared, file.tags);
  DcmObject* own = nullptr;
  for (std::size_t k = 0; k < frame_count; ++k) {
    DicomFrame frame;
    frame.number = k;
    own = per_frame->nextInContainer(own);
    const FunctionalGroups groups{shared, dynamic_cast<DcmItem*>(own)};
    read_split(data, frame);
    if (DcmItem* g = groups.find(DCM_PlanePositionSequence)) read_position(*g, frame);
    if (DcmItem* g = groups.find(DCM_PlaneOrientationSequence)) read_orientation(*g, frame);
    DcmItem* measures = groups.find(DCM_PixelMeasuresSequence);
    if (!measures || !read_spacing(*measures, DCM_PixelSpacing, frame)) read_planar_spacing(data, frame, file.flags);
    if (measures) read_thickness(*measures, file);
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
      if (file.frame_spacing_mm == 0 ? frame_count > 1 : !is_length(std::abs(file.frame_spacing_mm)))
        throw Refusal{"bad_spacing",
                      "a tomographic multi-frame without SpacingBetweenSlices or SliceThickness of a real length"};
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

}  // namespace iqgate::read
