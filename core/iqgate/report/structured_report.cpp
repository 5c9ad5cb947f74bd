#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmdata/dctk.h>
#include <dcmtk/dcmsr/cmr/tid1500.h>
#include <dcmtk/dcmsr/codes/dcm.h>
#include <dcmtk/dcmsr/dsrdoc.h>

#include "iqgate/report/structured_report.hpp"

#include <algorithm>
#include <cmath>
#include <type_traits>

#include "iqgate/base/atomic_file.hpp"
#include "iqgate/base/result.hpp"
#include "iqgate/base/sha256.hpp"
#include "iqgate/report/dicom_text.hpp"

namespace iqgate::report {

namespace {

constexpr const char* scheme = "99IQGATE";
constexpr const char* whole_scan = "(whole scan)";
constexpr const char* not_measured = "not_measured";
const DSRBasicCodedEntry variant_code("VARIANT", scheme, "Variant of metric"), se_code("SE", scheme, "Standard error"),
    low_code("CI95_LO", scheme, "Lower limit of 95 % confidence interval"),
    high_code("CI95_HI", scheme, "Upper limit of 95 % confidence interval"),
    verdict_code("VERDICT", scheme, "Verdict against limit");

void check(const OFCondition& status, const std::string& what) {
  if (status.bad())
    throw OutputError("cannot_write", what, std::string("the DICOM value cannot be set: ") + status.text());
}

OFString of(const std::string& text) { return {text.data(), text.size()}; }
std::string text_of(const OFString& text) { return {text.c_str(), text.size()}; }

/// What the writer puts below a group: a number, or a metric that could not be measured.
bool is_measurement(const DSRContentItem& item) {
  return item.getValueType() == DSRTypes::VT_Num && item.getRelationshipType() == DSRTypes::RT_contains;
}
bool is_missing(const DSRContentItem& item) {
  return item.getValueType() == DSRTypes::VT_Code && item.getRelationshipType() == DSRTypes::RT_contains;
}

constexpr const char* software = "iqgate";

using T = DSRTypes;
using Group = TID1500_MeasurementReport::TID1501_Measurements;

// The decimal string may be rounded; the double is always exact.
DSRNumericMeasurementValue number(double value, const ResultRow& m) {
  const Unit* unit = find_unit(m.unit);
  if (!unit) throw InputError("unknown_unit", m.name, "is in \"" + m.unit + "\", which has no UCUM code");
  DSRNumericMeasurementValue v;
  check(v.setValue(of(decimal_string(value)),
                   DSRCodedEntryValue(of(std::string(unit->ucum)), "UCUM", of(std::string(unit->meaning)))),
        m.name);
  check(v.setFloatingPointRepresentation(value), m.name);
  return v;
}

DSRCodedEntryValue own_code(const std::string& name) {
  if (name.size() > 64) throw InputError("too_long", name, "a code's meaning has at most 64 bytes");
  return {of(short_code(name)), scheme, of(name)};
}

// A standard code where one says what we measure; the own name then follows as equivalent meaning.
DSRCodedEntryValue concept_of(const std::string& name) {
  if (name == "snr") return CODE_DCM_SignalToNoiseRatio;
  if (name == "slice_thickness_mm") return CODE_DCM_SliceThickness;
  if (name == "distance_mm") return CODE_DCM_Distance;
  return own_code(name);
}

OFString place_of(const ResultRow& m) { return of(m.where.empty() ? whole_scan : m.where); }

CID100_QuantitativeDiagnosticImagingProcedures procedure_of(const std::string& modality) {
  using P = CID100_QuantitativeDiagnosticImagingProcedures;
  if (modality == "CT") return P::CTUnspecifiedBodyRegion;
  if (modality == "MR") return P::MRIUnspecifiedBodyRegion;
  if (modality == "PT") return P::PETUnspecifiedBodyRegion;
  return modality == "NM" ? P::NMUnspecifiedBodyRegion : P::ImagingProcedure;
}

struct Ordered {
  std::vector<const ResultRow*> measured, missing;
};

// Measurements of one place stand together; places in the order in which they come first.
Ordered by_place(const std::vector<ResultRow>& measurements) {
  std::vector<std::string_view> places;
  Ordered ordered;
  for (const ResultRow& m : measurements)
    if (std::find(places.begin(), places.end(), m.where) == places.end()) places.push_back(m.where);
  for (const std::string_view place : places)
    for (const ResultRow& m : measurements)
      if (m.where == place) (!m.value ? ordered.missing : ordered.measured).push_back(&m);
  return ordered;
}

// The skeleton, as far as DCMTK's template classes go.
TID1500_MeasurementReport report_of(const SrHeader& h, const Ordered& ordered) {
  TID1500_MeasurementReport report(CID7021_MeasurementReportDocumentTitles::ImagingMeasurementReport);
  check(report.setLanguage(CID5000_Languages::English), "language");
  check(report.getObservationContext().addDeviceObserver(of(h.device_observer_uid), software, software,
                                                         of(std::string(software) + (" " + h.software_version))),
        "device observer");
  check(report.addProcedureReported(procedure_of(h.modality)), "procedure");
  const std::string* place = nullptr;
  for (const ResultRow* m : ordered.measured) {
    if (!place || *place != m->where) {
      check(report.addIndividualMeasurements(), m->where);
      Group& group = report.getIndividualMeasurements();
      check(group.setTrackingIdentifier(place_of(*m)), "tracking identifier");
      const std::string key = h.patient_id + '\n' + h.manufacturer + '\n' + h.model + '\n' + h.serial + '\n' + m->where;
      check(group.setTrackingUniqueIdentifier(of(uid_of("iqgate/place\n" + key))), "tracking UID");
    }
    place = &m->where;
    const Group::MeasurementValue value(number(*m->value, *m));
    check(report.getIndividualMeasurements().addMeasurement(concept_of(m->name), value), m->name);
  }
  for (const ResultRow* m : ordered.missing)
    check(report.addQualitativeEvaluation(concept_of(m->name), own_code(not_measured)), m->name);
  return report;
}

// Adds a content item below or before the current one, which stays the current one.
template <class Value>
void add(DSRDocumentTree& tree, T::E_RelationshipType relation, const DSRCodedEntryValue& name, const Value& value,
         T::E_AddMode mode = T::AM_belowCurrent) {
  constexpr bool code = std::is_same_v<Value, DSRCodedEntryValue>, text = std::is_same_v<Value, OFString>;
  const std::string what = text_of(name.getCodeMeaning());
  if (tree.addContentItem(relation, code ? T::VT_Code : text ? T::VT_Text : T::VT_Num, mode) == 0)
    throw OutputError("cannot_write", what, "the content item cannot be added");
  DSRContentItem& item = tree.getCurrentContentItem();
  check(item.setConceptName(name), what);
  if constexpr (code) check(item.setCodeValue(value), what);
  if constexpr (text) check(item.setStringValue(value), what);
  if constexpr (!code && !text) check(item.setNumericValue(value), what);
  mode == T::AM_belowCurrent ? tree.goUp() : tree.gotoNext();
}

// What those classes lack: the scanner as subject (TID 1010)...
void add_subject(DSRDocumentTree& tree, const SrHeader& h) {
  if (tree.gotoNamedNode(CODE_DCM_ProcedureReported) == 0) throw std::logic_error("no procedure reported");
  const auto put_before = [&](const DSRCodedEntryValue& name, const auto& value) {
    if (!value.empty()) add(tree, T::RT_hasObsContext, name, of(value), T::AM_beforeCurrent);
  };
  add(tree, T::RT_hasObsContext, CODE_DCM_SubjectClass, DSRCodedEntryValue(CODE_DCM_DeviceSubject),
      T::AM_beforeCurrent);
  const std::string name = h.manufacturer + (h.manufacturer.empty() ? "" : " ") + h.model;
  put_before(CODE_DCM_DeviceSubjectName, name.empty() ? "scanner" : name);
  put_before(CODE_DCM_DeviceSubjectManufacturer, h.manufacturer);
  put_before(CODE_DCM_DeviceSubjectModelName, h.model);
  put_before(CODE_DCM_DeviceSubjectSerialNumber, h.serial);
  put_before(CODE_DCM_DeviceSubjectPhysicalLocationDuringObservation, h.institution);
}

// ...and the children of a number in the order of TID 300: variant, uncertainty and verdict (TID 310), own name.
void add_children(DSRDocumentTree& tree, const ResultRow& m) {
  if (!m.variant.empty()) add(tree, T::RT_hasConceptMod, variant_code, own_code(m.variant));
  if (!m.value) {
    add(tree, T::RT_hasProperties, CODE_DCM_TrackingIdentifier, place_of(m));
  } else {
    if (m.se) add(tree, T::RT_hasProperties, se_code, number(*m.se, m));
    if (m.ci95_lo) add(tree, T::RT_hasProperties, low_code, number(*m.ci95_lo, m));
    if (m.ci95_hi) add(tree, T::RT_hasProperties, high_code, number(*m.ci95_hi, m));
    if (!m.state.empty()) add(tree, T::RT_hasProperties, verdict_code, own_code(m.state));
  }
  if (concept_of(m.name) != own_code(m.name))
    add(tree, T::RT_hasConceptMod, CODE_DCM_EquivalentMeaningOfConceptName, of(m.name));
}

void put(DcmItem& item, const DcmTagKey& tag, const std::string& value) {
  DcmElement* element = nullptr;
  const std::string what = std::string(DcmTag(tag).getTagName()) + " \"" + value + "\"";
  check(item.putAndInsertString(tag, value.c_str()), what);
  check(item.findAndGetElement(tag, element), what);
  check(element->checkValue("1"), what);
}

// Patient, study, series and equipment, the same for both kinds of document.
void put_header(DcmItem& d, const SrHeader& h) {
  for (const std::string* uid : {&h.study_uid, &h.series_uid, &h.instance_uid, &h.device_observer_uid})
    if (uid->empty()) throw std::logic_error("a UID is missing");
  put(d, DCM_SpecificCharacterSet, "ISO_IR 192");
  put(d, DCM_SOPInstanceUID, h.instance_uid);
  put(d, DCM_InstanceCreationDate, h.content_date);
  put(d, DCM_InstanceCreationTime, h.content_time);
  put(d, DCM_PatientName, h.patient_name);
  put(d, DCM_PatientID, h.patient_id);
  put(d, DCM_PatientBirthDate, "");
  put(d, DCM_PatientSex, "O");
  put(d, DCM_QualityControlSubject, "YES");
  put(d, DCM_StudyInstanceUID, h.study_uid);
  put(d, DCM_StudyDate, h.study_date);
  put(d, DCM_StudyTime, h.study_time);
  put(d, DCM_StudyID, "1");
  put(d, DCM_AccessionNumber, "");
  put(d, DCM_ReferringPhysicianName, "");
  put(d, DCM_SeriesInstanceUID, h.series_uid);
  put(d, DCM_SeriesNumber, "1");
  put(d, DCM_SeriesDescription, "Phantom image quality");
  put(d, DCM_SeriesDate, h.content_date);
  put(d, DCM_SeriesTime, h.content_time);
  put(d, DCM_InstanceNumber, "1");
  put(d, DCM_ContentDate, h.content_date);
  put(d, DCM_ContentTime, h.content_time);
  put(d, DCM_Manufacturer, software);  // of the equipment that made this document
  put(d, DCM_ManufacturerModelName, software);
  put(d, DCM_DeviceSerialNumber, h.device_observer_uid);
  put(d, DCM_SoftwareVersions, h.software_version);
  if (!h.institution.empty()) put(d, DCM_InstitutionName, h.institution);
}

void save(DcmFileFormat& file, const std::string& path) {
  write_atomically(path, [&](const std::string& temporary) {
    check(file.saveFile(OFFilename(temporary.c_str()), EXS_LittleEndianExplicit), path);
  });
}

}  // namespace

std::string short_code(std::string_view name) {
  const bool plain = std::all_of(name.begin(), name.end(), [](char c) { return c >= ' ' && c <= '~' && c != '\\'; });
  if (plain && name.size() <= 16) return std::string(name);
  return std::string(plain ? name.substr(0, 7) : "other") + "_" + sha256_hex(name).substr(0, 8);
}

void write_sr(const std::string& path, const SrHeader& h, const std::vector<ResultRow>& measurements) {
  const Ordered ordered = by_place(measurements);
  TID1500_MeasurementReport report = report_of(h, ordered);
  DSRDocument document(DSRTypes::DT_EnhancedSR);
  check(document.setSpecificCharacterSetType(DSRTypes::CS_UTF8), "character set");
  check(document.setTreeFromRootTemplate(report), "TID 1500");
  check(document.getCodingSchemeIdentification().addItem(scheme, of(uid_of("iqgate/coding scheme")),
                                                         "iqgate metrics, variants and verdicts", "iqgate"),
        "coding scheme");
  DSRDocumentTree& tree = document.getTree();
  add_subject(tree, h);
  auto measured = ordered.measured.begin(), missing = ordered.missing.begin();
  for (std::size_t node = tree.gotoRoot(); node > 0; node = tree.iterate()) {
    if (is_measurement(tree.getCurrentContentItem())) add_children(tree, **measured++);
    if (is_missing(tree.getCurrentContentItem())) add_children(tree, **missing++);
  }
  check(document.completeDocument(), "complete");
  DcmFileFormat file;
  check(document.write(*file.getDataset()), "SR");
  put_header(*file.getDataset(), h);  // in place of generated UIDs and dates
  file.getDataset()->findAndDeleteElement(DCM_InstanceCreatorUID);
  save(file, path);
}

void write_encapsulated_pdf(const std::string& path, const SrHeader& h, const std::string& pdf_bytes,
                            const std::string& title) {
  DcmFileFormat file;
  DcmDataset& d = *file.getDataset();
  put(d, DCM_SOPClassUID, UID_EncapsulatedPDFStorage);
  put_header(d, h);
  put(d, DCM_Modality, "DOC");
  put(d, DCM_ConversionType, "WSD");
  put(d, DCM_AcquisitionDateTime, "");
  put(d, DCM_BurnedInAnnotation, "YES");
  put(d, DCM_DocumentTitle, title);
  const DSRCodedEntryValue name = CODE_DCM_ImagingMeasurementReport;
  check(name.writeSequence(d, DCM_ConceptNameCodeSequence), "concept name");
  put(d, DCM_MIMETypeOfEncapsulatedDocument, "application/pdf");
  std::vector<Uint8> bytes(pdf_bytes.begin(), pdf_bytes.end());
  bytes.resize((bytes.size() + 1) / 2 * 2);  // VR OB has an even length
  check(d.putAndInsertUint8Array(DCM_EncapsulatedDocument, bytes.data(), bytes.size()), "PDF");
  check(d.putAndInsertUint32(DCM_EncapsulatedDocumentLength, static_cast<Uint32>(pdf_bytes.size())), "PDF");
  save(file, path);
}

}  // namespace iqgate::report
