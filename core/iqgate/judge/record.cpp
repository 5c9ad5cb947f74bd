#include "iqgate/judge/record.hpp"

namespace iqgate::judge {

const Measurement* Record::find(std::string_view name, std::string_view variant, std::string_view where) const {
  for (const Measurement& m : measurements)
    if (m.name == name && m.variant == variant && m.where == where) return &m;
  return nullptr;
}

}  // namespace iqgate::judge
