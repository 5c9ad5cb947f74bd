#pragma once
// What lies at a path. False also where nobody can tell: a name too long, a folder that is closed to us.
#include <filesystem>

#include "iqgate/base/error.hpp"

namespace iqgate {

inline bool is_there(const std::filesystem::path& path) {
  std::error_code error;
  return std::filesystem::exists(path, error);
}
inline bool is_file(const std::filesystem::path& path) {
  std::error_code error;
  return std::filesystem::is_regular_file(path, error);
}
inline bool is_folder(const std::filesystem::path& path) {
  std::error_code error;
  return std::filesystem::is_directory(path, error);
}

/// The same of what is evidence: something lies there, if only a link that leads nowhere; where nobody can tell it is
/// refused, not taken for absent.
inline bool lies_there(const std::filesystem::path& path) {
  std::error_code error;
  const auto status = std::filesystem::symlink_status(path, error);
  if (status.type() == std::filesystem::file_type::not_found) return false;
  if (error) throw InputError("cannot_read", path.string(), error.message(), "check the name and the permission");
  return true;
}

}  // namespace iqgate
