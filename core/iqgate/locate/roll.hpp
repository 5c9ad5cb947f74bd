#pragma once
#include "iqgate/base/placement.hpp"
#include "iqgate/base/scan.hpp"
#include "iqgate/phantom/model.hpp"

namespace iqgate::locate {

/// Turns a located body about its axis, and end for end where needed, so that the features of known value (`roi_mean`
/// in their nominal values, three or more) lie where the scan shows these values; adds the flag `roll_found`. A round
/// body tells neither, and a region named after a material would otherwise be measured in another. Models without such
/// features are left as they are. Throws InputError `roll_not_found` when no turn, or more than one, fits.
void find_roll(const Scan& scan, const phantom::Model& model, Placement& placement);

}  // namespace iqgate::locate
