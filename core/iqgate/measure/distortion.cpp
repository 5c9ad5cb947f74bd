// A7: geometric distortion in three dimensions, from many small balls at known places.
#include <algorithm>
#include <cmath>

#include "iqgate/compute/rigid_fit.hpp"
#include "iqgate/measure/ball_centre.hpp"
#include "iqgate/measure/metrics.hpp"
#include "iqgate/measure/solid_harmonics.hpp"

namespace iqgate::measure {
namespace {

constexpr double fit_radius_mm = 100;  // points nearer to the isocentre lay the phantom; outer ones are distorted
constexpr std::size_t least_fit_points = 8, least_points = 12, neighbours = 6;
constexpr int harmonic_order = 5;
constexpr double shell_mm = 50, most_missing = 0.05;

struct Point {
  std::string name;
  Vec3 nominal_mm;  // as the phantom was placed
  Vec3 measured_mm;
  double se_mm = 0;
};

struct Missing {
  std::string name, reason;
  Vec3 nominal_mm;
};

struct Points {
  std::vector<Point> found;
  std::vector<Missing> missing;
};

// From the middle outwards: each ball is looked for where those found beside it have moved to.
Points measure_points(const Job& job, std::size_t s, const std::vector<Region>& regions) {
  std::vector<const Region*> order;
  Vec3 middle;
  for (const Region& r : regions) {
    order.push_back(&r);
    middle = middle + (1.0 / double(regions.size())) * r.center_mm;
  }
  std::stable_sort(order.begin(), order.end(), [&](const Region* a, const Region* b) {
    return norm(a->center_mm - middle) < norm(b->center_mm - middle);
  });
  double spacing = INFINITY;
  for (const Region& a : regions)
    for (const Region& b : regions)
      if (&a != &b) spacing = std::min(spacing, norm(a.center_mm - b.center_mm));
  Points points;
  for (const Region* r : order) {
    const auto dark = r->nominal.find("dark");
    Vec3 shift;
    std::vector<std::pair<double, const Point*>> near;
    for (const Point& p : points.found) near.emplace_back(norm(p.nominal_mm - r->center_mm), &p);
    const std::size_t used = std::min(neighbours, near.size());
    std::partial_sort(near.begin(), near.begin() + std::ptrdiff_t(used), near.end());
    for (std::size_t k = 0; k < used; ++k)
      shift = shift + (1.0 / double(used)) * (near[k].second->measured_mm - near[k].second->nominal_mm);
    const BallCentre c =
        ball_centre(job.scans[s].volume->host(), job.grid(), r->center_mm + shift, r->radius_mm,
                    dark != r->nominal.end() && dark->second != 0 ? -1 : 1, std::min(0.45 * spacing, 2 * r->radius_mm));
    if (c.good()) points.found.push_back({r->name, r->center_mm, c.patient_mm, c.se_mm});
    else points.missing.push_back({r->name, c.reason, r->center_mm});
  }
  return points;
}

struct Field {
  std::vector<Vec3> at;  // true places, in the scanner's frame
  std::vector<Vec3> shift;
  std::vector<double> se;
  compute::RigidFit pose;
  std::size_t fit_points = 0;
};

Field field_of(const Points& points) {
  Field field;
  std::vector<Vec3> from, to;
  for (const Point& p : points.found)
    if (norm(p.measured_mm) <= fit_radius_mm) from.push_back(p.nominal_mm), to.push_back(p.measured_mm);
  field.fit_points = from.size();
  if (from.size() < least_fit_points) return field;
  field.pose = compute::fit_rigid(from, to);
  // A ball that was taken for another must not turn the phantom.
  for (int round = 0; round < 4; ++round) {
    std::vector<double> rest;
    for (std::size_t k = 0; k < from.size(); ++k) rest.push_back(norm(field.pose.apply(from[k]) - to[k]));
    const double limit = median_of(rest) + 3 * robust_sd(rest) + 0.05;
    std::vector<Vec3> kept_from, kept_to;
    for (std::size_t k = 0; k < from.size(); ++k)
      if (rest[k] <= limit) kept_from.push_back(from[k]), kept_to.push_back(to[k]);
    if (kept_from.size() < std::max(least_fit_points, from.size() * 2 / 3)) break;
    field.pose = compute::fit_rigid(kept_from, kept_to);
  }
  for (const Point& p : points.found) {
    field.at.push_back(field.pose.apply(p.nominal_mm));
    field.shift.push_back(p.measured_mm - field.at.back());
    field.se.push_back(p.se_mm);
  }
  return field;
}

class Report {
 public:
  Report(Results& results, std::string where, std::vector<std::string> flags)
      : results_(results), where_(std::move(where)), flags_(std::move(flags)) {}
  void add(const std::string& name, const std::string& part, double value, const char* unit, std::string method,
           double se = NAN) const {
    Measurement m = measurement(name, "", part.empty() ? where_ : where_ + "/" + part, value, unit);
    if (std::isfinite(se)) m.se = se;
    m.method = std::move(method);
    m.standard = "NEMA MS 12-2016; AAPM TG-284";
    m.flags = flags_;
    results_.add(std::move(m));
  }
  void skip(const char* name, const std::string& part, const char* reason) const {
    results_.skip(name, part.empty() ? where_ : where_ + "/" + part, reason);
  }

