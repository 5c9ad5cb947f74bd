#include "iqgate/judge/record.hpp"

#include <algorithm>

#include "iqgate/base/error.hpp"

namespace iqgate::judge {

const Measurement* Record::find(std::string_view name, std::string_view variant, std::string_view where) const {
  for (const Measurement& m : measurements)
    if (m.name == name && m.variant == variant && m.where == where) return &m;
  return nullptr;
}

namespace {

[[noreturn]] void refuse(const Record& record, const std::string& why) {
  throw InputError("same_scan", record.source, why,
                   "give each scan once, and none of the reference among those of the site");
}

// Noise makes no number twice: when all that both measured agree to the last digit, it is one image.
bool same_numbers(const Record& a, const Record& b) {
  std::size_t shared = 0;
  for (const Measurement& m : a.measurements) {
    const Measurement* other = b.find(m.name, m.variant, m.where);
    if (!other || !m.se) continue;  // counts and settings may well agree
    if (other->value != m.value || other->se != m.se) return false;
    ++shared;
  }
  return shared >= 2;
}

}  // namespace

void refuse_same_scan(const std::map<std::string, std::string>& known, const std::vector<Record>& records) {
  std::map<std::string, std::pair<const Record*, std::string>> owner;
  for (const auto& [hash, whose] : known) owner.emplace(hash, std::pair{nullptr, whose});
  for (const Record& record : records) {
    if (record.inputs.empty()) refuse(record, "does not tell which files it was measured from");
    for (const std::string& hash : record.inputs) {
      const auto [found, fresh] = owner.emplace(hash, std::pair{&record, record.source});
      if (!fresh && found->second.first != &record) refuse(record, "holds the same scan as " + found->second.second);
    }
  }
  for (std::size_t a = 0; a < records.size(); ++a)
    for (std::size_t b = a + 1; b < records.size(); ++b) {
      if (same_numbers(records[a], records[b]))
        refuse(records[b], "has the same numbers, to the last digit, as " + records[a].source);
      if (records[a].timed && records[b].timed && records[a].taken == records[b].taken &&
          records[a].scanner == records[b].scanner)
        refuse(records[b], "was taken at the same second as " + records[a].source + ": one acquisition is one scan");
    }
}

std::optional<std::size_t> set_ups_of(const std::vector<Record>& records) {
  constexpr double apart_mm = 0.1;
  std::vector<Vec3> places;
  for (const Record& r : records) {
    if (!r.place_mm) return std::nullopt;
    if (std::none_of(places.begin(), places.end(), [&](Vec3 p) { return norm(p - *r.place_mm) < apart_mm; }))
      places.push_back(*r.place_mm);
  }
  return places.size();
}

}  // namespace iqgate::judge
