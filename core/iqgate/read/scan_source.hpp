#pragma once
#include <memory>

#include "iqgate/base/volume_source.hpp"
#include "iqgate/read/scan_header.hpp"

namespace iqgate::read {

/// The voxels of a usable scan slice by slice from its file, for operations over volumes that do not fit into memory.
/// Values that are not finite are refused when they are met, as a scan that holds them is. Null where the format gives
/// no slices alone: packed NIfTI, NRRD and MetaImage, TIFF pages of one file, DICOM frames packed together, series.
std::unique_ptr<VolumeSource> open_source(const ScanHeader& header);

}  // namespace iqgate::read