 private:
  Results& results_;
  std::string where_;
  std::vector<std::string> flags_;
};

// `missing`: balls of this part that were not found; the largest of those that were says little where they are many.
void add_lengths(const Report& report, const std::string& part, const Field& field,
                 const std::vector<std::size_t>& used, std::size_t missing) {
  std::vector<double> lengths;
  std::size_t worst = used.front();
  double sum = 0, square = 0;
  for (const std::size_t k : used) {
    const double d = norm(field.shift[k]);
    lengths.push_back(d);
    sum += d;
    square += d * d;
    if (d > norm(field.shift[worst])) worst = k;
  }
  std::sort(lengths.begin(), lengths.end());
  const double n = double(used.size());
  report.add("distortion_mean_mm", part, sum / n, "mm", "mean length of the displacements");
  report.add("distortion_rms_mm", part, std::sqrt(square / n), "mm", "root mean square of the displacements");
  if (double(missing) > most_missing * double(used.size() + missing))
    return report.skip("distortion_max_mm", part,
                       "more than a twentieth of the balls here are not found, perhaps those moved most");
  report.add("distortion_p95_mm", part, quantile(lengths, 0.95), "mm", "95th percentile of their lengths");
  report.add("distortion_max_mm", part, lengths.back(), "mm",
             "largest of their lengths; its error that of one centroid", std::sqrt(3.0) * field.se[worst]);
}

void add_axes(const Report& report, const Field& field) {
  static constexpr const char* axes[] = {"x", "y", "z"};
  for (int d = 0; d < 3; ++d) {
    double worst = 0, square = 0;
    for (const Vec3 s : field.shift) worst = std::max(worst, std::abs(s[d])), square += s[d] * s[d];
    report.add(std::string("distortion_rms_") + axes[d] + "_mm", "", std::sqrt(square / double(field.shift.size())),
               "mm", "root mean square along this axis of the patient");
    report.add(std::string("distortion_max_") + axes[d] + "_mm", "", worst, "mm", "largest along this axis");
  }
  std::vector<Vec3> measured;
  for (std::size_t k = 0; k < field.at.size(); ++k) measured.push_back(field.at[k] + field.shift[k]);
  const auto affine = compute::fit_affine(field.at, measured);
  if (!affine) return report.skip("affine_scale_x_pct", "", "the points lie in one plane");
  for (int d = 0; d < 3; ++d)
    report.add(std::string("affine_scale_") + axes[d] + "_pct", "", 100 * (affine->matrix(d, d) - 1), "%",
               "affine fit over all points: what the rigid fit must not take away");
}

Map map_of(const Job& job, const HarmonicField& harmonics, double reach_mm, const std::string& where) {
  constexpr std::size_t side = 96;
  Map map{.name = "distortion", .where = where, .unit = "mm", .width = side, .height = side};
  map.spacing_x_mm = map.spacing_y_mm = 2 * reach_mm / double(side - 1);
  const Vec3 u = job.grid().direction.column(0), v = job.grid().direction.column(1);
  for (std::size_t j = 0; j < side; ++j)
    for (std::size_t i = 0; i < side; ++i) {
      const Vec3 p = (double(i) * map.spacing_x_mm - reach_mm) * u + (double(j) * map.spacing_y_mm - reach_mm) * v;
      map.values.push_back(norm(p) <= reach_mm ? float(norm(harmonics.at(p))) : 0.0F);
    }
  return map;
}

void one_scan(const Job& job, std::size_t s, const std::vector<Region>& regions, Results& results) {
  const std::string where = job.prefix(s) + "control_points";
  for (const Region& r : regions)
    if (!(r.radius_mm >= 1 && r.radius_mm <= 40))
      return results.skip("distortion_rms_mm", where, "region " + r.name + " has a radius that is not 1 to 40 mm");
  for (std::size_t a = 0; a < regions.size(); ++a)
    for (std::size_t b = 0; b < a; ++b)
      if (norm(regions[a].center_mm - regions[b].center_mm) < regions[a].radius_mm + regions[b].radius_mm)
        return results.skip("distortion_rms_mm", where,
                            "regions " + regions[a].name + " and " + regions[b].name + " lie in each other");
  const Points points = measure_points(job, s, regions);
  for (const Missing& m : points.missing) results.skip("control_point", job.prefix(s) + m.name, m.reason);
  if (points.found.size() < least_points)
    return results.skip("distortion_rms_mm", where, "fewer than 12 control points are found");
  const Field field = field_of(points);
  if (field.at.empty())
    return results.skip("distortion_rms_mm", where,
                        "fewer than 8 control points lie within 100 mm of the isocentre (the origin of the scan's "
                        "coordinates): nothing lays the phantom");
  const Report report(results, where, {"ci_scope=within_scan", "fit_radius_mm=100", "isocentre_is_coordinate_origin"});
  report.add("control_points_found", "", double(points.found.size()), "1", "balls whose centroid was found");
  report.add("control_points_fitted", "", double(field.fit_points), "1",
             "those within 100 mm of the isocentre, which lay the phantom (rigid, no scale)");
  std::vector<std::size_t> all;
  for (std::size_t k = 0; k < field.at.size(); ++k) all.push_back(k);
  add_lengths(report, "", field, all, points.missing.size());
  add_axes(report, field);
  double reach = 0;
  for (const Vec3 p : field.at) reach = std::max(reach, norm(p));
  for (double from = 0; from < reach; from += shell_mm) {
    std::vector<std::size_t> shell;
    for (std::size_t k = 0; k < field.at.size(); ++k)
      if (norm(field.at[k]) >= from && norm(field.at[k]) < from + shell_mm) shell.push_back(k);
    std::size_t missing = 0;
    for (const Missing& m : points.missing) {
      const double r = norm(field.pose.apply(m.nominal_mm));
      missing += r >= from && r < from + shell_mm;
    }
    if (!shell.empty())
      add_lengths(report, std::to_string(int(from)) + "-" + std::to_string(int(from + shell_mm)) + "_mm", field, shell,
                  missing);
  }
  const HarmonicField harmonics = fit_harmonics(field.at, field.shift, harmonic_order);
  report.add("distortion_fit_rest_mm", "", harmonics.rest_rms_mm, "mm",
             "root mean square of what solid harmonics of order " + std::to_string(harmonics.order) + " leave");
  results.maps.push_back(map_of(job, harmonics, reach, where));
  Curve curve{.name = "distortion", .variant = "", .where = where};
  std::sort(all.begin(), all.end(),
            [&](std::size_t a, std::size_t b) { return norm(field.at[a]) < norm(field.at[b]); });
  curve.x = {"distance_from_isocentre", "mm", {}};
  curve.y = {"displacement", "mm", {}};
  for (const std::size_t k : all) {
    curve.x.values.push_back(norm(field.at[k]));
    curve.y.values.push_back(norm(field.shift[k]));
  }
  results.curves.push_back(std::move(curve));
}

// Two scans whose readout gradients differ in sign: what moves with it is the field's, what stays the gradients'.
void forward_and_reverse(const Job& job, std::size_t forward, std::size_t reverse, const std::vector<Region>& regions,
                         Results& results) {
  const Points a = measure_points(job, forward, regions), b = measure_points(job, reverse, regions);
  const Field one = field_of(a), other = field_of(b);
  const std::string where = "control_points";
  if (one.at.empty() || other.at.empty())
    return results.skip("distortion_b0_rms_mm", where, "too few control points in one of the two scans");
  double b0 = 0, b0_worst = 0, gradient = 0, gradient_worst = 0, n = 0;
  for (std::size_t k = 0; k < a.found.size(); ++k)
    for (std::size_t j = 0; j < b.found.size(); ++j) {
      if (a.found[k].name != b.found[j].name) continue;
      // One pose for both, so that a shift of the whole by the field is not taken for the phantom's.
      const Vec3 true_place = 0.5 * (one.at[k] + other.at[j]);
      const Vec3 plus = a.found[k].measured_mm - true_place, minus = b.found[j].measured_mm - true_place;
      const double moves = 0.5 * norm(plus - minus), stays = 0.5 * norm(plus + minus);
      b0 += moves * moves, gradient += stays * stays, n += 1;
      b0_worst = std::max(b0_worst, moves), gradient_worst = std::max(gradient_worst, stays);
    }
  if (n < double(least_points))
    return results.skip("distortion_b0_rms_mm", where, "fewer than 12 control points are found in both scans");
  const Report report(results, where, {"ci_scope=within_scan", "fit_radius_mm=100"});
  report.add("distortion_b0_rms_mm", "", std::sqrt(b0 / n), "mm",
             "half the difference of the places, forward and reverse");
  report.add("distortion_b0_max_mm", "", b0_worst, "mm", "the largest of them");
  report.add("distortion_gradient_rms_mm", "", std::sqrt(gradient / n), "mm", "half the sum of both displacements");
  report.add("distortion_gradient_max_mm", "", gradient_worst, "mm", "the largest of them");
}

void run(const Job& job, const std::vector<Region>& regions, Results& results) {
  std::optional<std::size_t> forward, reverse;
  for (std::size_t s = 0; s < job.scans.size(); ++s) {
    one_scan(job, s, regions, results);
    if (job.scans[s].scan->role == "readout_forward") forward = s;
    if (job.scans[s].scan->role == "readout_reverse") reverse = s;
  }
  if (forward && reverse) forward_and_reverse(job, *forward, *reverse, regions, results);
}

}  // namespace

Metric distortion_metric() {
  return {
      "distortion",
      "Geometric distortion in three dimensions",
      "Centroids of balls at known places, looked for from the middle outwards; the phantom is laid on those within "
      "100 mm of the isocentre by a rigid fit without scale; displacements of all: mean, rms, 95th percentile, "
      "largest, "
      "by axis and by shells of 50 mm; affine scale; solid harmonics of order 5. Scans in the roles readout_forward "
      "and "
      "readout_reverse part what the field moves from what the gradients do.",
      "NEMA MS 12-2016; AAPM TG-284",
      {"distortion_mean_mm",   "distortion_rms_mm",      "distortion_p95_mm",          "distortion_max_mm",
       "distortion_rms_x_mm",  "distortion_rms_y_mm",    "distortion_rms_z_mm",        "distortion_max_x_mm",
       "distortion_max_y_mm",  "distortion_max_z_mm",    "affine_scale_x_pct",         "affine_scale_y_pct",
       "affine_scale_z_pct",   "distortion_fit_rest_mm", "control_points_found",       "control_points_fitted",
       "distortion_b0_rms_mm", "distortion_b0_max_mm",   "distortion_gradient_rms_mm", "distortion_gradient_max_mm",
       "control_point"},
      {},
      {"control_point"},
      {"MR", "CT"},
      run};
}

}  // namespace iqgate::measure
