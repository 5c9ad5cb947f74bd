#include "iqgate/report/pdf.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>

#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <string_view>
#include <vector>

#include "iqgate/base/atomic_file.hpp"
#include "iqgate/base/error.hpp"
#include "iqgate/base/sha256.hpp"
#include "iqgate/base/utc_time.hpp"

extern char** environ;

namespace iqgate::report {
namespace {

// Runs a program without a shell, its words to nowhere; false where it is not there or fails.
bool run(const std::vector<std::string>& words, const std::string& epoch) {
  std::vector<char*> arguments;
  for (const std::string& w : words) arguments.push_back(const_cast<char*>(w.c_str()));
  arguments.push_back(nullptr);
  const std::string date = "SOURCE_DATE_EPOCH=" + epoch;
  std::vector<char*> environment{const_cast<char*>(date.c_str())};
  for (char** e = environ; *e; ++e)
    if (std::string_view(*e).rfind("SOURCE_DATE_EPOCH=", 0) != 0) environment.push_back(*e);
  environment.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
  pid_t pid = 0;
  const int started = posix_spawnp(&pid, arguments[0], &actions, nullptr, arguments.data(), environment.data());
  posix_spawn_file_actions_destroy(&actions);
  if (started != 0) return false;
  int status = 0;
  waitpid(pid, &status, 0);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

}  // namespace

std::string make_pdf(const std::string& html, const std::string& pdf, const std::string& created_utc) {
  std::string by;
  write_atomically(pdf, [&](const std::string& temporary) {
    const std::string epoch = std::to_string(utc_seconds(created_utc).value_or(0));
    const auto made = [&] {
      std::error_code error;
      return std::filesystem::file_size(temporary, error) > 0 && !error;
    };
    if (run({"weasyprint", "--pdf-identifier", sha256_file(html).substr(0, 32), html, temporary}, epoch) && made()) {
      by = "WeasyPrint";
      return;
    }
    const std::string page = "file://" + std::filesystem::absolute(html).string();
    for (const char* browser : {"chromium", "chromium-browser", "google-chrome"})
      if (run({browser, "--headless", "--disable-gpu", "--no-sandbox", "--no-pdf-header-footer",
               "--print-to-pdf=" + std::filesystem::absolute(temporary).string(), page},
              epoch) &&
          made()) {
        by = "Chromium";
        return;
      }
    throw OutputError("no_pdf", pdf, "neither WeasyPrint nor Chromium could print the page",
                      "install weasyprint, or print the HTML file from a browser");
  });
  return by;
}

}  // namespace iqgate::report
