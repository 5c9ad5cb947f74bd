#pragma once
// A14: fits of relaxation curves. Everything but the time constant enters linearly: it is searched for alone.
#include <optional>
#include <vector>

namespace iqgate::measure {

struct DecayFit {
  double time_ms = 0;   ///< T1 or T2
  double a = 0, b = 0;  ///< see the models
  double se_ms = 0;     ///< of the time constant, from what the fit leaves (as many degrees of freedom as it has)
};

/// |a - b exp(-TI / T1)|: inversion recovery in magnitude. The signs of the earliest points are tried: none, one,
/// two... of them negative; the best fit is taken. Needs four points; none where the best T1 lies at the ends of 1 to
/// 20000 ms.
std::optional<DecayFit> fit_inversion_recovery(const std::vector<double>& ti_ms, const std::vector<double>& signal);

/// a - b exp(-t / T1): saturation recovery over the repetition time, signed or magnitude without a null.
std::optional<DecayFit> fit_saturation_recovery(const std::vector<double>& tr_ms, const std::vector<double>& signal);

/// a exp(-TE / T2); `offset`: plus b (a floor of noise or of slow signal). Needs three points, four with the offset.
std::optional<DecayFit> fit_echo_decay(const std::vector<double>& te_ms, const std::vector<double>& signal,
                                       bool offset);

}  // namespace iqgate::measure
