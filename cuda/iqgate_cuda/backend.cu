#include "iqgate_cuda/backend.hpp"

#include "execution.hpp"
#include "iqgate_cuda/device_buffer.hpp"
#include "iqgate_cuda/edge_profile.hpp"
#include "iqgate_cuda/volumes.hpp"

namespace iqgate::cuda {
namespace {

class UploadedVolume : public compute::DeviceVolume {
 public:
  explicit UploadedVolume(const VolumeView& host)
      : host_(host), device_(host), memory_(host.size.count() * sizeof(float)) {
    copy_to_device(memory_.get(), host.values, host.size.count() * sizeof(float));
    device_.values = memory_.as<float>();
  }
  VolumeView host() const override { return host_; }
  VolumeView on_device() const { return device_; }

 private:
  VolumeView host_, device_;
  DeviceBuffer memory_;
};

class CudaBackend : public compute::CpuBackend {
 public:
  compute::BackendInfo info() const override {
    return {"cuda", device_name(),
            "edge profiles, histograms and resampling on the device, the other operations on the CPU"};
  }
  std::shared_ptr<const compute::DeviceVolume> upload(const VolumeView& volume) const override {
    return std::make_shared<UploadedVolume>(volume);
  }
  compute::EdgeProfile edge_profile(const compute::DeviceVolume& volume,
                                    const compute::EdgeProfileJob& job) const override {
    compute::EdgeProfile profile = compute::prepare_edge_profile(volume.host(), job);
    edge_profile_on_device(on_device(volume), job, profile);
    return profile;
  }
  compute::Histogram volume_histogram(const compute::DeviceVolume& volume, double first, double width,
                                      std::size_t bins) const override {
    compute::Histogram histogram = compute::HistogramPass(first, width, bins).finish();
    histogram_on_device(on_device(volume), histogram);
    return histogram;
  }
  void resample(const compute::DeviceVolume& volume, const compute::ResampleJob& job, Voxels& out) const override {
    resample_on_device(on_device(volume), job, out);
  }

 private:
  static VolumeView on_device(const compute::DeviceVolume& volume) {
    const auto* uploaded = dynamic_cast<const UploadedVolume*>(&volume);
    if (!uploaded) throw std::logic_error("a volume of another backend");
    return uploaded->on_device();
  }
};

}  // namespace

std::unique_ptr<compute::Backend> make_backend(std::string& reason) {
  if (device_count(reason) == 0) return nullptr;
  return std::make_unique<CudaBackend>();
}

}  // namespace iqgate::cuda
