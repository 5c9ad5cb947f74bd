#pragma once
// What a request names besides scans: the context file and the limits.
#include <map>
#include <string>
#include <vector>

#include "iqgate/judge/limits.hpp"
#include "iqgate/measure/observer.hpp"
#include "iqgate/pipeline/job.hpp"

namespace iqgate::pipeline {

struct Context {
  std::map<std::string, std::string> texts;
  std::string baseline;  ///< a result.json, may be empty
};
/// Reads an iqgate.context/1 file (an empty path: nothing is known); throws UsageError naming file and key.
Context read_context(const std::string& path);

/// Tasks for detectability (iqgate.tasks/1); throws UsageError naming file and key.
std::vector<measure::Task> read_tasks(const std::string& name_or_path);

/// The limits that judge this phantom: those of the request, else the phantom's own, narrowed to the wanted metrics.
/// Throws UsageError when there are none, or when they are made for another phantom.
std::vector<judge::LimitsFile> limits_for(const Request& request, const std::string& phantom,
                                          const std::string& default_limits);

}  // namespace iqgate::pipeline
