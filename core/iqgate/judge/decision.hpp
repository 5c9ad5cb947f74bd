#pragma once
// GO, NO-GO or INCONCLUSIVE from the gate metrics' probabilities.
#include <string_view>
#include <vector>

#include <cstddef>

namespace iqgate::judge {

enum class GateWord { go, no_go, inconclusive };
std::string_view word(GateWord w);

/// What one gate metric brings. A metric without evidence has p = 1 on both sides.
struct GateEvidence {
  bool go_allowed = false;  ///< assessable, with enough scans
  double p_noninferior = 1, p_inferior = 1;
};

struct GateDecision {
  GateWord word = GateWord::inconclusive;
  std::vector<std::size_t> inferior;  ///< the metrics that Holm rejects, smallest p first
  std::size_t deciding = 0;           ///< the metric with the largest p_noninferior
};

/// NO-GO iff Holm's procedure at the family-wise alpha_nogo rejects one of the hypotheses "not inferior" (all gate
/// metrics count, those without evidence too). GO iff every metric is shown to be noninferior, each at the full
/// alpha_go: an intersection-union test, whose level holds at any correlation. Else, and without any gate,
/// INCONCLUSIVE.
GateDecision decide(const std::vector<GateEvidence>& gates, double alpha_go, double alpha_nogo);

}  // namespace iqgate::judge
