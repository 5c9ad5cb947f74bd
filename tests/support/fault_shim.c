// Preloaded into the program under test: makes the k-th call that changes a disk fail, or kills the process there.
//   IQGATE_FAULT_AT=k         which call (from 1); 0 or unset: none, calls are only counted
//   IQGATE_FAULT_KIND=kill|ENOSPC|EIO|EDQUOT|short
//   IQGATE_FAULT_EVER=1       every later call, too
//   IQGATE_FAULT_COUNT=FILE   the number of calls is written there at the end
// Worker processes of a batch are left alone.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static long calls = 0, fault_at = 0;
static int active = 0, ever = 0, kills = 0, cuts = 0, error_number = 0;

__attribute__((constructor)) static void begin(void) {
  char line[4096] = "";
  const int fd = (int)open("/proc/self/cmdline", O_RDONLY);
  const ssize_t n = read(fd, line, sizeof line - 1);
  close(fd);
  const char* verb = line + strlen(line) + 1;
  active = n > 0 && verb < line + n && strcmp(verb, "worker") != 0 && strstr(line, "iqgate") != NULL;
  const char* kind = getenv("IQGATE_FAULT_KIND");
  if (getenv("IQGATE_FAULT_AT")) fault_at = atol(getenv("IQGATE_FAULT_AT"));
  ever = getenv("IQGATE_FAULT_EVER") != NULL;
  if (!kind) kind = "";
  kills = strcmp(kind, "kill") == 0;
  cuts = strcmp(kind, "short") == 0;
  error_number = strcmp(kind, "EIO") == 0 ? EIO : strcmp(kind, "EDQUOT") == 0 ? EDQUOT : ENOSPC;
}

__attribute__((destructor)) static void end(void) {
  const char* file = getenv("IQGATE_FAULT_COUNT");
  if (!active || !file) return;
  active = 0;
  FILE* out = fopen(file, "w");
  if (out) fprintf(out, "%ld\n", calls), fclose(out);
}

static int faulty(void) {
  if (!active) return 0;
  ++calls;
  if (fault_at <= 0 || (calls != fault_at && !(ever && calls > fault_at))) return 0;
  if (kills) kill(getpid(), SIGKILL);
  errno = error_number;
  return 1;
}

#define REAL(name, returned, ...)                      \
  static returned (*real)(__VA_ARGS__);                \
  if (!real) real = (returned(*)(__VA_ARGS__))dlsym(RTLD_NEXT, name)

ssize_t write(int fd, const void* bytes, size_t count) {
  REAL("write", ssize_t, int, const void*, size_t);
  if (fd > 2 && faulty()) return cuts && count > 1 ? real(fd, bytes, count / 2) : -1;
  return real(fd, bytes, count);
}
ssize_t pwrite64(int fd, const void* bytes, size_t count, off64_t at) {
  REAL("pwrite64", ssize_t, int, const void*, size_t, off64_t);
  if (faulty()) return cuts && count > 1 ? real(fd, bytes, count / 2, at) : -1;
  return real(fd, bytes, count, at);
}
ssize_t pwrite(int fd, const void* bytes, size_t count, off_t at) { return pwrite64(fd, bytes, count, at); }
int fsync(int fd) {
  REAL("fsync", int, int);
  return faulty() ? -1 : real(fd);
}
int fdatasync(int fd) {
  REAL("fdatasync", int, int);
  return faulty() ? -1 : real(fd);
}
int rename(const char* from, const char* to) {
  REAL("rename", int, const char*, const char*);
  return faulty() ? -1 : real(from, to);
}
int mkdir(const char* path, mode_t mode) {
  REAL("mkdir", int, const char*, mode_t);
  return faulty() ? -1 : real(path, mode);
}
int ftruncate64(int fd, off64_t size) {
  REAL("ftruncate64", int, int, off64_t);
  return faulty() ? -1 : real(fd, size);
}
int unlink(const char* path) {
  REAL("unlink", int, const char*);
  return faulty() ? -1 : real(path);
}
static int opened(const char* name, const char* path, int flags, mode_t mode) {
  typedef int (*open_t)(const char*, int, ...);
  const open_t real = (open_t)dlsym(RTLD_NEXT, name);
  if ((flags & O_CREAT) && faulty()) return -1;
  return real(path, flags, mode);
}
int open(const char* path, int flags, ...) {
  va_list list;
  va_start(list, flags);
  const mode_t mode = flags & O_CREAT ? (mode_t)va_arg(list, int) : 0;
  va_end(list);
  return opened("open", path, flags, mode);
}
int open64(const char* path, int flags, ...) {
  va_list list;
  va_start(list, flags);
  const mode_t mode = flags & O_CREAT ? (mode_t)va_arg(list, int) : 0;
  va_end(list);
  return opened("open64", path, flags, mode);
}
