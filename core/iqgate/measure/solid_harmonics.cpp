#include "iqgate/measure/solid_harmonics.hpp"

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>

namespace iqgate::measure {

std::vector<double> solid_harmonics(Vec3 mm, int order, double scale_mm) {
  const double x = mm.x / scale_mm, y = mm.y / scale_mm, z = mm.z / scale_mm, r2 = x * x + y * y + z * z;
  std::vector<double> terms;
  // cos and sin parts of (x + i y)^m, times the polynomial in z and r that the Legendre recurrence gives.
  double re = 1, im = 0;
  std::vector<std::vector<double>> by_order(std::size_t(order) + 1);
  for (int m = 0; m <= order; ++m) {
    double before = 0, now = 1;
    for (int k = 1; k <= m; ++k) now *= 2 * k - 1;
    for (int l = m; l <= order; ++l) {
      auto& own = by_order[std::size_t(l)];
      own.push_back(now * re);
      if (m > 0) own.push_back(now * im);
      const double next = ((2 * l + 1) * z * now - (l + m) * r2 * before) / (l - m + 1);
      before = now;
      now = next;
    }
    const double turned = re * x - im * y;
    im = re * y + im * x;
    re = turned;
  }
  for (const auto& own : by_order) terms.insert(terms.end(), own.begin(), own.end());
  return terms;
}

Vec3 HarmonicField::at(Vec3 mm) const {
  const std::vector<double> terms = solid_harmonics(mm, order, scale_mm);
  Vec3 sum;
  for (std::size_t k = 0; k < terms.size(); ++k) sum = sum + terms[k] * coefficients[k];
  return sum;
}

HarmonicField fit_harmonics(const std::vector<Vec3>& at, const std::vector<Vec3>& values, int most) {
  HarmonicField field;
  while (field.order < most && 2 * std::size_t((field.order + 2) * (field.order + 2)) <= at.size()) ++field.order;
  for (const Vec3 p : at) field.scale_mm = std::max(field.scale_mm, norm(p));
  const Eigen::Index n = Eigen::Index(at.size()), terms = Eigen::Index((field.order + 1) * (field.order + 1));
  Eigen::MatrixXd design(n, terms), right(n, 3);
  for (Eigen::Index k = 0; k < n; ++k) {
    const std::vector<double> row = solid_harmonics(at[std::size_t(k)], field.order, field.scale_mm);
    for (Eigen::Index t = 0; t < terms; ++t) design(k, t) = row[std::size_t(t)];
    for (int d = 0; d < 3; ++d) right(k, d) = values[std::size_t(k)][d];
  }
  const Eigen::MatrixXd solved = design.colPivHouseholderQr().solve(right);
  for (Eigen::Index t = 0; t < terms; ++t) field.coefficients.push_back({solved(t, 0), solved(t, 1), solved(t, 2)});
  field.rest_rms_mm = std::sqrt((right - design * solved).squaredNorm() / double(n));
  return field;
}

}  // namespace iqgate::measure
