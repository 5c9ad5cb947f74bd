#include "iqgate/base/atomic_file.hpp"

#include <fcntl.h>
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
  const std::string folder = std::filesystem::path(path).parent_path().string();
  sync_path(folder.empty() ? "." : folder, O_RDONLY | O_DIRECTORY);
}

void write_file_atomically(const std::string& path, std::string_view bytes) {
  write_atomically(path, [&](const std::string& temporary) {
    const int fd = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0) fail(path, "create");
    std::size_t done = 0;
    while (done < bytes.size()) {
      const ssize_t n = ::write(fd, bytes.data() + done, bytes.size() - done);
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) {
        const int saved = errno;
        ::close(fd);
        errno = saved;
        fail(path, "write");
      }
      done += static_cast<std::size_t>(n);
    }
    if (::close(fd) != 0) fail(path, "close");
  });
}

void make_folder(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error || !std::filesystem::is_directory(path))
    throw OutputError("cannot_write", path, "the folder cannot be made: " + (error ? error.message() : "not a folder"),
                      "choose another folder with -o");
}

}  // namespace iqgate
