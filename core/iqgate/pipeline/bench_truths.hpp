#pragma once
// Closed-form truths that the operations of a backend must meet on a small volume: empty, or what is wrong.
#include <string>

#include "iqgate/compute/backend.hpp"

namespace iqgate::pipeline {

std::string statistics_fault(const compute::Backend& backend);
std::string moments_fault(const compute::Backend& backend);
std::string histogram_fault(const compute::Backend& backend);
std::string local_maps_fault(const compute::Backend& backend);
std::string local_statistics_fault(const compute::Backend& backend);
std::string gaussian_fault(const compute::Backend& backend);
std::string median_fault(const compute::Backend& backend);
std::string similarity_fault(const compute::Backend& backend);
std::string edge_profile_fault(const compute::Backend& backend);
std::string spectrum_fault(const compute::Backend& backend);
std::string components_fault(const compute::Backend& backend);
std::string disc_fault(const compute::Backend& backend);
std::string temporal_fault(const compute::Backend& backend);
std::string resample_fault(const compute::Backend& backend);
std::string bootstrap_fault(const compute::Backend& backend);

}  // namespace iqgate::pipeline
