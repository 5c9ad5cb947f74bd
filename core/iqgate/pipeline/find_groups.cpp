#include "iqgate/pipeline/find_groups.hpp"

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>

#include "iqgate/base/error.hpp"
#include "iqgate/base/path_text.hpp"
#include "iqgate/base/sha256.hpp"
#include "iqgate/read/find_scans.hpp"

namespace iqgate::pipeline {
namespace {
namespace fs = std::filesystem;

std::set<std::string> folders_of(const read::ScanHeader& header) {
  std::set<std::string> folders;
  for (const std::string& path : header.paths) folders.insert(fs::path(path).parent_path().string());
  return folders;
}

std::vector<std::string> files_in(const std::string& folder) {
  std::vector<std::string> files;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error); !error && entry != fs::end(entry); entry.increment(error))
    if (entry->is_regular_file(error) && entry->path().filename().string()[0] != '.')
      files.push_back(entry->path().string());
  std::sort(files.begin(), files.end());
  return files;
}

// A series that was sent twice, once badly, is refused when both are read together. A folder that alone holds every
// slice position of them holds the whole series; one that holds some does not.
std::vector<read::ScanHeader> whole_copies(const read::ScanHeader& refused, const read::IntakeLimits& limits) {
  const std::set<std::string> folders = folders_of(refused);
  if (folders.size() < 2 || (refused.code != "damaged_series" && refused.code != "duplicate_slices")) return {};
  std::vector<read::ScanHeader> copies, others;
  for (const std::string& folder : folders)
    for (read::ScanHeader& h : read::find_scans(files_in(folder), limits, read::Gather::tree)) {
      if (h.id != refused.id) continue;
      const bool whole = h.usable && h.slice_places == refused.slice_places;
      if (!whole && h.usable) {
        h.usable = false;
        h.code = "partial_copy", h.reason = "holds a part of a series that another folder holds whole";
      }
      (whole ? copies : others).push_back(std::move(h));
    }
  if (copies.empty()) return {};
  for (read::ScanHeader& h : others) copies.push_back(std::move(h));
  return copies;
}

std::string scanner_of(const std::map<std::string, std::string>& tags) {
  std::string name;
  for (const char* key : {"Manufacturer", "ManufacturerModelName", "DeviceSerialNumber"})
    if (const auto found = tags.find(key); found != tags.end() && !found->second.empty())
      name += (name.empty() ? "" : " ") + found->second;
  return name;
}

// What was refused may have no loader: then its files' bytes stand for it, or their size where they cannot be read.
std::vector<std::string> hashes_of(const read::ScanHeader& header) {
  if (header.loader) return header.loader->input_hashes();
  std::vector<std::string> hashes;
  for (const std::string& path : header.paths) {
    std::error_code error;
    try {
      hashes.push_back(sha256_file(path));
    } catch (const InputError&) {
      hashes.push_back(sha256_hex(path + "#" + std::to_string(std::filesystem::file_size(path, error))));
    }
  }
  std::sort(hashes.begin(), hashes.end());
  return hashes;
}

}  // namespace

json::Value group_json(const ScanGroup& group) {
  const read::ScanHeader& first = group.front();
  std::vector<std::string> paths, hashes;
  for (const read::ScanHeader& h : group) {
    paths.insert(paths.end(), h.paths.begin(), h.paths.end());
    for (const std::string& hash : hashes_of(h)) hashes.push_back(hash);
  }
  std::sort(paths.begin(), paths.end()), paths.erase(std::unique(paths.begin(), paths.end()), paths.end());
  std::sort(hashes.begin(), hashes.end()), hashes.erase(std::unique(hashes.begin(), hashes.end()), hashes.end());
  json::Object tags = json::object_of(first.tags);
  for (const auto& [key, value] : first.identity) tags.push_back({key, value});
  json::Value v;
  v.set("group", first.group.empty() ? first.id : first.group);
  v.set("modality", first.modality), v.set("scanner", scanner_of(first.tags));
  v.set("usable", first.usable), v.set("is_scan", first.is_scan);
  v.set("code", first.code), v.set("reason", first.reason);
  for (std::string& path : paths) path = path_to_text(path);
  v.set("paths", json::array_of(paths)), v.set("sha256", json::array_of(hashes)), v.set("tags", std::move(tags));
  return v;
}

std::vector<ScanGroup> find_groups(const std::vector<std::string>& paths, const read::IntakeLimits& limits,
                                   const std::set<std::string>& without) {
  std::map<std::string, ScanGroup> usable;
  std::vector<ScanGroup> groups;
  for (read::ScanHeader& h : read::find_scans(paths, limits, read::Gather::tree, without)) {
    std::vector<read::ScanHeader> copies;
    if (!h.usable) copies = whole_copies(h, limits);
    for (read::ScanHeader& copy : copies) groups.push_back({std::move(copy)});
    if (!copies.empty()) continue;
    if (h.usable) usable[h.group].push_back(std::move(h));
    else groups.push_back({std::move(h)});
  }
  for (auto& [id, group] : usable) groups.push_back(std::move(group));
  return groups;
}

}  // namespace iqgate::pipeline
