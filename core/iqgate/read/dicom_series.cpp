#include "iqgate/read/dicom_series.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <set>
#include <tuple>

#include "iqgate/base/error.hpp"
#include "iqgate/base/sha256.hpp"

namespace iqgate::read {
namespace {

constexpr double silent = 1e-3, tolerated = 1e-2;  // relative; reliability figures S4

struct SliceRef {
  std::shared_ptr<const DicomFile> file;
  std::size_t frame = 0;
  double along = 0;  // position along the normal, mm
  const DicomFrame& info() const { return file->frames[frame]; }
};
using Slices = std::vector<SliceRef>;

struct Refusal {
  std::string code, reason;
};

class DicomLoader : public VoxelLoader {
 public:
  DicomLoader(Slices slices, std::vector<std::shared_ptr<const DicomFile>> files)
      : slices_(std::move(slices)), files_(std::move(files)) {}

  void load(std::vector<float>& values) const override {
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

  std::vector<std::string> input_hashes() const override {
    std::vector<std::string> hashes;
    for (const auto& file : files_) hashes.push_back(file->source.sha256());
    std::sort(hashes.begin(), hashes.end());
    return hashes;
  }

 private:
  void load_file(const DicomFile& file, const std::vector<std::size_t>& wanted, std::size_t pixels,
                 std::vector<float>& values) const {
    const bool random_access = file.encoding != PixelEncoding::dcmtk_codec && file.encoding != PixelEncoding::deflated;
    if (file.frames.size() == 1 || random_access) {
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

Vec3 normal_of(const DicomFrame& f) { return cross(f.row_direction, f.column_direction); }

// Sorts by position; ties by what the file says of itself, so that the order of files plays no part.
void sort_slices(Slices& slices, Vec3 normal) {
  for (SliceRef& s : slices) s.along = dot(s.info().position_mm, normal);
  std::sort(slices.begin(), slices.end(), [](const SliceRef& a, const SliceRef& b) {
    return std::tie(a.along, a.file->instance_uid, a.frame, a.file->source.name()) <
           std::tie(b.along, b.file->instance_uid, b.frame, b.file->source.name());
  });
}

bool positions_unique(const Slices& slices) {
  for (std::size_t k = 1; k < slices.size(); ++k)
    if (slices[k].along - slices[k - 1].along < 1e-2) return false;
  return true;
}

// Copies of one instance (equal UID, frame and voxel values, whatever the encoding) are dropped; true if any was.
bool drop_copies(Slices& slices) {
  const std::size_t before = slices.size();
  std::map<std::pair<std::string, std::size_t>, std::vector<std::string>> kept;
  Slices unique;
  for (SliceRef& s : slices) {
    if (!s.file->instance_uid.empty()) {
      auto& hashes = kept[{s.file->instance_uid, s.frame}];
      std::vector<float> pixels(s.file->rows * s.file->columns);
      decode_frames(*s.file, s.frame, 1, pixels.data());
      const std::string hash =
          sha256_hex({reinterpret_cast<const char*>(pixels.data()), pixels.size() * sizeof(float)});
      if (std::find(hashes.begin(), hashes.end(), hash) != hashes.end()) continue;
      hashes.push_back(hash);
    }
    unique.push_back(s);
  }
  slices = std::move(unique);
  return slices.size() != before;
}

// Splits a set with repeated positions into volumes, by the first tag that leaves each with distinct positions.
std::vector<std::pair<std::string, Slices>> split_repeats(const Slices& slices, std::string& split_by) {
  for (const char* tag : {"StackID", "EchoTime", "InversionTime", "TemporalPositionIndex", "TemporalPositionIdentifier",
                          "TriggerTime", "FlipAngle", "AcquisitionNumber", "ImageType", "AcquisitionTime"}) {
    std::map<std::string, Slices> parts;
    bool all = true;
    for (const SliceRef& s : slices) {
      const auto found = s.info().split.find(tag);
      if (found == s.info().split.end()) all = false;
      else parts[found->second].push_back(s);
    }
    if (!all || parts.size() < 2) continue;
    const bool good =
        std::all_of(parts.begin(), parts.end(), [](const auto& part) { return positions_unique(part.second); });
    if (!good) continue;
    std::vector<std::pair<std::string, Slices>> result(parts.begin(), parts.end());
    std::stable_sort(result.begin(), result.end(), [](const auto& a, const auto& b) {
      return a.first.size() != b.first.size() && a.first.find_first_not_of("0123456789") == std::string::npos &&
                     b.first.find_first_not_of("0123456789") == std::string::npos
                 ? a.first.size() < b.first.size()
                 : a.first < b.first;
    });
    split_by = tag;
    return result;
  }
  return {};
}

// Largest difference of any direction cosine from the first slice's.
double direction_spread(const Slices& slices) {
  const DicomFrame& f = slices.front().info();
  double worst = 0;
  for (const SliceRef& s : slices) {
    const DicomFrame& g = s.info();
    for (int a = 0; a < 3; ++a)
      worst = std::max({worst, std::abs(f.row_direction[a] - g.row_direction[a]),
                        std::abs(f.column_direction[a] - g.column_direction[a])});
  }
  return worst;
}

void check_one_source(const Slices& slices) {
  for (const SliceRef& s : slices)
    if (s.file->study_uid != slices.front().file->study_uid || s.file->patient != slices.front().file->patient)
      throw Refusal{"mixed_slices", "slices of one series name different studies or patients"};
}

void check_spacing(const Slices& slices, Vec3 normal, ScanHeader& header) {
  std::vector<double> gaps;
  for (std::size_t k = 1; k < slices.size(); ++k) gaps.push_back(slices[k].along - slices[k - 1].along);
  std::vector<double> sorted = gaps;
  std::sort(sorted.begin(), sorted.end());
  // The smallest gap, unless most agree on the median: one missing slice must not hide behind a mean.
  const double typical = sorted[(sorted.size() - 1) / 2];
  double worst = 0;
  for (std::size_t k = 0; k < gaps.size(); ++k) {
    const double relative = std::abs(gaps[k] - typical) / typical;
    worst = std::max(worst, relative);
    if (relative > tolerated) {
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
  if (relative_drift > tolerated)
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
  header.frames = slices.size();
  header.tags = file.tags;
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
  if (images != header.tags.end()) declared = std::atof(images->second.c_str());
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

// Tags that must agree for two volumes to be one acquisition set; a list of those that may make a role.
std::string technique(const ScanHeader& h, const std::set<std::string>& leave_out) {
  std::string text = h.modality + h.value_unit;
  for (const char* tag :
       {"Manufacturer", "ManufacturerModelName", "DeviceSerialNumber", "KVP", "ConvolutionKernel", "SliceThickness",
        "SequenceName", "ScanningSequence", "RepetitionTime", "EchoTime", "InversionTime", "FlipAngle",
        "PixelBandwidth", "NumberOfAverages", "InPlanePhaseEncodingDirection"}) {
    if (leave_out.count(tag)) continue;
    const auto found = h.tags.find(tag);
    text += "|" + (found == h.tags.end() ? "" : found->second);
  }
  return text;
}

double number_tag(const ScanHeader& h, const char* tag) {
  const auto found = h.tags.find(tag);
  return found == h.tags.end() ? 0 : std::atof(found->second.c_str());
}

void assign_roles(std::vector<ScanHeader*> members) {
  const auto distinct = [&](const char* tag) {
    std::set<std::string> values;
    for (const ScanHeader* h : members) values.insert(h->tags.count(tag) ? h->tags.at(tag) : "");
    return values.size();
  };
  const bool echoes = distinct("EchoTime") > 1, inversions = distinct("InversionTime") > 1;
  const char* tag = echoes ? "EchoTime" : inversions ? "InversionTime" : nullptr;
  std::stable_sort(members.begin(), members.end(), [&](const ScanHeader* a, const ScanHeader* b) {
    if (tag && number_tag(*a, tag) != number_tag(*b, tag)) return number_tag(*a, tag) < number_tag(*b, tag);
    const auto when = [](const ScanHeader* h, const char* t) {
      return h->tags.count(t) ? h->tags.at(t) : std::string();
    };
    for (const char* t : {"AcquisitionDate", "AcquisitionTime"})
      if (when(a, t) != when(b, t)) return when(a, t) < when(b, t);
    if (number_tag(*a, "AcquisitionNumber") != number_tag(*b, "AcquisitionNumber"))
      return number_tag(*a, "AcquisitionNumber") < number_tag(*b, "AcquisitionNumber");
    return a->id < b->id;
  });
  for (std::size_t k = 0; k < members.size(); ++k)
    members[k]->role = std::string(echoes ? "echo_" : inversions ? "ti_" : "repeat_") + std::to_string(k + 1);
}

void group_volumes(std::vector<ScanHeader>& headers) {
  std::vector<bool> taken(headers.size(), false);
  for (std::size_t a = 0; a < headers.size(); ++a) {
    if (taken[a]) continue;
    headers[a].group = headers[a].id;
    if (!headers[a].usable) continue;
    for (const std::set<std::string>& free :
         {std::set<std::string>{}, {"EchoTime"}, {"InversionTime", "RepetitionTime"}}) {
      std::vector<ScanHeader*> members{&headers[a]};
      std::vector<std::size_t> indices{a};
      for (std::size_t b = a + 1; b < headers.size(); ++b)
        if (headers[b].usable && !taken[b] && same_grid(headers[a].grid, headers[b].grid) &&
            technique(headers[a], free) == technique(headers[b], free)) {
          members.push_back(&headers[b]);
          indices.push_back(b);
        }
      if (members.size() < 2) continue;
      for (const std::size_t k : indices) taken[k] = true;
      assign_roles(members);
      std::string group = headers[a].id;
      for (const ScanHeader* h : members) group = std::min(group, h->id);
      for (ScanHeader* h : members) h->group = group;
      break;
    }
  }
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

}  // namespace

std::vector<ScanHeader> assemble_series(std::vector<DicomFile> files, const IntakeLimits& limits) {
  std::vector<ScanHeader> headers;
  std::map<std::string, Slices> series;
  std::map<std::string, std::string> broken;  // series UID -> why a file of it is refused
  for (DicomFile& file : files) {
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
    std::string split_by;
    if (placed && slices.size() > 1 && direction_spread(slices) <= tolerated && !positions_unique(slices)) {
      const Slices all = slices;
      try {
        dropped = drop_copies(slices);
      } catch (const InputError& error) {
        headers.push_back(refused_slices(all, key, error.code, error.why));
        continue;
      }
      if (!positions_unique(slices)) parts = split_repeats(slices, split_by);
    } else if (!placed && slices.size() > 1) {
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
      headers.push_back(std::move(header));
    }
  }
  group_volumes(headers);
  std::sort(headers.begin(), headers.end(), [](const ScanHeader& a, const ScanHeader& b) {
    return std::tie(a.group, a.role, a.id) < std::tie(b.group, b.role, b.id);
  });
  return headers;
}

}  // namespace iqgate::read
