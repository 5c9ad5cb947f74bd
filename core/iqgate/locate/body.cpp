#include "iqgate/locate/body.hpp"

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <numbers>
#include <optional>

#include "iqgate/base/error.hpp"
#include "iqgate/base/parallel_guard.hpp"
#include "iqgate/locate/surface_points.hpp"

namespace iqgate::locate {
namespace {

constexpr double least_contrast_to_noise = 4, least_score = 0.6, least_coverage = 0.6;
constexpr int jackknife_groups = 20;

struct Fit {
  Vec3 center, axis{0, 0, 1};
  double radius = 0, length = 0;  // length 0: ends not seen
  double scale = 0;               // robust SD of the residuals
  double cost = 0;                // mean truncated squared residual
};

struct Options {
  bool sphere = false, axis_free = true, ends_seen = false;
};

struct Residual {
  double value = 0;
  Eigen::Matrix<double, 7, 1> gradient = Eigen::Matrix<double, 7, 1>::Zero();  // centre, tilt 1, tilt 2, radius, length
};

Residual residual_of(const Fit& f, const Options& options, Vec3 e1, Vec3 e2, Vec3 mm) {
  Residual r;
  const Vec3 p = mm - f.center;
  if (options.sphere) {
    const double length = std::max(norm(p), 1e-9);
    r.value = length - f.radius;
    for (int d = 0; d < 3; ++d) r.gradient[d] = -p[d] / length;
    r.gradient[5] = -1;
    return r;
  }
  const double h = dot(p, f.axis);
  const Vec3 q = p - h * f.axis;
  const double rho = std::max(norm(q), 1e-9);
  const double side = rho - f.radius, cap = std::abs(h) - 0.5 * f.length;
  if (options.ends_seen && std::abs(cap) < std::abs(side)) {
    const double s = h < 0 ? -1 : 1;
    r.value = cap;
    for (int d = 0; d < 3; ++d) r.gradient[d] = -s * f.axis[d];
    r.gradient[3] = s * dot(p, e1);
    r.gradient[4] = s * dot(p, e2);
    r.gradient[6] = -0.5;
    return r;
  }
  const Vec3 u = (1.0 / rho) * q;
  r.value = side;
  for (int d = 0; d < 3; ++d) r.gradient[d] = -u[d];
  r.gradient[3] = -h * dot(u, e1);
  r.gradient[4] = -h * dot(u, e2);
  r.gradient[5] = -1;
  return r;
}

double median(std::vector<double> values) {
  if (values.empty()) return 0;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

// Iteratively reweighted Gauss-Newton; `left_out` leaves one jackknife group out.
void refine(Fit& f, const Options& options, const std::vector<SurfacePoint>& points, int iterations,
            int left_out = -1) {
  for (int iteration = 0; iteration < iterations; ++iteration) {
    const Vec3 e1 = any_perpendicular(f.axis), e2 = cross(f.axis, e1);
    std::vector<double> sizes;
    sizes.reserve(points.size());
    for (const SurfacePoint& p : points) sizes.push_back(std::abs(residual_of(f, options, e1, e2, p.mm).value));
    f.scale = std::max(1.4826 * median(sizes), 1e-3);
    const double cutoff = 4.685 * f.scale;
    Eigen::Matrix<double, 7, 7> normal = Eigen::Matrix<double, 7, 7>::Zero();
    Eigen::Matrix<double, 7, 1> right = Eigen::Matrix<double, 7, 1>::Zero();
    double weights = 0, cost = 0;
    for (const SurfacePoint& p : points) {
      if (left_out >= 0 && p.group % jackknife_groups == left_out) continue;
      const Residual r = residual_of(f, options, e1, e2, p.mm);
      cost += std::min(r.value * r.value, 9.0);
      if (std::abs(r.value) >= cutoff) continue;
      const double t = r.value / cutoff, w = (1 - t * t) * (1 - t * t);
      normal += w * r.gradient * r.gradient.transpose();
      right -= w * r.value * r.gradient;
      weights += w;
    }
    f.cost = cost / double(points.size());
    // Parameters that the points cannot tell are held: the centre along the axis without ends, the axis when assumed.
    const double hold = 1e6 * std::max(weights, 1.0);
    if (options.sphere || !options.axis_free) normal(3, 3) += hold, normal(4, 4) += hold;
    if (options.sphere || !options.ends_seen) normal(6, 6) += hold;
    if (!options.sphere && !options.ends_seen)
      for (int a = 0; a < 3; ++a)
        for (int b = 0; b < 3; ++b) normal(a, b) += hold * f.axis[a] * f.axis[b];
    for (int d = 0; d < 7; ++d) normal(d, d) += 1e-9 * std::max(weights, 1.0);
    const Eigen::Matrix<double, 7, 1> step = normal.ldlt().solve(right);
    if (!step.allFinite()) return;
    f.center = f.center + Vec3{step[0], step[1], step[2]};
    const double limit = 0.3;
    f.axis = normalised(f.axis + std::clamp(step[3], -limit, limit) * e1 + std::clamp(step[4], -limit, limit) * e2);
    f.radius += step[5];
    f.length += step[6];
    if (step.norm() < 1e-9) break;
  }
}

Fit start_from(const Surface& surface, Vec3 axis, const Options& options) {
  Fit f;
  f.center = surface.inside_mm;
  f.axis = axis;
  std::vector<double> radial, axial;
  for (const SurfacePoint& p : surface.points) {
    const Vec3 d = p.mm - f.center;
    const double h = dot(d, axis);
    axial.push_back(std::abs(h));
    radial.push_back(options.sphere ? norm(d) : norm(d - h * axis));
  }
  f.radius = median(radial);
  std::sort(axial.begin(), axial.end());
  f.length = 2 * axial[axial.size() * 95 / 100];
  return f;
}

// Heights of the ends above the centre along the axis, where enough points lie off the side and share one height.
struct Ends {
  std::optional<double> bottom, top;
};

Ends find_ends(const Fit& f, const Surface& surface, double pixel_mm) {
  std::vector<double> low, high;
  for (const SurfacePoint& p : surface.points) {
    const Vec3 d = p.mm - f.center;
    const double h = dot(d, f.axis), rho = norm(d - h * f.axis);
    if (rho < f.radius - 3 * pixel_mm - 3 * f.scale && rho < 0.9 * f.radius) (h < 0 ? low : high).push_back(h);
  }
  const auto end_of = [&](std::vector<double> heights) -> std::optional<double> {
    if (heights.size() < 30) return std::nullopt;
    const double middle = median(heights);
    for (double& h : heights) h = std::abs(h - middle);
    if (1.4826 * median(std::move(heights)) >= std::max(pixel_mm, 3 * f.scale)) return std::nullopt;
    return middle;
  };
  return {end_of(std::move(low)), end_of(std::move(high))};
}

// Both ends seen: length and middle start from them.
bool start_from_ends(Fit& f, const Surface& surface, double pixel_mm) {
  const Ends ends = find_ends(f, surface, pixel_mm);
  if (!ends.bottom || !ends.top || *ends.top - *ends.bottom < 0.1 * f.radius) return false;
  f.center = f.center + 0.5 * (*ends.bottom + *ends.top) * f.axis;
  f.length = *ends.top - *ends.bottom;
  return true;
}

// The origin along the axis when not both ends are seen. From one end and the nominal length it is known; from one end
// alone it is the middle of what is seen; without ends it is the middle of the scan.
void assume_middle(const Scan& scan, const phantom::Body& body, const Ends& ends, Vec3 axis, Placement& placement) {
  const Grid& grid = scan.volume.grid;
  double shift = dot(grid.middle_mm() - placement.translation_mm, axis);
  if (ends.bottom.has_value() == ends.top.has_value()) {
    placement.flags.push_back("ends_not_seen");
  } else {
    const double end = ends.bottom ? *ends.bottom : *ends.top, inward = ends.bottom ? 1 : -1;
    placement.flags.push_back("one_end_seen");
    double half = 0.5 * body.length_mm;
    if (!(half > 0)) {
      placement.flags.push_back("ends_not_seen");
      const Vec3 low{-0.5, -0.5, -0.5}, span{double(grid.size.x), double(grid.size.y), double(grid.size.z)};
      double far = 0;
      for (int corner = 0; corner < 8; ++corner) {
        const Vec3 mm = grid.to_mm(
            {low.x + (corner & 1 ? span.x : 0), low.y + (corner & 2 ? span.y : 0), low.z + (corner & 4 ? span.z : 0)});
        far = std::max(far, inward * (dot(mm - placement.translation_mm, axis) - end));
      }
      half = 0.5 * far;
    }
    shift = end + inward * half;
  }
  placement.translation_mm = placement.translation_mm + shift * axis;
}

// Share of 16 sectors around the centre (seen along the axis) that hold inliers.
double coverage(const Fit& f, const Options& options, const Surface& surface, double tolerance) {
  const Vec3 e1 = any_perpendicular(f.axis), e2 = cross(f.axis, e1);
  int hits[16] = {};
  for (const SurfacePoint& p : surface.points) {
    if (std::abs(residual_of(f, options, e1, e2, p.mm).value) > tolerance) continue;
    const double angle = std::atan2(dot(p.mm - f.center, e2), dot(p.mm - f.center, e1));
    ++hits[static_cast<int>((angle + std::numbers::pi) / (2 * std::numbers::pi) * 15.999)];
  }
  int covered = 0;
  for (const int h : hits) covered += h > 0;
  return covered / 16.0;
}

Vec3 signed_axis(Vec3 axis) {
  const double ax = std::abs(axis.x), ay = std::abs(axis.y), az = std::abs(axis.z);
  const double leading = az >= ax && az >= ay ? axis.z : ay >= ax ? axis.y : axis.x;
  return leading < 0 ? -1.0 * axis : axis;
}

void add_uncertainty(const Fit& best, const Options& options, const Surface& surface, Placement& placement) {
  std::vector<Fit> fits(jackknife_groups, best);
  parallel_for(fits.size(), [&](std::size_t g) { refine(fits[g], options, surface.points, 3, int(g)); });
  const double factor = double(jackknife_groups - 1) / jackknife_groups;
  Vec3 mean_center;
  double mean_radius = 0;
  for (const Fit& f : fits)
    mean_center = mean_center + (1.0 / jackknife_groups) * f.center, mean_radius += f.radius / jackknife_groups;
  double across = 0, tilt = 0, radius = 0;
  for (const Fit& f : fits) {
    const Vec3 d = f.center - mean_center;
    const double along = options.sphere ? 0 : dot(d, best.axis);
    across += dot(d, d) - along * along;
    const Vec3 turn = f.axis - best.axis;
    tilt += dot(turn, turn);
    radius += (f.radius - mean_radius) * (f.radius - mean_radius);
  }
  placement.center_se_mm = std::sqrt(factor * across / (options.sphere ? 3 : 2));
  if (options.axis_free && !options.sphere)
    placement.axis_se_deg = std::sqrt(factor * tilt / 2) * 180 / std::numbers::pi;
  placement.radius_se_mm = std::sqrt(factor * radius);
}

struct Candidate {
  Fit fit;
  Options options;
};

Candidate fit_along(Vec3 axis, const Surface& surface, const Grid& grid, const Options& options, double pixel_mm) {
  Candidate c{start_from(surface, axis, options), options};
  if (!options.sphere) {
    double low = INFINITY, high = -INFINITY;
    for (const SurfacePoint& p : surface.points) {
      const double h = dot(p.mm - c.fit.center, c.fit.axis);
      low = std::min(low, h);
      high = std::max(high, h);
    }
    c.options.axis_free = high - low > 0.2 * c.fit.radius;
  }
  refine(c.fit, c.options, surface.points, 30);
  if (!options.sphere && grid.size.z >= 8 && start_from_ends(c.fit, surface, pixel_mm)) {
    c.options.ends_seen = true;
    refine(c.fit, c.options, surface.points, 40);
  }
  return c;
}

Fit fit_body(const Surface& surface, const Grid& grid, Options& options, double pixel_mm) {
  std::vector<Candidate> candidates(options.sphere || grid.size.z < 8 ? 1 : 3);
  parallel_for(candidates.size(), [&](std::size_t c) {
    candidates[c] = fit_along(grid.direction.column(2 - static_cast<int>(c)), surface, grid, options, pixel_mm);
  });
  Candidate best{.options = options};
  best.fit.cost = INFINITY;
  for (const Candidate& c : candidates)
    if (c.fit.cost < best.fit.cost && std::isfinite(c.fit.cost)) best = c;
  options = best.options;
  if (!options.sphere && !options.axis_free) best.fit.axis = grid.direction.column(2);
  return best.fit;
}

}  // namespace

const FoundBody& BodyFinder::find(phantom::BodyKind kind) {
  std::variant<std::monostate, FoundBody, InputError>& known = kind == phantom::BodyKind::sphere ? sphere_ : cylinder_;
  if (std::holds_alternative<std::monostate>(known)) {
    try {
      if (!surface_) surface_ = find_surface(scan_);
      known = find_body(scan_, *surface_, kind);
    } catch (const InputError& error) {
      known = error;
    }
  }
  if (const auto* error = std::get_if<InputError>(&known)) throw *error;
  return std::get<FoundBody>(known);
}

FoundBody find_body(const Scan& scan, const Surface& surface, phantom::BodyKind kind) {
  const Grid& grid = scan.volume.grid;
  const std::string where = "scan " + scan.id;
  if (surface.points.size() < 60) {
    const bool cut = surface.rays > 0 && double(surface.left_scan) > 0.7 * double(surface.rays);
    throw InputError(cut ? "fov_truncated" : "phantom_not_found", where,
                     cut ? "the body reaches outside the field of view on most sides"
                         : "no body with a visible rim stands out from its surroundings",
                     "check that the phantom is in the scan, or give regions with --roi");
  }
  if (surface.contrast < least_contrast_to_noise * surface.noise)
    throw InputError("phantom_not_found", where, "no body stands out from the noise",
                     "check that the phantom is in the scan, or give regions with --roi");
  Options options{.sphere = kind == phantom::BodyKind::sphere};
  const double pixel_mm = std::max(grid.spacing_mm.x, grid.spacing_mm.y);
  const Fit best = fit_body(surface, grid, options, pixel_mm);
  const double tolerance = std::max(pixel_mm, 3 * best.scale < 2 * pixel_mm ? 3 * best.scale : 0.0);
  const Vec3 e1 = any_perpendicular(best.axis), e2 = cross(best.axis, e1);
  double inliers = 0, squares = 0;
  for (const SurfacePoint& p : surface.points) {
    const double r = residual_of(best, options, e1, e2, p.mm).value;
    if (std::abs(r) <= tolerance) inliers += 1, squares += r * r;
  }
  Placement placement;
  placement.score = inliers / double(surface.points.size());
  placement.fit_rms_mm = inliers > 0 ? std::sqrt(squares / inliers) : 0;
  char text[200];
  if (placement.score < least_score) {
    std::snprintf(text, sizeof text, "the surface does not fit a %s (%.0f %% of its points do)",
                  options.sphere ? "sphere" : "cylinder", 100 * placement.score);
    throw InputError("phantom_not_found", where, text,
                     "choose another phantom with --phantom, or give regions with --roi");
  }
  if (coverage(best, options, surface, tolerance) < least_coverage) {
    if (double(surface.left_scan) > 0.1 * double(surface.rays))
      throw InputError("fov_truncated", where, "too little of the phantom's rim lies inside the field of view");
    throw InputError("phantom_not_found", where, "the body is not round: only a part of its rim fits",
                     "choose another phantom with --phantom, or give regions with --roi");
  }
  placement.method = options.sphere ? "sphere_fit" : "cylinder_fit";
  placement.translation_mm = best.center;
  const Vec3 axis = options.sphere ? signed_axis(grid.direction.column(2)) : signed_axis(best.axis);
  // By the patient's axes, not the scan's rows: how an object is stored must not turn its regions.
  const bool sagittal = std::abs(axis.x) > std::abs(axis.y) && std::abs(axis.x) > std::abs(axis.z);
  const Vec3 reference = sagittal ? Vec3{0, 1, 0} : Vec3{1, 0, 0};
  const Vec3 in_plane = normalised(reference - dot(reference, axis) * axis);
  placement.rotation = Mat3::from_columns(in_plane, cross(axis, in_plane), axis);
  placement.radius_mm = best.radius;
  if (options.ends_seen) placement.length_mm = best.length;
  add_uncertainty(best, options, surface, placement);
  if (!options.sphere && !options.axis_free) placement.flags.push_back("axis_assumed");
  FoundBody found{placement, {}, {}, options.sphere || options.ends_seen};
  if (!found.ends_known && grid.size.z >= 8) {
    Fit seen = best;
    seen.axis = axis;
    const Ends ends = find_ends(seen, surface, pixel_mm);
    found.bottom_mm = ends.bottom;
    found.top_mm = ends.top;
  }
  return found;
}

namespace {

// From end to end; where an end is not seen, up to that of the scan, which the body fills.
double seen_length(const Scan& scan, const FoundBody& found) {
  if (found.placement.length_mm) return *found.placement.length_mm;
  const Grid& grid = scan.volume.grid;
  const double half = 0.5 * double(grid.size.z) * grid.spacing_mm.z,
               middle = dot(grid.middle_mm() - found.placement.translation_mm, found.placement.rotation.column(2));
  return found.top_mm.value_or(middle + half) - found.bottom_mm.value_or(middle - half);
}

}  // namespace

Placement as_body(const Scan& scan, const FoundBody& found, const phantom::Body& body) {
  Placement placement = found.placement;
  const double radius = *placement.radius_mm;
  const auto fits = [&](double nominal) { return std::abs(radius - nominal) <= body.radius_tolerance_mm; };
  if (!fits(body.radius_mm) && std::none_of(body.radii_mm.begin(), body.radii_mm.end(), fits)) {
    char text[200];
    std::snprintf(text, sizeof text, "the body has a radius of %.2f mm; this phantom has %.2f mm (within %.2f mm)",
                  radius, body.radius_mm, body.radius_tolerance_mm);
    throw InputError("wrong_phantom", "scan " + scan.id, text, "choose another phantom with --phantom");
  }
  // Lengths of one class of phantoms differ; by as much as this, the distances between slices are wrong.
  const double length = seen_length(scan, found);
  if (body.kind == phantom::BodyKind::cylinder && body.length_mm > 0 &&
      !(length < 3 * body.length_mm && (length > body.length_mm / 3 || !found.both_ends()))) {
    char text[200];
    std::snprintf(text, sizeof text, "the body is %.0f mm long or more; this phantom is %.0f mm long", length,
                  body.length_mm);
    throw InputError("wrong_phantom", "scan " + scan.id, text,
                     "look at the slice positions in the files (inspect), or choose another phantom with --phantom");
  }
  if (!found.ends_known)
    assume_middle(scan, body, {found.bottom_mm, found.top_mm}, placement.rotation.column(2), placement);
  return placement;
}

Placement locate_body(const Scan& scan, const phantom::Body& body) {
  return as_body(scan, find_body(scan, find_surface(scan), body.kind), body);
}

}  // namespace iqgate::locate
