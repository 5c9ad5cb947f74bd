#pragma once
// The comparison in plain words, for readers who are not physicists.
#include <string>

#include "iqgate/judge/compare.hpp"

namespace iqgate::report {

/// What the overall verdict means.
std::string overall_words(const judge::Comparison& comparison);
/// Why one metric decides, or is not met.
std::string metric_words(const judge::MetricVerdict& verdict, double alpha_go);
/// How many scans would settle it; empty where that was not worked out.
std::string scans_words(const judge::Comparison& comparison, std::size_t planned);

}  // namespace iqgate::report
