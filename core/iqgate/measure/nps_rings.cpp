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
constexpr double least_steps = 3.5;     // from the axis to the outermost centre: the inner third holds five boxes
constexpr double most_off_axis = 0.05;  // of the region's radius

struct Ring {
  Boxes boxes;
  double square_mm2 = 0;  // sum of the squared distances of the boxes' centres from the axis
  std::set<std::pair<std::size_t, std::size_t>> places;
};

double off_axis_mm(const Region& region, Vec3 mm) {
  const Vec3 d = mm - region.center_mm;
  return norm(d - dot(d, region.normal) * region.normal);
}

// The farthest that the centre of a box of this side can lie from the axis.
double way_mm(const Region& region, const Grid& grid, std::size_t side) {
  return region.radius_mm - 0.5 * double(side) * std::hypot(grid.spacing_mm.x, grid.spacing_mm.y);
}

std::size_t side_of(const Region& region, const Grid& grid) {
  for (const std::size_t side : {std::size_t{32}, std::size_t{24}})
    if (way_mm(region, grid, side) >= least_steps * double(side / 2) * std::max(grid.spacing_mm.x, grid.spacing_mm.y))
      return side;
  return 0;
}

std::vector<Ring> rings_of(const Boxes& all, const Region& region, const Grid& grid) {
  const double way = way_mm(region, grid, all.box.x);
  std::vector<Ring> rings(names.size());
  for (const Size3 corner : all.corners) {
    const double half = 0.5 * double(all.box.x - 1);
    const double at =
        off_axis_mm(region, grid.to_mm({double(corner.x) + half, double(corner.y) + half, double(corner.z)}));
    Ring& ring = rings[std::min(names.size() - 1, static_cast<std::size_t>(3 * at / way))];
    ring.boxes.box = all.box;
    ring.boxes.corners.push_back(corner);
    ring.square_mm2 += at * at;
    ring.places.insert({corner.x, corner.y});
  }
  return rings;
}

}  // namespace

void measure_nps_rings(const Job& job, std::size_t scan, const Region& region, const RegionVoxels& voxels,
                       const NpsSet& set, Results& results) {
  const auto skip = [&](const char* reason) { results.skip("noise_outer_over_inner", set.where, reason); };
  const std::size_t side = side_of(region, job.grid());
  if (side == 0) return skip("the region is too small for three rings of boxes of 24 pixels");
  Region phantom = region;
  phantom.center_mm = job.placement.translation_mm, phantom.normal = job.placement.rotation.column(2);
  if (job.phantom_placed && off_axis_mm(phantom, region.center_mm) > most_off_axis * region.radius_mm)
    return skip("the region does not lie about the phantom's axis: its radius is not the phantom's");
  const std::vector<Ring> rings =
      rings_of(boxes_of_side(region, job.grid(), voxels.first_slice, voxels.last_slice, side), region, job.grid());
  if (std::any_of(rings.begin(), rings.end(), [](const Ring& r) { return r.places.size() < least_places; }))
    return skip("a ring holds fewer than four boxes");
  NpsSet own = set;
  own.ring = true;
  own.stationarity = false;
  if (!job.phantom_placed) own.flags.push_back("radius_from_the_regions_own_axis");
  const char* const noise = job.unit() == "HU" ? "noise_ring_hu" : "noise_ring";
  std::array<std::optional<Measurement>, names.size()> found;
  for (std::size_t k = 0; k < rings.size(); ++k) {
    own.variant = names[k];
    measure_nps(job, *job.scans[scan].volume, rings[k].boxes, own, results);
    const std::string variant = std::string("2d_") + names[k];
    const Measurement* m = results.find(noise, variant, set.where);
    if (!m) return;  // told already
    found[k] = *m;
    Measurement radius = measurement("nps_ring_radius_mm", variant, set.where,
                                     std::sqrt(rings[k].square_mm2 / double(rings[k].boxes.corners.size())), "mm");
    radius.method = "root mean square distance of the boxes' centres from the region's axis";
    radius.flags = own.flags;
    results.add(std::move(radius));
  }
  const Measurement &inner = *found.front(), &outer = *found.back();
  Measurement ratio = measurement("noise_outer_over_inner", "2d_poly2", set.where, outer.value / inner.value, "1");
  if (inner.se && outer.se && inner.n_eff && outer.n_eff) {
    ratio.se = ratio.value * std::hypot(*inner.se / inner.value, *outer.se / outer.value);
    ratio.n_eff = std::min(*inner.n_eff, *outer.n_eff);
    ratio.ci95 = log_interval(ratio.value, *ratio.se, *ratio.n_eff - 1);
  }
  ratio.method = "noise of the outer third over that of the inner one";
  ratio.standard = "definition C2";
  ratio.flags = inner.flags;
  results.add(std::move(ratio));
}

}  // namespace iqgate::measure
