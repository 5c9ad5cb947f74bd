// What the model draws on the rings.
#include <algorithm>
#include <cmath>

#include "iqgate/locate/rings.hpp"
#include "iqgate/locate/rings_finish.hpp"
#include "iqgate/phantom/closed_form.hpp"

namespace iqgate::locate {
namespace {

constexpr double ring_step_mm = 6, pi = std::numbers::pi;

double telling_width(const phantom::Shape& s) {
  if (s.kind == phantom::ShapeKind::box) {  // its middle one: the bars of a pattern are seen together
    const double x = s.size_mm.x, y = s.size_mm.y, z = s.size_mm.z;
    return std::max(std::min(x, y), std::min(std::max(x, y), z));
  }
  return s.kind == phantom::ShapeKind::half_space ? 0 : 2 * s.radius_mm;
}

struct Extent {
  double low = INFINITY, high = -INFINITY;
};

Extent axial_extent(const phantom::Shape& s) {
  const double r =
      s.kind == phantom::ShapeKind::box ? 0.5 * norm(s.size_mm) : std::hypot(s.radius_mm, 0.5 * s.length_mm);
  const double half = s.kind == phantom::ShapeKind::cylinder && std::abs(s.axis.z) > 1 - 1e-9 ? 0.5 * s.length_mm : r;
  return {s.center_mm.z - half, s.center_mm.z + half};
}

// Shapes that the rings can see: no wires or beads.
bool drawn(const phantom::Shape& s) { return telling_width(s) >= 1.5; }

Extent model_extent(const phantom::Model& model) {
  Extent all;
  for (const phantom::Shape& s : model.shapes) {
    if (s.kind == phantom::ShapeKind::half_space || (s.kind == phantom::ShapeKind::cylinder && !(s.length_mm > 0)))
      continue;
    const Extent e = axial_extent(s);
    all.low = std::min(all.low, e.low);
    all.high = std::max(all.high, e.high);
  }
  return all;
}

double edge(double inside_mm) { return phantom::normal_cdf(inside_mm / model_blur_mm); }

// The share of a shape at a point of the phantom, its edges blurred. Round ones are taken as straight: good enough to
// compare by, and quick.
struct DrawnShape {
  phantom::Shape shape;
  Vec3 second;  // third direction of a box
  double contrast = 0;
  Extent extent;
  double across = 0;  // no part of it, nor of its blur, lies farther from its middle than this

  double share(Vec3 p) const {
    const Vec3 d = p - shape.center_mm;
    const double h = dot(d, shape.axis);
    const auto slab = [](double x, double length) { return edge(0.5 * length - x) + edge(0.5 * length + x) - 1; };
    switch (shape.kind) {
      case phantom::ShapeKind::sphere: return edge(shape.radius_mm - norm(d));
      case phantom::ShapeKind::half_space: return edge(-h);
      case phantom::ShapeKind::cylinder:
        return edge(shape.radius_mm - norm(d - h * shape.axis)) * (shape.length_mm > 0 ? slab(h, shape.length_mm) : 1);
      case phantom::ShapeKind::box:
        return slab(dot(d, shape.in_plane), shape.size_mm.x) * slab(dot(d, second), shape.size_mm.y) *
               slab(h, shape.size_mm.z);
    }
    return 0;
  }
};

std::vector<DrawnShape> drawn_shapes(const phantom::Model& model, const std::string& key) {
  std::vector<DrawnShape> shapes;
  const double blur = 5 * model_blur_mm;
  for (const phantom::Shape& s : model.shapes) {
    if (!drawn(s)) continue;
    const bool endless =
        s.kind == phantom::ShapeKind::half_space || (s.kind == phantom::ShapeKind::cylinder && !(s.length_mm > 0));
    const Extent e = endless ? Extent{-INFINITY, INFINITY} : axial_extent(s);
    const double across = std::abs(s.axis.z) < 1 - 1e-9       ? INFINITY
                          : s.kind == phantom::ShapeKind::box ? 0.5 * std::hypot(s.size_mm.x, s.size_mm.y)
                                                              : s.radius_mm;
    shapes.push_back({s,
                      cross(s.axis, s.in_plane),
                      model.contrast_of(s, key).value_or(0),
                      {e.low - blur, e.high + blur},
                      across + blur});
  }
  return shapes;
}

}  // namespace

Rings model_rings(const phantom::Model& model, const std::string& modality, double last_radius_mm) {
  Rings rings;
  Extent extent = model_extent(model);
  if (!(extent.high > extent.low)) {  // all endless
    const double half = model.body.length_mm > 0 ? 0.5 * model.body.length_mm : 100;
    extent = {-half, half};
  }
  const int planes = std::max(1, static_cast<int>((extent.high - extent.low) / plane_step_mm));
  for (int p = 0; p < planes; ++p) rings.z_mm.push_back(extent.low + (p + 0.5) * (extent.high - extent.low) / planes);
  const double step = std::min(ring_step_mm, last_radius_mm / 8);  // small bodies have rings too
  for (int k = 1; k * step <= last_radius_mm + 1e-9 && k <= 200; ++k) rings.radius_mm.push_back(k * step);
  const std::string key = quantity_of(modality);
  const double background = model.value_of(model.background, key).value_or(0);
  const std::vector<DrawnShape> shapes = drawn_shapes(model, key);
  rings.values.assign(rings.z_mm.size() * rings.radius_mm.size() * angles, static_cast<float>(background));
  std::vector<std::complex<double>> around(angles);
  for (int a = 0; a < angles; ++a) around[std::size_t(a)] = std::polar(1.0, 2 * pi * a / angles);
#pragma omp parallel for schedule(dynamic)
  for (std::size_t p = 0; p < rings.z_mm.size(); ++p)
    for (const DrawnShape& s : shapes) {
      if (rings.z_mm[p] < s.extent.low || rings.z_mm[p] > s.extent.high) continue;
      for (std::size_t r = 0; r < rings.radius_mm.size(); ++r)
        for (int a = 0; a < angles; ++a) {
          const double x = rings.radius_mm[r] * around[std::size_t(a)].real(),
                       y = rings.radius_mm[r] * around[std::size_t(a)].imag(), dx = x - s.shape.center_mm.x,
                       dy = y - s.shape.center_mm.y;
          if (dx * dx + dy * dy > s.across * s.across) continue;
          rings.row(p, r)[a] += static_cast<float>(s.contrast * s.share({x, y, rings.z_mm[p]}));
        }
    }
  rings.contrast = std::max(body_contrast(model, key), 1e-9);
  finish(rings);
  return rings;
}

std::string quantity_of(const std::string& modality) {
  return modality == "CT" ? "ct_number_hu" : modality == "PT" || modality == "NM" ? "activity_bq_ml" : "mr_signal";
}

double body_contrast(const phantom::Model& model, const std::string& quantity) {
  return model.shapes.empty() ? 0 : std::abs(model.contrast_of(model.shapes.front(), quantity).value_or(0));
}

std::string modality_of(const Scan& scan, const phantom::Model& model) {
  return scan.modality.empty() && !model.modalities.empty() ? model.modalities.front() : scan.modality;
}

bool has_signature(const phantom::Model& model, const std::string& modality) {
  const std::string key = quantity_of(modality);
  return std::any_of(model.shapes.begin(), model.shapes.end(), [&](const phantom::Shape& s) {
    const bool beside = std::hypot(s.center_mm.x, s.center_mm.y) > 1;
    if (!beside || !drawn(s) || telling_width(s) < 3) return false;
    return model.contrast_of(s, key).value_or(0) != 0;
  });
}

}  // namespace iqgate::locate
