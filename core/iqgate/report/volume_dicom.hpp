#pragma once
#include "iqgate/report/volume_writer.hpp"

namespace iqgate::report {

/// One DICOM file a slice, explicit little endian. Used by write_volume.
std::vector<std::string> write_dicom(const Scan& scan, const std::string& folder, const std::string& stem,
                                     const DicomIdentity& identity);

}  // namespace iqgate::report
