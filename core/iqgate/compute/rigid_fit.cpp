#include "iqgate/compute/rigid_fit.hpp"

#include <Eigen/Dense>
#include <stdexcept>

namespace iqgate::compute {
namespace {

Vec3 mean(const std::vector<Vec3>& points) {
  Vec3 sum;
  for (const Vec3 p : points) sum = sum + (1.0 / double(points.size())) * p;
  return sum;
}

Eigen::Vector3d vector(Vec3 v) { return {v.x, v.y, v.z}; }

Mat3 matrix(const Eigen::Matrix3d& m) {
  Mat3 out;
  for (int r = 0; r < 3; ++r)
    for (int c = 0; c < 3; ++c) out(r, c) = m(r, c);
  return out;
}

}  // namespace

RigidFit fit_rigid(const std::vector<Vec3>& from, const std::vector<Vec3>& to) {
  if (from.size() < 3 || from.size() != to.size()) throw std::logic_error("a rigid fit needs three pairs of points");
  const Vec3 a = mean(from), b = mean(to);
  Eigen::Matrix3d cross = Eigen::Matrix3d::Zero();
  for (std::size_t k = 0; k < from.size(); ++k) cross += vector(to[k] - b) * vector(from[k] - a).transpose();
  const Eigen::JacobiSVD<Eigen::Matrix3d> svd(cross, Eigen::ComputeFullU | Eigen::ComputeFullV);
  Eigen::Matrix3d flip = Eigen::Matrix3d::Identity();
  flip(2, 2) = (svd.matrixU() * svd.matrixV().transpose()).determinant() < 0 ? -1 : 1;
  RigidFit fit;
  fit.rotation = matrix(svd.matrixU() * flip * svd.matrixV().transpose());
  fit.translation_mm = b - fit.rotation * a;
  double square = 0;
  for (std::size_t k = 0; k < from.size(); ++k) {
    const Vec3 d = fit.apply(from[k]) - to[k];
    square += dot(d, d);
  }
  fit.rms_mm = std::sqrt(square / double(from.size()));
  return fit;
}

std::optional<AffineFit> fit_affine(const std::vector<Vec3>& from, const std::vector<Vec3>& to) {
  if (from.size() < 4 || from.size() != to.size()) throw std::logic_error("an affine fit needs four pairs of points");
  const Vec3 a = mean(from), b = mean(to);
  Eigen::Matrix3d cross = Eigen::Matrix3d::Zero(), own = Eigen::Matrix3d::Zero();
  for (std::size_t k = 0; k < from.size(); ++k) {
    cross += vector(to[k] - b) * vector(from[k] - a).transpose();
    own += vector(from[k] - a) * vector(from[k] - a).transpose();
  }
  const Eigen::Vector3d spread = Eigen::SelfAdjointEigenSolver<Eigen::Matrix3d>(own).eigenvalues();
  if (!(spread[0] > 1e-6 * spread[2])) return std::nullopt;
  AffineFit fit;
  fit.matrix = matrix(cross * own.inverse());
  fit.translation_mm = b - fit.matrix * a;
  return fit;
}

}  // namespace iqgate::compute
