#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmdata/dctk.h>

#include <algorithm>
#include <cmath>

#include "iqgate/base/atomic_file.hpp"
#include "iqgate/base/error.hpp"
#include "iqgate/base/json.hpp"
#include "iqgate/base/text_number.hpp"
#include "iqgate/report/dicom_text.hpp"
#include "iqgate/report/volume_dicom.hpp"

namespace iqgate::report {
namespace {

std::string joined(const std::vector<double>& values) {
  std::string text;
  for (const double v : values) text += (text.empty() ? "" : "\\") + decimal_string(v);
  return text;
}

struct Rescale {
  double slope = 1, intercept = 0;
};

// CT: whole HU where that is fine enough; else 16 bits over the range.
Rescale rescale_of(const Scan& scan) {
  const auto [low, high] = std::minmax_element(scan.volume.values.begin(), scan.volume.values.end());
  if (scan.value_unit == "HU" && *low >= -8192 && *high <= 57000) return {1, -8192};
  const double span = std::max<double>(*high - *low, 1e-6);
  const double slope = number_from_text(decimal_string(span / 65000)).value(),
               intercept = number_from_text(decimal_string(*low)).value();
  return {slope, intercept};
}

void put(DcmItem& item, const DcmTagKey& tag, const std::string& value) {
  if (item.putAndInsertString(tag, value.c_str()).bad())
    throw OutputError("cannot_write", DcmTag(tag).getTagName(), "the DICOM value cannot be set");
}

const char* sop_class(const Scan& scan, bool enhanced) {
  if (scan.modality == "MR") return enhanced ? UID_EnhancedMRImageStorage : UID_MRImageStorage;
  if (scan.modality == "PT") return enhanced ? UID_EnhancedPETImageStorage : UID_PositronEmissionTomographyImageStorage;
  return enhanced ? UID_EnhancedCTImageStorage : UID_CTImageStorage;
}

void put_common(DcmDataset& d, const Scan& scan, const DicomIdentity& identity, bool enhanced) {
  const Grid& g = scan.volume.grid;
  put(d, DCM_SOPClassUID, sop_class(scan, enhanced));
  put(d, DCM_StudyInstanceUID, uid_of(identity.uid_seed + "/study"));
  put(d, DCM_SeriesInstanceUID, uid_of(identity.uid_seed + "/series/" + std::to_string(identity.series_number)));
  put(d, DCM_FrameOfReferenceUID, uid_of(identity.uid_seed + "/frame"));
  put(d, DCM_Modality, scan.modality);
  put(d, DCM_ImageType, enhanced ? "ORIGINAL\\PRIMARY\\VOLUME\\NONE" : "ORIGINAL\\PRIMARY\\AXIAL");
  put(d, DCM_SeriesNumber, std::to_string(identity.series_number));
  put(d, DCM_SeriesDescription, identity.series_description);
  put(d, DCM_PatientName, "PHANTOM^DIGITAL");
  put(d, DCM_PatientID, "PHANTOM");
  put(d, DCM_PatientBirthDate, "");
  put(d, DCM_PatientSex, "O");
  put(d, DCM_StudyDate, "20200101");
  put(d, DCM_StudyTime, "000000");
  put(d, DCM_AccessionNumber, "");
  put(d, DCM_ReferringPhysicianName, "");
  put(d, DCM_StudyID, "1");
  put(d, DCM_Manufacturer, "iqgate");
  put(d, DCM_ManufacturerModelName, "digital phantom");
  put(d, DCM_PositionReferenceIndicator, "");
  put(d, DCM_PhotometricInterpretation, "MONOCHROME2");
  d.putAndInsertUint16(DCM_SamplesPerPixel, 1);
  d.putAndInsertUint16(DCM_Rows, static_cast<Uint16>(g.size.y));
  d.putAndInsertUint16(DCM_Columns, static_cast<Uint16>(g.size.x));
  d.putAndInsertUint16(DCM_BitsAllocated, 16);
  d.putAndInsertUint16(DCM_BitsStored, 16);
  d.putAndInsertUint16(DCM_HighBit, 15);
  d.putAndInsertUint16(DCM_PixelRepresentation, 0);
  if (scan.modality == "MR") {
    put(d, DCM_ScanningSequence, "SE");
    put(d, DCM_SequenceVariant, "NONE");
    put(d, DCM_ScanOptions, "");
    put(d, DCM_MRAcquisitionType, "2D");
    put(d, DCM_EchoTrainLength, "1");
  }
  for (const auto& [keyword, value] : identity.tags) {
    DcmTag tag;
    if (DcmTag::findTagFromName(keyword.c_str(), tag).bad())
      throw OutputError("cannot_write", keyword, "is not a DICOM keyword");
    put(d, tag, value);
  }
}

void put_plane(DcmItem& position, DcmItem& orientation, DcmItem& measures, const Grid& g, std::size_t z) {
  const Vec3 p = g.to_mm({0, 0, double(z)}), r = g.direction.column(0), c = g.direction.column(1);
  put(position, DCM_ImagePositionPatient, joined({p.x, p.y, p.z}));
  put(orientation, DCM_ImageOrientationPatient, joined({r.x, r.y, r.z, c.x, c.y, c.z}));
  put(measures, DCM_PixelSpacing, joined({g.spacing_mm.y, g.spacing_mm.x}));
  put(measures, DCM_SliceThickness, decimal_string(g.spacing_mm.z));
}

void put_rescale(DcmItem& item, const Scan& scan, Rescale r) {
  put(item, DCM_RescaleIntercept, decimal_string(r.intercept));
  put(item, DCM_RescaleSlope, decimal_string(r.slope));
  put(item, DCM_RescaleType, scan.value_unit == "HU" ? "HU" : "US");
}

std::vector<Uint16> stored_pixels(const Scan& scan, std::size_t z, Rescale r) {
  const std::size_t plane = scan.volume.grid.size.x * scan.volume.grid.size.y;
  std::vector<Uint16> pixels(plane);
  for (std::size_t k = 0; k < plane; ++k)
    pixels[k] = static_cast<Uint16>(
        std::clamp(std::lround((scan.volume.values[z * plane + k] - r.intercept) / r.slope), 0L, 65535L));
  return pixels;
}

void save(DcmFileFormat& format, const std::string& path) {
  write_atomically(path, [&](const std::string& temporary) {
    const OFCondition status = format.saveFile(OFFilename(temporary.c_str()), EXS_LittleEndianExplicit);
    if (status.bad()) throw OutputError("cannot_write", path, status.text(), "check free space and permission");
  });
}

DcmItem& functional_group(DcmItem& parent, const DcmTagKey& sequence) {
  DcmItem* item = nullptr;
  if (parent.findOrCreateSequenceItem(sequence, item, 0).bad())
    throw OutputError("cannot_write", "DICOM", "a functional group cannot be made");
  return *item;
}

}  // namespace

std::vector<std::string> write_dicom(const Scan& scan, const std::string& folder, const std::string& stem,
                                     const DicomIdentity& identity) {
  const Rescale rescale = rescale_of(scan);
  std::vector<std::string> paths;
  for (std::size_t z = 0; z < scan.volume.grid.size.z; ++z) {
    DcmFileFormat format;
    DcmDataset& d = *format.getDataset();
    put_common(d, scan, identity, false);
    put(d, DCM_SOPInstanceUID,
        uid_of(identity.uid_seed + "/" + std::to_string(identity.series_number) + "/" + std::to_string(z)));
    put(d, DCM_InstanceNumber, std::to_string(z + 1));
    put(d, DCM_AcquisitionNumber, std::to_string(identity.series_number));
    put_plane(d, d, d, scan.volume.grid, z);
    if (scan.modality != "MR" || rescale.slope != 1 || rescale.intercept != 0) put_rescale(d, scan, rescale);
    const std::vector<Uint16> pixels = stored_pixels(scan, z, rescale);
    d.putAndInsertUint16Array(DCM_PixelData, pixels.data(), static_cast<unsigned long>(pixels.size()));
    char name[32];
    std::snprintf(name, sizeof name, "_%04zu.dcm", z + 1);
    paths.push_back(folder + "/" + stem + name);
    save(format, paths.back());
  }
  return paths;
}

void write_enhanced_dicom(const Scan& scan, const std::string& path, const DicomIdentity& identity,
                          const std::vector<std::size_t>& frame_order) {
  const Grid& g = scan.volume.grid;
  const Rescale rescale = rescale_of(scan);
  DcmFileFormat format;
  DcmDataset& d = *format.getDataset();
  put_common(d, scan, identity, true);
  put(d, DCM_SOPInstanceUID, uid_of(identity.uid_seed + "/enhanced"));
  put(d, DCM_InstanceNumber, "1");
  put(d, DCM_NumberOfFrames, std::to_string(g.size.z));
  std::vector<std::size_t> order = frame_order;
  if (order.empty())
    for (std::size_t z = 0; z < g.size.z; ++z) order.push_back(z);
  DcmItem& shared = functional_group(d, DCM_SharedFunctionalGroupsSequence);
  std::vector<Uint16> pixels;
  for (std::size_t k = 0; k < order.size(); ++k) {
    DcmItem* frame = nullptr;
    if (d.findOrCreateSequenceItem(DCM_PerFrameFunctionalGroupsSequence, frame, static_cast<signed long>(k)).bad())
      throw OutputError("cannot_write", path, "a frame cannot be added");
    put_plane(functional_group(*frame, DCM_PlanePositionSequence),
              functional_group(shared, DCM_PlaneOrientationSequence),
              functional_group(shared, DCM_PixelMeasuresSequence), g, order[k]);
    put_rescale(functional_group(*frame, DCM_PixelValueTransformationSequence), scan, rescale);
    const std::vector<Uint16> slice = stored_pixels(scan, order[k], rescale);
    pixels.insert(pixels.end(), slice.begin(), slice.end());
  }
  d.putAndInsertUint16Array(DCM_PixelData, pixels.data(), static_cast<unsigned long>(pixels.size()));
  save(format, path);
}

}  // namespace iqgate::report
