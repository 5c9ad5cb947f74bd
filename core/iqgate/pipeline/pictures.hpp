#pragma once
#include "iqgate/base/scan.hpp"
#include "iqgate/report/document.hpp"

namespace iqgate::pipeline {

/// The slices that regions lie in (at most eight), with the outlines of the regions as measured and of the body.
std::vector<report::Picture> make_pictures(const Scan& scan, const std::vector<Region>& regions,
                                           const std::optional<Placement>& placement);

}  // namespace iqgate::pipeline
