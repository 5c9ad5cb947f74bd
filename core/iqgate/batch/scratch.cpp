#include "iqgate/batch/scratch.hpp"

#include <ctime>
#include <filesystem>

#include "iqgate/base/atomic_file.hpp"
#include "iqgate/base/error.hpp"
#include "iqgate/base/file_bytes.hpp"
#include "iqgate/store/owner.hpp"

namespace iqgate::batch {
namespace {
namespace fs = std::filesystem;

// Of another machine's process nothing is known: its folder is left to it for a week.
constexpr std::int64_t foreign_lease_s = 7 * 86400;

void remove_orphans(const std::string& all) {
  std::error_code error;
  for (fs::directory_iterator entry(all, error); !error && entry != fs::end(entry); entry.increment(error)) {
    const fs::path owner = entry->path() / "owner";
    try {
      const std::string name = file_bytes(owner.string());
      const auto age = fs::file_time_type::clock::now() - fs::last_write_time(owner, error);
      const std::int64_t age_s = std::chrono::duration_cast<std::chrono::seconds>(age).count();
      if (store::is_dead(name, foreign_lease_s, age_s)) fs::remove_all(entry->path(), error);
    } catch (const InputError&) {  // made just now, or by a process that died before it signed: empty then
      fs::remove(entry->path(), error);
    }
  }
}

}  // namespace

Scratch::Scratch(const std::string& results_folder, const std::string& name)
    : path_(results_folder + "/scratch/" + name) {
  remove_orphans(results_folder + "/scratch");
  make_folder(path_);
  write_file_atomically(path_ + "/owner", store::own_name());
}

Scratch::~Scratch() {
  std::error_code error;
  fs::remove_all(path_, error);
}

}  // namespace iqgate::batch
