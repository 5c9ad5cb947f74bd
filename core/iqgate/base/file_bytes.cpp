#include "iqgate/base/file_bytes.hpp"

#include <filesystem>
#include <fstream>
#include <iterator>

#include "iqgate/base/error.hpp"

namespace iqgate {

std::string file_bytes(const std::string& path) {
  std::ifstream stream(path, std::ios::binary);
  std::error_code error;
  if (!stream || std::filesystem::is_directory(path, error))
    throw InputError("cannot_read", path, "cannot be opened", "check the name and the permission");
  return {std::istreambuf_iterator<char>(stream), {}};
}

}  // namespace iqgate
