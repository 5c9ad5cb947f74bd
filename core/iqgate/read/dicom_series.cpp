#include "iqgate/read/dicom_series.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <set>
#include <tuple>

#include "iqgate/base/error.hpp"
#include "iqgate/base/sha256.hpp"
#include "iqgate/base/text_number.hpp"
#include "iqgate/read/scan_groups.hpp"
#include "iqgate/read/slice_stack.hpp"

namespace iqgate::read {
namespace {

// Relative: what rounding of decimal strings leaves is silent, what moves a slice by less than a hundredth is flagged.
constexpr double silent = 1e-3, tolerated = 1e-2;

class DicomLoader : public VoxelLoader {
 public:
  DicomLoader(Slices slices, std::vector<std::shared_ptr<const DicomFile>> files)
      : slices_(std::move(slices)), files_(std::move(files)) {}

  void load(Voxels& values) const override {
    const std::size_t pixels = slices_.front().file->rows * slices_.front().file->columns;
    values.resize(pixels * slices_.size());
    // One task a file (a multi-frame file is decoded in one go), in parallel over files.
    std::map<const DicomFile*, std::vector<std::size_t>> by_file;
    for (std::size_t k = 0; k < slices_.size(); ++k) by_file[slices_[k].file.get()].push_back(k);
    const std::vector<std::pair<const DicomFile*, std::vector<std::size_t>>> tasks(by_file.begin(), by_file.end());
    std::vector<std::exception_ptr> errors(tasks.size());
#pragma omp parallel for schedule(dynamic)
    for (std::size_t t = 0; t < tasks.size(); ++t) {
      try {
        load_file(*tasks[t].first, tasks[t].second, pixels, values);
      } catch (...) {
        errors[t] = std::current_exception();
      }
    }
    for (const auto& error : errors)
      if (error) std::rethrow_exception(error);
  }

  bool load_slices(std::size_t first, std::size_t count, float* to) const override {
    const auto alone = [](const SliceRef& s) { return s.file->frames.size() == 1 || s.file->random_access(); };
    if (!std::all_of(slices_.begin(), slices_.end(), alone)) return false;
    const std::size_t pixels = slices_.front().file->rows * slices_.front().file->columns;
    std::vector<std::exception_ptr> errors(count);
#pragma omp parallel for schedule(dynamic)
    for (std::size_t k = 0; k < count; ++k) {
      try {
        decode_frames(*slices_[first + k].file, slices_[first + k].frame, 1, to + k * pixels);
      } catch (...) {
        errors[k] = std::current_exception();
      }
    }
    for (const auto& error : errors)
      if (error) std::rethrow_exception(error);
    return true;
  }

  std::vector<std::string> input_hashes() const override {
    std::vector<std::string> hashes;
    for (const auto& file : files_) hashes.push_back(file->source.sha256());
    std::sort(hashes.begin(), hashes.end());
    return hashes;
  }

 private:
  void load_file(const DicomFile& file, const std::vector<std::size_t>& wanted, std::size_t pixels,
                 Voxels& values) const {
    if (file.frames.size() == 1 || file.random_access()) {
      for (const std::size_t k : wanted) decode_frames(file, slices_[k].frame, 1, values.data() + k * pixels);
      return;
    }
    std::vector<float> all(pixels * file.frames.size());
    decode_frames(file, 0, file.frames.size(), all.data());
    for (const std::size_t k : wanted)
      std::copy_n(all.begin() + static_cast<std::ptrdiff_t>(slices_[k].frame * pixels), pixels,
                  values.begin() + static_cast<std::ptrdiff_t>(k * pixels));
  }

