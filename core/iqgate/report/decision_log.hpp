#pragma once
// The decision log: one JSON line a decision, each holding the digest of the line before it. It only grows. A chain
// alone cannot tell that its tail was cut: its length and last digest stand in each dossier too.
#include <functional>
#include <optional>
#include <string>

#include "iqgate/base/json.hpp"

namespace iqgate::report {

struct LogState {
  std::size_t length = 0;
  std::string last_digest;  ///< 64 zeros of an empty log
};

/// What is wrong with the first bad line, counted from 1.
struct LogFault {
  std::size_t line = 0;
  std::string why;
};

struct CheckedLog {
  LogState state;  ///< up to the first bad line
  json::Array entries;
  std::optional<LogFault> fault;
};

/// Checks every line of a log's text. `expected`: the state that a dossier holds; a log that does not reach or pass
/// through it was cut or made anew.
CheckedLog check_log(const std::string& text, const std::optional<LogState>& expected = {});
CheckedLog read_log(const std::string& path, const std::optional<LogState>& expected = {});

/// Throws OutputError where the log has a fault.
void refuse_broken(const CheckedLog& log, const std::string& path);

/// Looks at this site (scanner) against this profile (its digest or its name: a change of the text is no fresh start),
/// counting the one that is about to be taken.
std::size_t next_look(const CheckedLog& log, const std::string& profile_digest, const std::string& profile_name,
                      const std::string& scanner);

/// Appends a decision; `fields` gives its own members, knowing the log as it is under its lock. Throws OutputError
/// where the log that stands there is broken.
LogState append_decision(const std::string& path, const std::string& at_utc,
                         const std::function<json::Object(const CheckedLog&)>& fields);

}  // namespace iqgate::report
