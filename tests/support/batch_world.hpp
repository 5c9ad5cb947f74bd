#pragma once
// Small scans to run batches over, and the program as a child that can be killed.
#include <sys/types.h>

#include <map>
#include <string>
#include <vector>

#include "iqgate/base/json.hpp"
#include "support/support.hpp"

namespace iqgate::test {

/// Writes a water phantom (64 x 64 x 4 voxels of 4 x 4 x 5 mm, DICOM) whose noise is that of `seed`.
void write_small_scan(const std::string& folder, std::uint64_t seed,
                      const std::map<std::string, std::string>& tags = {});

/// The program with these arguments, in the background.
class Child {
 public:
  explicit Child(const std::string& arguments, const std::string& out = "/dev/null",
                 const std::vector<std::string>& environment = {});
  ~Child();
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  void signal(int number) const;
  /// Exit code, 128 + signal when killed.
  int wait();
  bool ended();
  pid_t pid() const { return pid_; }

 private:
  pid_t pid_ = -1;
  int code_ = -1;
};

/// A folder with scans, and a store beside it.
class BatchWorld : public ::testing::Test {
 protected:
  TemporaryFolder folder;
  std::string in() const { return folder.path("in"); }
  std::string store() const { return folder.path("store"); }
  void scans(std::size_t count, std::uint64_t first_seed = 1);
  /// `iqgate batch in --store store`, with the one metric that is quick.
  std::string command(const std::string& more = {}, const std::string& to = {}) const;
  Ran batch(const std::string& more = {}, const std::string& environment = {}) const;
  /// The last line of `batch --json`.
  static json::Value summary_of(const Ran& ran);
  static double number(const json::Value& summary, const std::string& part, const std::string& word);
};

/// result.json of every result below a store, without its clock: by key.
std::map<std::string, std::string> results_of(const std::string& store);
/// Names, sizes, times and bytes of everything below a folder.
std::string fingerprint(const std::string& folder);
std::vector<pid_t> children_of(pid_t parent);
/// True for a process that is dead, or a zombie.
bool is_gone(pid_t pid);

}  // namespace iqgate::test
