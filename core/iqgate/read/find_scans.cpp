#include "iqgate/read/find_scans.hpp"

#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <exception>
#include <filesystem>
#include <map>
#include <set>

#include "iqgate/base/error.hpp"
#include "iqgate/base/file_kind.hpp"
#include "iqgate/base/parallel_guard.hpp"
#include "iqgate/read/archive.hpp"
#include "iqgate/read/dicom_series.hpp"
#include "iqgate/read/raster.hpp"

namespace iqgate::read {
namespace fs = std::filesystem;
namespace {

struct Found {
  std::vector<ByteSource> dicom;
  std::vector<std::pair<std::string, RasterKind>> rasters;
  std::map<std::string, std::vector<std::string>> tiff_folders;
  std::vector<std::pair<std::string, std::string>> hdf5;  // path, dataset
  std::vector<ScanHeader> refused;
};

bool is_hdf5(const ByteSource& source) {
  return source.size() > 8 && source.read(0, 8) == std::string("\x89HDF\r\n\x1a\n", 8);
}

// An empty file may be a marker; one with the ending of a scan is a scan that never arrived.
bool has_scan_ending(const std::string& path) {
  std::string ending = fs::path(path).extension().string();
  for (char& c : ending) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  if (ending == ".gz") return fs::path(path).stem().extension() == ".nii";
  for (const char* known : {".dcm", ".ima", ".nii", ".nrrd", ".mhd", ".mha", ".tif", ".tiff", ".h5", ".zip"})
    if (ending == known) return true;
  return false;
}

// What may be a scan, or a part of one, and cannot be read as such.
void lost(const std::string& path, const std::string& code, const std::string& why, Found& found) {
  found.refused.push_back(refused_scan(path, code, why));
  found.refused.back().is_scan = true;
}

void sort_out(const std::string& path, bool named, const IntakeLimits& limits, Found& found) {
  try {
    const ByteSource source = ByteSource::file(path);
    RasterKind kind;
    if (source.size() == 0) {
      if (named || has_scan_ending(path)) lost(path, "empty_file", "is an empty file", found);
    } else if (raster_kind(path, kind)) {
      if (kind == RasterKind::tiff && !named) found.tiff_folders[fs::path(path).parent_path().string()].push_back(path);
      else found.rasters.emplace_back(path, kind);
    } else if (looks_like_zip(source)) {
      const std::size_t before = found.dicom.size();
      for (ByteSource& entry : read_archive(source, limits))
        if (looks_like_dicom(entry)) found.dicom.push_back(std::move(entry));
      if (found.dicom.size() == before) lost(path, "nothing_in_archive", "is an archive without a DICOM file", found);
    } else if (is_hdf5(source)) {
      found.hdf5.emplace_back(path, named ? "/volume" : "");
    } else if (looks_like_dicom(source)) {
      found.dicom.push_back(source);
    } else if (named || has_scan_ending(path)) {
      lost(path, "unknown_format", "is none of DICOM, NIfTI, NRRD, MetaImage, TIFF, HDF5, zip", found);
    }
  } catch (const InputError& error) {
    found.refused.push_back(refused_scan(path, error.code, error.why));
  }
}

void collect(const std::string& path, const IntakeLimits& limits, Gather gather, const std::set<std::string>& without,
             Found& found) {
  std::error_code error;
  if (fs::is_directory(path, error)) {
    std::vector<std::string> files;
    fs::recursive_directory_iterator walk(path, error);
    if (error) throw InputError("cannot_read", path, error.message(), "check the rights of the folder");
    // What cannot be read may be a part of a scan: never skipped without a word.
    const auto refuse = [&](const std::string& entry, const std::string& why) {
      lost(entry, "cannot_read", why, found);
    };
    for (; walk != fs::recursive_directory_iterator(); walk.increment(error)) {
      if (error) throw InputError("cannot_read", path, error.message());
      if (without.count(walk->path().string())) continue;
      const std::string name = walk->path().filename().string();
      if (!name.empty() && name[0] == '.') {
        if (walk->is_directory(error)) walk.disable_recursion_pending();
        continue;
      }
      const std::string entry = walk->path().string();
      if (walk->is_directory(error)) {
        if (!walk->is_symlink(error) && access(entry.c_str(), R_OK | X_OK) != 0) {
          refuse(entry, "is a folder that may not be read");
          walk.disable_recursion_pending();
        } else if (walk->is_symlink(error) && gather == Gather::tree) {
          refuse(entry, "is a link to a folder; links are not followed");
        }
      } else if (walk->is_symlink(error) && !walk->exists(error)) {
        refuse(entry, "is a link to a file that is not there");
      } else if (walk->is_regular_file(error)) {
        files.push_back(entry);
      }
      if (files.size() > limits.max_frames)
        throw InputError("too_many_frames", path, "holds more files than the limit");
    }
    std::sort(files.begin(), files.end());
    for (const std::string& file : files) sort_out(file, false, limits, found);
    return;
  }
  const std::size_t colon = path.rfind(":/");
  if (!fs::exists(path, error) && colon != std::string::npos && fs::is_regular_file(path.substr(0, colon), error)) {
    found.hdf5.emplace_back(path.substr(0, colon), path.substr(colon + 1));
    return;
  }
  if (!fs::exists(path, error)) throw InputError("not_found", path, "does not exist", "check the name");
  if (!fs::is_regular_file(path, error)) throw InputError("not_a_file", path, "is neither a file nor a folder");
  sort_out(path, gather == Gather::named, limits, found);
}

// Why a file was lost, by its folder: it may have been a slice of the series there.
std::map<std::string, std::string> lost_by_folder(const std::vector<ScanHeader>& refused) {
  std::map<std::string, std::string> why;
  for (const ScanHeader& h : refused)
    if (h.is_scan && !is_folder(h.display))
      why[fs::path(h.display).parent_path().string() + "/"] = h.code + ": " + h.reason;
  return why;
}

// Volumes without tags that share a grid are repeats, in the order they were named.
void group_rasters(std::vector<ScanHeader>& rasters) {
  std::vector<ScanHeader*> members;
  for (ScanHeader& h : rasters)
    if (h.usable && h.frames == h.grid.size.z) members.push_back(&h);
  if (members.size() < 2) return;
  for (const ScanHeader* h : members)
    if (!same_grid(h->grid, members.front()->grid)) return;
  for (std::size_t k = 0; k < members.size(); ++k) {
    members[k]->group = members.front()->id;
    members[k]->role = "repeat_" + std::to_string(k + 1);
  }
}

}  // namespace

std::vector<ScanHeader> find_scans(const std::vector<std::string>& paths, const IntakeLimits& limits, Gather gather,
                                   const std::set<std::string>& without) {
  Found found;
  for (const std::string& path : paths) collect(path, limits, gather, without, found);
  std::vector<DicomFile> files(found.dicom.size());
  parallel_for(files.size(), [&](std::size_t k) { files[k] = read_dicom_file(found.dicom[k], limits); });
  std::vector<ScanHeader> headers =
      assemble_series(std::move(files), limits, gather == Gather::tree, lost_by_folder(found.refused));
  std::vector<ScanHeader> rasters;
  const auto guarded = [&](const std::string& path, auto&& read) {
    try {
      rasters.push_back(read());
    } catch (const InputError& error) {
      rasters.push_back(refused_scan(path, error.code, error.why));
    }
  };
  for (const auto& [path, kind] : found.rasters)
    guarded(path, [&, p = path, k = kind] { return read_raster(p, k, limits); });
  for (const auto& [folder, tiffs] : found.tiff_folders)
    guarded(tiffs.front(), [&, t = tiffs] {
      return t.size() == 1 ? read_raster(t.front(), RasterKind::tiff, limits) : read_tiff_stack(t, limits);
    });
  for (const auto& [path, dataset] : found.hdf5)
    guarded(path, [&, p = path, d = dataset] { return read_hdf5_volume(p, d, limits); });
  std::erase_if(rasters, [](const ScanHeader& h) { return h.code == "no_volume" && !h.is_scan; });
  if (gather == Gather::named) group_rasters(rasters);
  for (ScanHeader& h : rasters) headers.push_back(std::move(h));
  for (ScanHeader& h : found.refused) headers.push_back(std::move(h));
  // Printed to terminals and tables: no control character of a file gets there.
  for (ScanHeader& h : headers)
    for (char& c : h.modality)
      if (!std::isalnum(static_cast<unsigned char>(c)) && c != '_') c = '?';
  return headers;
}

std::vector<Scan> load_scan(const ScanHeader& header) {
  Voxels values;
  header.loader->load(values);
  std::size_t not_finite = 0;
#pragma omp parallel for schedule(static) reduction(+ : not_finite)
  for (std::size_t k = 0; k < values.size(); ++k) not_finite += values[k] - values[k] != 0;
  if (not_finite > 0)
    throw InputError("not_finite", header.display, "holds voxels that are not finite numbers (NaN or Inf)");
  const std::size_t each = header.grid.size.count();
  const std::size_t volumes = values.size() / each;
  std::vector<Scan> scans(volumes);
  for (std::size_t k = 0; k < volumes; ++k) {
    Scan& scan = scans[k];
    scan.id = header.id;
    scan.modality = header.modality;
    scan.value_unit = header.value_unit;
    scan.role = volumes == 1 ? header.role : "repeat_" + std::to_string(k + 1);
    scan.tags = header.tags;
    scan.flags = header.flags;
    scan.volume.grid = header.grid;
    if (volumes == 1) scan.volume.values = std::move(values);
    else
      scan.volume.values.assign(values.begin() + static_cast<std::ptrdiff_t>(k * each),
                                values.begin() + static_cast<std::ptrdiff_t>((k + 1) * each));
  }
  return scans;
}

}  // namespace iqgate::read
