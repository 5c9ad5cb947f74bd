#include "iqgate/read/slice_stack.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <tuple>

#include "iqgate/base/sha256.hpp"

namespace iqgate::read {

Vec3 normal_of(const DicomFrame& f) { return cross(f.row_direction, f.column_direction); }

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

std::vector<std::pair<std::string, Slices>> split_repeats(const Slices& slices) {
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
    return result;
  }
  return {};
}

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

}  // namespace iqgate::read
