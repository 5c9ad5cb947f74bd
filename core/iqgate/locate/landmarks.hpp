#pragma once
// H5: the pose from the phantom's own inserts: their axes and ends, to a fraction of a voxel.
#include "iqgate/base/placement.hpp"
#include "iqgate/base/scan.hpp"
#include "iqgate/phantom/model.hpp"

namespace iqgate::locate {

/// Moves a placement that is right to about 3 mm onto the rods and the long faces of boxes of the model (marks.hpp):
/// each piece of a rod gives the shift of its axis (least squares of a blurred disc on a sloping background), each end
/// that is seen the place along the axis (half level), each piece of a face the shift along its normal. The pose is
/// their weighted robust fit; the body's centre and axis enter with their own errors. Sets the standard errors, and per
/// part of the phantom the turn that its rods show beyond the whole. Returns how many marks took part.
int refine_on_landmarks(const Scan& scan, const phantom::Model& model, Placement& placement);

}  // namespace iqgate::locate
