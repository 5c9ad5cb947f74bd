#pragma once
// Which shipped phantom lies in a scan, by its body and its inserts.
#include <string>
#include <vector>

#include "iqgate/base/scan.hpp"
#include "iqgate/phantom/model.hpp"

namespace iqgate::pipeline {

/// The phantom is made for this modality (an unknown modality fits all).
bool made_for(const phantom::Model& model, const std::string& modality);

/// Names of the shipped phantoms whose body is found in the scan; those alone whose inserts show their values, where
/// there are such. One: a guess to rely on; several: their bodies are alike; none: not found.
std::vector<std::string> phantoms_that_fit(const Scan& scan);

/// The one phantom that fits. Throws InputError phantom_not_found or phantom_ambiguous.
phantom::Model identify_phantom(const Scan& scan);

}  // namespace iqgate::pipeline
