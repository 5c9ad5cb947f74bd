#pragma once
#include <set>
#include <string>
#include <vector>

#include "iqgate/base/json.hpp"
#include "iqgate/read/bytes.hpp"
#include "iqgate/read/scan_header.hpp"

namespace iqgate::pipeline {

/// What one `check` takes: scans that belong together; one that is refused stands alone.
using ScanGroup = std::vector<read::ScanHeader>;

/// The groups of a tree that nobody chose (read::Gather::tree). Of a series that lies there several times, a whole copy
/// is not lost to a damaged one.
std::vector<ScanGroup> find_groups(const std::vector<std::string>& paths, const read::IntakeLimits& limits,
                                   const std::set<std::string>& without = {});

/// A group as the worker tells of it (worker.hpp).
json::Value group_json(const ScanGroup& group);

}  // namespace iqgate::pipeline
