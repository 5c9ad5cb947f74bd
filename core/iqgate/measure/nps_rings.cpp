#include "iqgate/measure/nps_rings.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <set>

#include "iqgate/measure/statistics.hpp"

namespace iqgate::measure {
namespace {

constexpr std::array<const char*, 3> names{"poly2_inner", "poly2_middle", "poly2_outer"};
constexpr std::size_t least_places = 4;

struct Ring {
  Boxes boxes;
  double square_mm2 = 0;  // sum of the squared distances of the boxes' centres from the axis
  double radius_mm() const { return std::sqrt(square_mm2 / double(boxes.corners.size())); }
};

double off_axis_mm(const Region& region, const Grid& grid, Size3 corner, Size3 box) {
  const Vec3 centre = grid.to_mm(
      {double(corner.x) + 0.5 * double(box.x - 1), double(corner.y) + 0.5 * double(box.y - 1), double(corner.z)});
  const Vec3 d = centre - region.center_mm;
  return norm(d - dot(d, region.normal) * region.normal);
}

// Thirds of the way to the outermost box; none where one of them has too few places in the slice.
std::vector<Ring> rings_of(const Boxes& all, const Region& region, const Grid& grid) {
  double last = 0;
  for (const Size3 corner : all.corners) last = std::max(last, off_axis_mm(region, grid, corner, all.box));
  std::vector<Ring> rings(names.size());
  std::vector<std::set<std::pair<std::size_t, std::size_t>>> places(names.size());
  for (const Size3 corner : all.corners) {
    const double at = off_axis_mm(region, grid, corner, all.box);
    const std::size_t k = std::min<std::size_t>(names.size() - 1, static_cast<std::size_t>(3 * at / last));
    rings[k].boxes.box = all.box;
    rings[k].boxes.corners.push_back(corner);
    rings[k].square_mm2 += at * at;
    places[k].insert({corner.x, corner.y});
  }
  const bool enough =
      last > 0 && std::all_of(places.begin(), places.end(), [](const auto& p) { return p.size() >= least_places; });
  return enough ? rings : std::vector<Ring>{};
}

}  // namespace

void measure_nps_rings(const Job& job, std::size_t scan, const Region& region, const RegionVoxels& voxels,
                       const NpsSet& set, Results& results) {
  std::vector<Ring> rings;
  for (const std::size_t side : {std::size_t{32}, std::size_t{24}})
    if (rings.empty())
      rings =
          rings_of(boxes_of_side(region, job.grid(), voxels.first_slice, voxels.last_slice, side), region, job.grid());
  if (rings.empty())
    return results.skip("noise_outer_over_inner", set.where,
                        "the region is too small for three rings of four boxes of 24 pixels");
  const char* const noise = job.unit() == "HU" ? "noise_from_nps_hu" : "noise_from_nps";
  for (std::size_t k = 0; k < rings.size(); ++k) {
    NpsSet own = set;
    own.variant = names[k];
    own.brief = true;
    own.stationarity = false;
    measure_nps(job, *job.scans[scan].volume, rings[k].boxes, own, results);
    const std::string variant = std::string("2d_") + names[k];
    if (!results.find(noise, variant, set.where)) continue;
    Measurement radius = measurement("nps_ring_radius_mm", variant, set.where, rings[k].radius_mm(), "mm");
    radius.method = "root mean square distance of the boxes' centres from the region's axis";
    results.add(std::move(radius));
  }
  const Measurement *inner = results.find(noise, "2d_poly2_inner", set.where),
                    *outer = results.find(noise, "2d_poly2_outer", set.where);
  if (!inner || !outer) return results.skip("noise_outer_over_inner", set.where, "the noise of a ring is not measured");
  Measurement ratio = measurement("noise_outer_over_inner", "2d_poly2", set.where, outer->value / inner->value, "1");
  if (inner->se && outer->se && inner->n_eff && outer->n_eff) {
    ratio.se = ratio.value * std::hypot(*inner->se / inner->value, *outer->se / outer->value);
    ratio.ci95 = log_interval(ratio.value, *ratio.se, std::min(*inner->n_eff, *outer->n_eff) - 1);
  }
  ratio.method = "noise of the outer third over that of the inner one";
  ratio.standard = "definition C2";
  ratio.flags = inner->flags;
  results.add(std::move(ratio));
}

}  // namespace iqgate::measure
