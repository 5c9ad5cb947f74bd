#include "iqgate/compute/render.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>

#include "iqgate/base/error.hpp"
#include "iqgate/base/parallel_guard.hpp"
#include "iqgate/base/random.hpp"
#include "iqgate/compute/noise_field.hpp"
#include "iqgate/compute/shape_field.hpp"

namespace iqgate::compute {
namespace {

struct Scene {
  double background = 0;
  std::vector<ShapeField> fields;
  std::vector<double> contrasts;  // to the shape it lies inside
};

// Voxels that a shape may touch, both ends inclusive; empty when low > high.
struct VoxelRange {
  long low[3] = {0, 0, 0}, high[3] = {0, 0, 0};
};

// Offsets along k, in slices, of the thin slices that a slice is the mean of.
std::vector<double> slice_offsets(const RenderJob& job) {
  if (!(job.slice_thickness_mm > 0)) return {0.0};
  std::vector<double> offsets;
  for (int k = 0; k < job.slice_samples; ++k)
    offsets.push_back(job.slice_thickness_mm / job.grid.spacing_mm.z *
                      ((double(k) + 0.5) / double(job.slice_samples) - 0.5));
  return offsets;
}

VoxelRange range_of(const ShapeField& field, const Grid& grid, double half_slice, double shift) {
  const long n[3] = {long(grid.size.x), long(grid.size.y), long(grid.size.z)};
  VoxelRange range;
  for (int d = 0; d < 3; ++d) range.high[d] = n[d] - 1;
  const std::optional<std::array<Vec3, 8>> corners = field.bounds_mm();
  if (!corners) return range;
  for (int d = 0; d < 3; ++d) {
    double low = INFINITY, high = -INFINITY;
    for (const Vec3 corner : *corners) {
      const double at = grid.to_index(corner)[d];
      low = std::min(low, at);
      high = std::max(high, at);
    }
    low -= shift + (d == 2 ? half_slice : 0), high += shift + (d == 2 ? half_slice : 0);
    range.low[d] = static_cast<long>(std::clamp(std::floor(low), 0.0, double(n[d])));
    range.high[d] = static_cast<long>(std::clamp(std::ceil(high), -1.0, double(n[d] - 1)));
  }
  return range;
}

// Where that which is drawn at a point lies in truth.
Vec3 undistorted(const DistortionJob& distortion, Vec3 mm) {
  Vec3 p = mm;
  for (int round = 0; round < 20; ++round) p = mm - distortion.at(p);
  return p;
}

// How far, in voxels, the field moves anything in the scan.
double most_shift(const RenderJob& job) {
  if (!job.distortion.any()) return 0;
  const DistortionJob& f = job.distortion;
  double most = 0;
  for (int c = 0; c < 8; ++c) {
    const Vec3 corner = job.grid.to_mm({c & 1 ? double(job.grid.size.x) : 0, c & 2 ? double(job.grid.size.y) : 0,
                                        c & 4 ? double(job.grid.size.z) : 0});
    most = std::max(most, norm(f.at(corner)));
    for (int d = 0; d < 3; ++d)
      if (!(std::abs(f.scale[d]) + 3 * std::abs(f.cubic_per_mm2[d]) * dot(corner, corner) < 0.5))
        throw UsageError("out_of_range", "distortion", "folds the image at its corners",
                         "take a smaller field or a smaller image");
  }
  return most / std::min({job.grid.spacing_mm.x, job.grid.spacing_mm.y, job.grid.spacing_mm.z}) + 1;
}

Scene make_scene(const phantom::Model& model, const RenderJob& job) {
  const auto told = [&](std::optional<double> value, const std::string& material) {
    if (!value)
      throw UsageError("no_quantity", "phantom " + model.name,
                       "material " + material + ", or what it lies in, has no " + job.quantity,
                       "choose a modality the phantom is made for");
    return *value;
  };
  Scene scene;
  scene.background = told(model.value_of(model.background, job.quantity), model.background);
  DiscTables tables;
  for (const phantom::Shape& shape : model.shapes) {
    scene.fields.emplace_back(shape, job, tables);
    scene.contrasts.push_back(told(model.contrast_of(shape, job.quantity), shape.material));
  }
  return scene;
}

double shading_at(const RenderJob& job, Vec3 patient_mm) {
  const Vec3 d = patient_mm - job.pose.translation_mm;
  const ShadingJob& s = job.shading;
  return 1 + s.cupping * dot(d, d) / (s.radius_mm * s.radius_mm) + dot(s.gradient_per_mm, d);
}

bool is_shaded(const ShadingJob& s) { return s.cupping != 0 || norm(s.gradient_per_mm) != 0; }

void add_series(Volume& volume, const SeriesJob& series, const NoiseJob& noise) {
  const double t = double(noise.repeat), last = std::max(1.0, double(series.volumes) - 1);
  const double factor =
      1 + series.drift * t / last + series.fluctuation * normal_pair(noise.seed, 77, noise.repeat).first;
  for (float& v : volume.values) v = float(factor * v);
  if (series.ghost == 0) return;
  const Voxels still = volume.values;
  const Size3 n = volume.grid.size;
  for (std::size_t z = 0; z < n.z; ++z)
    for (std::size_t y = 0; y < n.y; ++y)
      for (std::size_t x = 0; x < n.x; ++x)
        volume.values[(z * n.y + y) * n.x + x] +=
            float(series.ghost * still[(z * n.y + (y + n.y / 2) % n.y) * n.x + x]);
}

// Signal S and n channels: each carries S / sqrt(n) in its real part, and independent noise in both.
void add_magnitude_noise(Volume& volume, const NoiseJob& job) {
  std::vector<double> sum(volume.values.size(), 0.0);
  const double share = 1.0 / std::sqrt(double(job.channels));
  for (int c = 0; c < job.channels; ++c) {
    const auto stream = [&](int part) { return (job.repeat * 64 + std::uint64_t(c)) * 2 + std::uint64_t(part) + 1000; };
    const std::vector<float> real = noise_field(volume.grid, job, stream(0)),
                             imaginary = noise_field(volume.grid, job, stream(1));
#pragma omp parallel for schedule(static)
    for (std::size_t k = 0; k < sum.size(); ++k) {
      const double re = volume.values[k] * share + real[k], im = imaginary[k];
      sum[k] += re * re + im * im;
    }
  }
#pragma omp parallel for schedule(static)
  for (std::size_t k = 0; k < sum.size(); ++k) volume.values[k] = static_cast<float>(std::sqrt(sum[k]));
}

}  // namespace

std::vector<double> rendered_values(const phantom::Model& model, const RenderJob& job,
                                    const std::vector<Vec3>& patient_mm) {
  const Scene scene = make_scene(model, job);
  const std::vector<double> offsets = slice_offsets(job);
  const Vec3 slice = job.grid.spacing_mm.z * job.grid.direction.column(2);
  std::vector<double> values;
  for (const Vec3 mm : patient_mm) {
    double value = scene.background;
    for (std::size_t k = 0; k < scene.fields.size(); ++k)
      for (const double o : offsets)
        value += scene.contrasts[k] * scene.fields[k](mm + o * slice) / double(offsets.size());
    values.push_back(is_shaded(job.shading) ? value * shading_at(job, mm) : value);
  }
  return values;
}

double rendered_value(const phantom::Model& model, const RenderJob& job, Vec3 patient_mm) {
  return rendered_values(model, job, {patient_mm}).front();
}

Volume render(const phantom::Model& model, const RenderJob& job) {
  const Scene scene = make_scene(model, job);
  const Grid& grid = job.grid;
  Volume volume{grid, Voxels(grid.size.count())};
  const Size3 n = grid.size;
  std::vector<VoxelRange> ranges;
  const std::vector<double> offsets = slice_offsets(job);
  const double shift = most_shift(job);
  const bool moved = job.distortion.any();
  for (const ShapeField& field : scene.fields) ranges.push_back(range_of(field, grid, -offsets.front(), shift));
  const bool shaded = is_shaded(job.shading);
  ParallelGuard guard;
#pragma omp parallel for schedule(dynamic, 4)
  for (std::size_t row = 0; row < n.y * n.z; ++row)
    guard.run([&] {
      const std::size_t z = row / n.y, y = row % n.y;
      std::vector<double> values(n.x, scene.background);
      for (std::size_t k = 0; k < scene.fields.size(); ++k) {
        const VoxelRange& range = ranges[k];
        if (long(z) < range.low[2] || long(z) > range.high[2] || long(y) < range.low[1] || long(y) > range.high[1])
          continue;
        const double share = scene.contrasts[k] / double(offsets.size());
        for (const double o : offsets)
          for (long x = range.low[0]; x <= range.high[0]; ++x) {
            const Vec3 mm = grid.to_mm({double(x), double(y), double(z) + o});
            values[std::size_t(x)] += share * scene.fields[k](moved ? undistorted(job.distortion, mm) : mm);
          }
      }
      for (std::size_t x = 0; x < n.x; ++x)
        volume.values[row * n.x + x] = static_cast<float>(
            shaded ? values[x] * shading_at(job, grid.to_mm({double(x), double(y), double(z)})) : values[x]);
    });
  guard.rethrow();
  if (job.series.drift != 0 || job.series.fluctuation != 0 || job.series.ghost != 0)
    add_series(volume, job.series, job.noise);
  if (job.noise.kind == NoiseKind::none) return volume;
  if (job.noise.channels > 0) {
    add_magnitude_noise(volume, job.noise);
  } else {
    const std::vector<float> noise = noise_field(job.grid, job.noise, job.noise.repeat);
    for (std::size_t k = 0; k < noise.size(); ++k) volume.values[k] += noise[k];
  }
  return volume;
}

}  // namespace iqgate::compute
