#pragma once
// Small sound inputs of each kind, to be spoilt: written by the project's own writers where there are such.
#include <string>
#include <vector>

namespace iqgate::test {

struct Seed {
  std::string door;  ///< which reader takes it
  std::string name;
  std::string suffix;  ///< of its file, where that is not the door's own
  std::string bytes;
};

/// The same bytes on every call. `data`: the folder of phantom, limits, plan and task files.
std::vector<Seed> good_seeds(const std::string& data);

}  // namespace iqgate::test
