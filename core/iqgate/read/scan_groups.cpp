#include "iqgate/read/scan_groups.hpp"

#include <algorithm>
#include <set>

#include "iqgate/base/text_number.hpp"

namespace iqgate::read {
namespace {

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
  return found == h.tags.end() ? 0 : number_from_text(found->second).value_or(0);
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

}  // namespace

void group_volumes(std::vector<ScanHeader>& headers, bool within_study) {
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
        if (headers[b].usable && !taken[b] && (!within_study || headers[a].study == headers[b].study) &&
            same_grid(headers[a].grid, headers[b].grid) && technique(headers[a], free) == technique(headers[b], free)) {
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

}  // namespace iqgate::read