  Slices slices_;
  std::vector<std::shared_ptr<const DicomFile>> files_;
};

// "120" and "120.0" are one value.
bool same_value(const std::map<std::string, std::string>& a, const std::map<std::string, std::string>& b,
                const char* key) {
  const auto in_a = a.find(key), in_b = b.find(key);
  if (in_a == a.end() || in_b == b.end()) return in_a == a.end() && in_b == b.end();
  if (in_a->second == in_b->second) return true;
  const auto x = number_from_text(in_a->second), y = number_from_text(in_b->second);
  return x && y && std::abs(*x - *y) <= silent * std::abs(*x);
}

// What is one for all slices of a scan; values are never told, only what differs.
void check_one_source(const Slices& slices) {
  const SliceRef& first = slices.front();
  for (const SliceRef& s : slices) {
    if (s.file->study_uid != first.file->study_uid || s.file->patient != first.file->patient)
      throw Refusal{"mixed_slices", "slices of one series name different studies or patients"};
    if (s.file->frame_of_reference_uid != first.file->frame_of_reference_uid)
      throw Refusal{"mixed_slices", "slices of one series lie in different frames of reference"};
    for (const char* tag : {"Manufacturer", "ManufacturerModelName", "DeviceSerialNumber", "KVP"})
      if (!same_value(s.file->tags, first.file->tags, tag))
        throw Refusal{"mixed_slices", std::string("slices of one scan differ in ") + tag};
    for (const char* tag : {"EchoTime", "InversionTime"})
      if (!same_value(s.info().split, first.info().split, tag))
        throw Refusal{"mixed_slices", std::string("slices of one volume differ in ") + tag};
  }
}

void check_spacing(const Slices& slices, Vec3 normal, ScanHeader& header) {
  std::vector<double> gaps;
  for (std::size_t k = 1; k < slices.size(); ++k) gaps.push_back(slices[k].along - slices[k - 1].along);
  std::vector<double> sorted = gaps;
  std::sort(sorted.begin(), sorted.end());
  // The median gap: one missing slice must not hide behind a mean.
  const double typical = sorted[(sorted.size() - 1) / 2];
  double worst = 0;
  for (std::size_t k = 0; k < gaps.size(); ++k) {
    const double relative = std::abs(gaps[k] - typical) / typical;
    worst = std::max(worst, relative);
    if (!(relative <= tolerated)) {
      const double ratio = gaps[k] / typical;
      char text[200];
      std::snprintf(text, sizeof text, "the gap after slice %zu is %.4g mm where %.4g mm is usual", k + 1, gaps[k],
                    typical);
      if (ratio > 1.5 && std::abs(ratio - std::round(ratio)) < 0.05)
        throw Refusal{"missing_slices", std::string("slices are missing: ") + text};
      throw Refusal{"uneven_spacing", std::string("slices are not evenly spaced: ") + text};
    }
  }
  if (worst > silent) header.flags.push_back("spacing_varies");
  const double span = slices.back().along - slices.front().along;
  header.grid.spacing_mm.z = span / double(slices.size() - 1);
  // A gantry tilt shears the stack: the positions drift across the normal.
  const Vec3 drift = slices.back().info().position_mm - slices.front().info().position_mm - span * normal;
  const double relative_drift = norm(drift) / span;
  if (!(relative_drift <= tolerated))
    throw Refusal{"sheared_stack",
                  "slice positions drift across the slice normal (gantry tilt); a sheared stack is not measured"};
  if (relative_drift > silent) header.flags.push_back("stack_slightly_sheared");
  const double thickness = slices.front().file->slice_thickness_mm;
  if (thickness > 0 && header.grid.spacing_mm.z > 3 * thickness) header.flags.push_back("wide_gaps_between_slices");
}

void describe(const Slices& slices, ScanHeader& header) {
  const DicomFile& file = *slices.front().file;
  const DicomFrame& f = slices.front().info();
  header.modality = file.modality;
  header.value_unit = file.value_unit;
  header.display = file.source.name();
  header.study = file.study_uid;
  for (const SliceRef& s : slices) header.paths.push_back(s.file->source.file_on_disk());
  std::sort(header.paths.begin(), header.paths.end());
  header.paths.erase(std::unique(header.paths.begin(), header.paths.end()), header.paths.end());
  header.frames = header.slice_places = slices.size();
  for (std::size_t k = 1; k < slices.size(); ++k)
    if (slices[k].info().has_position && slices[k].along - slices[k - 1].along <= 0.01) --header.slice_places;
  header.tags = file.tags;
  header.identity = file.identity;
  for (const auto& [key, value] : f.split)
    if (key != "ImageType" && key != "StackID") header.tags[key] = value;
  header.flags = file.flags;
  header.grid.size = {file.columns, file.rows, slices.size()};
  header.grid.spacing_mm = {f.column_spacing_mm, f.row_spacing_mm, file.slice_thickness_mm};
  header.grid.direction = Mat3::from_columns(f.row_direction, f.column_direction, normal_of(f));
  header.grid.origin_mm = f.position_mm;
  for (const SliceRef& s : slices)
    if (s.file->format.bits_stored != file.format.bits_stored || s.file->format.is_signed != file.format.is_signed)
      header.flags.push_back("mixed_pixel_format");
  std::sort(header.flags.begin(), header.flags.end());
  header.flags.erase(std::unique(header.flags.begin(), header.flags.end()), header.flags.end());
}

void check_geometry(Slices& slices, ScanHeader& header, const IntakeLimits& limits) {
  check_one_source(slices);
  const double spread = direction_spread(slices);
  if (spread > tolerated) throw Refusal{"mixed_orientation", "slices of one series have different orientations"};
  if (spread > silent) header.flags.push_back("orientation_varies");
  if (slices.size() > limits.max_frames) throw Refusal{"too_many_frames", "has more slices than the limit"};
  const std::uint64_t voxels = std::uint64_t{header.grid.size.x} * header.grid.size.y * header.grid.size.z;
  if (voxels * sizeof(float) > limits.max_scan_bytes)
    throw Refusal{"too_large", "claims more voxels than the limit on memory allows"};
  const bool placed =
      std::all_of(slices.begin(), slices.end(), [](const SliceRef& s) { return s.info().has_position; });
  if (!placed || slices.size() == 1) {
    header.slice_spacing_known = slices.size() == 1 && header.grid.spacing_mm.z > 0;
    if (!(header.grid.spacing_mm.z > 0)) header.grid.spacing_mm.z = 1;
    if (!placed) header.flags.push_back("no_position");
    if (slices.size() > 1 && slices.front().file->frames.size() == 1)
      throw Refusal{"no_position", "has slices without ImagePositionPatient: their order is unknown"};
    if (slices.size() > 1) header.flags.push_back("frames_without_position");
    return;
  }
  if (!positions_unique(slices))
    throw Refusal{"duplicate_slices", "has several different slices at one position, and no tag that tells them apart"};
  check_spacing(slices, normal_of(slices.front().info()), header);
  double declared = 0;
  const auto images = header.tags.find("ImagesInAcquisition");
  if (images != header.tags.end()) declared = number_from_text(images->second).value_or(0);
  if (declared > double(slices.size())) header.flags.push_back("fewer_slices_than_declared");
}

ScanHeader finish(Slices slices, const std::string& id_text, const IntakeLimits& limits) {
  ScanHeader header;
  sort_slices(slices, normal_of(slices.front().info()));
  std::vector<std::shared_ptr<const DicomFile>> files;
  for (const SliceRef& s : slices)
    if (std::find(files.begin(), files.end(), s.file) == files.end()) files.push_back(s.file);
  describe(slices, header);
  header.files = files.size();
  header.id = sha256_hex(id_text).substr(0, 12);
  try {
    check_geometry(slices, header, limits);
    header.usable = true;
  } catch (const Refusal& refusal) {
    header.code = refusal.code;
    header.reason = refusal.reason;
  }
  header.loader = std::make_shared<DicomLoader>(std::move(slices), std::move(files));
  return header;
}

ScanHeader refused_slices(const Slices& slices, const std::string& id_text, const std::string& code,
                          const std::string& reason) {
  ScanHeader header;
  describe(slices, header);
  header.id = sha256_hex(id_text).substr(0, 12);
  header.files = slices.size();
  header.code = code;
  header.reason = reason;
  return header;
}

ScanHeader refused_file(const DicomFile& file) {
  ScanHeader header;
  header.modality = file.modality;
  header.display = file.source.name();
  header.paths = {file.source.file_on_disk()};
  header.study = file.study_uid;
  header.files = 1;
  header.frames = file.frames.size();
  header.grid.size = {file.columns, file.rows, file.frames.size()};
  header.code = file.code;
  header.reason = file.reason;
  header.is_scan = file.code != "not_an_image" && file.code != "localiser" && file.code != "secondary_capture" &&
                   file.code != "not_dicom" && file.code != "colour_image";
  header.id = sha256_hex(file.instance_uid.empty() ? file.source.name() : file.instance_uid).substr(0, 12);
  return header;
}

std::string folder_of_file(const DicomFile& file) {
  const std::string path = file.source.file_on_disk();
  return path.substr(0, path.rfind('/') + 1);
}

// Damaged files that do not tell their series: by folder, and how many series lie there.
struct Damage {
  std::map<std::string, std::string> why;
  std::map<std::string, std::set<std::string>> series;

