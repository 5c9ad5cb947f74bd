#pragma once
#include <string>
#include <vector>

#include "iqgate/base/json.hpp"

namespace iqgate::report {

/// SVG plots of curves of a result document, drawn by one gnuplot; empty for a curve that is not drawn, and for all
/// when gnuplot cannot be run. Labels come from our own list alone: no text of a tag or file reaches the script.
std::vector<std::string> curve_svgs(const std::vector<const json::Value*>& curves);

}  // namespace iqgate::report
