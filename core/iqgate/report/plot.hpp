#pragma once
#include <string>

#include "iqgate/base/json.hpp"

namespace iqgate::report {

/// An SVG plot of one curve of a result document, drawn by gnuplot; empty when gnuplot cannot be run.
/// Labels come from our own list alone: no text of a tag or file reaches the script.
std::string curve_svg(const json::Value& curve);

}  // namespace iqgate::report
