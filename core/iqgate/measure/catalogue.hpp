#pragma once
#include "iqgate/measure/metric.hpp"

namespace iqgate::measure {

/// Every metric, in report order. One explicit list: no self-registration.
const std::vector<Metric>& catalogue();

/// The family that has this id or produces this output, or nullptr.
const Metric* find_metric(const std::string& name);

/// Throws UsageError naming `who` asked for it when there is none.
void require_metric(const std::string& name, const std::string& who);

/// True if the family of this id lists the output.
bool gives(const std::string& family, const std::string& output);

/// Runs the catalogue over the job's regions. `wanted` (ids or output names) narrows it; empty: all that apply.
/// Throws UsageError for a name that the catalogue does not have.
Results measure_all(const Job& job, const std::vector<std::string>& wanted);

}  // namespace iqgate::measure
