#pragma once
#include <memory>
#include <string>

#include "iqgate/compute/cpu_backend.hpp"

namespace iqgate::cuda {

/// Operations with a kernel run on the device, the others on the CPU. Null and a reason when no device can be used.
std::unique_ptr<compute::Backend> make_backend(std::string& reason);

}  // namespace iqgate::cuda
