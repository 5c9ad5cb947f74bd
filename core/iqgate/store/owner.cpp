#include "iqgate/store/owner.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <iterator>
#include <sstream>
#include <vector>

namespace iqgate::store {
namespace {

std::string first_line(const std::string& path) {
  std::ifstream stream(path);
  std::string line;
  std::getline(stream, line);
  return line;
}

std::string this_host() {
  char name[256] = "";
  ::gethostname(name, sizeof name - 1);
  // Numbers of processes mean something within one namespace alone: containers of one host are hosts of their own.
  struct stat space {};
  ::stat("/proc/self/ns/pid", &space);
  return std::string(name) + "," + std::to_string(space.st_ino) + "|" + first_line("/proc/sys/kernel/random/boot_id");
}

// Ticks since boot at which a process began (field 22 of its stat, after the name in brackets); a zombie is dead.
std::string start_of(const std::string& pid) {
  const std::string stat = first_line("/proc/" + pid + "/stat");
  const std::size_t bracket = stat.rfind(')');
  if (bracket == std::string::npos) return {};
  std::istringstream stream(stat.substr(bracket + 1));
  const std::vector<std::string> fields{std::istream_iterator<std::string>(stream), {}};
  return fields.size() > 19 && fields[0] != "Z" && fields[0] != "X" ? fields[19] : "";
}

}  // namespace

std::string own_name() {
  const std::string pid = std::to_string(::getpid());
  return this_host() + "|" + pid + "|" + start_of(pid);
}

bool is_dead(const std::string& owner, std::int64_t lease_until, std::int64_t now) {
  const std::string host = this_host() + "|";
  if (owner.rfind(host, 0) != 0) return now > lease_until;
  const std::string rest = owner.substr(host.size());
  const std::size_t bar = rest.find('|');
  if (bar == std::string::npos) return true;
  return start_of(rest.substr(0, bar)) != rest.substr(bar + 1);
}

}  // namespace iqgate::store
