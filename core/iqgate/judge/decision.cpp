#include "iqgate/judge/decision.hpp"

#include <algorithm>
#include <array>
#include <numeric>

namespace iqgate::judge {

std::string_view word(GateWord w) { return w == GateWord::go ? "GO" : w == GateWord::no_go ? "NO-GO" : "INCONCLUSIVE"; }

GateDecision decide(const std::vector<GateEvidence>& gates, double alpha_go, double alpha_nogo) {
  GateDecision decision;
  if (gates.empty()) return decision;
  std::vector<std::size_t> order(gates.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return gates[a].p_inferior < gates[b].p_inferior; });
  for (std::size_t rank = 0; rank < order.size(); ++rank) {
    if (!(gates[order[rank]].p_inferior <= alpha_nogo / double(gates.size() - rank))) break;
    decision.inferior.push_back(order[rank]);
  }
  bool all_shown = true;
  for (std::size_t k = 0; k < gates.size(); ++k) {
    all_shown = all_shown && gates[k].go_allowed && gates[k].p_noninferior <= alpha_go;
    if (gates[k].p_noninferior > gates[decision.deciding].p_noninferior) decision.deciding = k;
  }
  if (!decision.inferior.empty()) {
    decision.word = GateWord::no_go;
    decision.deciding = decision.inferior.front();
  } else if (all_shown) {
    decision.word = GateWord::go;
  }
  return decision;
}

}  // namespace iqgate::judge
