#include "iqgate_cuda/backend.hpp"

#include <algorithm>
#include <mutex>

#include "iqgate_cuda/volumes.hpp"

namespace iqgate::cuda {
namespace {

class CudaBackend : public compute::CpuBackend {
  // A fault of the device stays: what it computes from then on cannot be trusted.
  template <class Work>
  auto watched(const Work& work) const {
    {
      const std::lock_guard lock(mutex_);
      if (!fault_.empty())
        throw DeviceError("device_fault", "cuda", "the device failed before: " + fault_,
                          "start again, or --backend cpu");
    }
    try {
      return work();
    } catch (const DeviceError& error) {
      const std::lock_guard lock(mutex_);
      if (error.code != "device_memory") fault_ = error.what();
      throw;
    }
  }
  // Out of device memory, even in tiles: the CPU does it, and the backend says so.
  template <class Device, class Host>
  auto try_device(const char* what, const Device& device, const Host& host) const -> decltype(host()) {
    try {
      return watched(device);
    } catch (const DeviceError& error) {
      if (error.code != "device_memory") throw;
    }
    {
      const std::lock_guard lock(mutex_);
      const std::string text = std::string(what) + ": out of device memory, done on the CPU";
      if (std::find(fallbacks_.begin(), fallbacks_.end(), text) == fallbacks_.end()) fallbacks_.push_back(text);
    }
    return host();
  }

 public:
  compute::BackendInfo info() const override {
    const std::lock_guard lock(mutex_);
    return {"cuda", device_name(), {}, fallbacks_};
  }
  std::shared_ptr<const compute::DeviceVolume> upload(const VolumeView& volume) const override {
    return watched([&] { return std::make_shared<UploadedVolume>(volume); });
  }
  compute::EdgeProfile edge_profile(const compute::DeviceVolume& v, const compute::EdgeProfileJob& job) const override {
    return try_device(
        "edge profile", [&] { return edge_profile_on_device(uploaded(v), job); },
        [&] { return CpuBackend::edge_profile(v, job); });
  }
  compute::Moments region_moments(const compute::DeviceVolume& v, const compute::Mask& mask) const override {
    return try_device(
        "region moments", [&] { return region_moments_on_device(uploaded(v), mask); },
        [&] { return CpuBackend::region_moments(v, mask); });
  }
  compute::Histogram histogram(const compute::DeviceVolume& v, const compute::Mask& mask, double first, double width,
                               std::size_t bins) const override {
    return try_device(
        "histogram", [&] { return masked_histogram_on_device(uploaded(v), mask, first, width, bins); },
        [&] { return CpuBackend::histogram(v, mask, first, width, bins); });
  }
  compute::LocalStatistics local_statistics(const compute::DeviceVolume& v,
                                            const compute::LocalStatisticsJob& job) const override {
    return try_device(
        "local statistics", [&] { return local_statistics_on_device(uploaded(v), job); },
        [&] { return CpuBackend::local_statistics(v, job); });
  }
  compute::PowerSpectrum power_spectrum(const compute::DeviceVolume& v,
                                        const compute::PowerSpectrumJob& job) const override {
    return try_device(
        "power spectrum", [&] { return power_spectrum_on_device(uploaded(v), job); },
        [&] { return CpuBackend::power_spectrum(v, job); });
  }
  compute::DiscSearch disc_search(const compute::DeviceVolume& v, const compute::DiscSearchJob& job) const override {
    return try_device(
        "disc search", [&] { return disc_search_on_device(uploaded(v), job); },
        [&] { return CpuBackend::disc_search(v, job); });
  }
  compute::VolumeStatistics volume_statistics(const compute::DeviceVolume& v,
                                              const std::vector<double>& percentiles) const override {
    return try_device(
        "volume statistics", [&] { return statistics_on_device(uploaded(v), percentiles); },
        [&] { return CpuBackend::volume_statistics(v, percentiles); });
  }
  compute::Histogram volume_histogram(const compute::DeviceVolume& v, double first, double width,
                                      std::size_t bins) const override {
    return try_device(
        "histogram", [&] { return histogram_on_device(uploaded(v), first, width, bins); },
        [&] { return CpuBackend::volume_histogram(v, first, width, bins); });
  }
  void local_maps(const compute::DeviceVolume& v, const compute::LocalMapJob& job, bool write,
                  compute::LocalMaps& maps) const override {
    try_device(
        "local maps", [&] { local_maps_on_device(uploaded(v), job, write, maps); },
        [&] { CpuBackend::local_maps(v, job, write, maps); });
  }
  void gaussian(const compute::DeviceVolume& v, const compute::GaussianJob& job, Voxels& out) const override {
    try_device(
        "Gaussian", [&] { gaussian_on_device(uploaded(v), job, out); }, [&] { CpuBackend::gaussian(v, job, out); });
  }
  void median(const compute::DeviceVolume& v, Voxels& out) const override {
    try_device(
        "median", [&] { median_on_device(uploaded(v), out); }, [&] { CpuBackend::median(v, out); });
  }
  compute::Similarity similarity(const compute::DeviceVolume& a, const compute::DeviceVolume& b,
                                 const compute::SimilarityJob& job) const override {
    return try_device(
        "similarity", [&] { return similarity_on_device(uploaded(a), uploaded(b), job); },
        [&] { return CpuBackend::similarity(a, b, job); });
  }
  void temporal_maps(const compute::TemporalJob& job, compute::TemporalMaps& maps) const override {
    try_device(
        "temporal maps", [&] { temporal_maps_on_device(job, maps); }, [&] { CpuBackend::temporal_maps(job, maps); });
  }
  std::vector<compute::ComponentShape> components(const compute::DeviceVolume& v, const compute::LabelJob& job,
                                                  VoxelArray<std::int32_t>* labels) const override {
    return try_device(
        "connected components", [&] { return components_on_device(uploaded(v), job, labels); },
        [&] { return CpuBackend::components(v, job, labels); });
  }
  void resample(const compute::DeviceVolume& v, const compute::ResampleJob& job, Voxels& out) const override {
    try_device(
        "resampling", [&] { resample_on_device(uploaded(v), job, out); }, [&] { CpuBackend::resample(v, job, out); });
  }
  std::vector<double> bootstrap_curves(const compute::BootstrapJob& job) const override {
    return try_device(
        "bootstrap", [&] { return bootstrap_on_device(job); }, [&] { return CpuBackend::bootstrap_curves(job); });
  }

 private:
  mutable std::mutex mutex_;
  mutable std::string fault_;
  mutable std::vector<std::string> fallbacks_;
};

}  // namespace

std::unique_ptr<compute::Backend> make_backend(std::string& reason) {
  if (device_count(reason) == 0) return nullptr;
  return std::make_unique<CudaBackend>();
}

}  // namespace iqgate::cuda
