#pragma once
#include <string>
#include <vector>

namespace iqgate::report {

struct Verified {
  std::string kind;                 ///< decision log, result, dossier
  std::string what;                 ///< what was checked
  std::vector<std::string> faults;  ///< empty: unchanged
};

/// A decision log (a file), a result folder or a dossier folder. `log`: the log that a dossier speaks of; empty: the
/// dossier's chain head is not checked against one. Throws InputError where the path is none of these.
Verified verify(const std::string& path, const std::string& log);

}  // namespace iqgate::report
