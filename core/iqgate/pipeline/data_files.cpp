#include "iqgate/pipeline/data_files.hpp"

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "iqgate/base/error.hpp"

namespace iqgate::pipeline {
namespace fs = std::filesystem;
namespace {

std::vector<std::string> names_in(const fs::path& folder) {
  std::vector<std::string> names;
  std::error_code error;
  if (!fs::is_directory(folder, error))
    throw UsageError("not_found", folder.string(), "is no folder with iqgate's data files",
                     "set IQGATE_DATA_DIR to the installed share/iqgate, or unset it");
  for (const auto& entry : fs::directory_iterator(folder, error))
    if (entry.path().extension() == ".json") names.push_back(entry.path().stem().string());
  std::sort(names.begin(), names.end());
  return names;
}

std::string find(const std::string& wanted, const fs::path& folder, const char* option, const char* list_with) {
  std::error_code error;
  if (wanted.find('/') != std::string::npos || fs::path(wanted).extension() == ".json" ||
      fs::path(wanted).extension() == ".csv") {
    if (fs::is_regular_file(wanted, error)) return wanted;
    throw UsageError("not_found", option, "there is no file " + wanted, "check the name");
  }
  const fs::path shipped = folder / (wanted + ".json");
  if (fs::is_regular_file(shipped, error)) return shipped.string();
  const std::string near = nearest_name(wanted, names_in(folder));
  throw UsageError("not_found", option, "\"" + wanted + "\" is neither a file nor a name that is shipped",
                   near.empty() ? std::string("see ") + list_with : "did you mean " + near + "?");
}

}  // namespace

std::string data_folder() {
  if (const char* named = std::getenv("IQGATE_DATA_DIR"); named && *named) return named;
  std::error_code error;
  const fs::path program = fs::read_symlink("/proc/self/exe", error);
  const fs::path installed = program.parent_path().parent_path() / "share" / "iqgate";
  if (!error && fs::is_directory(installed, error)) return installed.string();
  return IQGATE_SOURCE_DATA_DIR;
}

std::string find_phantom(const std::string& name_or_path) {
  return find(name_or_path, data_folder(), "--phantom", "iqgate phantoms list");
}
std::string find_limits(const std::string& name_or_path) {
  return find(name_or_path, fs::path(data_folder()) / "limits", "--limits", "the folder limits of the data folder");
}
std::string find_tasks(const std::string& name_or_path) {
  return find(name_or_path, fs::path(data_folder()) / "tasks", "--tasks", "the folder tasks of the data folder");
}
std::vector<std::string> shipped_phantoms() { return names_in(data_folder()); }
std::vector<std::string> shipped_limits() { return names_in(fs::path(data_folder()) / "limits"); }

std::string nearest_name(const std::string& wanted, const std::vector<std::string>& candidates) {
  std::string best;
  std::size_t fewest = std::max<std::size_t>(2, wanted.size() / 3) + 1;
  for (const std::string& candidate : candidates) {
    std::vector<std::size_t> row(candidate.size() + 1);
    for (std::size_t k = 0; k < row.size(); ++k) row[k] = k;
    for (std::size_t i = 1; i <= wanted.size(); ++i) {
      std::size_t diagonal = row[0];
      row[0] = i;
      for (std::size_t j = 1; j <= candidate.size(); ++j) {
        const std::size_t above = row[j];
        row[j] = std::min({row[j] + 1, row[j - 1] + 1, diagonal + (wanted[i - 1] != candidate[j - 1])});
        diagonal = above;
      }
    }
    if (row.back() < fewest) fewest = row.back(), best = candidate;
  }
  return best;
}

}  // namespace iqgate::pipeline
