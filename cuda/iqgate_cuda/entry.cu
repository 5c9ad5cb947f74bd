#include <cstdint>
#include <cstdio>
#include <exception>
#include <string>

#include "iqgate_cuda/backend.hpp"

/// The one way in: 0 and a backend, or another number and a reason. Never throws.
extern "C" int iqgate_cuda_open(std::uint32_t abi, iqgate::compute::Backend** out, char* reason, std::size_t size) {
  const auto refuse = [&](const std::string& why) {
    if (size > 0) std::snprintf(reason, size, "%s", why.c_str());
    return 1;
  };
  try {
    *out = nullptr;
    if (abi != iqgate::compute::backend_abi)
      return refuse("the CUDA module speaks version " + std::to_string(iqgate::compute::backend_abi) +
                    ", the program version " + std::to_string(abi) + ": they are of different builds");
    std::string why;
    auto backend = iqgate::cuda::make_backend(why);
    if (!backend) return refuse(why);
    *out = backend.release();
    return 0;
  } catch (const std::exception& error) {
    return refuse(error.what());
  } catch (...) {
    return refuse("unknown fault");
  }
}
