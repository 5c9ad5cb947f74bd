// A11: which rods of a low-contrast module show, and their contrast.
#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <map>

#include "iqgate/measure/metrics.hpp"

namespace iqgate::measure {
namespace {

struct Rod {
  const Region* region = nullptr;
  double ring_mm = 0, angle = 0, contrast = 0, se = 0, freedom = 0, p = 1;
  std::string reason;
};

std::optional<double> disc_mean(const Job& job, std::size_t s, const Region& like, Vec3 center_mm) {
  Region disc = like;
  disc.center_mm = center_mm;
  const RegionVoxels voxels = region_voxels(disc, job.grid());
  if (!voxels.good() || voxels.mask.offsets.size() < 4) return std::nullopt;
  return job.backend->region_moments(*job.scans[s].volume, voxels.mask).mean;
}

// Means of discs like this one nearer to the axis and farther from it, at the angles of all rods: nothing stands there.
struct Controls {
  std::vector<double> radius, angle, value;
};

// SD of one disc's mean from the controls, about the level of each ring and a slope across the phantom.
bool control_spread(const Controls& c, double& sd, double& freedom) {
  const long n = long(c.value.size());
  if (n < 12) return false;
  Eigen::MatrixXd basis(n, 4);
  Eigen::VectorXd values(n);
  for (long k = 0; k < n; ++k) {
    const std::size_t i = std::size_t(k);
    basis.row(k) << 1, c.radius[i] > 0 ? 1 : 0, std::cos(c.angle[i]), std::sin(c.angle[i]);
    values[k] = c.value[i];
  }
  const Eigen::VectorXd rest = values - basis * basis.colPivHouseholderQr().solve(values);
  freedom = double(n - 4);
  sd = std::sqrt(rest.squaredNorm() / freedom);
  return sd > 0;
}

// Contrast of one rod and its error; `reason` says why there is none.
void measure_rod(const Job& job, std::size_t s, const std::vector<Rod>& all, Rod& rod) {
  const Vec3 e1 = job.placement.rotation.column(0), e2 = job.placement.rotation.column(1),
             axis = job.placement.rotation.column(2);
  const Region& region = *rod.region;
  const Vec3 on_axis = job.placement.translation_mm + dot(region.center_mm - job.placement.translation_mm, axis) * axis;
  Region core = region;
  core.radius_mm *= 0.8;  // the blurred rim left out
  const auto at = [&](double ring, double angle) {
    return disc_mean(job, s, core, on_axis + (ring * std::cos(angle)) * e1 + (ring * std::sin(angle)) * e2);
  };
  // A quarter of the ring's radius aside, and clear of a rod as wide as this one.
  const double aside = std::max(0.25 * rod.ring_mm, region.radius_mm + core.radius_mm + 2);
  const auto inside = at(rod.ring_mm, rod.angle), inner = at(rod.ring_mm - aside, rod.angle),
             outer = at(rod.ring_mm + aside, rod.angle);
  if (!inside || !inner || !outer) {
    rod.reason = "not scanned, or too small for the pixel";
    return;
  }
  Controls controls;
  for (const Rod& other : all)
    for (const int side : {-1, 1})
      if (const auto value = at(rod.ring_mm + side * aside, other.angle)) {
        controls.radius.push_back(side > 0 ? 1 : 0);
        controls.angle.push_back(other.angle);
        controls.value.push_back(*value);
      }
  double sd = 0;
  if (!control_spread(controls, sd, rod.freedom)) {
    rod.reason = "fewer than 12 places beside the rods to compare with";
    return;
  }
  rod.contrast = *inside - 0.5 * (*inner + *outer);
  rod.se = sd * std::sqrt(1.5);
  rod.p = student_t_above(rod.contrast / rod.se, rod.freedom);
}

void one_module(const Job& job, std::size_t s, const std::string& where, const std::vector<Region>& regions,
                Results& results) {
  if (!job.phantom_placed)
    return results.skip("rod_contrast_hu", where,
                        "rods are compared round the axis of a placed phantom; none is named");
  const Mat3& axes = job.placement.rotation;
  std::vector<Rod> rods;
  for (const Region& region : regions) {
    const Vec3 d = region.center_mm - job.placement.translation_mm;
    const double x = dot(d, axes.column(0)), y = dot(d, axes.column(1));
    rods.push_back({&region, std::hypot(x, y), std::atan2(y, x)});
  }
  std::vector<const Rod*> good;
  std::vector<double> p;
  for (Rod& rod : rods) {
    measure_rod(job, s, rods, rod);
    if (rod.reason.empty()) good.push_back(&rod), p.push_back(rod.p);
    else results.skip("rod_contrast_hu", job.prefix(s) + rod.region->name, rod.reason);
  }
  if (good.empty()) return;
  const double bound = passing_p(p, 0.05);
  double seen = 0;
  for (const Rod* rod : good) {
    const bool visible = rod->p <= bound;
    seen += visible;
    Measurement m = measurement("rod_contrast_hu", "", job.prefix(s) + rod->region->name, rod->contrast, "HU");
    m.se = rod->se;
    m.ci95 = symmetric_interval(m.value, rod->se, rod->freedom);
    m.method =
        "mean of the rod's inner 80 % minus the mean of equal discs nearer to the axis and farther from it; error from "
        "the "
        "scatter of such discs over the module";
    m.standard = "definition A11";
    m.flags = {"ci_scope=within_scan", visible ? "visible" : "not_visible"};
    results.add(std::move(m));
  }
  Measurement m = measurement("rods_visible", "bh_005", where, seen, "1");
  m.method = "rods whose contrast is above zero, one-sided, false discovery rate 5 % over the " +
             std::to_string(good.size()) + " rods of the module";
  m.standard = "Benjamini and Hochberg 1995; definition A11";
  m.flags = {"ordinal"};
  results.add(std::move(m));
}

void run_rods(const Job& job, const std::vector<Region>& regions, Results& results) {
  if (job.unit() != "HU") return results.skip("rod_contrast_hu", "scan", "the values are not HU");
  std::map<std::string, std::vector<Region>> modules;
  for (const Region& region : regions) modules[part_of(region.name)].push_back(region);
  for (std::size_t s = 0; s < job.scans.size(); ++s)
    for (const auto& [module, members] : modules) one_module(job, s, job.prefix(s) + module, members, results);
}

}  // namespace

Metric low_contrast_metric() {
  return {"low_contrast",
          "Low-contrast rods",
          "Mean of a rod's inner 80 % minus that of equal discs nearer to the axis and farther from it, by a quarter "
          "of its "
          "distance and clear of it; its error from the scatter of such discs over the module (about ring levels and a "
          "slope); visible: above zero, "
          "one-sided, false discovery rate 5 % over the module's rods.",
          "Benjamini and Hochberg 1995; definition A11",
          {"rod_contrast_hu", "rods_visible"},
          {"bh_005"},
          {"rod"},
          {"CT"},
          run_rods};
}

}  // namespace iqgate::measure
