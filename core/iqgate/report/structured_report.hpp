#pragma once
// Measurements of a phantom scan as a DICOM SR (TID 1500 in Enhanced SR), and a PDF as Encapsulated PDF. The caller
// gives all UIDs and dates, so equal input gives equal bytes.
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "iqgate/report/result_rows.hpp"

namespace iqgate::report {

/// Who and what the document is about. `manufacturer`, `model`, `serial` and `institution` are the scanner's.
struct SrHeader {
  std::string modality, study_uid, series_uid, instance_uid;
  std::string manufacturer, model, serial, institution;
  std::string content_date, content_time;  ///< YYYYMMDD, HHMMSS
  std::string device_observer_uid;         ///< of this installation of the software
  std::string patient_name = "PHANTOM^QA", patient_id = "PHANTOM";
  std::string study_date, study_time;
  std::string software_version;
};

/// At most 16 characters: the name itself, or its first seven ("other" if not all ASCII), "_" and eight hexadecimal
/// digits of its SHA-256.
std::string short_code(std::string_view name);

/// One group of measurements for each place; the decimal strings may be rounded, the doubles beside them are exact.
void write_sr(const std::string& path, const SrHeader& header, const std::vector<ResultRow>& rows);
/// An instance of its own: `header` carries its own series and instance UIDs.
void write_encapsulated_pdf(const std::string& path, const SrHeader& header, const std::string& pdf_bytes,
                            const std::string& title);

}  // namespace iqgate::report
