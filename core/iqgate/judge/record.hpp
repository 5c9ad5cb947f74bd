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
  std::map<std::string, std::string> conditions;  ///< DICOM keywords, modality, phantom, spacing_x_mm...
  std::vector<std::string> inputs;                ///< SHA-256 of the scan's files
  std::optional<Vec3> place_mm;                   ///< where the phantom lay
  std::vector<Measurement> measurements;
  std::vector<NotMeasured> not_measured;

  const Measurement* find(std::string_view name, std::string_view variant, std::string_view where) const;
};

}  // namespace iqgate::judge
