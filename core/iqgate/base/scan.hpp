#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "iqgate/base/volume.hpp"

namespace iqgate {

/// One volume as it was read: values in `value_unit`, acquisition tags by DICOM keyword (numbers as written).
struct Scan {
  std::string id;
  std::string modality;    ///< CT, MR, PT, NM, RTIMAGE... or empty where the format does not tell
  std::string value_unit;  ///< HU, Bq/mL or 1
  std::string role;        ///< repeat_1, echo_2... empty for a single scan
  Volume volume;
  std::map<std::string, std::string> tags;
  std::vector<std::string> flags;

  /// The tag as a number, if it is there and is one.
  bool tag_number(const std::string& keyword, double& value) const;

  /// MR: phase is encoded along the image's rows (x); none where the scan does not tell.
  std::optional<bool> phase_along_rows() const;

  /// What the values are multiplied by so that scans of one series compare: Philips MR images are scaled one by one for
  /// display, by 1 / (RescaleSlope ScaleSlope). 1 for all others; none where it is needed and not told.
  std::optional<double> common_scale() const;
};

}  // namespace iqgate
