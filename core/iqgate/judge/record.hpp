#pragma once
// One result as the judging stage sees it: the numbers of a scan, and under which conditions they were taken.
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "iqgate/base/result.hpp"

namespace iqgate::judge {

struct Record {
  std::string source;   ///< the file it was read from
  std::string scanner;  ///< manufacturer, model and serial number; empty: not told
  std::string phantom, phantom_serial;
  std::string taken;                              ///< YYYY-MM-DDThh:mm:ss of the scan, or empty
  bool timed = false;                             ///< the time of day is told, not the day alone
  std::map<std::string, std::string> conditions;  ///< DICOM keywords, modality, phantom, spacing_x_mm...
  std::vector<std::string> inputs;                ///< SHA-256 of the scan's files
  std::optional<Vec3> place_mm;                   ///< where the phantom lay
  std::vector<Measurement> measurements;
  std::vector<NotMeasured> not_measured;

  const Measurement* find(std::string_view name, std::string_view variant, std::string_view where) const;
};

/// Throws InputError when two records hold the same scan: files of one content, numbers that agree to the last digit,
/// or one time of acquisition. `known`: hashes of other scans that none may hold, and whose they are.
void refuse_same_scan(const std::map<std::string, std::string>& known, const std::vector<Record>& records);
/// Distinct places at which the phantom lay, 0.1 mm apart or more; none where a record does not tell.
std::optional<std::size_t> set_ups_of(const std::vector<Record>& records);

}  // namespace iqgate::judge
