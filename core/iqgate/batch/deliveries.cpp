#include "iqgate/batch/deliveries.hpp"

#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "iqgate/base/sha256.hpp"

namespace iqgate::batch {
namespace {
namespace fs = std::filesystem;

std::string entry_text(const std::string& path) {
  struct stat info {};
  if (::lstat(path.c_str(), &info) != 0) return path + "|gone\n";
  return path + "|" + std::to_string(info.st_size) + "|" + std::to_string(info.st_mtim.tv_sec) + "." +
         std::to_string(info.st_mtim.tv_nsec) + "|" + std::to_string(info.st_ino) + "\n";
}

// Everything below, as one text; what cannot be listed now will be at another look.
std::string tree_text(const std::string& folder) {
  std::vector<std::string> lines;
  std::error_code error;
  const auto options = fs::directory_options::skip_permission_denied;
  for (fs::recursive_directory_iterator walk(folder, options, error); !error && walk != fs::end(walk);
       walk.increment(error))
    lines.push_back(entry_text(walk->path().string()));
  std::sort(lines.begin(), lines.end());
  std::string text = error ? "not wholly listed\n" : "";
  for (const std::string& line : lines) text += line;
  return text;
}

fs::file_time_type written(const std::string& path) {
  std::error_code error;
  const auto time = fs::last_write_time(path, error);
  return error ? fs::file_time_type::min() : time;
}

fs::file_time_type newest_below(const std::string& folder) {
  fs::file_time_type newest = fs::file_time_type::min();
  std::error_code error;
  const auto options = fs::directory_options::skip_permission_denied;
  for (fs::recursive_directory_iterator walk(folder, options, error); !error && walk != fs::end(walk);
       walk.increment(error))
    if (walk->is_regular_file(error)) newest = std::max(newest, written(walk->path().string()));
  return newest;
}

// A marker speaks for what was there when it was written: later files wait for their own rest.
bool is_newest(const std::string& marker, fs::file_time_type newest) {
  std::error_code error;
  return fs::exists(marker, error) && written(marker) >= newest;
}

}  // namespace

Deliveries::Deliveries(std::string root, double quiet_s, std::string marker)
    : root_(std::move(root)),
      marker_(std::move(marker)),
      quiet_(quiet_s),
      inotify_(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK)) {}

Deliveries::~Deliveries() {
  if (inotify_ >= 0) ::close(inotify_);
}

void Deliveries::look(Clock::time_point now) {
  constexpr std::uint32_t changes = IN_CREATE | IN_CLOSE_WRITE | IN_MOVED_TO;
  std::map<std::string, Seen> there;
  std::string own;
  std::error_code error;
  if (inotify_ >= 0) ::inotify_add_watch(inotify_, root_.c_str(), changes);
  for (fs::directory_iterator entry(root_, error); !error && entry != fs::end(entry); entry.increment(error)) {
    const std::string path = entry->path().string(), name = entry->path().filename().string();
    if (name.empty() || name[0] == '.') continue;
    if (entry->is_directory(error) && !entry->is_symlink(error)) {
      Seen& delivery = there[name];
      delivery.signature = sha256_hex(tree_text(path));
      delivery.marked = !marker_.empty() && is_newest(path + "/" + marker_, newest_below(path));
      delivery.paths = {path};
      if (inotify_ >= 0) ::inotify_add_watch(inotify_, path.c_str(), changes);
    } else if (name != marker_) {
      there[""].paths.push_back(path);
    }
  }
  if (const auto loose = there.find(""); loose != there.end()) {
    std::sort(loose->second.paths.begin(), loose->second.paths.end());
    fs::file_time_type newest = fs::file_time_type::min();
    for (const std::string& path : loose->second.paths)
      own += entry_text(path), newest = std::max(newest, written(path));
    loose->second.marked = !marker_.empty() && is_newest(root_ + "/" + marker_, newest);
    loose->second.signature = sha256_hex(own);
    if (loose->second.paths.empty()) there.erase(loose);
  }
  for (auto& [name, delivery] : there) {
    const auto before = seen_.find(name);
    const bool same = before != seen_.end() && before->second.signature == delivery.signature;
    delivery.since = same ? before->second.since : now;
    if (before != seen_.end()) delivery.settled = before->second.settled;
  }
  seen_ = std::move(there);
}

std::vector<Delivery> Deliveries::at_rest(Clock::time_point now) {
  look(now);
  std::vector<Delivery> ready;
  for (const auto& [name, delivery] : seen_)
    if (delivery.settled != delivery.signature && (delivery.marked || now - delivery.since >= quiet_))
      ready.push_back({name, delivery.paths});
  return ready;
}

void Deliveries::settled(const Delivery& delivery) {
  if (const auto found = seen_.find(delivery.name); found != seen_.end())
    found->second.settled = found->second.signature;
}

bool Deliveries::pending() const {
  return std::any_of(seen_.begin(), seen_.end(),
                     [](const auto& entry) { return entry.second.settled != entry.second.signature; });
}

void Deliveries::take_changes() const {
  char events[4096];
  while (inotify_ >= 0 && ::read(inotify_, events, sizeof events) > 0) {
  }
}

}  // namespace iqgate::batch
