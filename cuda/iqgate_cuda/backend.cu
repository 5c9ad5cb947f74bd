#include "iqgate_cuda/backend.hpp"

#include "execution.hpp"
#include "iqgate_cuda/device_buffer.hpp"
#include "iqgate_cuda/edge_profile.hpp"

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
    return {"cuda", device_name(), "edge profiles on the device, the other operations on the CPU"};
  }
  std::shared_ptr<const compute::DeviceVolume> upload(const VolumeView& volume) const override {
    return std::make_shared<UploadedVolume>(volume);
  }
  compute::EdgeProfile edge_profile(const compute::DeviceVolume& volume,
                                    const compute::EdgeProfileJob& job) const override {
    const auto* uploaded = dynamic_cast<const UploadedVolume*>(&volume);
    if (!uploaded) throw std::logic_error("a volume of another backend");
    compute::EdgeProfile profile = compute::prepare_edge_profile(uploaded->host(), job);
    edge_profile_on_device(uploaded->on_device(), job, profile);
    return profile;
  }
};

}  // namespace

std::unique_ptr<compute::Backend> make_backend(std::string& reason) {
  if (device_count(reason) == 0) return nullptr;
  return std::make_unique<CudaBackend>();
}

}  // namespace iqgate::cuda
