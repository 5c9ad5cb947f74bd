#pragma once
#include "iqgate/compute/backend.hpp"

namespace iqgate::compute {

/// OpenMP versions of every operation. A device backend derives from it and replaces the operations it has kernels for.
class CpuBackend : public Backend {
 public:
  explicit CpuBackend(std::string reason = {}) : reason_(std::move(reason)) {}
  BackendInfo info() const override;
  std::shared_ptr<const DeviceVolume> upload(const VolumeView& volume) const override;
  EdgeProfile edge_profile(const DeviceVolume& volume, const EdgeProfileJob& job) const override;
  Moments region_moments(const DeviceVolume& volume, const Mask& mask) const override;
  Histogram histogram(const DeviceVolume& volume, const Mask& mask, double first, double width,
                      std::size_t bins) const override;
  LocalStatistics local_statistics(const DeviceVolume& volume, const LocalStatisticsJob& job) const override;
  PowerSpectrum power_spectrum(const DeviceVolume& volume, const PowerSpectrumJob& job) const override;
  DiscSearch disc_search(const DeviceVolume& volume, const DiscSearchJob& job) const override;
  VolumeStatistics volume_statistics(const DeviceVolume& volume, const std::vector<double>& percentiles) const override;
  Histogram volume_histogram(const DeviceVolume& volume, double first, double width, std::size_t bins) const override;
  void local_maps(const DeviceVolume& volume, const LocalMapJob& job, bool write, LocalMaps& maps) const override;
  void gaussian(const DeviceVolume& volume, const GaussianJob& job, Voxels& out) const override;
  void median(const DeviceVolume& volume, Voxels& out) const override;
  Similarity similarity(const DeviceVolume& a, const DeviceVolume& b, const SimilarityJob& job) const override;
  void temporal_maps(const TemporalJob& job, TemporalMaps& maps) const override;
  std::vector<ComponentShape> components(const DeviceVolume& volume, const LabelJob& job,
                                         VoxelArray<std::int32_t>* labels) const override;
  void resample(const DeviceVolume& volume, const ResampleJob& job, Voxels& out) const override;
  std::vector<double> bootstrap_curves(const BootstrapJob& job) const override;

 private:
  std::string reason_;
};

}  // namespace iqgate::compute
