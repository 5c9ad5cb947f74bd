#pragma once
#include <string>
#include <vector>

#include "cli/options.hpp"

namespace iqgate::cli {

/// What the command line asks for: a verb (or `version`); empty: nothing is left to do, and the exit code says how it
/// went.
struct Command {
  std::string verb;
  int code = exit_ok;
};

/// The one place that knows every verb and option. Help and faults of use are printed here.
Command parse_command_line(const std::vector<std::string>& given, Options& options);

}  // namespace iqgate::cli
