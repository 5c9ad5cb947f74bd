#pragma once
#include <memory>
#include <string>

#include "iqgate/compute/cpu_backend.hpp"

namespace iqgate::cuda {

/// Every operation on the device; what does not fit there is done on the CPU and told by info(). Null and a reason when
/// no device can be used.
std::unique_ptr<compute::Backend> make_backend(std::string& reason);

}  // namespace iqgate::cuda
