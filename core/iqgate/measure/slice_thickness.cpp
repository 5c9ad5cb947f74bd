// A8, A9: slice thickness and the places of slices from wires that climb at a known angle.
#include <algorithm>
#include <cmath>
#include <map>
#include <numbers>

#include "iqgate/compute/resample.hpp"
#include "iqgate/measure/metrics.hpp"
#include "iqgate/measure/profile_width.hpp"

namespace iqgate::measure {
namespace {

constexpr double degree = std::numbers::pi / 180, rounded_tangent = 0.42;

// One wire in one slice.
struct Crossing {
  std::size_t slice = 0;
  double fwhm_mm = 0, fwtm_mm = 0;  // along the wire's trace in the slice
  double height_mm = 0;             // of the crossing above the region's centre, by the wire
  double place_mm = 0;              // of the slice, by the scan's geometry and the placement
};

struct Wire {
  std::string name;
  double exact_tangent = 0, nominal_tangent = 0;
  Vec3 trace;  // direction in which it climbs, in the slice
  bool of_23_degrees() const { return std::abs(nominal_tangent - std::tan(23 * degree)) < 1e-6; }
  std::vector<Crossing> crossings;
};

// Profile along the wire's trace: mean over 2 mm to either side of the line of largest values.
std::vector<double> trace_profile(const VolumeView& v, const Grid& grid, Vec3 middle, Vec3 along, Vec3 across,
                                  double half_length_mm, double half_width_mm, double step_mm) {
  const int count = 2 * static_cast<int>(half_length_mm / step_mm) + 1;
  const int wide = static_cast<int>(half_width_mm / step_mm);
  std::vector<double> rows(std::size_t(2 * wide + 1) * std::size_t(count));
  double best = -INFINITY;
  int line = 0;
  for (int j = -wide; j <= wide; ++j) {
    double largest = -INFINITY;
    for (int i = 0; i < count; ++i) {
      Vec3 at = grid.to_index(middle + ((i - count / 2) * step_mm) * along + (j * step_mm) * across);
      at.z = std::round(at.z);
      const double value = compute::linear_value(v, at, NAN);
      rows[std::size_t(j + wide) * std::size_t(count) + std::size_t(i)] = value;
      if (value > largest) largest = value;
    }
    if (largest > best) best = largest, line = j;
  }
  const int reach = static_cast<int>(2 / step_mm);
  const int low = std::max(-wide, line - reach), high = std::min(wide, line + reach);
  std::vector<double> profile(std::size_t(count), 0.0);
  for (int j = low; j <= high; ++j)
    for (int i = 0; i < count; ++i)
      profile[std::size_t(i)] += rows[std::size_t(j + wide) * std::size_t(count) + std::size_t(i)] / (high - low + 1);
  return profile;
}

bool look_at(const Job& job, std::size_t s, const Region& region, Wire& wire, std::string& reason) {
  const auto angle = region.nominal.find("ramp_angle_deg");
  if (angle == region.nominal.end() || region.shape != RegionShape::box) {
    reason = "a ramp's region must be a box with a nominal ramp_angle_deg";
    return false;
  }
  if (!lies_in_slice(region, job.grid())) {
    reason = "the region's normal lies more than 10 degrees from the slice normal";
    return false;
  }
  const Grid& grid = job.grid();
  if (const VoxelBox box = voxel_box(region, grid); !box.reason.empty()) {
    reason = box.reason;
    return false;
  }
  const VolumeView v = job.scans[s].volume->host();
  const Vec3 normal = grid.direction.column(2);
  const double a = angle->second * degree;
  // The wire climbs along in_plane; what counts is its angle to the slice as it was scanned.
  const Vec3 wire_direction = std::cos(a) * region.in_plane + std::sin(a) * region.normal;
  const double climb = dot(wire_direction, normal);
  const Vec3 trace = wire_direction - climb * normal;
  wire.nominal_tangent = std::tan(a);
  wire.exact_tangent = std::abs(climb) / norm(trace);
  wire.trace = trace;
  const auto usable = [](double tangent) { return tangent > std::tan(2 * degree) && tangent < std::tan(80 * degree); };
  if (!usable(std::abs(wire.nominal_tangent)) || !usable(wire.exact_tangent)) {
    reason = "the wire's angle to the slice lies outside 2 to 80 degrees";
    return false;
  }
  const Vec3 along = normalised(trace), across = cross(normal, along);
  const double step = 0.25 * std::min(grid.spacing_mm.x, grid.spacing_mm.y), half = 0.5 * region.size_mm.x;
  const double lean = dot(region.normal, normal);
  bool scanned = false;
  for (std::size_t z = 0; z < grid.size.z; ++z) {
    const double off = dot(grid.to_mm({0, 0, double(z)}) - region.center_mm, normal);
    if (std::abs(off) > 0.5 * region.size_mm.z) continue;
    scanned = true;
    // Where the phantom's axis through the region's centre meets the slice.
    const Vec3 middle = region.center_mm + (off / lean) * region.normal;
    const std::vector<double> profile =
        trace_profile(v, grid, middle, along, across, half, 0.5 * region.size_mm.y, step);
    if (std::any_of(profile.begin(), profile.end(), [](double x) { return std::isnan(x); })) {
      reason = "the region reaches outside the scan";
      return false;
    }
    const Peak peak = find_peak(profile);
    const auto at_half = full_width(profile, peak, 0.5), at_tenth = full_width(profile, peak, 0.1);
    if (!at_half || peak.height < 6 * peak.noise) continue;
    const double centre = (at_half->middle - double(profile.size() / 2)) * step, width = at_half->width * step;
    // Whole in the region, and no other wire: its neighbours end where it does.
    if (std::abs(centre) + width > half) continue;
    // From the region's centre, which the phantom's axis leaves where it is tilted.
    const double from_centre = centre + dot(middle - region.center_mm, along);
    const double height = (climb > 0 ? 1 : -1) * from_centre * wire.exact_tangent;
    wire.crossings.push_back({z, width, at_tenth ? at_tenth->width * step : NAN, height, off});
  }
  if (wire.crossings.empty())
    reason = scanned ? "no wire stands out whole from its background" : "not scanned: no slice meets the region";
  return !wire.crossings.empty();
}

// The crossings nearest to the middle of the wire, where nothing cuts its trace: at most five.
std::vector<Crossing> middle_ones(const Wire& wire) {
  std::vector<Crossing> sorted = wire.crossings;
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const Crossing& x, const Crossing& y) { return std::abs(x.place_mm) < std::abs(y.place_mm); });
  if (sorted.size() > 5) sorted.resize(5);
  return sorted;
}

