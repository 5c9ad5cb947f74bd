#include "support/batch_world.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <sstream>

#include "iqgate/base/sha256.hpp"
#include "iqgate/report/volume_writer.hpp"

namespace iqgate::test {
namespace fs = std::filesystem;

void write_small_scan(const std::string& folder, std::uint64_t seed, const std::map<std::string, std::string>& tags) {
  compute::RenderJob job;
  job.grid = centred_grid({64, 64, 4}, {4, 4, 5});
  job.noise = {.kind = compute::NoiseKind::white, .sd = 5, .seed = seed};
  std::map<std::string, std::string> all{{"KVP", "120"}, {"ConvolutionKernel", "DIGITAL"}};
  for (const auto& [key, value] : tags) all[key] = value;
  report::write_volume(ct_scan(shipped("water_cylinder"), job), report::VolumeFormat::dicom, folder, "slice",
                       {.uid_seed = "small scan " + std::to_string(seed), .tags = all});
}

Child::Child(const std::string& arguments, const std::string& out, const std::vector<std::string>& environment) {
  std::istringstream words(arguments);
  std::vector<std::string> list{IQGATE_PROGRAM};
  list.insert(list.end(), std::istream_iterator<std::string>(words), {});
  pid_ = ::fork();
  if (pid_ != 0) return;
  const int fd = ::open(out.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644), null = ::open("/dev/null", O_WRONLY);
  ::dup2(fd, STDOUT_FILENO), ::dup2(null, STDERR_FILENO);
  ::setenv("IQGATE_CUDA_LIBRARY", "/nonexistent", 1);
  for (const std::string& variable : environment) ::putenv(const_cast<char*>(variable.c_str()));
  std::vector<char*> argv;
  for (std::string& word : list) argv.push_back(word.data());
  argv.push_back(nullptr);
  ::execv(argv[0], argv.data());
  ::_exit(127);
}

Child::~Child() {
  if (!ended()) signal(SIGKILL), wait();
}

void Child::signal(int number) const {
  if (pid_ > 0) ::kill(pid_, number);
}

int Child::wait() {
  int status = 0;
  if (code_ < 0 && ::waitpid(pid_, &status, 0) == pid_)
    code_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return code_;
}

bool Child::ended() {
  int status = 0;
  if (code_ < 0 && ::waitpid(pid_, &status, WNOHANG) == pid_)
    code_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return code_ >= 0;
}

void BatchWorld::scans(std::size_t count, std::uint64_t first_seed) {
  for (std::size_t k = 0; k < count; ++k)
    write_small_scan(in() + "/scan_" + std::to_string(first_seed + k), first_seed + k);
}

std::string BatchWorld::command(const std::string& more, const std::string& to) const {
  return "batch " + in() + " --store " + (to.empty() ? store() : to) +
         " --phantom water_cylinder --metric roi_mean --limits ct_water_generic " + more;
}

Ran BatchWorld::batch(const std::string& more, const std::string& environment) const {
  return run_program(command(more), environment);
}

json::Value BatchWorld::summary_of(const Ran& ran) {
  const std::size_t end = ran.out.find_last_not_of('\n'), start = ran.out.rfind('\n', end);
  const json::Value v =
      json::parse(ran.out.substr(start == std::string::npos ? 0 : start + 1), "stdout", ErrorKind::input);
  EXPECT_EQ(json::text_at(&v, "schema"), "iqgate.batch/1");
  return v;
}

double BatchWorld::number(const json::Value& summary, const std::string& part, const std::string& word) {
  return json::number_at(summary.find(part), word).value_or(-1);
}

std::map<std::string, std::string> results_of(const std::string& store) {
  std::map<std::string, std::string> results;
  if (!fs::exists(store + "/results")) return results;
  for (const auto& entry : fs::recursive_directory_iterator(store + "/results")) {
    if (entry.path().filename() != "result.json") continue;
    std::string text = bytes_of(entry.path().string());
    const std::size_t clock = text.find("\"created_utc\"");
    text.erase(clock, text.find('\n', clock) - clock);
    EXPECT_TRUE(results.emplace(entry.path().parent_path().filename().string(), text).second);
  }
  return results;
}

std::string fingerprint(const std::string& folder) {
  std::vector<std::string> lines;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    struct stat info {};
    ::stat(entry.path().c_str(), &info);
    lines.push_back(entry.path().string() + " " + std::to_string(info.st_mtim.tv_sec) + "." +
                    std::to_string(info.st_mtim.tv_nsec) + " " + std::to_string(info.st_uid) + " " +
                    (entry.is_regular_file() ? sha256_file(entry.path().string()) : ""));
  }
  std::sort(lines.begin(), lines.end());
  std::string all;
  for (const std::string& line : lines) all += line + "\n";
  return all;
}

namespace {

// State and parent (fields 3 and 4 of a process's stat, after the name in brackets); empty where there is none.
std::pair<std::string, pid_t> state_and_parent(pid_t pid) {
  std::ifstream stream("/proc/" + std::to_string(pid) + "/stat");
  std::string line;
  std::getline(stream, line);
  std::istringstream rest(line.substr(std::min(line.size(), line.rfind(')') + 1)));
  std::pair<std::string, pid_t> result{"", 0};
  rest >> result.first >> result.second;
  return result;
}

}  // namespace

std::vector<pid_t> children_of(pid_t parent) {
  std::vector<pid_t> found;
  for (const auto& entry : fs::directory_iterator("/proc")) {
    const std::string name = entry.path().filename().string();
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    const pid_t pid = static_cast<pid_t>(std::stol(name));
    if (state_and_parent(pid).second == parent) found.push_back(pid);
  }
  return found;
}

bool is_gone(pid_t pid) {
  const std::string state = state_and_parent(pid).first;
  return state.empty() || state == "Z" || state == "X";
}

}  // namespace iqgate::test
