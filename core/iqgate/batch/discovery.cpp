#include "iqgate/batch/discovery.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <deque>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <set>

#include "iqgate/base/path_text.hpp"
#include "iqgate/base/sha256.hpp"

namespace iqgate::batch {
namespace {
namespace fs = std::filesystem;

using json::list_at;
using json::text_at;
using json::Value;

std::string fault_code(WorkerFault fault) {
  switch (fault) {
    case WorkerFault::timed_out: return "timeout";
    case WorkerFault::too_large: return "memory";
    default: return "worker_crashed";
  }
}

// Of a file that no worker survives: it is never opened here.
std::string digest_of_listing(const std::string& path) {
  struct stat info {};
  ::stat(path.c_str(), &info);
  return sha256_hex(path + "|" + std::to_string(info.st_size) + "|" + std::to_string(info.st_mtim.tv_sec) + "|" +
                    std::to_string(info.st_mtim.tv_nsec));
}

std::vector<std::string> texts_of(const json::Array& list) {
  std::vector<std::string> texts;
  for (const Value& v : list)
    if (v.string()) texts.push_back(*v.string());
  return texts;
}

class Search {
 public:
  Search(const BatchOptions& options, WorkerPool& pool) : options_(options), pool_(pool) {}

  Discovery run(int stop_fd) {
    places_.push_back({options_.roots, nullptr, false});
    WorkerPool::Calls calls;
    calls.next = [this] { return next(); };
    calls.part = [this](std::size_t tag, const Value& group) {
      if (!jobs_[tag].probe) take(group, pending_[tag]);
    };
    calls.done = [this](WorkerAnswer answer) { done(std::move(answer)); };
    calls.tick = [] {};
    found_.stopped = !pool_.run(calls, stop_fd);
    if (narrowed_ && !found_.stopped) {
      look_once_more();
      found_.stopped = !pool_.run(calls, stop_fd);
      if (!again_.has_value()) refuse_split_series();
    }
    keep_own_shard();
    std::sort(found_.scans.begin(), found_.scans.end(),
              [](const FoundScan& a, const FoundScan& b) { return a.scan.key < b.scan.key; });
    return std::move(found_);
  }

 private:
  // Files of one folder on which a worker broke, looked at in halves to find the one that breaks it.
  struct Probe {
    std::vector<std::string> files;
    std::size_t open = 0;
    std::set<std::string> broken;
  };
  struct Place {
    std::vector<std::string> paths;
    std::shared_ptr<Probe> probe;  ///< what is found does not count
    bool tainted = false;          ///< a broken file lay among these
    bool last = false;             ///< all roots, without what broke workers
  };

  std::optional<WorkerJob> next() {
    if (places_.empty()) return std::nullopt;
    jobs_.push_back(std::move(places_.front()));
    places_.pop_front();
    std::vector<std::string> texts;
    for (const std::string& path : jobs_.back().paths) texts.push_back(path_to_text(path));
    Value request;
    std::vector<std::string> without;
    if (jobs_.back().last)
      for (const std::string& path : set_aside_) without.push_back(path_to_text(path));
    request.set("do", "find"), request.set("paths", json::array_of(texts));
    request.set("without", json::array_of(without));
    request.set("max_scan_bytes", static_cast<double>(options_.max_memory / 3));
    // Looking takes as long as the tree is large: time for one scan, and for each file that there is.
    const double timeout_s = options_.timeout_s + 0.05 * double(files_in(jobs_.back().paths));
    return WorkerJob{jobs_.size() - 1, std::move(request), timeout_s};
  }

  static std::size_t files_in(const std::vector<std::string>& paths) {
    std::size_t files = 0;
    for (const std::string& path : paths) {
      std::error_code error;
      if (!fs::is_directory(path, error)) {
        ++files;
        continue;
      }
      const auto options = fs::directory_options::skip_permission_denied;
      for (fs::recursive_directory_iterator walk(path, options, error); !error && walk != fs::end(walk);
           walk.increment(error))
        ++files;
    }
    return files;
  }

  void done(WorkerAnswer answer) {
    // What was told before a fault is told again by the parts.
    Discovery told = std::move(pending_[answer.tag]);
    pending_.erase(answer.tag);
    const Place place = jobs_[answer.tag];
    const bool good = answer.fault == WorkerFault::none && json::flag_at(&answer.reply, "ok");
    if (place.last) {
      if (good) again_ = std::move(told), take_the_last_look();
      return;
    }
    if (place.probe) return probed(place, good, answer);
    if (good) return merge(std::move(told), place.tainted);
    narrowed_ = true;
    std::vector<std::string> folders, files;
    std::error_code error;
    for (const std::string& path : place.paths) (fs::is_directory(path, error) ? folders : files).push_back(path);
    if (folders.empty()) return probe(std::move(files));
    if (place.paths.size() == 1) return narrow(folders.front(), answer);
    for (std::string& folder : folders) places_.push_back({{std::move(folder)}, nullptr, false});
    if (!files.empty()) places_.push_back({std::move(files), nullptr, false});
  }

