#include "iqgate/batch/retention.hpp"

#include <filesystem>

#include "iqgate/base/utc_time.hpp"
#include "iqgate/batch/batch.hpp"

namespace iqgate::batch {

std::size_t give_up_old_files(store::Store& store, const std::string& results_folder, double keep_days,
                              const std::string& now) {
  std::vector<store::Entry> old;
  const auto today = utc_seconds(now);
  store.each("", [&](const store::Entry& e) {
    const auto settled = utc_seconds(e.settled_utc);
    if (e.outcome.state == store::State::done && settled && today && double(*today - *settled) >= keep_days * 86400)
      old.push_back(e);
  });
  for (const store::Entry& e : old) {
    std::vector<std::string> names;
    for (const auto& [name, digest] : e.outcome.files)
      if (name != "result.json" && name != "comparison.json") names.push_back(name);
    // The row first: a file that is missed without a word does harm, one that is left over goes the next time.
    if (!names.empty()) store.forget_files(e, names);
    for (const char* name : {"result.h5", "measurements.csv", "curves.csv", "report.html"}) {
      std::error_code error;
      std::filesystem::remove(result_folder(results_folder, e.scan.key) + "/" + name, error);
    }
  }
  return old.size();
}

}  // namespace iqgate::batch
