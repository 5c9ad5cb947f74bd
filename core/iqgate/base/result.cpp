#include "iqgate/base/result.hpp"

#include <algorithm>
#include <array>

namespace iqgate {

bool known_unit(std::string_view unit) {
  static constexpr std::array<std::string_view, 27> units{
      "mm",   "1/mm", "mm2", "mm3",       "HU",   "HU2 mm2", "HU2 mm3", "HU2",          "HU2 mm",
      "%",    "deg",  "s",   "Bq/mL",     "1",    "1/mm2",   "Bq2/mL2", "(Bq/mL)2 mm2", "(Bq/mL)2 mm3",
      "1/HU", "ppm",  "dB",  "1/(cm HU)", "1/cm", "px",      "Hz",      "ms",           "degC"};
  return std::find(units.begin(), units.end(), unit) != units.end();
}

void Results::add(Measurement m) {
  if (!known_unit(m.unit)) throw std::logic_error("unit \"" + m.unit + "\" of " + m.name + " is not in the table");
  if (!std::isfinite(m.value)) return skip(m.name, m.where, "the result is not a finite number");
  if (m.se && !std::isfinite(*m.se)) m.se.reset();
  if (m.se_localisation && !std::isfinite(*m.se_localisation)) m.se_localisation.reset();
  if (m.ci95 && !(std::isfinite(m.ci95->low) && std::isfinite(m.ci95->high))) m.ci95.reset();
  if (m.n_eff && !std::isfinite(*m.n_eff)) m.n_eff.reset();
  measurements.push_back(std::move(m));
}

void Results::skip(std::string name, std::string where, std::string reason) {
  not_measured.push_back({std::move(name), std::move(where), std::move(reason), {}});
}

const Measurement* Results::find(std::string_view name, std::string_view variant, std::string_view where) const {
  for (const Measurement& m : measurements)
    if (m.name == name && (variant.empty() || m.variant == variant) && (where.empty() || m.where == where)) return &m;
  return nullptr;
}

}  // namespace iqgate
