#include "iqgate/pipeline/identify.hpp"

#include <algorithm>

#include "iqgate/base/error.hpp"
#include "iqgate/locate/body.hpp"
#include "iqgate/locate/roll.hpp"
#include "iqgate/pipeline/data_files.hpp"

namespace iqgate::pipeline {

bool made_for(const phantom::Model& model, const std::string& modality) {
  return modality.empty() ||
         std::find(model.modalities.begin(), model.modalities.end(), modality) != model.modalities.end();
}

std::vector<std::string> phantoms_that_fit(const Scan& scan) {
  std::vector<std::string> by_body, by_inserts;
  for (const std::string& name : shipped_phantoms()) {
    const phantom::Model model = phantom::read_model(find_phantom(name));
    if (model.body.kind == phantom::BodyKind::none || !made_for(model, scan.modality)) continue;
    try {
      Placement placement = locate::locate_body(scan, model.body);
      locate::find_roll(scan, model, placement);
      const bool seen =
          std::find(placement.flags.begin(), placement.flags.end(), "roll_found") != placement.flags.end();
      (seen ? by_inserts : by_body).push_back(name);
    } catch (const InputError&) {  // this one is not it
    }
  }
  return by_inserts.empty() ? by_body : by_inserts;
}

phantom::Model identify_phantom(const Scan& scan) {
  const std::vector<std::string> accepted = phantoms_that_fit(scan);
  if (accepted.size() == 1) return phantom::read_model(find_phantom(accepted.front()));
  std::string list;
  for (const std::string& name : accepted) list += " " + name;
  throw InputError(
      accepted.empty() ? "phantom_not_found" : "phantom_ambiguous", "scan " + scan.id,
      accepted.empty() ? "no shipped phantom fits the body in the scan" : "several phantoms fit this body:" + list,
      "name it with --phantom");
}

}  // namespace iqgate::pipeline
