#include "iqgate/compute/shape_field.hpp"

#include <algorithm>
#include <cmath>

namespace iqgate::compute {
namespace {

using phantom::ShapeKind;

constexpr double reach_sigmas = 9.0;
constexpr int hermite_nodes = 48;

// Index of the image axis that is parallel to `axis`, or -1.
int parallel_axis(const Mat3& direction, Vec3 axis) {
  for (int d = 0; d < 3; ++d)
    if (std::abs(std::abs(dot(direction.column(d), axis)) - 1) < 1e-12) return d;
  return -1;
}

}  // namespace

std::shared_ptr<const phantom::DiscTable> DiscTables::of(double radius_mm, double sigma_mm) {
  auto& table = tables_[{radius_mm, sigma_mm}];
  if (!table) table = std::make_shared<phantom::DiscTable>(radius_mm, sigma_mm);
  return table;
}

ShapeField::ShapeField(const phantom::Shape& shape, const RenderJob& job, DiscTables& tables) : shape_(shape) {
  const Vec3 axis = job.pose.rotation * shape.axis, in_plane = job.pose.rotation * shape.in_plane;
  rotation_ = Mat3::from_columns(in_plane, cross(axis, in_plane), axis).transposed();
  center_ = job.pose.rotation * shape.center_mm + job.pose.translation_mm;
  const Vec3 s = job.psf_sigma_mm;
  const double smallest = std::min({s.x, s.y, s.z}), largest = std::max({s.x, s.y, s.z});
  reach_ = reach_sigmas * largest + 1e-9;
  sigma_radial_ = sigma_axial_ = smallest;
  sigma_box_ = {smallest, smallest, smallest};
  bool exact = largest - smallest < 1e-12;
  const int along = parallel_axis(job.grid.direction, axis);
  if (shape.kind == ShapeKind::cylinder && along >= 0) {
    const double a = s[(along + 1) % 3], b = s[(along + 2) % 3];
    if (std::abs(a - b) < 1e-12) {
      sigma_radial_ = a;
      sigma_axial_ = s[along];
      exact = true;
    }
  } else if (shape.kind == ShapeKind::half_space) {
    double variance = 0;
    for (int d = 0; d < 3; ++d) variance += std::pow(dot(job.grid.direction.column(d), axis) * s[d], 2);
    sigma_axial_ = std::sqrt(variance);
    exact = true;
  } else if (shape.kind == ShapeKind::box && along >= 0 && parallel_axis(job.grid.direction, in_plane) >= 0) {
    const int first = parallel_axis(job.grid.direction, in_plane);
    sigma_box_ = {s[first], s[3 - first - along], s[along]};
    exact = true;
  } else if (shape.kind == ShapeKind::box && along >= 0) {
    const double a = s[(along + 1) % 3], b = s[(along + 2) % 3];
    if (std::abs(a - b) < 1e-12) {  // turned about its own axis under a PSF that is round across it
      sigma_box_ = {a, a, s[along]};
      exact = true;
    }
  }
  offsets_ = {Vec3{}};
  weights_ = {1.0};
  if (!exact) {
    // The PSF is a round Gaussian of the smallest width times a Gaussian of the excess along each image axis.
    const phantom::Quadrature rule = phantom::gauss_hermite(hermite_nodes);
    for (int d = 0; d < 3; ++d) {
      const double excess = std::sqrt(std::max(0.0, s[d] * s[d] - smallest * smallest));
      if (excess < 1e-12) continue;
      const Vec3 direction = rotation_ * job.grid.direction.column(d);
      std::vector<Vec3> offsets;
      std::vector<double> weights;
      for (std::size_t a = 0; a < offsets_.size(); ++a)
        for (std::size_t b = 0; b < rule.nodes.size(); ++b) {
          if (rule.weights[b] < 1e-14) continue;
          offsets.push_back(offsets_[a] + (excess * rule.nodes[b]) * direction);
          weights.push_back(weights_[a] * rule.weights[b]);
        }
      offsets_ = std::move(offsets);
      weights_ = std::move(weights);
    }
  }
  if (job.pixel_aperture) {
    const phantom::Quadrature rule = phantom::gauss_legendre_unit(5);
    for (int d = 0; d < 2; ++d) {
      const Vec3 direction = rotation_ * job.grid.direction.column(d);
      std::vector<Vec3> offsets;
      std::vector<double> weights;
      for (std::size_t a = 0; a < offsets_.size(); ++a)
        for (std::size_t b = 0; b < rule.nodes.size(); ++b) {
          offsets.push_back(offsets_[a] + (job.grid.spacing_mm[d] * rule.nodes[b]) * direction);
          weights.push_back(weights_[a] * rule.weights[b]);
        }
      offsets_ = std::move(offsets);
      weights_ = std::move(weights);
    }
    reach_ += job.grid.spacing_mm.x + job.grid.spacing_mm.y;
  }
  if (shape.kind == ShapeKind::cylinder) disc_ = tables.of(shape.radius_mm, sigma_radial_);
}

Vec3 ShapeField::to_local(Vec3 patient_mm) const { return rotation_ * (patient_mm - center_); }

double ShapeField::distance_outside(Vec3 p) const {
  switch (shape_.kind) {
    case ShapeKind::sphere: return norm(p) - shape_.radius_mm;
    case ShapeKind::half_space: return p.z;
    case ShapeKind::cylinder: {
      const double side = std::sqrt(p.x * p.x + p.y * p.y) - shape_.radius_mm;
      return shape_.length_mm > 0 ? std::max(side, std::abs(p.z) - 0.5 * shape_.length_mm) : side;
    }
    case ShapeKind::box:
      return std::max({std::abs(p.x) - 0.5 * shape_.size_mm.x, std::abs(p.y) - 0.5 * shape_.size_mm.y,
                       std::abs(p.z) - 0.5 * shape_.size_mm.z});
  }
  return 0;
}

double ShapeField::isotropic(Vec3 p) const {
  switch (shape_.kind) {
    case ShapeKind::sphere: return phantom::blurred_ball(norm(p), shape_.radius_mm, sigma_axial_);
    case ShapeKind::half_space: return phantom::blurred_step(p.z, sigma_axial_);
    case ShapeKind::cylinder: {
      const double axial = shape_.length_mm > 0 ? phantom::blurred_slab(p.z, shape_.length_mm, sigma_axial_) : 1.0;
      return axial == 0 ? 0 : axial * (*disc_)(std::sqrt(p.x * p.x + p.y * p.y));
    }
    case ShapeKind::box:
      return phantom::blurred_slab(p.x, shape_.size_mm.x, sigma_box_.x) *
             phantom::blurred_slab(p.y, shape_.size_mm.y, sigma_box_.y) *
             phantom::blurred_slab(p.z, shape_.size_mm.z, sigma_box_.z);
  }
  return 0;
}

std::optional<std::array<Vec3, 8>> ShapeField::bounds_mm() const {
  const bool endless =
      shape_.kind == ShapeKind::half_space || (shape_.kind == ShapeKind::cylinder && !(shape_.length_mm > 0));
  if (endless) return std::nullopt;
  const double r = shape_.radius_mm;
  Vec3 half{r, r, r};
  if (shape_.kind == ShapeKind::cylinder) half.z = 0.5 * shape_.length_mm;
  if (shape_.kind == ShapeKind::box) half = 0.5 * shape_.size_mm;
  const Mat3 to_patient = rotation_.transposed();
  std::array<Vec3, 8> corners;
  for (int c = 0; c < 8; ++c)
    corners[std::size_t(c)] =
        center_ + to_patient * Vec3{(c & 1 ? 1 : -1) * (half.x + reach_), (c & 2 ? 1 : -1) * (half.y + reach_),
                                    (c & 4 ? 1 : -1) * (half.z + reach_)};
  return corners;
}

double ShapeField::operator()(Vec3 patient_mm) const {
  const Vec3 p = to_local(patient_mm);
  const double outside = distance_outside(p);
  if (outside > reach_) return 0;
  if (outside < -reach_) return 1;
  double sum = 0;
  for (std::size_t k = 0; k < offsets_.size(); ++k) sum += weights_[k] * isotropic(p + offsets_[k]);
  return sum;
}

}  // namespace iqgate::compute
