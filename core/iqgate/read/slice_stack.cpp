#include "iqgate/read/slice_stack.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <tuple>

#include "iqgate/base/sha256.hpp"

namespace iqgate::read {
namespace {

std::string hash_of(const float* pixels, std::size_t count) {
  return sha256_hex({reinterpret_cast<const char*>(pixels), count * sizeof(float)});
}

// Hashes of these slices, all of one file, by one decoding of it.
void hash_frames(const DicomFile& file, const Slices& slices, const std::vector<std::size_t>& members,
                 std::vector<std::string>& hashes) {
  const std::size_t pixels = file.rows * file.columns;
  std::vector<float> values(file.random_access() ? pixels : pixels * file.frames.size());
  if (!file.random_access()) decode_frames(file, 0, file.frames.size(), values.data());
  for (const std::size_t k : members) {
    const std::size_t frame = slices[k].frame;
    if (file.random_access()) decode_frames(file, frame, 1, values.data());
    hashes[k] = hash_of(values.data() + (file.random_access() ? 0 : frame * pixels), pixels);
  }
}

}  // namespace

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
  using Instance = std::pair<std::string, std::size_t>;
  std::map<Instance, std::vector<std::size_t>> instances;
  for (std::size_t k = 0; k < slices.size(); ++k)
    if (!slices[k].file->instance_uid.empty()) instances[{slices[k].file->instance_uid, slices[k].frame}].push_back(k);
  std::map<const DicomFile*, std::vector<std::size_t>> claimed_twice;
  for (const auto& [instance, members] : instances)
    if (members.size() > 1)
      for (const std::size_t k : members) claimed_twice[slices[k].file.get()].push_back(k);
  std::vector<std::string> hashes(slices.size());
  for (const auto& [file, members] : claimed_twice) hash_frames(*file, slices, members, hashes);

  std::set<std::tuple<std::string, std::size_t, std::string>> kept;
  Slices unique;
  for (std::size_t k = 0; k < slices.size(); ++k) {
    const bool copy =
        !hashes[k].empty() && !kept.emplace(slices[k].file->instance_uid, slices[k].frame, hashes[k]).second;
    if (!copy) unique.push_back(slices[k]);
  }
  const bool dropped = unique.size() != slices.size();
  slices = std::move(unique);
  return dropped;
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
