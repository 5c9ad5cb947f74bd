#include "iqgate/batch/verify_store.hpp"

#include <filesystem>
#include <map>
#include <set>

#include "iqgate/base/sha256.hpp"
#include "iqgate/batch/batch.hpp"

namespace iqgate::batch {
namespace {
namespace fs = std::filesystem;

void check_result(const std::string& folder, const std::string& name, const std::map<std::string, std::string>& files,
                  std::vector<std::string>& faults) {
  std::error_code error;
  for (const auto& [file, digest] : files) {
    const std::string path = folder + "/" + file;
    if (!fs::is_regular_file(path, error)) faults.push_back(file + " of scan " + name + " is missing");
    else if (sha256_file(path) != digest) faults.push_back(file + " of scan " + name + " was changed");
  }
  for (fs::directory_iterator entry(folder, error); !error && entry != fs::end(entry); entry.increment(error))
    if (!files.count(entry->path().filename().string()))
      faults.push_back(entry->path().filename().string() + " of scan " + name + " was added");
}

}  // namespace

VerifiedStore verify_store(store::Store& store, const std::string& results_folder) {
  VerifiedStore v;
  v.faults = store.faults();
  std::set<std::string> known;
  std::vector<std::pair<std::string, std::map<std::string, std::string>>> done;  // first: no cursor waits for hashes
  store.each("", [&](const store::Entry& e) {
    const store::State state = e.outcome.state;
    // What is queued or running may have a folder from a run that was killed; it is replaced when the scan is measured.
    if (state == store::State::queued || state == store::State::running) known.insert(e.scan.key);
    if (state == store::State::done) known.insert(e.scan.key), done.emplace_back(e.scan.key, e.outcome.files);
  });
  for (const auto& [key, files] : done) {
    ++v.results, v.files += files.size();
    check_result(result_folder(results_folder, key), key.substr(0, 12), files, v.faults);
  }
  std::error_code error;
  for (fs::recursive_directory_iterator entry(results_folder + "/results", error); !error && entry != fs::end(entry);
       entry.increment(error))
    if (entry.depth() == 1 && !known.count(entry->path().filename().string()))
      v.faults.push_back("results holds a folder that no scan has: " + entry->path().filename().string().substr(0, 12));
  return v;
}

}  // namespace iqgate::batch
