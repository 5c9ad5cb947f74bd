#pragma once
#include <string>

namespace iqgate::batch {

/// A folder for results on the way, named after this process and removed at the end; those of dead processes are
/// removed at the start.
class Scratch {
 public:
  explicit Scratch(const std::string& results_folder);
  ~Scratch();
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace iqgate::batch
