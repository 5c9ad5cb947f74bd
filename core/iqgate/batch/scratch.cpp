#include "iqgate/batch/scratch.hpp"

#include <chrono>
#include <filesystem>

#include "iqgate/base/atomic_file.hpp"
#include "iqgate/store/owner.hpp"

namespace iqgate::batch {
namespace {
namespace fs = std::filesystem;

// Of another machine's process nothing is known: its folder is left to it for a week.
constexpr std::int64_t foreign_lease_s = 7 * 86400;

void remove_orphans(const std::string& all) {
  std::error_code error;
  for (fs::directory_iterator entry(all, error); !error && entry != fs::end(entry); entry.increment(error)) {
    const auto age = fs::file_time_type::clock::now() - fs::last_write_time(entry->path(), error);
    const std::int64_t age_s = std::chrono::duration_cast<std::chrono::seconds>(age).count();
    if (store::is_dead(entry->path().filename().string(), foreign_lease_s, age_s)) fs::remove_all(entry->path(), error);
  }
}

}  // namespace

Scratch::Scratch(const std::string& results_folder) : path_(results_folder + "/scratch/" + store::own_name()) {
  remove_orphans(results_folder + "/scratch");
  make_folder(path_);
}

Scratch::~Scratch() {
  std::error_code error;
  fs::remove_all(path_, error);
}

}  // namespace iqgate::batch