  Damage(const std::vector<DicomFile>& files, const std::map<std::string, std::string>& lost) : why(lost) {
    for (const DicomFile& file : files) {
      if (file.usable) series[folder_of_file(file)].insert(file.series_key);
      else if (file.series_uid.empty() && refused_file(file).is_scan)
        why[folder_of_file(file)] = file.code + ": " + file.reason;
    }
  }

  // Where one series lies alone, the damaged file is one of its slices. Among several it may be anybody's.
  void apply(const Slices& slices, ScanHeader& header) const {
    for (const SliceRef& s : slices) {
      const auto found = why.find(folder_of_file(*s.file));
      if (found == why.end() || !header.usable) continue;
      if (series.at(found->first).size() > 1) {
        if (header.flags.empty() || header.flags.back() != "damaged_file_in_folder")
          header.flags.push_back("damaged_file_in_folder");
        continue;
      }
      header.usable = false;
      header.code = "damaged_series";
      header.reason = "a file in its folder cannot be read and may be a part of it (" + found->second + ")";
    }
  }
};

// What is refused is refused for all files of its series.
void take_all_files(const std::string& series_uid, const std::map<std::string, std::set<std::string>>& lie_in,
                    ScanHeader& header) {
  const auto found = lie_in.find(series_uid);
  if (found != lie_in.end()) header.paths.assign(found->second.begin(), found->second.end());
}

}  // namespace

std::vector<ScanHeader> assemble_series(std::vector<DicomFile> files, const IntakeLimits& limits, bool within_study,
                                        const std::map<std::string, std::string>& lost) {
  std::vector<ScanHeader> headers;
  const Damage damage(files, lost);
  std::map<std::string, Slices> series;
  std::map<std::string, std::string> broken;            // series UID -> why a file of it is refused
  std::map<std::string, std::set<std::string>> lie_in;  // series UID -> all its files, copies and damaged ones too
  for (DicomFile& file : files) {
    if (!file.series_uid.empty()) lie_in[file.series_uid].insert(file.source.file_on_disk());
    if (!file.usable) {
      headers.push_back(refused_file(file));
      if (headers.back().is_scan && !file.series_uid.empty()) broken[file.series_uid] = file.code + ": " + file.reason;
      continue;
    }
    // A file without a series UID stands alone.
    const std::string key = file.series_uid.empty() ? file.source.name() + file.series_key : file.series_key;
    const auto shared = std::make_shared<const DicomFile>(std::move(file));
    for (std::size_t k = 0; k < shared->frames.size(); ++k) series[key].push_back({shared, k, 0});
  }
  for (auto& [key, slices] : series) {
    sort_slices(slices, normal_of(slices.front().info()));
    const bool placed =
        std::all_of(slices.begin(), slices.end(), [](const SliceRef& s) { return s.info().has_position; });
    bool dropped = false;
    std::vector<std::pair<std::string, Slices>> parts;
    if (placed && slices.size() > 1 && direction_spread(slices) <= tolerated && !positions_unique(slices)) {
      const Slices all = slices;
      try {
        dropped = drop_copies(slices);
      } catch (const InputError& error) {
        headers.push_back(refused_slices(all, key, error.code, error.why));
        take_all_files(all.front().file->series_uid, lie_in, headers.back());
        continue;
      }
      if (!positions_unique(slices)) parts = split_repeats(slices);
    } else if (!placed && slices.size() > 1) {
      if (std::any_of(slices.begin(), slices.end(), [](const SliceRef& s) { return s.info().has_position; })) {
        headers.push_back(
            refused_slices(slices, key, "no_position", "some of its slices have no ImagePositionPatient"));
        take_all_files(slices.front().file->series_uid, lie_in, headers.back());
        continue;
      }
      // Planar files of one series are single images, told apart by the file.
      std::map<const DicomFile*, Slices> by_file;
      for (const SliceRef& s : slices) by_file[s.file.get()].push_back(s);
      if (by_file.size() > 1) {
        for (auto& [file, own] : by_file)
          parts.emplace_back(file->instance_uid.empty() ? file->source.name() : file->instance_uid, std::move(own));
        std::sort(parts.begin(), parts.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
      }
    }
    if (parts.empty()) parts.emplace_back("", slices);
    for (auto& [value, part] : parts) {
      ScanHeader header = finish(part, key + "#" + value, limits);
      if (dropped) header.flags.push_back("duplicate_dropped");
      if (const auto found = broken.find(part.front().file->series_uid); found != broken.end() && header.usable) {
        header.usable = false;
        header.code = "damaged_series";
        header.reason = "a file of this series is refused (" + found->second + ")";
      }
      damage.apply(part, header);
      if (!header.usable) take_all_files(part.front().file->series_uid, lie_in, header);
      headers.push_back(std::move(header));
    }
  }
  group_volumes(headers, within_study);
  std::sort(headers.begin(), headers.end(), [](const ScanHeader& a, const ScanHeader& b) {
    // repeat_2 before repeat_10: a longer number is a larger one.
    const std::size_t a_length = a.role.size(), b_length = b.role.size();
    return std::tie(a.group, a_length, a.role, a.id) < std::tie(b.group, b_length, b.role, b.id);
  });
  return headers;
}

}  // namespace iqgate::read
