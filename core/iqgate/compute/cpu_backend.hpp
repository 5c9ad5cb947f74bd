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

 private:
  std::string reason_;
};

}  // namespace iqgate::compute