struct Spread {
  double mean = 0, se = 0;
  std::size_t n = 0;
};

Spread spread_of(const std::vector<double>& values) {
  Spread spread{0, 0, values.size()};
  for (const double x : values) spread.mean += x / double(values.size());
  double squares = 0;
  for (const double x : values) squares += (x - spread.mean) * (x - spread.mean);
  if (values.size() > 1) spread.se = std::sqrt(squares / double(values.size() - 1) / double(values.size()));
  return spread;
}

Measurement width_measurement(const char* name, const char* variant, const std::string& where, const Spread& spread,
                              const char* method) {
  Measurement m = measurement(name, variant, where, spread.mean, "mm");
  if (spread.n > 1) {
    m.se = spread.se;
    m.ci95 = symmetric_interval(m.value, m.se.value(), double(spread.n - 1));
    m.n_eff = double(spread.n);
  }
  m.method = method;
  m.standard = "manufacturer's manual; definition A8";
  m.flags = {"ci_scope=within_scan"};
  return m;
}

// Height of the slices by the wires against their place by the scan: offset at the middle and slope. Opposite wires
// climb in opposite directions, so that their mean is free of a shift in the plane.
void places(const std::string& where, const std::vector<Wire>& wires, const Placement& placement, double spacing_mm,
            Results& results) {
  for (const Wire& wire : wires)
    if (std::none_of(wires.begin(), wires.end(),
                     [&](const Wire& other) { return dot(normalised(other.trace), normalised(wire.trace)) < -0.9; }))
      return results.skip("slice_position_offset_mm", where,
                          "no wires that climb in opposite directions were measured");
  std::map<std::size_t, std::vector<std::pair<double, double>>> by_slice;  // slice -> place, height
  for (const Wire& wire : wires)
    for (const Crossing& c : wire.crossings) by_slice[c.slice].emplace_back(c.place_mm, c.height_mm);
  std::vector<double> x, y;
  for (const auto& [slice, list] : by_slice) {
    if (list.size() < wires.size()) continue;
    double place = 0, height = 0;
    for (const auto& [p, h] : list) place += p / double(list.size()), height += h / double(list.size());
    x.push_back(place);
    y.push_back(height);
  }
  if (x.empty()) return;
  const double n = double(x.size());
  double mx = 0, my = 0, sxx = 0, sxy = 0, rest = 0;
  for (std::size_t k = 0; k < x.size(); ++k) mx += x[k] / n, my += y[k] / n;
  for (std::size_t k = 0; k < x.size(); ++k) sxx += (x[k] - mx) * (x[k] - mx), sxy += (x[k] - mx) * (y[k] - my);
  const double slope = sxx > 0 ? sxy / sxx : 1;
  for (std::size_t k = 0; k < x.size(); ++k) rest += std::pow(y[k] - my - slope * (x[k] - mx), 2);
  Measurement offset = measurement("slice_position_offset_mm", "", where, my - mx, "mm");
  offset.method =
      "mean over the wires of the height at which they cross the slices, minus the slices' place by the "
      "located phantom";
  offset.standard = "definition A9";
  offset.flags = {"ci_scope=within_scan"};
  if (x.size() > 3)
    offset.se = std::sqrt(rest / (n - 2) / n), offset.ci95 = symmetric_interval(my - mx, *offset.se, n - 2);
  results.add(std::move(offset));
  if (x.size() < 4) return;
  Measurement step = measurement("slice_spacing_mm", "ramp_wires", where, slope * spacing_mm, "mm");
  step.se = spacing_mm * std::sqrt(rest / (n - 2) / sxx);
  step.ci95 = symmetric_interval(step.value, *step.se, n - 2);
  step.method = "slope of the height by the wires against the slice number: slice increment, or couch travel";
  step.standard = "definition A9";
  step.flags = {"ci_scope=within_scan"};
  results.add(std::move(step));
}

