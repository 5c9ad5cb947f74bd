#pragma once
// What a metric gets and what it is: host code over the operations of a backend.
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "iqgate/base/placement.hpp"
#include "iqgate/base/result.hpp"
#include "iqgate/base/scan.hpp"
#include "iqgate/compute/backend.hpp"
#include "iqgate/measure/observer.hpp"
#include "iqgate/measure/region_mask.hpp"
#include "iqgate/measure/statistics.hpp"

namespace iqgate::measure {

struct Settings {
  std::uint64_t seed = 1;
  int receive_channels = 0;  ///< MR: channels combined by sum of squares; 0: unknown
  std::size_t bootstrap_draws = 500;
  std::vector<Task> tasks;          ///< for detectability
  std::size_t skipped_volumes = 2;  ///< of a time series, at its start (T1 equilibrium)
  double repetition_time_s = 0;     ///< 0: as the scan says
  std::optional<double> phantom_temperature_degc;
  double data_range = 0;  ///< L of SSIM and PSNR; 0: 2000 for HU, else not measured
};

/// One scan, uploaded once.
struct UploadedScan {
  const Scan* scan = nullptr;
  std::shared_ptr<const compute::DeviceVolume> volume;
};

/// Another reconstruction of the same phantom, for comparison image by image.
struct ReferenceImage {
  UploadedScan scan;            ///< as it was read
  std::vector<Region> regions;  ///< the phantom's, where it lies there
  Volume registered;            ///< resampled onto the grid of the job; NaN where it does not reach
};

/// Scans of one acquisition set on one grid, the placement, and the regions (patient mm).
struct Job {
  std::shared_ptr<const compute::Backend> backend;
  std::vector<UploadedScan> scans;
  Placement placement;
  std::shared_ptr<const ReferenceImage> reference;
  bool phantom_placed = false;  ///< the regions are those of a phantom at this placement, not drawn by hand
  std::vector<Region> regions;
  Settings settings;

  const Grid& grid() const { return scans.front().scan->volume.grid; }
  const std::string& modality() const { return scans.front().scan->modality; }
  const std::string& unit() const { return scans.front().scan->value_unit; }
  /// "repeat_2/" for scan 2 of a group, empty for a scan alone.
  std::string prefix(std::size_t scan) const;
  /// Scans that repeat the first one: no echoes, inversion times or noise scans, which differ by more than noise.
  std::vector<std::size_t> repeats() const;
};

/// An entry of the catalogue. `run` gets the regions that asked for it (or all of its kinds), and adds to the results.
struct Metric {
  const char* id;  ///< family: what --metric and a region's "metrics" name
  const char* title;
  const char* definition;            ///< formula and what it needs, for `iqgate metrics`
  const char* standard;              ///< source
  std::vector<const char*> outputs;  ///< names of its measurements
  std::vector<const char*> variants;
  std::vector<const char*> kinds;       ///< region kinds it takes
  std::vector<const char*> modalities;  ///< empty: any
  void (*run)(const Job& job, const std::vector<Region>& regions, Results& results);
};

/// Runs `measure_one` for each region in each scan.
void each_region(const Job& job, const std::vector<Region>& regions, Results& results,
                 void (*measure_one)(const Job& job, std::size_t scan, const Region& region, Results& results));

/// Regions of one folder of names, by their own names.
using Folder = std::map<std::string, const Region*>;
/// Runs `measure_one` for each folder in each scan; `where` names both.
void each_folder(const Job& job, const std::vector<Region>& regions, Results& results,
                 void (*measure_one)(const Job& job, std::size_t scan, const std::string& where, const Folder& members,
                                     Results& results));

/// Voxel by voxel, the first minus the second.
Volume scan_difference(const UploadedScan& first, const UploadedScan& second);

/// A measurement filled with the common fields.
Measurement measurement(std::string name, std::string variant, std::string where, double value, std::string unit);

}  // namespace iqgate::measure
