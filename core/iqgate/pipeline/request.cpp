#include "iqgate/pipeline/request.hpp"

#include <algorithm>

#include "iqgate/base/error.hpp"
#include "iqgate/measure/catalogue.hpp"
#include "iqgate/pipeline/data_files.hpp"

namespace iqgate::pipeline {

Context read_context(const std::string& path) {
  Context context;
  if (path.empty()) return context;
  const json::Value document = json::parse_file(path, ErrorKind::usage);
  json::Fields fields(document, path, "", ErrorKind::usage);
  if (fields.text("schema") != "iqgate.context/1") fields.fail("schema", "unknown_value", "must be iqgate.context/1");
  for (const char* key :
       {"site", "room", "operator", "physicist", "test_type", "phantom_serial", "question", "method", "claim"})
    if (fields.has(key)) context.texts[key] = fields.text(key);
  context.baseline = fields.text_or("baseline", "");
  if (fields.has("certificate")) context.texts["certificate"] = json::write(fields.value("certificate"), 0);
  if (fields.has("deviations")) {
    std::string all;
    for (const std::string& d : fields.texts("deviations")) all += (all.empty() ? "" : "; ") + d;
    context.texts["deviations"] = all;
  }
  fields.done();
  return context;
}

std::vector<measure::Task> read_tasks(const std::string& name_or_path) {
  const std::string path = find_tasks(name_or_path.empty() ? "ct_default" : name_or_path);
  const json::Value document = json::parse_file(path, ErrorKind::usage);
  json::Fields fields(document, path, "", ErrorKind::usage);
  if (fields.text("schema") != "iqgate.tasks/1") fields.fail("schema", "unknown_value", "must be iqgate.tasks/1");
  fields.text("name");
  fields.text("source");
  std::vector<measure::Task> tasks;
  for (json::Fields& entry : fields.objects("tasks")) {
    measure::Task task;
    task.name = entry.text("name");
    task.source = entry.text("source");
    const std::string kind = entry.text("kind");
    task.contrast_hu = entry.number("contrast_hu");
    const char* size = kind == "gaussian" ? "sigma_mm" : "diameter_mm";
    task.size_mm = entry.number(size);
    if (!(task.size_mm > 0) || task.size_mm > 1000)
      entry.fail(size, "out_of_range", "must be greater than 0 and at most 1000 mm");
    if (kind == "designer") {
      task.kind = measure::Task::Kind::designer;
      task.exponent = entry.number("exponent");
      if (!(task.exponent >= 0) || task.exponent > 20) entry.fail("exponent", "out_of_range", "must be from 0 to 20");
    } else if (kind == "gaussian") {
      task.kind = measure::Task::Kind::gaussian;
    } else if (kind != "disc") {
      entry.fail("kind", "unknown_value", "is none of disc, gaussian, designer");
    }
    for (const measure::Task& other : tasks)
      if (other.name == task.name) entry.fail("name", "duplicate", "two tasks are named \"" + task.name + "\"");
    entry.done();
    tasks.push_back(std::move(task));
  }
  fields.done();
  return tasks;
}

void check_request(const Request& request) {
  if (request.phantom.empty() && request.roi_file.empty())
    throw UsageError("no_phantom", "--phantom", "neither a phantom nor regions are given",
                     "name one with --phantom (iqgate phantoms list) or give --roi FILE");
  if (request.pose.any() && request.phantom.empty())
    throw UsageError("wrong_use", "--pose", "places a phantom, and none is named", "name it with --phantom");
  if (!request.phantom.empty() && request.phantom != "auto") phantom::read_model(find_phantom(request.phantom));
  if (!request.roi_file.empty()) read_region_file(request.roi_file);
  for (const std::string& name : request.metrics) measure::require_metric(name, "--metric");
  read_context(request.context_file);
  read_tasks(request.tasks_file);
  for (const std::string& name : request.limits)
    if (name != "none") judge::read_limits(find_limits(name));
}

std::vector<judge::LimitsFile> limits_for(const Request& request, const std::string& phantom,
                                          const std::string& default_limits) {
  std::vector<std::string> names = request.limits;
  if (names.empty()) {
    if (default_limits.empty())
      throw UsageError("no_limits", "--limits", "the phantom names no limits of its own",
                       "give --limits NAME|FILE, or --limits none to measure without judging");
    names.push_back(default_limits);
  }
  std::vector<judge::LimitsFile> files;
  if (names == std::vector<std::string>{"none"}) return files;
  for (const std::string& name : names) {
    files.push_back(judge::read_limits(find_limits(name)));
    const std::string& made_for = files.back().phantom;
    if (!made_for.empty() && !phantom.empty() && made_for != phantom)
      throw UsageError("wrong_limits", "--limits " + name,
                       "is made for the phantom " + made_for + ", this is " + phantom,
                       "choose other limits, or the other phantom");
  }
  if (!request.metrics.empty())  // --metric narrows the limits too
    for (judge::LimitsFile& file : files)
      std::erase_if(file.limits, [&](const judge::Limit& limit) {
        return std::none_of(request.metrics.begin(), request.metrics.end(),
                            [&](const std::string& m) { return m == limit.name || measure::gives(m, limit.name); });
      });
  return files;
}

}  // namespace iqgate::pipeline