void run(const Job& job, const std::vector<Region>& regions, Results& results) {
  for (std::size_t s = 0; s < job.scans.size(); ++s) {
    std::map<std::string, std::vector<Wire>> folders;
    for (const Region& region : regions) {
      const std::string where = job.prefix(s) + region.name;
      Wire wire{.name = region.name};
      std::string reason;
      if (!look_at(job, s, region, wire, reason)) {
        results.skip("slice_thickness_mm", where, reason);
        continue;
      }
      std::vector<double> exact, rounded, tenth;
      for (const Crossing& c : middle_ones(wire)) {
        exact.push_back(c.fwhm_mm * wire.exact_tangent);
        rounded.push_back(c.fwhm_mm * rounded_tangent);
        if (std::isfinite(c.fwtm_mm)) tenth.push_back(c.fwtm_mm * wire.exact_tangent);
      }
      results.add(width_measurement("slice_thickness_mm", "ramp_wires", where, spread_of(exact),
                                    "full width at half maximum of the wire's trace times the tangent of its angle to "
                                    "the slice, mean over slices"));
      if (wire.of_23_degrees())
        results.add(width_measurement("slice_thickness_mm", "catphan_042", where, spread_of(rounded),
                                      "as ramp_wires with 0.42 for the tangent, as the manual rounds it"));
      if (!tenth.empty())
        results.add(width_measurement("slice_thickness_fwtm_mm", "ramp_wires", where, spread_of(tenth),
                                      "full width at a tenth of the maximum, times the tangent"));
      folders[folder_of(region.name)].push_back(std::move(wire));
    }
    for (const auto& [folder, wires] : folders) {
      const std::string where = job.prefix(s) + (folder.empty() ? "scan" : folder);
      std::vector<double> exact, rounded;
      for (const Wire& wire : wires) {
        std::vector<double> own;
        for (const Crossing& c : middle_ones(wire)) own.push_back(c.fwhm_mm);
        exact.push_back(spread_of(own).mean * wire.exact_tangent);
        rounded.push_back(spread_of(own).mean * rounded_tangent);
      }
      if (wires.size() > 1) {
        results.add(width_measurement("slice_thickness_mm", "ramp_wires", where, spread_of(exact),
                                      "mean over the wires; error from their scatter"));
        if (std::all_of(wires.begin(), wires.end(), [](const Wire& w) { return w.of_23_degrees(); }))
          results.add(width_measurement("slice_thickness_mm", "catphan_042", where, spread_of(rounded),
                                        "mean over the wires with 0.42 for the tangent; error from their scatter"));
      }
      places(where, wires, job.placement, job.grid().spacing_mm.z, results);
    }
  }
}

}  // namespace

Metric slice_thickness_metric() {
  return {"slice_thickness_ramp",
          "Slice thickness and slice positions from angled wires",
          "Profile along the trace of each wire in the slice, mean over 4 mm across it; FWHM (and FWTM) between linear "
          "crossings of half (a tenth) of the peak above the median background; thickness = width times the tangent of "
          "the angle between wire and slice as located (ramp_wires), or 0.42 (catphan_042). slice_position_offset: "
          "height of the slices by the wires minus by the located phantom; slice_spacing: the slope of that height.",
          "Catphan manual; IEC 61223-3-5; definitions A8, A9",
          {"slice_thickness_mm", "slice_thickness_fwtm_mm", "slice_position_offset_mm", "slice_spacing_mm"},
          {"ramp_wires", "catphan_042"},
          {"wire_ramp"},
          {},
          run};
}

}  // namespace iqgate::measure
