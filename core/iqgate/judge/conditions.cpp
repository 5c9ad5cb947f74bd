// Were the site's scans taken as the profile demands?
#include "iqgate/base/text_number.hpp"
#include "iqgate/judge/compare.hpp"

namespace iqgate::judge {
namespace {

bool met(const Condition& condition, const std::string& found) {
  if (!condition.range) return condition.text == found;
  const auto value = number_from_text(found);
  return value && *value >= condition.range->low && *value <= condition.range->high;
}

std::string wanted(const Condition& condition) {
  if (!condition.range) return condition.text;
  const std::string low = json::number_text(condition.range->low), high = json::number_text(condition.range->high);
  return low == high ? low : low + " to " + high;
}

}  // namespace

std::vector<ConditionDifference> condition_differences(const Profile& profile, const std::vector<Record>& records) {
  std::vector<ConditionDifference> differences;
  for (const auto& [tag, condition] : profile.conditions)
    for (const Record& record : records) {
      const auto found = record.conditions.find(tag);
      if (found == record.conditions.end()) differences.push_back({tag, wanted(condition), "not told", record.source});
      else if (!met(condition, found->second))
        differences.push_back({tag, wanted(condition), found->second, record.source});
    }
  return differences;
}

}  // namespace iqgate::judge
