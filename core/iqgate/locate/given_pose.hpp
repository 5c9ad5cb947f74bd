#pragma once
// A pose that was given by hand, looked at against the scan.
#include "iqgate/base/placement.hpp"
#include "iqgate/base/scan.hpp"
#include "iqgate/phantom/model.hpp"

namespace iqgate::locate {

/// Does a body of the model stand out, in one slice at least, from what is around it where the pose puts it? Medians of
/// voxels within 0.7 and between 1.15 and 1.5 of its radius; not asked where the scan shows no surroundings, or the
/// model has no body or no radius. Throws InputError phantom_not_found. (An empty CT of zeros would pass for water.)
void check_given_pose(const Scan& scan, const phantom::Model& model, const Placement& placement);

}  // namespace iqgate::locate
