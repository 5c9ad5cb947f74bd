#include "iqgate/compute/cpu_backend.hpp"

#include <dlfcn.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "iqgate/base/error.hpp"

namespace iqgate::compute {
namespace {

class HostVolume : public DeviceVolume {
 public:
  explicit HostVolume(const VolumeView& view) : view_(view) {}
  VolumeView host() const override { return view_; }

 private:
  VolumeView view_;
};

std::string processor_name() {
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);)
    if (line.rfind("model name", 0) == 0) return line.substr(line.find(':') + 2);
  return "unknown processor";
}

std::filesystem::path folder_of_this_library() {
  Dl_info info{};
  if (dladdr(reinterpret_cast<const void*>(&folder_of_this_library), &info) == 0 || !info.dli_fname) return {};
  return std::filesystem::path(info.dli_fname).parent_path();
}

std::filesystem::path folder_of_program() {
  std::error_code error;
  return std::filesystem::read_symlink("/proc/self/exe", error).parent_path();
}

}  // namespace

BackendInfo CpuBackend::info() const { return {"cpu", processor_name(), reason_, {}}; }

std::shared_ptr<const DeviceVolume> CpuBackend::upload(const VolumeView& volume) const {
  return std::make_shared<HostVolume>(volume);
}

BackendChoice backend_choice(const std::string& text) {
  if (text == "auto") return BackendChoice::automatic;
  if (text == "cpu") return BackendChoice::cpu;
  if (text == "cuda") return BackendChoice::cuda;
  throw UsageError("unknown_value", "--backend", "\"" + text + "\" is none of auto, cpu, cuda");
}

std::shared_ptr<const Backend> cpu_backend() { return std::make_shared<CpuBackend>(); }

std::shared_ptr<const Backend> open_cuda(std::string& reason) {
  std::vector<std::filesystem::path> candidates;
  if (const char* named = std::getenv("IQGATE_CUDA_LIBRARY"); named && *named) candidates.emplace_back(named);
  else {
    candidates.push_back(folder_of_this_library() / "libiqgate_cuda.so");
    candidates.push_back(folder_of_program() / "libiqgate_cuda.so");
  }
  reason = "libiqgate_cuda.so is not installed beside the program";
  for (const auto& path : candidates) {
    std::error_code error;
    if (!std::filesystem::exists(path, error)) continue;
    void* module = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);  // never unloaded
    if (!module) {
      const char* why = dlerror();
      reason = std::string("the CUDA module cannot be loaded: ") + (why ? why : "unknown");
      continue;
    }
    using Open = int (*)(std::uint32_t, Backend**, char*, std::size_t);
    const auto open = reinterpret_cast<Open>(dlsym(module, "iqgate_cuda_open"));
    if (!open) {
      reason = "the CUDA module has no entry point";
      continue;
    }
    char text[512] = "";
    Backend* backend = nullptr;
    if (open(backend_abi, &backend, text, sizeof text) == 0 && backend) {
      reason.clear();
      return std::shared_ptr<const Backend>(backend);
    }
    reason = text;
  }
  return nullptr;
}

std::shared_ptr<const Backend> open_backend(BackendChoice choice) {
  if (choice == BackendChoice::cpu) return std::make_shared<CpuBackend>("asked for");
  std::string reason;
  if (auto cuda = open_cuda(reason)) return cuda;
  if (choice == BackendChoice::cuda)
    throw ResourceError("no_cuda", "--backend cuda", "the CUDA backend cannot run: " + reason,
                        "use --backend auto to fall back to the CPU");
  return std::make_shared<CpuBackend>("cuda not used: " + reason);
}

}  // namespace iqgate::compute
