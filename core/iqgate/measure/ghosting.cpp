// A6: ghosts beside the phantom, from air on its four sides.
#include <algorithm>
#include <cmath>
#include <map>

#include "iqgate/measure/localisation.hpp"
#include "iqgate/measure/metrics.hpp"

namespace iqgate::measure {
namespace {

constexpr double least_depth_mm = 8, margin_mm = 2;
constexpr double most_zeros = 0.25;  // of the pixels of an air region

// Where the body lies: as it was located, else about the signal's region.
struct Body {
  Vec3 on_axis_mm;  // beside the signal's region
  double radius_mm = 0;
};

Body body_of(const Placement& placement, const Region& signal) {
  if (!placement.radius_mm) return {signal.center_mm, signal.radius_mm};
  const Vec3 axis = placement.rotation.column(2), from = placement.translation_mm;
  return {from + dot(signal.center_mm - from, axis) * axis, *placement.radius_mm};
}

// The air region, drawn between the phantom's edge and that of the image: as it is given where there is room, else
// moved to the middle of the gap and made less deep. False where the gap is too narrow.
bool fit_into_gap(Region& air, const Body& body, const Grid& grid) {
  const Vec3 d = air.center_mm - body.on_axis_mm;
  const bool along_first = std::abs(dot(d, air.in_plane)) > std::abs(dot(d, air.second_axis()));
  const Vec3 out =
      normalised(along_first ? dot(d, air.in_plane) * air.in_plane : dot(d, air.second_axis()) * air.second_axis());
  double border = INFINITY;
  const Vec3 from = grid.to_index(body.on_axis_mm), to = grid.to_index(body.on_axis_mm + out) - from;
  const std::size_t n[2] = {grid.size.x, grid.size.y};
  for (int axis = 0; axis < 2; ++axis) {
    if (to[axis] > 1e-9) border = std::min(border, (double(n[axis]) - 0.5 - from[axis]) / to[axis]);
    if (to[axis] < -1e-9) border = std::min(border, (-0.5 - from[axis]) / to[axis]);
  }
  double& depth = along_first ? air.size_mm.x : air.size_mm.y;
  const double gap = border - body.radius_mm - 2 * margin_mm;
  if (!(gap >= least_depth_mm)) return false;
  depth = std::min(depth, gap);
  const double middle = body.radius_mm + margin_mm + 0.5 * gap;
  const double now = dot(d, out);
  const double low = body.radius_mm + margin_mm + 0.5 * depth, high = border - margin_mm - 0.5 * depth;
  air.center_mm = air.center_mm + ((now < low || now > high ? middle : now) - now) * out;
  return true;
}

void one_folder(const Job& job, std::size_t s, const std::string& where, const Folder& members, Results& results) {
  const auto skip = [&](const std::string& reason) { results.skip("psg_pct", where, reason); };
  const auto signal = members.find("signal");
  if (signal == members.end()) return skip("needs a region named signal beside those of the air");
  const Body body = body_of(job.placement, *signal->second);
  const RegionMean inside = region_mean(job, s, *signal->second);
  if (!inside.good()) return skip("region signal: " + inside.reason);
  if (!(inside.mean > 0)) return skip("the mean signal is not positive");
  std::map<std::string, RegionMean> air;
  std::vector<std::string> flags{"ci_scope=within_scan"};
  for (const char* side : {"top", "bottom", "left", "right"}) {
    const auto given = members.find(side);
    if (given == members.end()) return skip("needs regions named top, bottom, left and right in one folder of names");
    Region region = *given->second;
    if (!fit_into_gap(region, body, job.grid()))
      return skip(std::string("the image leaves no air of ") + std::to_string(int(least_depth_mm)) +
                  " mm beside the phantom (" + side + ")");
    air[side] = region_mean(job, s, region);
    const RegionVoxels voxels = region_voxels(region, job.grid());
    double zeros = 0;
    for (const std::size_t o : voxels.mask.offsets) zeros += job.scans[s].scan->volume.values[o] == 0;
    const double share = voxels.mask.offsets.empty() ? 0 : zeros / double(voxels.mask.offsets.size());
    if (share > most_zeros)
      return skip(std::string("more than a quarter of the air is exactly 0: masked or filled (") + side + ")");
    if (share > 0.01) flags.push_back("air_has_zeros");
    if (std::min(region.size_mm.x, region.size_mm.y) < 12) flags.push_back("air_region_small");
    if (!air[side].good()) return skip("region " + std::string(side) + ": " + air[side].reason);
    results.regions.push_back(std::move(region));
  }
  const double vertical = air["top"].mean + air["bottom"].mean, horizontal = air["left"].mean + air["right"].mean;
  double squares = 0;
  for (const auto& [side, mean] : air) squares += mean.se_noise * mean.se_noise;
  const double psg = 100 * std::abs(vertical - horizontal) / (2 * inside.mean),
               se = 100 * std::sqrt(squares) / (2 * inside.mean);
  Measurement m = measurement("psg_pct", "acr", where, psg, "%");
  m.se = se;
  m.ci95 = symmetric_interval(psg, se);
  m.ci95->low = std::max(0.0, m.ci95->low);
  m.method = "100 |(top + bottom) - (left + right)| / (2 signal), means of air between phantom and edge of the image";
  m.standard = "ACR MRI QC manual";
  std::sort(flags.begin(), flags.end());
  flags.erase(std::unique(flags.begin(), flags.end()), flags.end());
  m.flags = flags;
  results.add(std::move(m));
  const auto phase_along_rows = job.scans[s].scan->phase_along_rows();
  if (!phase_along_rows) return results.skip("ghost_aapm_pct", where, "the direction of phase encoding is not known");
  // Which pair lies along the image's rows.
  const Vec3 side = members.at("right")->center_mm - members.at("left")->center_mm;
  const bool right_along_rows = std::abs(dot(normalised(side), job.grid().direction.column(0))) > 0.7;
  const bool right_is_phase = *phase_along_rows == right_along_rows;
  const double ghost = right_is_phase ? horizontal - vertical : vertical - horizontal;
  Measurement g = measurement("ghost_aapm_pct", "", where, 100 * ghost / (2 * inside.mean), "%");
  g.se = se;
  g.ci95 = symmetric_interval(g.value, se);
  g.method = "100 (air along phase encoding - air across it) / signal; below 0: more signal across";
  g.standard = "AAPM Report 100";
  g.flags = flags;
  results.add(std::move(g));
}

void run(const Job& job, const std::vector<Region>& regions, Results& results) {
  each_folder(job, regions, results, one_folder);
}

}  // namespace

Metric ghosting_metric() {
  return {
      "ghosting",
      "Ghosting",
      "Means of air regions named top, bottom, left and right and of the region named signal, in one folder of names: "
      "psg_pct = 100 |(top + bottom) - (left + right)| / (2 signal); ghost_aapm_pct along phase encoding, signed. An "
      "air region moves to the middle of the gap between phantom and image edge, and gets less deep, where it does "
      "not fit (8 mm at least).",
      "ACR MRI QC manual; AAPM Report 100",
      {"psg_pct", "ghost_aapm_pct"},
      {"acr"},
      {"ghost_air", "ghost_signal"},
      {"MR"},
      run};
}

}  // namespace iqgate::measure
