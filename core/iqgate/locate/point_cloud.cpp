#include "iqgate/locate/point_cloud.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>

#include "iqgate/base/error.hpp"
#include "iqgate/base/parallel_guard.hpp"
#include "iqgate/compute/backend.hpp"
#include "iqgate/compute/rigid_fit.hpp"
#include "iqgate/locate/rings.hpp"

namespace iqgate::locate {
namespace {

constexpr double inner_radii = 0.5, outer_radii = 1.2;  // widths of the two Gaussians
constexpr double strong_share = 0.35;
constexpr double near_share = 0.3;   // of the distance between neighbours: a match
constexpr double least_lead = 0.05;  // of the points, over another place
constexpr double least_share = 0.5;
constexpr std::size_t least_points = 12, most_core = 200;

Voxels smoothed(const compute::Backend& cpu, const compute::DeviceVolume& volume, double sigma_mm, Vec3 spacing) {
  Voxels out;
  cpu.gaussian(
      volume, {.sigma_x = sigma_mm / spacing.x, .sigma_y = sigma_mm / spacing.y, .sigma_z = sigma_mm / spacing.z}, out);
  return out;
}

// The top of a parabola through three values, -0.5 to 0.5 of a step from the middle one.
double top_of(double a, double b, double c) {
  const double bend = a - 2 * b + c;
  return bend < 0 ? std::clamp(0.5 * (a - c) / bend, -0.5, 0.5) : 0;
}

double least_distance(const std::vector<Vec3>& points) {
  std::vector<double> nearest;
  for (std::size_t a = 0; a < points.size(); ++a) {
    double least = INFINITY;
    for (std::size_t b = 0; b < points.size(); ++b)
      if (a != b) least = std::min(least, norm(points[a] - points[b]));
    nearest.push_back(least);
  }
  std::nth_element(nearest.begin(), nearest.begin() + std::ptrdiff_t(nearest.size() / 2), nearest.end());
  return nearest[nearest.size() / 2];
}

struct Pose {
  compute::RigidFit fit;
  std::size_t matched = 0;
};

// The blob nearest to each point, if it is near and nothing else of the model is nearer to it.
std::vector<long> matches(const std::vector<Vec3>& model, const std::vector<Blob>& blobs, const compute::RigidFit& pose,
                          double near_mm) {
  std::vector<long> of_model(model.size(), -1), of_blob(blobs.size(), -1);
  std::vector<double> distance(blobs.size(), near_mm);
  for (std::size_t m = 0; m < model.size(); ++m) {
    const Vec3 at = pose.apply(model[m]);
    long best = -1;
    double least = near_mm;
    for (std::size_t b = 0; b < blobs.size(); ++b)
      if (const double d = norm(blobs[b].patient_mm - at); d < least) least = d, best = long(b);
    if (best < 0 || least >= distance[std::size_t(best)]) continue;
    if (of_blob[std::size_t(best)] >= 0) of_model[std::size_t(of_blob[std::size_t(best)])] = -1;
    of_blob[std::size_t(best)] = long(m);
    distance[std::size_t(best)] = least;
    of_model[m] = best;
  }
  return of_model;
}

Pose converge(const std::vector<Vec3>& model, const std::vector<Blob>& blobs, compute::RigidFit start, double near_mm) {
  Pose pose{start, 0};
  for (int round = 0; round < 12; ++round) {
    // Wide at first, then as near as a match must be.
    const std::vector<long> found = matches(model, blobs, pose.fit, round < 4 ? 1.6 * near_mm : near_mm);
    std::vector<Vec3> from, to;
    for (std::size_t m = 0; m < model.size(); ++m)
      if (found[m] >= 0) from.push_back(model[m]), to.push_back(blobs[std::size_t(found[m])].patient_mm);
    if (from.size() < 6) return {start, 0};
    const compute::RigidFit next = compute::fit_rigid(from, to);
    const bool still = round >= 5 && norm(next.translation_mm - pose.fit.translation_mm) < 1e-6;
    pose = {next, from.size()};
    if (still) break;
  }
  return pose;
}

}  // namespace

std::vector<Blob> find_balls(const Scan& scan, double radius_mm, bool bright, std::size_t most) {
  const Grid& grid = scan.volume.grid;
  const Size3 n = grid.size;
  if (n.x < 3 || n.y < 3 || n.z < 3) return {};
  const auto cpu = compute::cpu_backend();
  const auto volume = cpu->upload(scan.volume.view());
  Voxels contrast = smoothed(*cpu, *volume, inner_radii * radius_mm, grid.spacing_mm);
  const Voxels around = smoothed(*cpu, *volume, outer_radii * radius_mm, grid.spacing_mm);
  for (std::size_t k = 0; k < contrast.size(); ++k) contrast[k] = (bright ? 1.0F : -1.0F) * (contrast[k] - around[k]);
  std::vector<Blob> blobs;
  const auto at = [&](std::size_t x, std::size_t y, std::size_t z) { return contrast[(z * n.y + y) * n.x + x]; };
  for (std::size_t z = 1; z + 1 < n.z; ++z)
    for (std::size_t y = 1; y + 1 < n.y; ++y)
      for (std::size_t x = 1; x + 1 < n.x; ++x) {
        const float v = at(x, y, z);
        if (!(v > 0)) continue;
        bool top = true;
        for (int c = 0; c < 27 && top; ++c) {
          if (c == 13) continue;
          const float other =
              at(x + std::size_t(c % 3) - 1, y + std::size_t(c / 3 % 3) - 1, z + std::size_t(c / 9) - 1);
          top = c < 13 ? v > other : v >= other;
        }
        if (!top) continue;
        const Vec3 index{double(x) + top_of(at(x - 1, y, z), v, at(x + 1, y, z)),
                         double(y) + top_of(at(x, y - 1, z), v, at(x, y + 1, z)),
                         double(z) + top_of(at(x, y, z - 1), v, at(x, y, z + 1))};
        blobs.push_back({grid.to_mm(index), v});
      }
  std::stable_sort(blobs.begin(), blobs.end(), [](const Blob& a, const Blob& b) { return a.strength > b.strength; });
  if (blobs.empty()) return blobs;
  const double usual = blobs[std::min(blobs.size() - 1, most / 4)].strength;
  std::erase_if(blobs, [&](const Blob& b) { return b.strength < strong_share * usual; });
  if (blobs.size() > most) blobs.resize(most);
  return blobs;
}

std::vector<phantom::Shape> control_points(const phantom::Model& model) {
  std::map<double, std::size_t> radii;
  for (const phantom::Shape& s : model.shapes)
    if (s.kind == phantom::ShapeKind::sphere && s.inside != "background") ++radii[s.radius_mm];
  double radius = 0;
  std::size_t most = 0;
  for (const auto& [r, count] : radii)
    if (count > most) most = count, radius = r;
  std::vector<phantom::Shape> points;
  for (const phantom::Shape& s : model.shapes)
    if (s.kind == phantom::ShapeKind::sphere && s.inside != "background" && s.radius_mm == radius) points.push_back(s);
  return points;
}

Placement locate_points(const Scan& scan, const phantom::Model& model) {
  const std::vector<phantom::Shape> shapes = control_points(model);
  const auto refuse = [&](const char* code, const std::string& why) {
    throw InputError(code, "scan " + scan.id, why,
                     "choose another phantom with --phantom, or give its place with --pose");
  };
  if (shapes.size() < least_points)
    refuse("phantom_not_found", "phantom " + model.name + " has too few control points");
  std::vector<Vec3> points;
  for (const phantom::Shape& s : shapes) points.push_back(s.center_mm);
  const bool bright = model.contrast_of(shapes.front(), quantity_of(modality_of(scan, model))).value_or(1) > 0;
  const std::vector<Blob> blobs = find_balls(scan, shapes.front().radius_mm, bright, 2 * points.size());
  const double spacing = least_distance(points), near_mm = near_share * spacing;
  Vec3 middle, seen;
  for (const Vec3 p : points) middle = middle + (1.0 / double(points.size())) * p;
  for (const Blob& b : blobs) seen = seen + (1.0 / double(std::max<std::size_t>(blobs.size(), 1))) * b.patient_mm;
  std::vector<Pose> poses;
  std::vector<compute::RigidFit> starts;
  for (int turn = 0; turn < 27; ++turn)
    for (int place = 0; place < 27; ++place) {
      const auto step = [](int k, int axis) {
        return double(axis == 0 ? k % 3 - 1 : axis == 1 ? k / 3 % 3 - 1 : k / 9 - 1);
      };
      compute::RigidFit start;
      start.rotation = rotation_from_degrees(5 * step(turn, 0), 5 * step(turn, 1), 5 * step(turn, 2));
      start.translation_mm =
          seen - start.rotation * middle + (0.5 * spacing) * Vec3{step(place, 0), step(place, 1), step(place, 2)};
      starts.push_back(start);
    }
  // Of a large phantom its middle tells the place.
  std::vector<Vec3> core = points;
  std::stable_sort(core.begin(), core.end(), [&](Vec3 a, Vec3 b) { return norm(a - middle) < norm(b - middle); });
  if (core.size() > most_core) core.resize(most_core);
  poses.resize(starts.size());
  ParallelGuard guard;
#pragma omp parallel for schedule(dynamic)
  for (std::size_t k = 0; k < starts.size(); ++k)
    guard.run([&] { poses[k] = converge(core, blobs, starts[k], near_mm); });
  guard.rethrow();
  const auto better = [](const Pose& a, const Pose& b) {
    return a.matched != b.matched ? a.matched > b.matched : a.fit.rms_mm < b.fit.rms_mm;
  };
  const Pose best_core = *std::min_element(poses.begin(), poses.end(), better);
  const Pose best = core.size() == points.size() ? best_core : converge(points, blobs, best_core.fit, near_mm);
  char text[200];
  if (double(best.matched) < std::max(double(least_points), least_share * double(points.size()))) {
    std::snprintf(text, sizeof text,
                  "of the %zu control points of %s the scan shows %zu where they should be (%zu balls seen)",
                  points.size(), model.name.c_str(), best.matched, blobs.size());
    refuse("phantom_not_found", text);
  }
  std::size_t next = 0;
  const Vec3 place = best.fit.apply(middle);
  for (const Pose& p : poses)
    if (p.matched > 0 && norm(p.fit.apply(middle) - place) > 0.5 * spacing) next = std::max(next, p.matched);
  Placement placed;
  placed.method = "registration";
  placed.rotation = best.fit.rotation;
  placed.translation_mm = best.fit.translation_mm;
  placed.score = double(best.matched) / double(points.size());
  placed.runner_up = placed.score * double(next) / double(std::max<std::size_t>(best_core.matched, 1));
  placed.fit_rms_mm = best.fit.rms_mm;
  placed.flags.push_back("upright_assumed");
  if (placed.score - *placed.runner_up < least_lead) {
    std::snprintf(text, sizeof text, "two places of %s match nearly as many of its %zu points (%zu and %zu)",
                  model.name.c_str(), points.size(), best.matched, next);
    refuse("pose_ambiguous", text);
  }
  return placed;
}

}  // namespace iqgate::locate
