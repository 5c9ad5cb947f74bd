#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <new>

#include "cli/options.hpp"
#include "iqgate/base/error.hpp"
#include "iqgate/base/sha256.hpp"

namespace iqgate::cli {

Progress::Progress(const Options& options) : silent_(options.quiet), terminal_(isatty(STDERR_FILENO) != 0) {}

void Progress::step(const std::string& what) {
  if (silent_) return;
  if (terminal_) {
    std::fprintf(stderr, "\r\x1b[K%s...", what.c_str());
    open_ = true;
  } else {
    std::fprintf(stderr, "iqgate: %s\n", what.c_str());
  }
  std::fflush(stderr);
}

void Progress::done() {
  if (open_) std::fprintf(stderr, "\r\x1b[K");
  open_ = false;
}

bool colour_wanted(const Options& options) {
  const char* no_color = std::getenv("NO_COLOR");
  const char* term = std::getenv("TERM");
  return !options.no_color && !(no_color && *no_color) && isatty(STDOUT_FILENO) &&
         !(term && std::string(term) == "dumb");
}

std::uint64_t parse_bytes(const std::string& text) {
  std::size_t used = 0;
  double value = 0;
  try {
    value = std::stod(text, &used);
  } catch (const std::exception&) {
    used = 0;
  }
  const std::string unit = text.substr(used);
  const double factor = unit.empty() ? 1 : unit == "K" ? 1024. : unit == "M" ? 1048576. : unit == "G" ? 1073741824. : 0;
  if (used == 0 || factor == 0 || !(value > 0) || value * factor > 9e18)
    throw UsageError("bad_value", "--max-memory", "\"" + text + "\" is not a number of bytes", "write 512M or 8G");
  return static_cast<std::uint64_t>(value * factor);
}

std::vector<std::string> result_files(const std::vector<std::string>& paths) {
  namespace fs = std::filesystem;
  std::vector<std::string> files;
  for (const std::string& path : paths) {
    std::error_code error;
    if (fs::is_regular_file(path, error)) {
      files.push_back(path);
    } else if (fs::is_regular_file(path + "/result.json", error)) {
      files.push_back(path + "/result.json");
    } else {
      std::vector<std::string> within;
      const auto take = [&](const fs::path& folder) {
        if (fs::is_regular_file(folder / "result.json", error)) within.push_back((folder / "result.json").string());
      };
      const bool store = fs::is_regular_file(path + "/iqgate.sqlite", error);
      for (const auto& entry : fs::directory_iterator(store ? path + "/results" : path, error)) {
        take(entry.path());
        if (store)
          for (const auto& result : fs::directory_iterator(entry.path(), error)) take(result.path());
      }
      if (within.empty())
        throw InputError("not_a_result", path, "holds no result.json, nor do its folders",
                         "give folders that measure or check wrote with -o");
      std::sort(within.begin(), within.end());
      files.insert(files.end(), within.begin(), within.end());
    }
  }
  return files;
}

std::string result_name(const std::string& result_file) {
  return std::filesystem::absolute(result_file).parent_path().filename().string();
}

int worse(int a, int b) {
  for (const int code : {70, 5, 6, 4, 2, 3, 1})
    if (a == code || b == code) return code;
  return 0;
}

void hide_found_names(const Options& options, Error& error) {
  if (options.show_names) return;
  for (const std::string& path : options.paths) {
    const std::string below = path.empty() || path.back() == '/' ? path : path + "/";
    if (error.where.size() <= below.size() || error.where.compare(0, below.size(), below) != 0) continue;
    error.where = below + "... (file " + sha256_hex(error.where).substr(0, 8) + ")";
    error.advice += std::string(error.advice.empty() ? "" : "; ") + "--show-names tells which file it is";
  }
}

int exit_code_of(const std::exception& error) {
  if (const auto* e = dynamic_cast<const Error*>(&error)) switch (e->kind) {
      case ErrorKind::usage: return exit_usage;
      case ErrorKind::input: return exit_input;
      case ErrorKind::output: return exit_output;
      case ErrorKind::resource:
      case ErrorKind::device: return exit_resource;
    }
  return dynamic_cast<const std::bad_alloc*>(&error) ? exit_resource : exit_internal;
}

int report_error(const std::exception& error) {
  if (const auto* e = dynamic_cast<const Error*>(&error)) {
    std::fprintf(stderr, "iqgate: error [%s]: %s: %s\n", e->code.c_str(), e->where.c_str(), e->why.c_str());
    if (!e->advice.empty()) std::fprintf(stderr, "iqgate: what to do: %s\n", e->advice.c_str());
    return exit_code_of(error);
  }
  if (dynamic_cast<const std::bad_alloc*>(&error)) {
    std::fprintf(stderr,
                 "iqgate: error [no_memory]: memory: could not be had\niqgate: what to do: measure a smaller scan, or "
                 "on a larger machine\n");
    return exit_code_of(error);
  }
  std::fprintf(stderr,
               "iqgate: error [internal]: %s\niqgate: what to do: this is a fault of the program; please report it "
               "with the command\n",
               error.what());
  return exit_internal;
}

}  // namespace iqgate::cli
