#pragma once
#include "iqgate/base/scan.hpp"
#include "iqgate/phantom/model.hpp"
#include "iqgate/report/document.hpp"

namespace iqgate::pipeline {

/// The slices that regions lie in (at most eight), with the outlines of the regions as measured, of the body, and of
/// the model where it has been fitted: a wrong fit is seen at once.
std::vector<report::Picture> make_pictures(const Scan& scan, const std::vector<Region>& regions,
                                           const std::optional<Placement>& placement,
                                           const std::optional<phantom::Model>& model);

}  // namespace iqgate::pipeline