  void probe(std::vector<std::string> files) {
    const auto probe = std::make_shared<Probe>();
    probe->files = files, probe->open = 1;
    places_.push_back({std::move(files), probe, false});
  }

  void probed(const Place& place, bool good, const WorkerAnswer& answer) {
    Probe& probe = *place.probe;
    --probe.open;
    if (!good && place.paths.size() > 1) {
      const auto middle = place.paths.begin() + static_cast<std::ptrdiff_t>(place.paths.size() / 2);
      places_.push_back({{place.paths.begin(), middle}, place.probe, false});
      places_.push_back({{middle, place.paths.end()}, place.probe, false});
      probe.open += 2;
    } else if (!good) {
      probe.broken.insert(place.paths.front());
      set_aside(place.paths.front(), answer);
    }
    if (probe.open > 0) return;
    if (probe.broken.empty()) return set_aside(fs::path(probe.files.front()).parent_path().string(), answer);
    std::vector<std::string> rest;
    for (const std::string& file : probe.files)
      if (!probe.broken.count(file)) rest.push_back(file);
    if (!rest.empty()) places_.push_back({std::move(rest), nullptr, true});
  }

  // Once it is known what breaks the workers, the rest is looked at together: only so are repeats and series whole.
  void look_once_more() {
    Place all{options_.roots, nullptr, false, true};
    std::erase_if(all.paths, [&](const std::string& root) { return set_aside_.count(root) != 0; });
    if (!set_aside_.empty() && !all.paths.empty()) places_.push_back(std::move(all));
  }

  void take_the_last_look() {
    std::erase_if(found_.scans, [&](const FoundScan& s) { return !set_aside_.count(path_from_text(s.paths.front())); });
    // A series that lies alone with a broken file may have lost a slice to it.
    std::map<std::string, std::size_t> usable;
    const auto folder_of = [](const FoundScan& s) {
      return fs::path(path_from_text(s.paths.front())).parent_path().string();
    };
    for (const FoundScan& s : again_->scans)
      if (s.code.empty()) ++usable[folder_of(s)];
    std::set<std::string> tainted;
    for (const std::string& path : set_aside_) tainted.insert(fs::path(path).parent_path().string());
    for (FoundScan& s : again_->scans)
      if (tainted.count(folder_of(s)) && usable[folder_of(s)] == 1) refuse_beside_broken(s);
    found_.skipped = again_->skipped, found_.not_scans = again_->not_scans;
    for (FoundScan& s : again_->scans) found_.scans.push_back(std::move(s));
  }

  static void refuse_beside_broken(FoundScan& s) {
    refuse(s, "damaged_series", "a file in its folder cannot be read, and may be a part of it");
  }

  void keep_own_shard() {
    const std::size_t all = found_.scans.size();
    std::erase_if(found_.scans, [&](const FoundScan& s) {
      return std::stoull(s.scan.input_sha256.substr(0, 12), nullptr, 16) % options_.shards != options_.shard - 1;
    });
    found_.other_shards = all - found_.scans.size();
  }

  void set_aside(const std::string& path, const WorkerAnswer& answer) {
    std::error_code error;
    if (!fs::exists(fs::symlink_status(path, error))) return;  // it has gone since
    set_aside_.insert(path);
    FoundScan broken;
    broken.scan.input_sha256 = digest_of_listing(path);
    broken.scan.scan_id = broken.scan.input_sha256.substr(0, 12);
    broken.paths = {path_to_text(path)};
    const bool broke = answer.fault != WorkerFault::none || json::flag_at(&answer.reply, "ok");
    broken.quarantined = broke || text_at(&answer.reply, "kind") == "resource";  // not the file's fault
    broken.code = broke ? fault_code(answer.fault) : text_at(&answer.reply, "code");
    broken.reason = broke ? "a worker broke on looking at it (" + answer.how + ")" : text_at(&answer.reply, "reason");
    add(std::move(broken), options_.configuration_sha256, found_);
  }

  // Under a key of its own: when what stands beside it is mended, the scan is measured.
  static void refuse(FoundScan& s, const std::string& code, const std::string& reason) {
    if (!s.code.empty()) return;
    s.code = code, s.reason = reason;
    s.scan.key = sha256_hex(s.scan.key + "|" + code);
  }

