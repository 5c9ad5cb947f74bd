#pragma once
#include <string>

#include "iqgate/pipeline/job.hpp"

namespace iqgate::pipeline {

/// SHA-256 of all that decides a request's numbers and verdicts besides the scan and the program: phantom, limits,
/// regions, tasks, context (with its baseline) by the bytes of their files; settings by value. Paths do not count.
std::string configuration_digest(const Request& request);

}  // namespace iqgate::pipeline
