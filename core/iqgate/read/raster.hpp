#pragma once
#include <string>
#include <vector>

#include "iqgate/read/raster_gate.hpp"
#include "iqgate/read/scan_header.hpp"

namespace iqgate::read {

/// Header of one gated NIfTI, NRRD, MetaImage or TIFF file (read by ITK, which must agree with the gate).
/// NIfTI is turned to patient coordinates (left, posterior, superior). A fourth dimension becomes `frames`.
ScanHeader read_raster(const std::string& path, RasterKind kind, const IntakeLimits& limits);

/// One-page TIFF files of one folder, stacked in order of name.
ScanHeader read_tiff_stack(const std::vector<std::string>& paths, const IntakeLimits& limits);

/// HDF5 volume: dataset [z][y][x] with attributes spacing_mm, origin_mm, direction, units, modality.
/// `dataset` empty: /volume. A file without one gives `is_scan` false.
ScanHeader read_hdf5_volume(const std::string& path, const std::string& dataset, const IntakeLimits& limits);

/// A scan header that says only why the file is refused.
ScanHeader refused_scan(const std::string& path, const std::string& code, const std::string& reason);

}  // namespace iqgate::read
