// A5, CT: centre against periphery.
#include <algorithm>
#include <cmath>
#include <map>

#include "iqgate/measure/localisation.hpp"
#include "iqgate/measure/metrics.hpp"

namespace iqgate::measure {
namespace {

struct Mean {
  std::string name;
  double value = 0, se = 0;
};

bool mean_of(const Job& job, std::size_t s, const Region& region, Mean& mean, Results& results,
             const std::string& where) {
  const RegionMean found = region_mean(job, s, region);
  if (!found.good()) {
    results.skip("uniformity_hu", where, "region " + region.name + ": " + found.reason);
    return false;
  }
  mean = {region.name, found.mean, found.se()};
  return true;
}

void one_set(const Job& job, std::size_t s, const std::string& where, const Region& centre,
             const std::vector<Region>& edges, Results& results) {
  Mean c;
  if (!mean_of(job, s, centre, c, results, where)) return;
  std::vector<Mean> rim;
  for (const Region& region : edges) {
    Mean e;
    if (!mean_of(job, s, region, e, results, where)) return;
    rim.push_back(e);
  }
  const char* method = "mean of each edge region minus mean of the centre region";
  double worst = 0, low = c.value, high = c.value, index = 0;
  for (const Mean& e : rim) {
    const double difference = e.value - c.value, se = std::hypot(e.se, c.se);
    Measurement m = measurement("uniformity_edge_minus_centre_hu", "", job.prefix(s) + e.name, difference, "HU");
    m.se = se;
    m.ci95 = symmetric_interval(difference, se);
    m.method = method;
    m.flags = {"ci_scope=within_scan"};
    results.add(std::move(m));
    worst = std::max(worst, std::abs(difference));
    low = std::min(low, e.value);
    high = std::max(high, e.value);
    const double relative = 100 * difference / (c.value + 1000);
    if (std::abs(relative) > std::abs(index)) index = relative;
  }
  // The largest of several has no unbiased interval: none is given.
  const auto add = [&](const char* name, double value, const char* unit, const char* how, const char* standard) {
    Measurement m = measurement(name, "", where, value, unit);
    m.method = how;
    m.standard = standard;
    m.flags = {"no_interval_for_extreme"};
    results.add(std::move(m));
  };
  add("uniformity_hu", worst, "HU", "largest absolute edge minus centre", "ACR CT; IEC 61223-3-5; AAPM TG-66");
  add("integral_nonuniformity", (high - low) / (high + low + 2000), "1",
      "(max - min) / (max + min + 2000) of the region means", "Elstrom 2011");
  add("uniformity_index_pct", index, "%", "100 (edge - centre) / (centre + 1000), largest in magnitude, sign kept",
      "Elstrom 2011");
}

void run(const Job& job, const std::vector<Region>& regions, Results& results) {
  if (job.unit() != "HU") return results.skip("uniformity_hu", "scan", "the values are not HU");
  std::map<std::string, std::pair<std::vector<Region>, std::vector<Region>>> sets;  // folder -> centre, edges
  for (const Region& region : regions) {
    const std::string folder = folder_of(region.name);
    (own_name(region.name) == "centre" ? sets[folder].first : sets[folder].second).push_back(region);
  }
  for (const auto& [folder, set] : sets) {
    const std::string place = folder.empty() ? "scan" : folder;
    if (set.first.size() != 1 || set.second.empty()) {
      results.skip("uniformity_hu", place,
                   "needs one region named centre and others beside it, in one folder of names");
      continue;
    }
    for (std::size_t s = 0; s < job.scans.size(); ++s)
      one_set(job, s, job.prefix(s) + place, set.first.front(), set.second, results);
  }
}

}  // namespace

Metric ct_uniformity_metric() {
  return {"uniformity",
          "CT uniformity, centre and periphery",
          "Mean of each edge region minus mean of the centre region (regions of one folder, one of them named centre); "
          "uniformity_hu is the largest in magnitude; integral_nonuniformity = (max - min) / (max + min + 2000).",
          "ACR CT; IEC 61223-3-5; AAPM TG-66; Elstrom 2011",
          {"uniformity_hu", "uniformity_edge_minus_centre_hu", "integral_nonuniformity", "uniformity_index_pct"},
          {},
          {},
          {"CT"},
          run};
}

}  // namespace iqgate::measure
