#pragma once
#include <vector>

#include "iqgate/read/dicom_file.hpp"
#include "iqgate/read/scan_header.hpp"

namespace iqgate::read {

/// Groups frames into volumes by series UID and geometry, sorts them along the normal and checks the geometry:
/// silent to 1e-3 relative, a flag to 1 %, refused above; missing, duplicated and mixed slices are refused.
/// The order of `files` never matters. Series of one acquisition set (of one study, where asked) get a common group
/// and roles. `lost`: by folder (with its last /), why a file there could not be read: it may be a slice of the series.
std::vector<ScanHeader> assemble_series(std::vector<DicomFile> files, const IntakeLimits& limits,
                                        bool within_study = false, const std::map<std::string, std::string>& lost = {});

}  // namespace iqgate::read
