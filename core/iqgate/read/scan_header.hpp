#pragma once
// What is known of a scan before a voxel is decoded, and how its voxels are had.
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "iqgate/base/volume.hpp"

namespace iqgate::read {

/// Thrown inside the readers: why a file or a series is refused; becomes `code` and `reason`.
struct Refusal {
  std::string code, reason;
};

/// Decodes the voxels of one scan; knows nothing of the meaning of the scan.
class VoxelLoader {
 public:
  virtual ~VoxelLoader() = default;
  /// Fills `values` (x fastest, slices in the order of the grid); throws InputError.
  virtual void load(Voxels& values) const = 0;
  /// Slices [first, first + count) alone, into `to`. False, and nothing is done, where the format does not allow it.
  virtual bool load_slices(std::size_t first, std::size_t count, float* to) const {
    (void)first, (void)count, (void)to;
    return false;
  }
  /// SHA-256 of every input file, sorted, so that the order of files does not matter.
  virtual std::vector<std::string> input_hashes() const = 0;
};

struct ScanHeader {
  std::string id;  ///< 12 hexadecimal digits, from the series UID or the file's bytes; never a name
  std::string modality, value_unit;
  std::string role;                ///< within its group: repeat_1, echo_2, ti_3...
  std::string group;               ///< scans of one acquisition set share this
  std::string display;             ///< where it was found, for messages
  std::vector<std::string> paths;  ///< its files on disk (an archive by its own): with them alone it is found again
  std::string study;               ///< StudyInstanceUID: for grouping, never shown
  Grid grid;
  bool slice_spacing_known = true;
  std::size_t frames = 0, files = 0;
  std::size_t slice_places = 0;  ///< DICOM: distinct slice positions among its frames
  std::map<std::string, std::string> tags;
  std::map<std::string, std::string> identity;  ///< names and descriptions, for rules alone: never written anywhere
  std::vector<std::string> flags;
  bool usable = false;
  bool is_scan = true;       ///< false: a structure set, report, topogram: nothing is lost when it is left out
  std::string code, reason;  ///< why it is refused
  std::shared_ptr<const VoxelLoader> loader;
};

}  // namespace iqgate::read
