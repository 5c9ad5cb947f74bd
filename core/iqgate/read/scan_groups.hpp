#pragma once
#include <vector>

#include "iqgate/read/scan_header.hpp"

namespace iqgate::read {

/// Gives volumes of one acquisition set (same grid and technique, but for echo time or inversion time) a common group
/// and roles: echo_1, ti_2, repeat_3, by that time or by the time of acquisition.
void group_volumes(std::vector<ScanHeader>& headers, bool within_study);

}  // namespace iqgate::read
