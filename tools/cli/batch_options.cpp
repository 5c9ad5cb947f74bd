#include "cli/batch_options.hpp"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <thread>

#include "iqgate/base/error.hpp"
#include "iqgate/base/sha256.hpp"
#include "iqgate/pipeline/configuration.hpp"
#include "iqgate/read/find_scans.hpp"

namespace iqgate::cli {
namespace {
namespace fs = std::filesystem;

std::vector<batch::Rule> rules_of(const Options& options) {
  if (options.rules_file.empty()) {
    batch::Rule rule;
    if (!options.phantom.empty()) rule.phantom = options.phantom;
    rule.limits = options.limits;
    rule.metrics = options.metrics;
    rule.judge = !options.limits.empty();
    return {rule};
  }
  if (!options.phantom.empty() || !options.limits.empty() || !options.metrics.empty())
    throw UsageError("wrong_use", "--rules", "stands instead of --phantom, --limits and --metric",
                     "write them into the rules");
  return batch::read_rules(options.rules_file, read::rule_keywords());
}

// Names of files in a rules file are found from where the rules file lies.
std::string beside(const std::string& rules_file, const std::string& name) {
  const bool file = name.find('/') != std::string::npos || name.find(".json") != std::string::npos ||
                    name.find(".csv") != std::string::npos;
  if (rules_file.empty() || !file || fs::path(name).is_absolute()) return name;
  return (fs::path(rules_file).parent_path() / name).string();
}

batch::ResolvedRule resolved(batch::Rule rule, const Options& options) {
  rule.phantom = beside(options.rules_file, rule.phantom);
  for (std::string& limits : rule.limits) limits = beside(options.rules_file, limits);
  batch::ResolvedRule r;
  std::string profile;
  if (!rule.reference.empty()) {
    profile = beside(options.rules_file, rule.reference);
    r.reference = judge::read_profile(profile);
  }
  pipeline::Request request;
  request.phantom = rule.phantom, request.limits = rule.limits, request.metrics = rule.metrics;
  request.judge = rule.judge, request.context_file = options.context;
  if (!rule.skip) {
    pipeline::check_request(request);
    r.request_sha256 = pipeline::configuration_digest(request);
    r.configuration_sha256 =
        sha256_hex(r.request_sha256 + "|" + options.backend + "|" + (profile.empty() ? "" : sha256_file(profile)));
  }
  r.rule = std::move(rule);
  return r;
}

// Results would be taken for scans that arrive.
void refuse_results_among_scans(const batch::BatchOptions& batch) {
  std::error_code error;
  const std::string results = fs::weakly_canonical(batch.results_folder, error).string() + "/";
  for (const std::string& root : batch.roots)
    if (results.rfind(fs::weakly_canonical(root, error).string() + "/", 0) == 0)
      throw UsageError("wrong_use", "--store", "lies within " + root, "keep results outside the folders with scans");
}

void read_shard(const std::string& text, batch::BatchOptions& batch) {
  if (text.empty()) return;
  const std::size_t slash = text.find('/');
  const auto number = [&](std::string_view part, std::size_t& value) {
    return std::from_chars(part.data(), part.data() + part.size(), value).ptr == part.data() + part.size() &&
           !part.empty();
  };
  const std::string_view all = text;
  if (slash == std::string::npos || !number(all.substr(0, slash), batch.shard) ||
      !number(all.substr(slash + 1), batch.shards) || batch.shard < 1 || batch.shard > batch.shards ||
      batch.shards > 100000)
    throw UsageError("bad_value", "--shard", "\"" + text + "\" is not K/N with 1 <= K <= N", "write --shard 3/8");
}

}  // namespace

batch::BatchOptions batch_options(const Options& options) {
  batch::BatchOptions batch;
  batch.roots = options.paths;
  for (std::string& root : batch.roots) {
    std::error_code error;
    if (!fs::exists(root, error)) throw InputError("not_found", root, "does not exist", "check the name");
    root = fs::absolute(root, error).lexically_normal().string();
    while (root.size() > 1 && root.back() == '/') root.pop_back();
  }
  std::string all;
  for (batch::Rule& rule : rules_of(options)) {
    batch.rules.push_back(resolved(std::move(rule), options));
    all += batch.rules.back().rule.name + "|" + batch.rules.back().configuration_sha256 + "\n";
  }
  batch.configuration_sha256 = sha256_hex(all);
  batch.program = IQGATE_VERSION;
  batch.context_file = options.context, batch.backend = options.backend;
  std::error_code error;
  const std::string program = fs::read_symlink("/proc/self/exe", error).string();
  batch.worker_command = {options.worker.empty() ? program : options.worker, "worker"};
  if (store::is_url(options.store) && options.results.empty())
    throw UsageError("wrong_use", "--store", "a database keeps no files", "name a folder for them with --results DIR");
  batch.results_folder = options.results.empty() ? options.store : options.results;
  refuse_results_among_scans(batch);
  const std::size_t cores = std::max(1u, std::thread::hardware_concurrency());
  batch.jobs = options.jobs > 0 ? static_cast<std::size_t>(options.jobs) : cores;
  batch.threads_each = std::max<std::size_t>(1, cores / batch.jobs);
  batch.timeout_s = options.timeout_s > 0 ? options.timeout_s : 600;
  batch.max_memory = parse_bytes(options.max_memory);
  batch.retries = options.retries;
  read_shard(options.shard, batch);
  batch.again = options.again, batch.show_names = options.show_names;
  return batch;
}

batch::PoolOptions pool_options(const batch::BatchOptions& batch) {
  return {batch.worker_command, batch.jobs, batch.max_memory};
}

}  // namespace iqgate::cli
