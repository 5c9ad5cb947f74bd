#pragma once
#include <map>
#include <string>
#include <vector>

#include "iqgate/base/scan.hpp"

namespace iqgate::report {

enum class VolumeFormat { dicom, nifti, metaimage, hdf5 };
/// dicom, nifti, metaimage or hdf5; UsageError otherwise.
VolumeFormat volume_format(const std::string& name);

/// How the DICOM files say what they are; UIDs are derived from `uid_seed`, so that the same call gives the same bytes.
struct DicomIdentity {
  std::string series_description = "digital phantom";
  std::string uid_seed;
  int series_number = 1;
  std::map<std::string, std::string> tags;  ///< by keyword: KVP, ConvolutionKernel, RepetitionTime...
};

/// Writes a scan into a folder: DICOM one file a slice (CT or MR, 16 bit with a rescale fine enough for 1e-4 of the
/// range), else one file. Returns the paths.
std::vector<std::string> write_volume(const Scan& scan, VolumeFormat format, const std::string& folder,
                                      const std::string& stem, const DicomIdentity& identity);

/// One Enhanced CT or MR multi-frame file of the scan (frames in slice order unless `frame_order` says else).
void write_enhanced_dicom(const Scan& scan, const std::string& path, const DicomIdentity& identity,
                          const std::vector<std::size_t>& frame_order = {});

}  // namespace iqgate::report
