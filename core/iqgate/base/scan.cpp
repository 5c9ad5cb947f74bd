#include "iqgate/base/scan.hpp"

#include <cmath>

#include "iqgate/base/text_number.hpp"

namespace iqgate {

bool Scan::tag_number(const std::string& keyword, double& value) const {
  const auto found = tags.find(keyword);
  if (found == tags.end()) return false;
  const auto number = number_from_text(found->second);
  value = number.value_or(value);
  return number.has_value();
}

std::optional<bool> Scan::phase_along_rows() const {
  const auto found = tags.find("InPlanePhaseEncodingDirection");
  if (found == tags.end() || (found->second != "ROW" && found->second != "COL")) return std::nullopt;
  return found->second == "ROW";
}

std::optional<double> Scan::common_scale() const {
  const auto maker = tags.find("Manufacturer");
  if (modality != "MR" || maker == tags.end() || maker->second.rfind("Philips", 0) != 0) return 1.0;
  double slope = 0, scale = 0;
  const bool sloped = tag_number("RescaleSlope", slope) && slope > 0;
  if (!tag_number("PhilipsScaleSlope", scale) || !(scale > 0))
    return sloped ? std::nullopt : std::optional<double>(1.0);  // without a slope: as they were reconstructed
  if (!sloped) slope = 1;
  return 1 / (slope * scale);
}

}  // namespace iqgate
