#include <algorithm>
#include <map>

#include "iqgate/base/error.hpp"
#include "iqgate/pipeline/job.hpp"
#include "iqgate/read/find_scans.hpp"

namespace iqgate::pipeline {
namespace {

std::string list_of(const std::vector<read::ScanHeader>& headers) {
  std::string text;
  std::size_t shown = 0;
  for (const read::ScanHeader& h : headers) {
    if (!h.is_scan) continue;
    if (++shown > 20) {
      text += "\n  ... and more (see iqgate inspect)";
      break;
    }
    text += "\n  " + h.id + "  " + h.modality + "  " + std::to_string(h.grid.size.x) + " x " +
            std::to_string(h.grid.size.y) + " x " + std::to_string(h.grid.size.z) +
            (h.usable ? "" : "  refused: " + h.code + ": " + h.reason);
  }
  return text;
}

// Scans whose role no tag tells, each found under its own path.
std::vector<read::ScanHeader> scans_with_roles(const Request& request) {
  std::vector<read::ScanHeader> all;
  for (const auto& [role, path] : request.roles) {
    std::vector<read::ScanHeader> found = read::find_scans({path}, request.intake);
    std::erase_if(found, [](const read::ScanHeader& h) { return !h.is_scan; });
    if (found.size() != 1)
      throw InputError(
          "several_scans", path,
          "the role " + role + " needs a path with exactly one scan, this one has " + std::to_string(found.size()));
    if (!found.front().usable) throw InputError(found.front().code, path, found.front().reason);
    found.front().role = role;
    all.push_back(std::move(found.front()));
  }
  return all;
}

}  // namespace

Choice choose_scans(const Request& request) {
  if (request.progress) request.progress("looking for scans");
  std::vector<read::ScanHeader> headers = read::find_scans(request.paths, request.intake);
  const std::string where = request.paths.empty() ? "no path" : request.paths.front();
  Choice choice;
  for (const read::ScanHeader& h : headers) {
    if (h.usable || !h.is_scan) continue;
    if (request.series == "all") choice.refused.push_back(h);
    else if (request.series.empty() || request.series == h.id || request.series == h.group)
      throw InputError(h.code, h.display, h.reason,
                       "iqgate inspect lists every scan; --series ID picks one that is whole");
  }
  std::map<std::string, std::vector<read::ScanHeader>> groups;
  std::vector<std::string> order;
  for (const read::ScanHeader& h : headers) {
    if (!h.usable ||
        (!request.series.empty() && request.series != "all" && request.series != h.id && request.series != h.group))
      continue;
    if (!groups.count(h.group)) order.push_back(h.group);
    groups[h.group].push_back(h);
  }
  if (order.empty()) {
    if (headers.empty())
      throw InputError("no_scan", where, "holds no scan",
                       "give a file or folder with DICOM, NIfTI, NRRD, MetaImage, TIFF or HDF5");
    throw InputError(
        "no_scan", where,
        "holds no usable scan" + (request.series.empty() ? "" : " with id " + request.series) + ":" + list_of(headers));
  }
  if (order.size() > 1 && request.series != "all")
    throw InputError("several_scans", where,
                     "holds several unrelated scans, and none is chosen for you:" + list_of(headers),
                     "pick one with --series ID, or take each with --series all");
  std::vector<std::vector<read::ScanHeader>>& chosen = choice.groups;
  for (const std::string& group : order) chosen.push_back(std::move(groups[group]));
  if (!request.roles.empty()) {
    if (chosen.size() != 1) throw InputError("several_scans", where, "roles can be given for one group of scans only");
    for (read::ScanHeader& h : scans_with_roles(request)) chosen.front().push_back(std::move(h));
  }
  return choice;
}

}  // namespace iqgate::pipeline
