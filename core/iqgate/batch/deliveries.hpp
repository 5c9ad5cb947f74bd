#pragma once
// A folder that is written to while we look: what in it has come to rest. Lists and never opens.
#include <chrono>
#include <map>
#include <string>
#include <vector>

namespace iqgate::batch {

/// A delivery: one entry of the watched folder with all below it; the folder's own files together are one, too.
struct Delivery {
  std::string name;                ///< empty: the folder's own files
  std::vector<std::string> paths;  ///< to be looked at
};

class Deliveries {
 public:
  using Clock = std::chrono::steady_clock;
  /// At rest: unchanged (names, sizes, times) for so long, as seen from here; or a file named `marker` lies in
  /// it that is as new as any other there.
  Deliveries(std::string root, double quiet_s, std::string marker);
  ~Deliveries();
  Deliveries(const Deliveries&) = delete;
  Deliveries& operator=(const Deliveries&) = delete;

  /// Looks at the folder now; the deliveries at rest that were not settled as they are.
  std::vector<Delivery> at_rest(Clock::time_point now);
  /// This delivery, as it was at the last look, is dealt with.
  void settled(const Delivery& delivery);
  /// Something is there that is not settled yet.
  bool pending() const;
  /// Readable when the folder changes; on network shares it may never be. -1 where the system gives none.
  int change_fd() const { return inotify_; }
  /// Empties it.
  void take_changes() const;

 private:
  struct Seen {
    std::string signature, settled;
    Clock::time_point since;
    bool marked = false;
    std::vector<std::string> paths;
  };
  void look(Clock::time_point now);

  std::string root_, marker_;
  std::chrono::duration<double> quiet_;
  int inotify_ = -1;
  std::map<std::string, Seen> seen_;
};

}  // namespace iqgate::batch
