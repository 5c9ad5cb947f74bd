#pragma once
// Parts that the report and the dossier share, as values for a page.
#include <initializer_list>
#include <string>
#include <vector>

#include "iqgate/base/json.hpp"
#include "iqgate/report/picture.hpp"

namespace iqgate::report {

json::Value object(std::initializer_list<std::pair<std::string, std::string>> entries);
/// NO_VERDICT as "NO VERDICT".
std::string words(std::string state);
std::string or_not_given(const std::string& value);

/// Who, where, which scanner and phantom; and how the scans were taken: lists of key and value.
json::Value identity(const json::Value& result);
json::Value technique(const json::Value& result);
/// Slices with the regions that were measured, and maps: lists of title, legend and PNG (base64).
json::Array picture_figures(const std::vector<Picture>& pictures, const std::vector<Map>& maps);
/// The curves that are worth drawing: lists of title and SVG (base64); empty where gnuplot cannot be run.
json::Array curve_figures(const json::Value& result);

}  // namespace iqgate::report
