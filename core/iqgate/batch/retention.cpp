#include "iqgate/batch/retention.hpp"

#include <filesystem>

#include "iqgate/base/utc_time.hpp"
#include "iqgate/batch/batch.hpp"

namespace iqgate::batch {

std::size_t give_up_old_files(store::Store& store, const std::string& results_folder, double keep_days,
                              const std::string& now) {
  std::vector<std::pair<std::string, std::vector<std::string>>> old;
  const auto today = utc_seconds(now);
  store.each("", [&](const store::Entry& e) {
    const auto settled = utc_seconds(e.settled_utc);
    if (e.outcome.state != store::State::done || !settled || !today || double(*today - *settled) < keep_days * 86400)
      return;
    std::vector<std::string> names;
    for (const auto& [name, digest] : e.outcome.files)
      if (name != "result.json" && name != "comparison.json") names.push_back(name);
    if (!names.empty()) old.emplace_back(e.scan.key, std::move(names));
  });
  for (const auto& [key, names] : old) {
    // The row first: a file that is left over does no harm, one that is missed without a word does.
    store.forget_files(key, names);
    for (const std::string& name : names) {
      std::error_code error;
      std::filesystem::remove(result_folder(results_folder, key) + "/" + name, error);
    }
  }
  return old.size();
}

}  // namespace iqgate::batch