  void merge(Discovery&& told, bool tainted) {
    // A series that lies alone with the broken file may have lost a slice to it.
    const auto usable =
        std::count_if(told.scans.begin(), told.scans.end(), [](const FoundScan& s) { return s.code.empty(); });
    for (FoundScan& s : told.scans) {
      if (tainted && usable == 1) refuse_beside_broken(s);
      found_.scans.push_back(std::move(s));
    }
    found_.skipped += told.skipped, found_.not_scans += told.not_scans;
  }

  // Parts of one series that were looked at apart are not a scan each.
  void refuse_split_series() {
    std::map<std::string, std::set<std::string>> inputs;
    for (const FoundScan& s : found_.scans) inputs[s.scan.scan_id].insert(s.scan.input_sha256);
    for (FoundScan& s : found_.scans)
      if (inputs[s.scan.scan_id].size() > 1)
        refuse(s, "split_series", "lies in several folders, which could not be looked at together");
  }

  void narrow(const std::string& folder, const WorkerAnswer& answer) {
    std::vector<std::string> files;
    std::error_code error;
    for (fs::directory_iterator entry(folder, error); !error && entry != fs::end(entry); entry.increment(error)) {
      if (entry->path().filename().string()[0] == '.') continue;
      if (!entry->is_directory(error)) files.push_back(entry->path().string());
      else if (!entry->is_symlink(error)) places_.push_back({{entry->path().string()}, nullptr, false});
    }
    if (error) set_aside(folder, answer);  // it cannot be listed, or not to its end
    std::sort(files.begin(), files.end());
    if (!files.empty()) places_.push_back({std::move(files), nullptr, false});
  }

  void take(const Value& group, Discovery& found) {
    const bool usable = json::flag_at(&group, "usable");
    if (!usable && !json::flag_at(&group, "is_scan")) {
      ++found.not_scans;
      return;
    }
    FoundScan s;
    s.scan.scan_id = text_at(&group, "group");
    s.paths = texts_of(list_at(&group, "paths"));
    s.scan.modality = text_at(&group, "modality"), s.scan.scanner = text_at(&group, "scanner");
    s.scan.input_sha256 = sha256_hex(json::write(Value(list_at(&group, "sha256")), 0));
    if (!usable) {
      s.code = text_at(&group, "code"), s.reason = text_at(&group, "reason");
      return add(std::move(s), options_.configuration_sha256, found);
    }
    const std::size_t rule = rule_for(group, s);
    if (rule == options_.rules.size()) {
      s.code = "no_rule", s.reason = "none of the rules matches this scan";
      return add(std::move(s), options_.configuration_sha256, found);
    }
    if (options_.rules[rule].rule.skip) {
      ++found.skipped;
      return;
    }
    s.rule = rule;
    s.scan.rule = options_.rules[rule].rule.name;
    add(std::move(s), options_.rules[rule].configuration_sha256, found);
  }

  std::size_t rule_for(const Value& group, const FoundScan& s) const {
    ScanFacts facts{s.scan.modality, "", {}};
    if (const Value* tags = group.find("tags"); tags && tags->object())
      for (const json::Member& m : *tags->object())
        if (m.value.string()) facts.tags[m.key] = *m.value.string();
    const std::string folder = fs::path(path_from_text(s.paths.front())).parent_path().string();
    const std::vector<std::string> one{options_.folders_from};
    std::size_t longest = 0;
    for (const std::string& root : options_.folders_from.empty() ? options_.roots : one)
      if ((folder == root || folder.rfind(root + "/", 0) == 0) && root.size() > longest) {
        longest = root.size();
        facts.folder = fs::path(folder).lexically_relative(root).string();
      }
    if (facts.folder == ".") facts.folder.clear();
    for (std::size_t k = 0; k < options_.rules.size(); ++k)
      if (first_match({options_.rules[k].rule}, facts)) return k;
    return options_.rules.size();
  }

  void add(FoundScan s, const std::string& configuration_sha256, Discovery& found) const {
    s.scan.key = scan_key(s.scan.input_sha256, configuration_sha256, options_.program);
    found.scans.push_back(std::move(s));
  }

  const BatchOptions& options_;
  WorkerPool& pool_;
  std::deque<Place> places_;
  std::vector<Place> jobs_;
  bool narrowed_ = false;
  std::set<std::string> set_aside_;  ///< paths that broke workers, or cannot be listed
  std::optional<Discovery> again_;   ///< what the last look found
  std::map<std::size_t, Discovery> pending_;
  Discovery found_;
};

}  // namespace

std::string scan_key(const std::string& input_sha256, const std::string& configuration_sha256,
                     const std::string& program) {
  return sha256_hex(input_sha256 + "|" + configuration_sha256 + "|" + program);
}

Discovery discover(const BatchOptions& options, WorkerPool& pool, int stop_fd) {
  return Search(options, pool).run(stop_fd);
}

}  // namespace iqgate::batch
