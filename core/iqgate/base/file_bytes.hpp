#pragma once
#include <string>

namespace iqgate {

/// All bytes of a small file of ours (a result, a log, a model); throws InputError where it cannot be read.
std::string file_bytes(const std::string& path);

}  // namespace iqgate
