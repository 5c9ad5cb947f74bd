#include "iqgate/measure/catalogue.hpp"

#include <algorithm>

#include "iqgate/base/error.hpp"
#include "iqgate/measure/metrics.hpp"

namespace iqgate::measure {
namespace {

bool holds(const std::vector<const char*>& list, const std::string& name) {
  return std::any_of(list.begin(), list.end(), [&](const char* entry) { return name == entry; });
}

bool names(const Metric& metric, const std::vector<std::string>& list) {
  return std::any_of(list.begin(), list.end(),
                     [&](const std::string& name) { return name == metric.id || holds(metric.outputs, name); });
}

// Adds a family's results; when it was asked for by the name of an output, that output alone.
void take(const Metric& metric, const std::vector<std::string>& wanted, Results own, Results& all) {
  const bool whole = wanted.empty() || std::find(wanted.begin(), wanted.end(), metric.id) != wanted.end();
  const auto asked = [&](const std::string& name) {
    return whole || std::find(wanted.begin(), wanted.end(), name) != wanted.end();
  };
  for (Measurement& m : own.measurements)
    if (asked(m.name)) all.measurements.push_back(std::move(m));
  for (NotMeasured& n : own.not_measured) {
    n.outputs.assign(metric.outputs.begin(), metric.outputs.end());
    all.not_measured.push_back(std::move(n));
  }
  for (Curve& c : own.curves) all.curves.push_back(std::move(c));
  for (Map& m : own.maps) all.maps.push_back(std::move(m));
  // A region that the metric has moved is recorded where it was measured.
  for (Region& moved : own.regions)
    for (Region& region : all.regions)
      if (region.name == moved.name) region = moved;
}

}  // namespace

std::string Job::prefix(std::size_t scan) const {
  const std::string& role = scans[scan].scan->role;
  return scans.size() > 1 && !role.empty() ? role + "/" : "";
}

std::vector<std::size_t> Job::repeats() const {
  std::vector<std::size_t> found;
  for (std::size_t s = 0; s < scans.size(); ++s) {
    const std::string& role = scans[s].scan->role;
    if (role.empty() || role.rfind("repeat_", 0) == 0) found.push_back(s);
  }
  return found;
}

void each_region(const Job& job, const std::vector<Region>& regions, Results& results,
                 void (*measure_one)(const Job& job, std::size_t scan, const Region& region, Results& results)) {
  for (std::size_t s = 0; s < job.scans.size(); ++s)
    for (const Region& region : regions) measure_one(job, s, region, results);
}

void each_folder(const Job& job, const std::vector<Region>& regions, Results& results,
                 void (*measure_one)(const Job& job, std::size_t scan, const std::string& where, const Folder& members,
                                     Results& results)) {
  std::map<std::string, Folder> folders;
  for (const Region& region : regions) folders[folder_of(region.name)][own_name(region.name)] = &region;
  for (std::size_t s = 0; s < job.scans.size(); ++s)
    for (const auto& [folder, members] : folders)
      measure_one(job, s, job.prefix(s) + (folder.empty() ? "scan" : folder), members, results);
}

Volume scan_difference(const UploadedScan& first, const UploadedScan& second) {
  const Voxels &a = first.scan->volume.values, &b = second.scan->volume.values;
  Volume difference{first.scan->volume.grid, Voxels(a.size())};
  // In the scale of the first.
  const auto one = first.scan->common_scale(), two = second.scan->common_scale();
  const float scale = one && two ? float(*two / *one) : 1.0F;
  for (std::size_t k = 0; k < a.size(); ++k) difference.values[k] = a[k] - scale * b[k];
  return difference;
}

Measurement measurement(std::string name, std::string variant, std::string where, double value, std::string unit) {
  Measurement m;
  m.name = std::move(name);
  m.variant = std::move(variant);
  m.where = std::move(where);
  m.value = value;
  m.unit = std::move(unit);
  return m;
}

const std::vector<Metric>& catalogue() {
  static const std::vector<Metric> metrics{region_statistics_metric(),
                                           ct_number_metric(),
                                           distances_metric(),
                                           diameters_metric(),
                                           end_to_end_metric(),
                                           distortion_metric(),
                                           slice_thickness_metric(),
                                           slice_profile_metric(),
                                           ramps_metric(),
                                           plates_metric(),
                                           wedges_metric(),
                                           angled_rods_metric(),
                                           snr_metric(),
                                           ct_noise_metric(),
                                           local_noise_metric(),
                                           piu_metric(),
                                           nema_uniformity_metric(),
                                           ct_uniformity_metric(),
                                           ipem_uniformity_metric(),
                                           ghosting_metric(),
                                           cnr_metric(),
                                           lcd_metric(),
                                           low_contrast_metric(),
                                           hole_arrays_metric(),
                                           spokes_metric(),
                                           artefacts_metric(),
                                           point_mtf_metric(),
                                           line_pairs_metric(),
                                           slanted_edge_metric(),
                                           disc_ttf_metric(),
                                           ball_ttf_metric(),
                                           nps_metric(),
                                           detectability_metric(),
                                           hotelling_metric(),
                                           relaxometry_metric(),
                                           stability_metric(),
                                           image_similarity_metric()};
  return metrics;
}

const Metric* find_metric(const std::string& name) {
  for (const Metric& metric : catalogue())
    if (names(metric, {name})) return &metric;
  return nullptr;
}

void require_metric(const std::string& name, const std::string& who) {
  if (!find_metric(name))
    throw UsageError("unknown_metric", who, "asks for \"" + name + "\", which is not in the catalogue",
                     "see iqgate metrics");
}

bool gives(const std::string& family, const std::string& output) {
  return std::any_of(catalogue().begin(), catalogue().end(),
                     [&](const Metric& m) { return family == m.id && holds(m.outputs, output); });
}

Results measure_all(const Job& job, const std::vector<std::string>& wanted) {
  for (const std::string& name : wanted) require_metric(name, "--metric");
  for (const Region& region : job.regions)
    for (const std::string& name : region.metrics) require_metric(name, "region " + region.name);
  Results results;
  results.regions = job.regions;
  for (const Metric& metric : catalogue()) {
    if (!wanted.empty() && !names(metric, wanted)) continue;
    std::vector<Region> regions;
    for (const Region& region : job.regions)
      if (region.metrics.empty() ? holds(metric.kinds, region.kind) : names(metric, region.metrics))
        regions.push_back(region);
    if (regions.empty()) continue;
    if (!metric.modalities.empty() && !job.modality().empty() && !holds(metric.modalities, job.modality())) {
      if (names(metric, wanted))
        results.skip(metric.id, "scan", std::string("is not defined for modality ") + job.modality());
      continue;
    }
    Results own;
    metric.run(job, regions, own);
    take(metric, wanted, std::move(own), results);
  }
  return results;
}

}  // namespace iqgate::measure
