#include "iqgate/pipeline/configuration.hpp"

#include "iqgate/base/sha256.hpp"
#include "iqgate/pipeline/data_files.hpp"
#include "iqgate/pipeline/request.hpp"

namespace iqgate::pipeline {
namespace {

json::Value digest_of(const std::string& path) { return path.empty() ? json::Value() : json::Value(sha256_file(path)); }

// A table keeps no limits; a phantom that cannot be told beforehand may bring those of any.
json::Array phantom_digests(const Request& request) {
  json::Array digests;
  if (request.phantom.empty()) return digests;
  if (request.phantom != "auto") {
    const std::string file = find_phantom(request.phantom);
    digests.push_back(digest_of(file));
    const std::string own = phantom::read_model(file).limits;
    if (request.judge && request.limits.empty() && !own.empty()) digests.push_back(digest_of(find_limits(own)));
    return digests;
  }
  for (const std::string& name : shipped_phantoms()) digests.push_back(digest_of(find_phantom(name)));
  if (request.judge && request.limits.empty())
    for (const std::string& name : shipped_limits()) digests.push_back(digest_of(find_limits(name)));
  return digests;
}

}  // namespace

std::string configuration_digest(const Request& request) {
  json::Array limits;
  for (const std::string& name : request.limits)
    limits.push_back(name == "none" ? json::Value(name) : digest_of(find_limits(name)));
  const measure::Settings& s = request.settings;
  json::Value v;
  v.set("phantom", request.phantom == "auto" ? "auto" : "named");
  v.set("phantom_sha256", phantom_digests(request));
  v.set("roi_sha256", digest_of(request.roi_file));
  v.set("metrics", json::array_of(request.metrics));
  v.set("judge", request.judge);
  v.set("limits_sha256", std::move(limits));
  v.set("tasks_sha256", digest_of(find_tasks(request.tasks_file.empty() ? "ct_default" : request.tasks_file)));
  v.set("context_sha256", digest_of(request.context_file));
  v.set("baseline_sha256", digest_of(read_context(request.context_file).baseline));
  v.set("seed", std::to_string(s.seed)), v.set("bootstrap_draws", s.bootstrap_draws);
  v.set("receive_channels", s.receive_channels), v.set("skipped_volumes", s.skipped_volumes);
  v.set("repetition_time_s", s.repetition_time_s), v.set("data_range", s.data_range);
  return sha256_hex(json::write(v, 0));
}

}  // namespace iqgate::pipeline
