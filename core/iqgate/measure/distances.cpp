// A7: distances between the small objects of a phantom, and the scale of the image's axes.
#include <cmath>
#include <map>

#include "iqgate/measure/metrics.hpp"
#include "iqgate/measure/point_centre.hpp"

namespace iqgate::measure {
namespace {

struct Object {
  std::string name;  // last part
  Vec3 nominal_mm, measured_mm;
  double se_mm = 0;
};

void pairs(const std::string& where, const std::vector<Object>& objects, bool nominal_known, Results& results) {
  for (std::size_t a = 0; a < objects.size(); ++a)
    for (std::size_t b = a + 1; b < objects.size(); ++b) {
      const double measured = norm(objects[b].measured_mm - objects[a].measured_mm),
                   nominal = norm(objects[b].nominal_mm - objects[a].nominal_mm),
                   se = std::hypot(objects[a].se_mm, objects[b].se_mm);
      Measurement m =
          measurement("distance_mm", "", where + "/" + objects[a].name + "-" + objects[b].name, measured, "mm");
      m.se = se;
      m.ci95 = symmetric_interval(measured, se);
      m.method = "between sub-pixel centroids";
      m.standard = "definition A7";
      m.flags = {"ci_scope=within_scan", "noise_taken_as_white"};
      Measurement error = m;
      error.name = "distance_error_mm";
      error.value = measured - nominal;
      error.ci95 = symmetric_interval(error.value, se);
      error.method += "; minus the distance in the phantom";
      results.add(std::move(m));
      if (nominal_known) results.add(std::move(error));
    }
}

// Scale of one axis of the scan: slope of measured against nominal separations along it.
// Only where a turn of the phantom cannot pass for it: objects on a slanted line are left out.
void scale(const std::string& where, const char* name, Vec3 direction, const Mat3& axes,
           const std::vector<Object>& objects, Results& results) {
  const double n = double(objects.size());
  double mx = 0, my = 0;
  for (const Object& o : objects) mx += dot(o.nominal_mm, direction) / n, my += dot(o.measured_mm, direction) / n;
  double sxx = 0, sxy = 0, noise = 0;
  for (const Object& o : objects) {
    const double x = dot(o.nominal_mm, direction) - mx, y = dot(o.measured_mm, direction) - my;
    sxx += x * x, sxy += x * y, noise += x * x * o.se_mm * o.se_mm;
  }
  if (sxx < 20 * 20) return;  // they do not lie apart in this direction
  for (int d = 0; d < 3; ++d) {
    const Vec3 other = axes.column(d);
    if (std::abs(dot(other, direction)) > 0.5) continue;
    double mo = 0, sxo = 0;
    for (const Object& o : objects) mo += dot(o.nominal_mm, other) / n;
    for (const Object& o : objects) sxo += (dot(o.nominal_mm, direction) - mx) * (dot(o.nominal_mm, other) - mo);
    if (std::abs(sxo) > 0.05 * sxx) return;
  }
  const double slope = sxy / sxx, se = std::sqrt(noise) / sxx;
  Measurement m = measurement(name, "", where, 100 * (slope - 1), "%");
  m.se = 100 * se;
  m.ci95 = symmetric_interval(m.value, *m.se);
  m.method = "slope of measured against nominal positions along this axis of the scan, minus 1";
  m.standard = "definition A7";
  m.flags = {"ci_scope=within_scan", "noise_taken_as_white"};
  results.add(std::move(m));
}

void run(const Job& job, const std::vector<Region>& regions, Results& results) {
  std::map<std::string, std::vector<Region>> folders;
  for (const Region& region : regions) folders[folder_of(region.name)].push_back(region);
  for (std::size_t s = 0; s < job.scans.size(); ++s)
    for (const auto& [folder, members] : folders) {
      const std::string where = job.prefix(s) + (folder.empty() ? "scan" : folder);
      std::vector<Object> objects;
      for (const Region& region : members) {
        const bool ball = region.kind == "bead" || region.kind == "ball";
        const PointCentre centre = point_centre(job, s, region, ball);
        if (centre.good) objects.push_back({own_name(region.name), region.center_mm, centre.patient_mm, centre.se_mm});
        else results.skip("distance_mm", job.prefix(s) + region.name, centre.reason);
      }
      if (objects.size() < 2) {
        if (members.size() >= 2) results.skip("distance_mm", where, "fewer than two of its objects were found");
        continue;
      }
      pairs(where, objects, job.phantom_placed, results);
      if (!job.phantom_placed) continue;  // regions drawn by hand tell no distance of the phantom
      const Mat3& axes = job.grid().direction;
      scale(where, "scale_x_pct", axes.column(0), axes, objects, results);
      scale(where, "scale_y_pct", axes.column(1), axes, objects, results);
      scale(where, "scale_z_pct", axes.column(2), axes, objects, results);
    }
}

}  // namespace

Metric distances_metric() {
  return {
      "distances",
      "Distances and the scale of the axes",
      "Sub-pixel centroids of pins (in the plane) and beads (in space) of one folder of names; every distance and its "
      "difference from the phantom's; scale of each axis of the scan: slope of measured against nominal positions "
      "along it, minus 1.",
      "ACR CT; manufacturer's geometry; definition A7",
      {"distance_mm", "distance_error_mm", "scale_x_pct", "scale_y_pct", "scale_z_pct"},
      {},
      {"pin"},
      {},
      run};
}

}  // namespace iqgate::measure
