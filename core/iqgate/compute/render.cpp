#include "iqgate/compute/render.hpp"

#include <cmath>

#include "iqgate/base/error.hpp"
#include "iqgate/compute/noise_field.hpp"
#include "iqgate/compute/shape_field.hpp"

namespace iqgate::compute {
namespace {

struct Scene {
  double background = 0;
  std::vector<ShapeField> fields;
  std::vector<double> contrasts;  // to the shape it lies inside
};

double quantity_of(const phantom::Model& model, const std::string& material, const std::string& quantity) {
  const auto& values = model.material(material).values;
  const auto found = values.find(quantity);
  if (found == values.end())
    throw UsageError("no_quantity", "phantom " + model.name, "material " + material + " has no " + quantity,
                     "choose a modality the phantom is made for");
  return found->second;
}

Scene make_scene(const phantom::Model& model, const RenderJob& job) {
  Scene scene;
  scene.background = quantity_of(model, model.background, job.quantity);
  for (const phantom::Shape& shape : model.shapes) {
    double outside = scene.background;
    for (const phantom::Shape& other : model.shapes)
      if (other.name == shape.inside) outside = quantity_of(model, other.material, job.quantity);
    scene.fields.emplace_back(shape, job);
    scene.contrasts.push_back(quantity_of(model, shape.material, job.quantity) - outside);
  }
  return scene;
}

double value_at(const Scene& scene, const RenderJob& job, Vec3 patient_mm) {
  double value = scene.background;
  for (std::size_t k = 0; k < scene.fields.size(); ++k) value += scene.contrasts[k] * scene.fields[k](patient_mm);
  const Vec3 d = patient_mm - job.pose.translation_mm;
  const ShadingJob& s = job.shading;
  if (s.cupping != 0 || norm(s.gradient_per_mm) != 0)
    value *= 1 + s.cupping * dot(d, d) / (s.radius_mm * s.radius_mm) + dot(s.gradient_per_mm, d);
  return value;
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

double rendered_value(const phantom::Model& model, const RenderJob& job, Vec3 patient_mm) {
  return value_at(make_scene(model, job), job, patient_mm);
}

Volume render(const phantom::Model& model, const RenderJob& job) {
  const Scene scene = make_scene(model, job);
  Volume volume{job.grid, Voxels(job.grid.size.count())};
  const Size3 n = job.grid.size;
#pragma omp parallel for collapse(2) schedule(dynamic, 16)
  for (std::size_t z = 0; z < n.z; ++z)
    for (std::size_t y = 0; y < n.y; ++y)
      for (std::size_t x = 0; x < n.x; ++x)
        volume.values[(z * n.y + y) * n.x + x] =
            static_cast<float>(value_at(scene, job, job.grid.to_mm({double(x), double(y), double(z)})));
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
