#pragma once
// Series of values in time: what is left of them after a polynomial, and how sure a number made from that is.
#include <functional>
#include <vector>

#include "iqgate/measure/metric.hpp"

namespace iqgate::measure {

/// Equally spaced volumes of one scan, without the first ones (T1 equilibrium), an even number of them.
struct VolumeSeries {
  std::vector<const float*> frames;
  Size3 size;
  std::optional<double> interval_s;  ///< from volume to volume; absent where nothing tells it
  std::vector<std::string> flags;
  std::string reason;  ///< why there is none
  bool good() const { return reason.empty(); }
};
/// Of the job's repeats. Refused: fewer than `least` volumes, and times that show a gap or an uneven step.
VolumeSeries volume_series(const Job& job, std::size_t least);

/// The series less its polynomial in time; `polynomials` as compute::time_polynomials gives them.
std::vector<double> residuals(const std::vector<double>& series, const std::vector<double>& polynomials, int order);

/// Standard error by leaving out blocks of time, so that slow noise counts as such: `number` gets the weights (0 or 1)
/// of the times. As many degrees of freedom as blocks, less one.
struct JackknifeError {
  double se = 0, freedom = 0;
};
JackknifeError block_jackknife(std::size_t times, const std::function<double(const std::vector<char>& kept)>& number);

}  // namespace iqgate::measure
