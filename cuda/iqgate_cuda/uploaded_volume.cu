#include "iqgate_cuda/uploaded_volume.hpp"

#include <algorithm>
#include <stdexcept>

namespace iqgate::cuda {
namespace {

bool out_of_memory(const DeviceError& error) { return error.code == "device_memory"; }

}  // namespace

UploadedVolume::UploadedVolume(const VolumeView& host) : host_(host) {
  try {
    memory_ = std::make_unique<DeviceArray<float>>(host.size.count());
  } catch (const DeviceError& error) {
    if (!out_of_memory(error)) throw;
    return;
  }
  memory_->fill(host.values);
}

const UploadedVolume& uploaded(const compute::DeviceVolume& volume) {
  const auto* own = dynamic_cast<const UploadedVolume*>(&volume);
  if (!own) throw std::logic_error("a volume of another backend");
  return *own;
}

void in_tiles(const std::vector<const UploadedVolume*>& volumes, std::size_t halo,
              const std::function<void(const compute::Slab* slabs)>& work) {
  const Size3 size = volumes.front()->host().size;
  const std::size_t plane = size.x * size.y;
  std::size_t step = size.z;
  for (std::size_t begin = 0; begin < size.z;) {
    const std::size_t end = std::min(size.z, begin + step), first = begin - std::min(begin, halo),
                      last = std::min(size.z, end + halo);
    try {
      std::vector<compute::Slab> slabs;
      std::vector<std::unique_ptr<DeviceArray<float>>> parts;
      for (const UploadedVolume* volume : volumes) {
        const VolumeView host = volume->host(), whole = volume->on_device();
        if (whole.values) {
          slabs.push_back({whole, 0, begin, end, size.z});
          continue;
        }
        parts.push_back(std::make_unique<DeviceArray<float>>((last - first) * plane));
        parts.back()->fill(host.values + first * plane);
        slabs.push_back(
            {{parts.back()->get(), {size.x, size.y, last - first}, host.spacing_mm}, first, begin, end, size.z});
      }
      work(slabs.data());
      begin = end;
    } catch (const DeviceError& error) {
      if (!out_of_memory(error) || end - begin == 1) throw;
      step = (end - begin + 1) / 2;
    }
  }
}

}  // namespace iqgate::cuda
