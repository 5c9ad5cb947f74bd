#include "iqgate/base/result.hpp"

#include <algorithm>
#include <array>

namespace iqgate {

const Unit* find_unit(std::string_view name) {
  static constexpr std::array<Unit, 27> units{{{"1", "1", "no units"},
                                               {"%", "%", "%"},
                                               {"mm", "mm", "mm"},
                                               {"mm2", "mm2", "mm2"},
                                               {"mm3", "mm3", "mm3"},
                                               {"1/mm", "mm-1", "1/mm"},
                                               {"1/mm2", "mm-2", "1/mm2"},
                                               {"1/cm", "cm-1", "1/cm"},
                                               {"HU", "[hnsf'U]", "Hounsfield unit"},
                                               {"HU2", "[hnsf'U]2", "HU2"},
                                               {"HU2 mm", "[hnsf'U]2.mm", "HU2 mm"},
                                               {"HU2 mm2", "[hnsf'U]2.mm2", "HU2 mm2"},
                                               {"HU2 mm3", "[hnsf'U]2.mm3", "HU2 mm3"},
                                               {"1/HU", "[hnsf'U]-1", "1/HU"},
                                               {"1/(cm HU)", "cm-1.[hnsf'U]-1", "1/(cm HU)"},
                                               {"Bq/mL", "Bq/ml", "Bq/ml"},
                                               {"Bq2/mL2", "Bq2/ml2", "Bq2/ml2"},
                                               {"(Bq/mL)2 mm2", "Bq2.ml-2.mm2", "(Bq/ml)2 mm2"},
                                               {"(Bq/mL)2 mm3", "Bq2.ml-2.mm3", "(Bq/ml)2 mm3"},
                                               {"s", "s", "s"},
                                               {"ms", "ms", "ms"},
                                               {"Hz", "Hz", "Hz"},
                                               {"deg", "deg", "deg"},
                                               {"degC", "Cel", "C"},
                                               {"ppm", "[ppm]", "ppm"},
                                               {"dB", "dB", "dB"},
                                               {"px", "{pixels}", "pixels"}}};
  const auto found = std::find_if(units.begin(), units.end(), [&](const Unit& u) { return u.name == name; });
  return found == units.end() ? nullptr : &*found;
}

bool known_unit(std::string_view unit) { return find_unit(unit) != nullptr; }

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
