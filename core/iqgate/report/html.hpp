#pragma once
#include <string>
#include <vector>

#include "iqgate/report/document.hpp"

namespace iqgate::report {

/// The self-contained report, made from a result document's JSON and its stored pictures alone: the same page whether
/// it is made right after measuring or later from a result folder.
std::string html_report(const json::Value& result, const std::vector<Picture>& pictures, const std::vector<Map>& maps);

}  // namespace iqgate::report
