#include "iqgate/locate/signature.hpp"

#include <algorithm>
#include <cmath>
#include <complex>
#include <numbers>

#include "iqgate/compute/resample.hpp"
#include "iqgate/phantom/closed_form.hpp"

namespace iqgate::locate {
namespace {

constexpr int angles = 120, harmonics = 45;
constexpr double ring_step_mm = 6, plane_step_mm = 2, model_blur_mm = 2, clip = 0.3, pi = std::numbers::pi;
constexpr double least_overlap = 0.8;  // of what scan and model can share
constexpr double apart_deg = 20, apart_mm = 15;
constexpr double plateau = 0.02;  // scores as near as this are the same place along the axis

using Complex = std::complex<float>;

// Values on rings in planes across the axis: [plane][ring][angle], and what sums over them need.
struct Rings {
  std::vector<double> z_mm, radius_mm;
  std::vector<float> values;
  std::vector<Complex> spectrum;  // [plane][ring][harmonic]
  std::vector<double> square;     // per plane: variation around the rings, weighted by radius
  double level = 0, contrast = 1;

  float* row(std::size_t plane, std::size_t ring) { return values.data() + (plane * radius_mm.size() + ring) * angles; }
};

double median(std::vector<float> values) {
  if (values.empty()) return 0;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

// Relative to the level of the body and its contrast, clipped, and transformed around each ring.
void finish(Rings& rings) {
  rings.level = median(rings.values);
  for (float& v : rings.values)
    v = static_cast<float>(std::clamp((v - rings.level) / rings.contrast, -clip, clip));
  const std::size_t planes = rings.z_mm.size(), n = rings.radius_mm.size();
  rings.spectrum.assign(planes * n * harmonics, {});
  rings.square.assign(planes, 0);
  std::vector<Complex> turn(angles);
  for (int k = 0; k < angles; ++k) turn[std::size_t(k)] = std::polar(1.0F, float(-2 * pi * k / angles));
#pragma omp parallel for schedule(static)
  for (std::size_t p = 0; p < planes; ++p)
    for (std::size_t r = 0; r < n; ++r) {
      const float* row = rings.row(p, r);
      double mean = 0;
      for (int a = 0; a < angles; ++a) mean += row[a] / double(angles);
      for (int a = 0; a < angles; ++a) rings.square[p] += rings.radius_mm[r] * (row[a] - mean) * (row[a] - mean);
      for (int m = 0; m < harmonics; ++m) {
        Complex sum{};
        for (int a = 0; a < angles; ++a) sum += row[a] * turn[std::size_t(a * m % angles)];
        rings.spectrum[(p * n + r) * harmonics + std::size_t(m)] = sum;
      }
    }
}

double quantity(const phantom::Model& model, const std::string& material, const std::string& key) {
  const auto& values = model.material(material).values;
  const auto found = values.find(key);
  return found == values.end() ? 0 : found->second;
}

std::string quantity_of(const std::string& modality) {
  return modality == "CT" ? "ct_number_hu" : modality == "PT" || modality == "NM" ? "activity_bq_ml" : "mr_signal";
}

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
  const double r = s.kind == phantom::ShapeKind::box ? 0.5 * norm(s.size_mm) : std::hypot(s.radius_mm, 0.5 * s.length_mm);
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
  const double background = quantity(model, model.background, key), blur = 5 * model_blur_mm;
  for (const phantom::Shape& s : model.shapes) {
    if (!drawn(s)) continue;
    double outside = background;
    for (const phantom::Shape& other : model.shapes)
      if (other.name == s.inside) outside = quantity(model, other.material, key);
    const bool endless = s.kind == phantom::ShapeKind::half_space ||
                         (s.kind == phantom::ShapeKind::cylinder && !(s.length_mm > 0));
    const Extent e = endless ? Extent{-INFINITY, INFINITY} : axial_extent(s);
    const double across = std::abs(s.axis.z) < 1 - 1e-9           ? INFINITY
                          : s.kind == phantom::ShapeKind::box     ? 0.5 * std::hypot(s.size_mm.x, s.size_mm.y)
                                                                  : s.radius_mm;
    shapes.push_back({s, cross(s.axis, s.in_plane), quantity(model, s.material, key) - outside,
                      {e.low - blur, e.high + blur}, across + blur});
  }
  return shapes;
}

Rings model_rings(const phantom::Model& model, const std::string& modality, double last_radius_mm) {
  Rings rings;
  const Extent extent = model_extent(model);
  const int planes = std::max(1, static_cast<int>((extent.high - extent.low) / plane_step_mm));
  for (int p = 0; p < planes; ++p) rings.z_mm.push_back(extent.low + (p + 0.5) * (extent.high - extent.low) / planes);
  for (double r = ring_step_mm; r <= last_radius_mm; r += ring_step_mm) rings.radius_mm.push_back(r);
  const std::string key = quantity_of(modality);
  const double background = quantity(model, model.background, key);
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
  const double body = model.shapes.empty() ? background : quantity(model, model.shapes.front().material, key);
  rings.contrast = std::max(std::abs(body - background), 1e-9);
  finish(rings);
  return rings;
}

// Mean of nine neighbours in the plane, about as wide as the model's blur; NaN outside the scan.
float ring_value(const VolumeView& v, const Grid& grid, Vec3 mm, Vec3 e1, Vec3 e2) {
  constexpr double step = 2;
  float sum = 0;
  for (int j = -1; j <= 1; ++j)
    for (int i = -1; i <= 1; ++i) {
      Vec3 at = grid.to_index(mm + (i * step) * e1 + (j * step) * e2);
      for (int d = 0; d < 3; ++d) at[d] = compute::snapped(at[d]);
      if (at.z < 0 && at.z > -0.5) at.z = 0;
      if (at.z > double(v.size.z) - 1 && at.z < double(v.size.z) - 0.5) at.z = double(v.size.z) - 1;
      sum += compute::linear_value(v, at, NAN);
    }
  return sum / 9;
}

// As the model is blurred: what lies in one slice must not be missed between two planes.
void blur_along_axis(Rings& rings) {
  const std::size_t plane = rings.radius_mm.size() * angles, planes = rings.z_mm.size();
  std::vector<float> blurred(rings.values.size());
#pragma omp parallel for schedule(static)
  for (std::size_t p = 0; p < planes; ++p) {
    std::vector<double> sum(plane, 0.0);
    double weights = 0;
    for (std::size_t q = 0; q < planes; ++q) {
      const double d = (rings.z_mm[q] - rings.z_mm[p]) / model_blur_mm;
      if (std::abs(d) > 3) continue;
      const double w = std::exp(-0.5 * d * d);
      weights += w;
      for (std::size_t k = 0; k < plane; ++k) sum[k] += w * rings.values[q * plane + k];
    }
    for (std::size_t k = 0; k < plane; ++k) blurred[p * plane + k] = static_cast<float>(sum[k] / weights);
  }
  rings.values = std::move(blurred);
}

Rings scan_rings(const Scan& scan, const Placement& body, const std::vector<double>& radii) {
  const Grid& grid = scan.volume.grid;
  const VolumeView v = scan.volume.view();
  const Vec3 e1 = body.rotation.column(0), e2 = body.rotation.column(1), axis = body.rotation.column(2);
  // Planes: through the slices where the axis stands on them and they lie apart, else every 2 mm.
  const double along = std::abs(dot(axis, grid.direction.column(2)));
  std::vector<double> places;
  if (along > 0.96 && (grid.spacing_mm.z >= plane_step_mm || grid.size.z < 4)) {
    for (std::size_t z = 0; z < grid.size.z; ++z) {
      const Vec3 d = grid.to_mm({0, 0, double(z)}) - body.translation_mm;
      places.push_back(dot(d, grid.direction.column(2)) / dot(axis, grid.direction.column(2)));
    }
    std::sort(places.begin(), places.end());
  } else {
    double low = INFINITY, high = -INFINITY;
    for (int c = 0; c < 8; ++c) {
      const double h = dot(grid.to_mm({c & 1 ? double(grid.size.x - 1) : 0, c & 2 ? double(grid.size.y - 1) : 0,
                                       c & 4 ? double(grid.size.z - 1) : 0}) -
                               body.translation_mm,
                           axis);
      low = std::min(low, h);
      high = std::max(high, h);
    }
    for (double h = low; h <= high; h += plane_step_mm) places.push_back(h);
  }
  Rings all;
  all.radius_mm = radii;
  all.values.assign(places.size() * radii.size() * angles, NAN);
  all.z_mm = places;
  std::vector<int> missing(places.size(), 0);
#pragma omp parallel for schedule(dynamic)
  for (std::size_t p = 0; p < places.size(); ++p)
    for (std::size_t r = 0; r < radii.size(); ++r)
      for (int a = 0; a < angles; ++a) {
        const double angle = 2 * pi * a / angles;
        const Vec3 mm = body.translation_mm + places[p] * axis + (radii[r] * std::cos(angle)) * e1 +
                        (radii[r] * std::sin(angle)) * e2;
        const float value = ring_value(v, grid, mm, e1, e2);
        all.row(p, r)[a] = value;
        missing[p] += std::isnan(value);
      }
  std::vector<float> around, whole;
  const double outer = 1.15 * body.radius_mm.value_or(radii.back());
  for (std::size_t p = 0; p < places.size(); p += 4)
    for (int a = 0; a < angles; a += 2) {
      const double angle = 2 * pi * a / angles;
      const float value = ring_value(v, grid,
                                     body.translation_mm + places[p] * axis + (outer * std::cos(angle)) * e1 +
                                         (outer * std::sin(angle)) * e2,
                                     e1, e2);
      if (!std::isnan(value)) around.push_back(value);
    }
  std::copy_if(all.values.begin(), all.values.end(), std::back_inserter(whole), [](float x) { return !std::isnan(x); });
  const double level = median(whole), surroundings = median(around);
  Rings kept;
  kept.radius_mm = radii;
  kept.contrast = around.size() > 20 ? std::abs(level - surroundings) : 0;
  if (!(kept.contrast > 0)) kept.contrast = scan.value_unit == "HU" ? 1000 : std::max(std::abs(level), 1e-9);
  // Planes that the scan holds nearly whole and that the body fills; what is missing counts as the plane's own middle.
  const std::size_t plane = radii.size() * angles;
  for (std::size_t p = 0; p < places.size(); ++p) {
    if (missing[p] > int(plane / 10)) continue;
    std::vector<float> values(all.values.begin() + std::ptrdiff_t(p * plane),
                              all.values.begin() + std::ptrdiff_t((p + 1) * plane));
    std::vector<float> seen;
    std::copy_if(values.begin(), values.end(), std::back_inserter(seen), [](float x) { return !std::isnan(x); });
    const double fill = median(seen), rim = median({seen.end() - std::ptrdiff_t(seen.size() / radii.size()), seen.end()});
    if (around.size() > 20 && std::abs(rim - surroundings) < 0.5 * kept.contrast) continue;
    for (float& x : values)
      if (std::isnan(x)) x = static_cast<float>(fill);
    kept.z_mm.push_back(places[p]);
    kept.values.insert(kept.values.end(), values.begin(), values.end());
  }
  if (kept.z_mm.empty()) return kept;
  blur_along_axis(kept);
  finish(kept);
  return kept;
}

// Correlation over all turns for one place along the axis: `same` without, `reversed` with the angles reversed. Planes
// count alike, however strong what they show: by the inverse of their variation, with the noise as the least.
struct Turns {
  bool valid = false;
  std::vector<double> same, reversed;
};

Turns correlate(const Rings& scan, const Rings& model, double shift_mm, int direction, double least_planes,
                double noise_power) {
  const std::size_t n = scan.radius_mm.size();
  const double first = model.z_mm.front(), step = model.z_mm.size() > 1 ? model.z_mm[1] - model.z_mm[0] : 1;
  std::vector<Complex> same(harmonics), reversed(harmonics);
  // What the scan shows beyond the model's ends counts against it; what the model holds beyond the scan does not.
  double ss = 0, mm = 0, planes = 0;
  for (std::size_t p = 0; p < scan.z_mm.size(); ++p) {
    const double at = (direction * (scan.z_mm[p] - shift_mm) - first) / step;
    const long k = std::lround(at);
    const bool inside = k >= 0 && k < long(model.z_mm.size());
    const double power = inside ? model.square[std::size_t(k)] : 0, weight = 1 / (scan.square[p] + power + 10 * noise_power);
    ss += weight * std::max(0.0, scan.square[p] - noise_power);
    if (!inside) continue;
    planes += 1;
    mm += weight * power;
    for (std::size_t r = 0; r < n; ++r) {
      const Complex* a = &scan.spectrum[(p * n + r) * harmonics];
      const Complex* b = &model.spectrum[(std::size_t(k) * n + r) * harmonics];
      const float w = static_cast<float>(scan.radius_mm[r] * weight);
      for (int h = 1; h < harmonics; ++h) {
        const float ar = w * a[h].real(), ai = w * a[h].imag(), br = b[h].real(), bi = b[h].imag();
        same[std::size_t(h)] += Complex(ar * br + ai * bi, ai * br - ar * bi);
        reversed[std::size_t(h)] += Complex(ar * br - ai * bi, ai * br + ar * bi);
      }
    }
  }
  Turns turns;
  if (planes < least_planes || planes < 1) return turns;
  if (!(ss > 1e-12) || !(mm > 1e-12)) return turns;
  turns.valid = true;
  const auto curve = [&](const std::vector<Complex>& x) {
    std::vector<double> values(angles);
    for (int b = 0; b < angles; ++b) {
      double sum = 0;
      for (int h = 1; h < harmonics; ++h) {
        const double phase = 2 * pi * ((b * h) % angles) / angles;
        sum += 2 * (x[std::size_t(h)].real() * std::cos(phase) - x[std::size_t(h)].imag() * std::sin(phase));
      }
      values[std::size_t(b)] = sum / angles / std::sqrt(ss * mm);
    }
    return values;
  };
  turns.same = curve(same);
  turns.reversed = curve(reversed);
  return turns;
}

double apart(double a_deg, double b_deg) {
  const double d = std::abs(std::remainder(a_deg - b_deg, 360));
  return d;
}

struct Scored {
  double shift_mm;
  bool over, mirrored;
  std::vector<double> turns;
};

double roll_of(const Scored& s, double step) {
  const double beta = 360.0 * step / angles;
  return std::remainder(s.mirrored ? beta + 180 : beta, 360);
}

// Noise of the ring values of a plane, as its weighted power, from steps between near planes.
double noise_power(const Rings& rings) {
  const std::size_t plane = rings.radius_mm.size() * angles;
  constexpr std::size_t apart = 3;  // planes: neighbours share noise
  if (rings.z_mm.size() <= apart) return 0;
  std::vector<float> steps;
  for (std::size_t k = 0; k + apart * plane < rings.values.size(); k += 3)
    steps.push_back(std::abs(rings.values[k] - rings.values[k + apart * plane]));
  const double sd = 1.4826 * median(std::move(steps)) / std::numbers::sqrt2;
  double radii = 0;
  for (const double r : rings.radius_mm) radii += r;
  return radii * angles * sd * sd;
}

// The part of the model that should be seen, and is least: lowest correlation of a window of the model along its axis
// whose own variation stands above the noise.
double least_part(const Rings& scan, const Rings& model, const Match& match, double noise) {
  constexpr double window_mm = 10, stands_out = 6;
  const std::size_t n = scan.radius_mm.size();
  const double first = model.z_mm.front(), step = model.z_mm.size() > 1 ? model.z_mm[1] - model.z_mm[0] : 1;
  const double beta = (match.mirrored ? match.roll_deg + 180 : match.roll_deg) * pi / 180;
  const bool reverse = match.over != match.mirrored;
  const std::size_t windows = static_cast<std::size_t>(double(model.z_mm.size()) * step / window_mm) + 1;
  std::vector<double> product(windows), seen(windows), held(windows), planes(windows);
  for (std::size_t p = 0; p < scan.z_mm.size(); ++p) {
    const long k = std::lround(((match.over ? -1 : 1) * (scan.z_mm[p] - match.shift_mm) - first) / step);
    if (k < 0 || k >= long(model.z_mm.size())) continue;
    const std::size_t w = std::min(windows - 1, static_cast<std::size_t>(double(k) * step / window_mm));
    double sum = 0;
    for (std::size_t r = 0; r < n; ++r)
      for (int h = 1; h < harmonics; ++h) {
        const std::complex<double> a = scan.spectrum[(p * n + r) * harmonics + std::size_t(h)],
                                   b = model.spectrum[(std::size_t(k) * n + r) * harmonics + std::size_t(h)];
        sum += 2 * scan.radius_mm[r] * (a * (reverse ? b : std::conj(b)) * std::polar(1.0, h * beta)).real() / angles;
      }
    product[w] += sum;
    seen[w] += scan.square[p];
    held[w] += model.square[std::size_t(k)];
    planes[w] += 1;
  }
  double least = 1;
  for (std::size_t w = 0; w < windows; ++w) {
    if (planes[w] == 0 || held[w] < stands_out * noise * planes[w] || held[w] < 1e-9) continue;
    const double own = std::max(seen[w] - noise * planes[w], 0.05 * seen[w]);
    least = std::min(least, product[w] / std::sqrt(own * held[w]));
  }
  return least;
}

}  // namespace

bool has_signature(const phantom::Model& model, const std::string& modality) {
  const std::string key = quantity_of(modality);
  return std::any_of(model.shapes.begin(), model.shapes.end(), [&](const phantom::Shape& s) {
    const bool beside = std::hypot(s.center_mm.x, s.center_mm.y) > 1;
    if (!beside || !drawn(s) || telling_width(s) < 3) return false;
    double outside = quantity(model, model.background, key);
    for (const phantom::Shape& other : model.shapes)
      if (other.name == s.inside) outside = quantity(model, other.material, key);
    return std::abs(quantity(model, s.material, key) - outside) > 0;
  });
}

MatchResult match_signature(const Scan& scan, const phantom::Model& model, const Placement& body) {
  MatchResult result;
  const double radius = body.radius_mm.value_or(model.body.radius_mm);
  const Rings drawn_rings = model_rings(model, scan.modality, std::min(0.93 * radius, 0.95 * model.body.radius_mm));
  const Rings seen = scan_rings(scan, body, drawn_rings.radius_mm);
  if (seen.z_mm.empty()) return result;
  const double noise = noise_power(seen);
  const double model_low = drawn_rings.z_mm.front(), model_high = drawn_rings.z_mm.back();
  const double scan_low = seen.z_mm.front(), scan_high = seen.z_mm.back();
  const double planes_per_mm = seen.z_mm.size() > 1 ? double(seen.z_mm.size() - 1) / (scan_high - scan_low) : 0;
  const double shared = std::min(double(seen.z_mm.size()), 1 + planes_per_mm * (model_high - model_low));
  const double least_planes = std::max(1.0, least_overlap * shared);
  std::vector<Scored> scored;
  const double reach = 0.5 * ((scan_high - scan_low) + (model_high - model_low)) + plane_step_mm;
  for (const int direction : {1, -1}) {
    const double middle = 0.5 * (scan_low + scan_high) - direction * 0.5 * (model_low + model_high);
    for (double shift = middle - reach; shift <= middle + reach; shift += plane_step_mm)
      for (const bool mirrored : {false, true}) scored.push_back({shift, direction < 0, mirrored, {}});
  }
#pragma omp parallel for schedule(dynamic, 4)
  for (std::size_t k = 0; k < scored.size(); k += 2) {
    Turns turns = correlate(seen, drawn_rings, scored[k].shift_mm, scored[k].over ? -1 : 1, least_planes,
                            noise);
    if (!turns.valid) continue;
    // Over: the angles run backwards; a mirror turns that round.
    scored[k].turns = scored[k].over ? turns.reversed : turns.same;
    scored[k + 1].turns = scored[k].over ? turns.same : turns.reversed;
  }
  const auto best_in = [](const Scored& s) {
    return s.turns.empty() ? -1.0 : *std::max_element(s.turns.begin(), s.turns.end());
  };
  const Scored* best = nullptr;
  const auto search = [&](bool mirrored) {
    const Scored* found = nullptr;
    for (const Scored& s : scored)
      if (s.mirrored == mirrored && !s.turns.empty() && (!found || best_in(s) > best_in(*found))) found = &s;
    return found;
  };
  const Scored *plain = search(false), *mirror = search(true);
  if (!plain) return result;
  result.mirrored = mirror ? best_in(*mirror) : -1;
  best = mirror && result.mirrored > best_in(*plain) + 0.05 ? mirror : plain;
  const auto turns = [&](const Scored& s, long k) { return s.turns[std::size_t((k + angles) % angles)]; };
  const long top = std::max_element(best->turns.begin(), best->turns.end()) - best->turns.begin();
  const double a = turns(*best, top - 1), b = turns(*best, top), c = turns(*best, top + 1);
  const double bend = a - 2 * b + c;
  result.best = {b, roll_of(*best, double(top) + (bend < 0 ? 0.5 * (a - c) / bend : 0)), best->shift_mm, best->over,
                 best->mirrored};
  // A row of places that score alike: the one nearest to where the body's ends put it, and no answer.
  double low = best->shift_mm, high = best->shift_mm;
  std::vector<const Scored*> row;
  for (const Scored& s : scored)
    if (s.over == best->over && s.mirrored == best->mirrored && !s.turns.empty()) row.push_back(&s);
  std::sort(row.begin(), row.end(), [](const Scored* x, const Scored* y) { return x->shift_mm < y->shift_mm; });
  const long at = std::find(row.begin(), row.end(), best) - row.begin();
  const auto flat = [&](long k) {
    return k >= 0 && k < long(row.size()) && turns(*row[std::size_t(k)], top) > b - plateau;
  };
  for (long k = at; flat(k); --k) low = row[std::size_t(k)]->shift_mm;
  for (long k = at; flat(k); ++k) high = row[std::size_t(k)]->shift_mm;
  result.place_along_axis = high - low <= 2 * plane_step_mm + 6;
  if (!result.place_along_axis) result.best.shift_mm = std::clamp(0.0, low, high);
  for (const Scored& s : scored) {
    if (s.mirrored != best->mirrored || s.turns.empty()) continue;
    for (int k = 0; k < angles; ++k) {
      const bool other_turn = s.over != best->over || apart(roll_of(s, k), result.best.roll_deg) > apart_deg;
      const bool other_place = s.shift_mm < low - apart_mm || s.shift_mm > high + apart_mm;
      if (other_turn || other_place) result.runner_up = std::max(result.runner_up, s.turns[std::size_t(k)]);
    }
  }
  result.least_part = least_part(seen, drawn_rings, result.best, noise);
  return result;
}

Placement apply(const Placement& body, const Match& match) {
  Placement placed = body;
  const double roll = match.roll_deg * pi / 180;
  const Vec3 u = std::cos(roll) * body.rotation.column(0) + std::sin(roll) * body.rotation.column(1);
  const Vec3 axis = match.over ? -1.0 * body.rotation.column(2) : body.rotation.column(2);
  placed.rotation = Mat3::from_columns(u, cross(axis, u), axis);
  placed.translation_mm = body.translation_mm + match.shift_mm * body.rotation.column(2);
  placed.mirrored = match.mirrored;
  return placed;
}

}  // namespace iqgate::locate
