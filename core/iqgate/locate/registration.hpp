#pragma once
#include "iqgate/base/error.hpp"
#include "iqgate/base/placement.hpp"
#include "iqgate/base/scan.hpp"
#include "iqgate/locate/body.hpp"
#include "iqgate/phantom/model.hpp"

namespace iqgate::locate {

/// Two poses of the right phantom fit alike: what it scored counts against other phantoms all the same.
struct AmbiguousPose : InputError {
  AmbiguousPose(const InputError& error, double agreement) : InputError(error), score(agreement) {}
  double score;
};

/// Where the phantom lies, in six degrees of freedom: its body (H1, H2), then how its inserts lie around and along the
/// axis (H3, H4), then the pose on the inserts themselves (H5). A body without inserts, or one whose model has none,
/// keeps its turn by the patient's axes. Throws InputError: what locate_body throws; wrong_phantom when the
/// scan does not show the model's inserts; pose_ambiguous when two poses fit alike. Never a guess.
Placement locate_phantom(const Scan& scan, const phantom::Model& model, BodyFinder& bodies);
Placement locate_phantom(const Scan& scan, const phantom::Model& model);

}  // namespace iqgate::locate
