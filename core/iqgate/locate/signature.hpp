#pragma once
// H3, H4: how a phantom's inserts lie around and along its axis, as the model draws it and as the scan shows it.
#include <string>
#include <vector>

#include "iqgate/base/placement.hpp"
#include "iqgate/base/scan.hpp"
#include "iqgate/locate/rings.hpp"
#include "iqgate/phantom/model.hpp"

namespace iqgate::locate {

/// One way to put the model on the located axis: turned by `roll_deg`, moved by `shift_mm` along it, end for end
/// (`over`), seen in a mirror (`mirrored`). `score`: correlation of what the model draws with what the scan shows.
struct Match {
  double score = -1, roll_deg = 0, shift_mm = 0;
  bool over = false, mirrored = false;
};

struct MatchResult {
  Match best;
  double runner_up = 0;           ///< the best score of a pose that is really another one
  double mirrored = 0;            ///< the best score of a mirrored phantom
  double least_part = 1;          ///< the same for the 10 mm of the model that are seen worst, of those that should
  bool place_along_axis = false;  ///< the score tells the place along the axis
};

/// Correlates model and scan on rings about the axis of `body`, over all turns, both ends first, mirrored or not, and
/// all places along the axis that the scan covers. Only what varies around a ring counts: round shells fit any turn.
/// Values count relative to the body and to its contrast against the surroundings, clipped at 30 % of that, so that
/// neither another scale nor one strong insert decides.
MatchResult match_signature(const Scan& scan, const phantom::Model& model, const Placement& body);

/// The placement with a match applied.
Placement apply(const Placement& body, const Match& match);

}  // namespace iqgate::locate
