#include <cstdio>

#include "cli/options.hpp"
#include "iqgate/base/json.hpp"
#include "iqgate/measure/catalogue.hpp"

namespace iqgate::cli {
namespace {

json::Array texts(const std::vector<const char*>& list) {
  json::Array array;
  for (const char* text : list) array.emplace_back(text);
  return array;
}

std::string joined(const std::vector<const char*>& list) {
  std::string out;
  for (const char* text : list) out += (out.empty() ? "" : ", ") + std::string(text);
  return out;
}

}  // namespace

int run_metrics(const Options& options) {
  if (options.json) {
    json::Array list;
    for (const measure::Metric& m : measure::catalogue()) {
      json::Value v;
      v.set("id", m.id);
      v.set("title", m.title);
      v.set("definition", m.definition);
      v.set("standard", m.standard);
      v.set("outputs", texts(m.outputs));
      v.set("variants", texts(m.variants));
      v.set("region_kinds", texts(m.kinds));
      v.set("modalities", texts(m.modalities));
      list.push_back(std::move(v));
    }
    json::Value v;
    v.set("schema", "iqgate.metrics/1");
    v.set("metrics", std::move(list));
    std::printf("%s\n", json::write(v).c_str());
    return exit_ok;
  }
  for (const measure::Metric& m : measure::catalogue()) {
    std::printf("%s: %s\n", m.id, m.title);
    std::printf("    %s\n", m.definition);
    std::printf("    outputs: %s\n", joined(m.outputs).c_str());
    if (!m.variants.empty()) std::printf("    variants: %s\n", joined(m.variants).c_str());
    std::printf("    regions: %s; modalities: %s; source: %s\n\n",
                m.kinds.empty() ? "those that ask for it" : joined(m.kinds).c_str(),
                m.modalities.empty() ? "any" : joined(m.modalities).c_str(), m.standard);
  }
  return exit_ok;
}

}  // namespace iqgate::cli
