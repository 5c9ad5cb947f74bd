#pragma once
// One interface for compute: the CPU is always there, CUDA is found at run time, every test runs on every backend.
// Backends have no hidden state and are safe to use from several threads.
#include <memory>
#include <string>
#include <vector>

#include "iqgate/compute/bootstrap.hpp"
#include "iqgate/compute/edge_profile.hpp"
#include "iqgate/compute/filters.hpp"
#include "iqgate/compute/labels.hpp"
#include "iqgate/compute/local_maps.hpp"
#include "iqgate/compute/operations.hpp"
#include "iqgate/compute/resample.hpp"
#include "iqgate/compute/similarity.hpp"
#include "iqgate/compute/temporal.hpp"
#include "iqgate/compute/volume_statistics.hpp"

namespace iqgate::compute {

/// A volume that was handed to a backend once and is shared by all metrics. The host view stays valid.
class DeviceVolume {
 public:
  virtual ~DeviceVolume() = default;
  virtual VolumeView host() const = 0;
};

struct BackendInfo {
  std::string name;                    ///< cpu or cuda
  std::string device;                  ///< processor or accelerator
  std::string reason;                  ///< why this one, when another was asked for or could have been
  std::vector<std::string> fallbacks;  ///< what a device could not do so far, and was done on the CPU
};

class Backend {
 public:
  virtual ~Backend() = default;
  virtual BackendInfo info() const = 0;
  virtual std::shared_ptr<const DeviceVolume> upload(const VolumeView& volume) const = 0;
  virtual EdgeProfile edge_profile(const DeviceVolume& volume, const EdgeProfileJob& job) const = 0;
  virtual Moments region_moments(const DeviceVolume& volume, const Mask& mask) const = 0;
  virtual Histogram histogram(const DeviceVolume& volume, const Mask& mask, double first, double width,
                              std::size_t bins) const = 0;
  virtual LocalStatistics local_statistics(const DeviceVolume& volume, const LocalStatisticsJob& job) const = 0;
  virtual PowerSpectrum power_spectrum(const DeviceVolume& volume, const PowerSpectrumJob& job) const = 0;
  virtual DiscSearch disc_search(const DeviceVolume& volume, const DiscSearchJob& job) const = 0;
  virtual VolumeStatistics volume_statistics(const DeviceVolume& volume,
                                             const std::vector<double>& percentiles) const = 0;
  virtual Histogram volume_histogram(const DeviceVolume& volume, double first, double width,
                                     std::size_t bins) const = 0;
  /// Maps are written where `write` is set, else only summed up. `maps` gives its memory back for use again.
  virtual void local_maps(const DeviceVolume& volume, const LocalMapJob& job, bool write, LocalMaps& maps) const = 0;
  virtual void gaussian(const DeviceVolume& volume, const GaussianJob& job, Voxels& out) const = 0;
  virtual void median(const DeviceVolume& volume, Voxels& out) const = 0;
  virtual Similarity similarity(const DeviceVolume& a, const DeviceVolume& b, const SimilarityJob& job) const = 0;
  virtual void temporal_maps(const TemporalJob& job, TemporalMaps& maps) const = 0;
  /// `labels` null: shapes only.
  virtual std::vector<ComponentShape> components(const DeviceVolume& volume, const LabelJob& job,
                                                 VoxelArray<std::int32_t>* labels) const = 0;
  virtual void resample(const DeviceVolume& volume, const ResampleJob& job, Voxels& out) const = 0;
  virtual std::vector<double> bootstrap_curves(const BootstrapJob& job) const = 0;
};

/// What a CUDA module answers to; raised whenever Backend or a job changes.
inline constexpr std::uint32_t backend_abi = 3;

enum class BackendChoice { automatic, cpu, cuda };
/// auto, cpu or cuda; UsageError otherwise.
BackendChoice backend_choice(const std::string& text);

/// The CPU backend.
std::shared_ptr<const Backend> cpu_backend();
/// automatic: CUDA when a module and a device are there, else the CPU with the reason. cuda: ResourceError if not
/// there.
std::shared_ptr<const Backend> open_backend(BackendChoice choice);
/// The CUDA backend, or null and why not.
std::shared_ptr<const Backend> open_cuda(std::string& reason);

}  // namespace iqgate::compute
