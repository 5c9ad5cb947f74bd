#include "support/placed_phantom.hpp"

#include <algorithm>
#include <cmath>
#include <random>

namespace iqgate::test {
namespace {

const phantom::Shape& body_of(const phantom::Model& model) { return model.shapes.front(); }

phantom::Shape extra(const char* name, const char* inside, Vec3 at) {
  phantom::Shape s;
  s.name = name;
  s.inside = inside;
  s.center_mm = at;
  return s;
}

void add_defect(phantom::Model& model, Defect defect) {
  const phantom::Shape body = body_of(model);
  const double low = body.center_mm.z - 0.5 * body.length_mm;
  if (defect == Defect::bubble) {
    phantom::Shape s = extra("bubble", "body", {0, -88, body.center_mm.z});
    s.kind = phantom::ShapeKind::sphere;
    s.material = "air";
    s.radius_mm = 8;
    model.shapes.push_back(s);
  } else if (defect == Defect::couch) {
    phantom::Shape s = extra("couch", "background", {0, 112, body.center_mm.z});
    s.kind = phantom::ShapeKind::box;
    s.material = body.material;
    s.size_mm = {220, 12, 400};
    model.shapes.push_back(s);
  } else if (defect == Defect::holder) {
    phantom::Shape s = extra("holder", "background", {0, 0, low - 10.5});
    s.kind = phantom::ShapeKind::box;
    s.material = body.material;
    s.size_mm = {150, 90, 20};
    model.shapes.push_back(s);
  } else if (defect == Defect::second_body) {
    phantom::Shape s = extra("second", "background", {-145, 0, body.center_mm.z});
    s.material = body.material;
    s.radius_mm = 35;
    s.length_mm = 120;
    model.shapes.push_back(s);
  }
}

// Slices of a box profile: each the mean of `thin` thin ones.
void average_slices(Volume& v, std::size_t thin) {
  const Size3 n = v.grid.size;
  const std::size_t plane = n.x * n.y;
  Volume thick{v.grid, Voxels(plane * (n.z / thin))};
  thick.grid.size.z = n.z / thin;
  thick.grid.spacing_mm.z = v.grid.spacing_mm.z * double(thin);
  thick.grid.origin_mm = v.grid.to_mm({0, 0, 0.5 * double(thin - 1)});
  for (std::size_t z = 0; z < thick.grid.size.z; ++z)
    for (std::size_t k = 0; k < plane; ++k) {
      double sum = 0;
      for (std::size_t t = 0; t < thin; ++t) sum += v.values[(z * thin + t) * plane + k];
      thick.values[z * plane + k] = static_cast<float>(sum / double(thin));
    }
  v = std::move(thick);
}

}  // namespace

PlacedPhantom placed_phantom(const std::string& name, std::uint64_t seed, Defect defect) {
  std::mt19937_64 generator(seed * 7919 + 13);
  const auto uniform = [&](double low, double high) {
    return std::uniform_real_distribution<double>(low, high)(generator);
  };
  PlacedPhantom p{.model = shipped(name), .defect = defect};
  const phantom::Model clean = p.model;
  const phantom::Shape body = body_of(p.model);
  const double pitch = uniform(-10, 10), yaw = uniform(-10, 10), roll = uniform(-180, 180);
  const bool over = uniform(0, 1) < 0.3;
  p.job.pose.rotation = rotation_from_degrees(pitch, yaw, roll) * rotation_from_degrees(over ? 180 : 0, 0, 0);
  const Vec3 shift{uniform(-20, 20), uniform(-20, 20), uniform(-20, 20)};
  p.job.pose.translation_mm = shift - p.job.pose.rotation * body.center_mm;
  p.slice_mm = std::vector<double>{1, 1.5, 2.5, 5}[std::size_t(uniform(0, 4))];
  const double pixel = p.slice_mm < 2 ? uniform(0.85, 1) : uniform(0.5, 1);
  const double field = defect == Defect::second_body ? 380 : 270;
  double length = body.length_mm + 100;
  if (defect == Defect::cut_end) length = body.length_mm;
  const std::size_t n = static_cast<std::size_t>(field / pixel), slices = static_cast<std::size_t>(length / p.slice_mm);
  p.job.grid = centred_grid({n, n, 4 * slices}, {pixel, pixel, p.slice_mm / 4});
  if (defect == Defect::cut_end) {
    // A fifth of the phantom lies beyond the scan: the end that is farther from its origin.
    const double away = body.center_mm.z > 0 ? 1 : -1, lean = (p.job.pose.rotation * Vec3{0, 0, away}).z;
    p.job.pose.translation_mm.z += (lean > 0 ? 1 : -1) * 0.2 * body.length_mm - shift.z;
  }
  p.job.psf_sigma_mm = {0.7, 0.7, 0.7};
  add_defect(p.model, defect);
  if (defect == Defect::cupping) p.job.shading = {.cupping = 0, .radius_mm = 100};
  p.scan = ct_scan(p.model, p.job);
  average_slices(p.scan.volume, 4);
  p.job.grid = p.scan.volume.grid;
  const float noise = static_cast<float>(uniform(5, 40));
  std::normal_distribution<float> normal(0, noise);
  const Grid& grid = p.job.grid;
  const Vec3 axis = p.job.pose.rotation.column(2);
  std::size_t k = 0;
  for (std::size_t z = 0; z < grid.size.z; ++z)
    for (std::size_t y = 0; y < grid.size.y; ++y)
      for (std::size_t x = 0; x < grid.size.x; ++x, ++k) {
        float& v = p.scan.volume.values[k];
        const Vec3 d = grid.to_mm({double(x), double(y), double(z)}) - p.job.pose.translation_mm;
        const Vec3 across = d - dot(d, axis) * axis;
        const double r = norm(across);
        if (defect == Defect::cupping && r < 100) v -= static_cast<float>(40 * (1 - r * r / 1e4));
        if (defect == Defect::streaks && r < 100)
          v += static_cast<float>(15 * std::cos(7 * std::atan2(across.y, across.x)));
        v += normal(generator);
        if (defect == Defect::scale) v = 0.9F * v - 80;
      }
  if (defect == Defect::mirrored) {
    Volume& v = p.scan.volume;
    for (std::size_t row = 0; row < grid.size.y * grid.size.z; ++row)
      std::reverse(v.values.begin() + std::ptrdiff_t(row * n), v.values.begin() + std::ptrdiff_t((row + 1) * n));
  }
  char text[240];
  std::snprintf(text, sizeof text,
                "%s seed %llu defect %d: pitch %.1f yaw %.1f roll %.1f%s, pixel %.2f slice %.1f noise %.0f",
                name.c_str(), static_cast<unsigned long long>(seed), int(defect), pitch, yaw, roll, over ? " over" : "",
                pixel, p.slice_mm, double(noise));
  p.text = text;
  p.model = clean;
  return p;
}

PoseError pose_error(const Placement& found, const compute::RenderJob& job) {
  const Mat3 d = found.rotation * job.pose.rotation.transposed();
  const double trace = d(0, 0) + d(1, 1) + d(2, 2);
  const Vec3 shift = found.translation_mm - job.pose.translation_mm, axis = job.pose.rotation.column(2);
  const double along = dot(shift, axis);
  return {std::acos(std::clamp((trace - 1) / 2, -1.0, 1.0)) * 180 / M_PI, norm(shift - along * axis), std::abs(along)};
}

}  // namespace iqgate::test
