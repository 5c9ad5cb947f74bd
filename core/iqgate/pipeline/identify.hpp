#pragma once
// Which shipped phantom lies in a scan, by its body and its inserts.
#include <string>
#include <vector>

#include "iqgate/base/placement.hpp"
#include "iqgate/base/scan.hpp"
#include "iqgate/phantom/model.hpp"

namespace iqgate::pipeline {

/// The phantom is made for this modality (an unknown modality fits all).
bool made_for(const phantom::Model& model, const std::string& modality);

/// A shipped phantom that could be located, and whether its inserts said so.
struct Candidate {
  phantom::Model model;
  Placement placement;
  bool by_inserts = false;
  bool pose_ambiguous = false;  ///< two of its poses fit alike: the placement is that of its body
};

/// The phantoms that the scan may hold: those whose inserts it shows and that no other one beats by a clear lead,
/// best first; where there is none, those whose body it shows.
std::vector<Candidate> phantoms_that_fit(const Scan& scan);

/// The one phantom that fits; its placement's runner-up counts the other phantoms too. Throws InputError
/// phantom_not_found or phantom_ambiguous.
Candidate identify_phantom(const Scan& scan);

}  // namespace iqgate::pipeline
