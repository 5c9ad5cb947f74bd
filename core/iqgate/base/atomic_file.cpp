#include "iqgate/base/atomic_file.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include "iqgate/base/error.hpp"

namespace iqgate {
namespace {

[[noreturn]] void fail(const std::string& path, const char* step) {
  throw OutputError("cannot_write", path, std::string(step) + " failed: " + std::strerror(errno),
                    "check free space and permission");
}

void sync_path(const std::string& path, int flags) {
  const int fd = ::open(path.c_str(), flags | O_CLOEXEC);
  if (fd < 0) fail(path, "open for sync");
  const int result = ::fsync(fd);
  const int saved = errno;
  ::close(fd);
  errno = saved;
  if (result != 0 && errno != EINVAL && errno != EROFS) fail(path, "fsync");
}

void sync_folder_of(const std::string& path) {
  const std::string folder = std::filesystem::path(path).parent_path().string();
  sync_path(folder.empty() ? "." : folder, O_RDONLY | O_DIRECTORY);
}

struct Descriptor {
  explicit Descriptor(int opened) : fd(opened) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd >= 0) ::close(fd);
  }
  int fd;
};

void write_all(int fd, std::string_view bytes, const std::string& path) {
  for (std::size_t done = 0; done < bytes.size();) {
    const ssize_t n = ::write(fd, bytes.data() + done, bytes.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) fail(path, "write");
    done += static_cast<std::size_t>(n);
  }
}

}  // namespace

void write_atomically(const std::string& path, const std::function<void(const std::string&)>& fill) {
  const std::string temporary = path + ".tmp." + std::to_string(::getpid());
  try {
    fill(temporary);
    sync_path(temporary, O_RDONLY);
    if (std::rename(temporary.c_str(), path.c_str()) != 0) fail(path, "rename");
  } catch (...) {
    std::remove(temporary.c_str());
    throw;
  }
  sync_folder_of(path);
}

void write_file_atomically(const std::string& path, std::string_view bytes) {
  write_atomically(path, [&](const std::string& temporary) {
    const Descriptor file(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
    if (file.fd < 0) fail(path, "create");
    write_all(file.fd, bytes, path);
  });
}

void append_line(const std::string& path, const std::function<std::string(const std::string&)>& line_for) {
  const Descriptor file(::open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
  if (file.fd < 0) fail(path, "open");
  if (::flock(file.fd, LOCK_EX) != 0) fail(path, "lock");
  std::string present;
  char piece[65536];
  for (ssize_t n; (n = ::read(file.fd, piece, sizeof piece)) != 0;) {
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail(path, "read");
    present.append(piece, static_cast<std::size_t>(n));
  }
  write_all(file.fd, line_for(present) + "\n", path);
  if (::fsync(file.fd) != 0) fail(path, "fsync");
  if (present.empty()) sync_folder_of(path);
}

void place_folder(const std::string& finished, const std::string& place) {
  std::error_code error;
  sync_path(finished, O_RDONLY | O_DIRECTORY);
  if (std::filesystem::exists(place, error)) {
    const std::string old = finished + ".old";
    if (std::rename(place.c_str(), old.c_str()) != 0) fail(place, "rename");
    std::filesystem::remove_all(old, error);
  }
  if (std::rename(finished.c_str(), place.c_str()) != 0) fail(place, "rename");
  sync_folder_of(place);
}

void make_folder(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error || !std::filesystem::is_directory(path))
    throw OutputError("cannot_write", path, "the folder cannot be made: " + (error ? error.message() : "not a folder"),
                      "choose another folder with -o");
}

}  // namespace iqgate
