#include "iqgate/phantom/closed_form.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace iqgate::phantom {
namespace {

constexpr double reach = 9.0;  // standard deviations beyond which a blurred edge is 0 or 1 to 1e-18

// exp(-x) I0(x): the library function below 30, the asymptotic series (error below 1e-16) above.
double scaled_bessel_i0(double x) {
  if (x < 30) return std::exp(-x) * std::cyl_bessel_i(0.0, x);
  double term = 1, sum = 1;
  for (int k = 1; k < 30; ++k) {
    const double next = term * (2 * k - 1) * (2 * k - 1) / (8.0 * k * x);
    if (next >= term || next < 1e-18) break;
    term = next;
    sum += term;
  }
  return sum / std::sqrt(2 * std::numbers::pi * x);
}

}  // namespace

double normal_cdf(double x) { return 0.5 * std::erfc(-x / std::numbers::sqrt2); }

double blurred_step(double x_mm, double sigma_mm) {
  if (sigma_mm <= 0) return x_mm < 0 ? 1 : x_mm > 0 ? 0 : 0.5;
  return normal_cdf(-x_mm / sigma_mm);
}

double blurred_slab(double x_mm, double length_mm, double sigma_mm) {
  return blurred_step(x_mm - 0.5 * length_mm, sigma_mm) - blurred_step(x_mm + 0.5 * length_mm, sigma_mm);
}

double blurred_disc(double r_mm, double radius_mm, double sigma_mm) {
  if (sigma_mm <= 0) return r_mm < radius_mm ? 1 : r_mm > radius_mm ? 0 : 0.5;
  const double r = r_mm / sigma_mm, big_r = radius_mm / sigma_mm;
  if (r > big_r + reach) return 0;
  if (r < big_r - reach) return 1;
  // Integral of the Rice density t exp(-(r-t)^2/2) I0e(r t) over t in [0, R].
  static const Quadrature rule = gauss_legendre_unit(20);
  const double low = std::max(0.0, r - reach - 1), high = std::min(big_r, r + reach + 1);
  if (high <= low) return 0;
  const int pieces = std::max(1, static_cast<int>(std::ceil((high - low) / 0.75)));
  const double width = (high - low) / pieces;
  double sum = 0;
  for (int p = 0; p < pieces; ++p) {
    const double middle = low + (p + 0.5) * width;
    for (std::size_t k = 0; k < rule.nodes.size(); ++k) {
      const double t = middle + width * rule.nodes[k];
      sum += width * rule.weights[k] * t * std::exp(-0.5 * (r - t) * (r - t)) * scaled_bessel_i0(r * t);
    }
  }
  return std::clamp(sum, 0.0, 1.0);
}

double blurred_ball(double r_mm, double radius_mm, double sigma_mm) {
  if (sigma_mm <= 0) return r_mm < radius_mm ? 1 : r_mm > radius_mm ? 0 : 0.5;
  if (r_mm > radius_mm + reach * sigma_mm) return 0;
  if (r_mm < radius_mm - reach * sigma_mm) return 1;
  const double z = r_mm / (sigma_mm * std::numbers::sqrt2), big_z = radius_mm / (sigma_mm * std::numbers::sqrt2);
  const double root_pi = std::sqrt(std::numbers::pi);
  if (big_z < 0.05) {
    // Small ball: its volume times the Gaussian, with the second-order term of the expansion in R (error ~ Z^4).
    const double volume = 4.0 / (3.0 * root_pi) * big_z * big_z * big_z * std::exp(-z * z);
    return volume * (1 + big_z * big_z * (0.4 * z * z - 0.6));
  }
  if (z < 1e-3) {
    // P(z) = P(0) - z^2 c + ...: the closed form divides by z.
    const double centre = std::erf(big_z) - 2 * big_z * std::exp(-big_z * big_z) / root_pi;
    return centre - z * z * 4 * big_z * big_z * big_z * std::exp(-big_z * big_z) / (3 * root_pi);
  }
  const double minus = z - big_z, plus = z + big_z;
  return 0.5 * (std::erf(plus) - std::erf(minus)) -
         (std::exp(-minus * minus) - std::exp(-plus * plus)) / (2 * z * root_pi);
}

DiscTable::DiscTable(double radius_mm, double sigma_mm) : radius_(radius_mm), sigma_(sigma_mm) {
  if (sigma_ <= 0) return;
  step_ = sigma_ / 40;
  first_ = std::max(0.0, radius_ - reach * sigma_) - 2 * step_;
  const std::size_t count = static_cast<std::size_t>(std::ceil((radius_ + reach * sigma_ - first_) / step_)) + 4;
  values_.resize(count);
  for (std::size_t k = 0; k < count; ++k)
    values_[k] = blurred_disc(std::abs(first_ + double(k) * step_), radius_, sigma_);
}

double DiscTable::operator()(double r_mm) const {
  if (values_.empty()) return blurred_disc(r_mm, radius_, sigma_);
  if (r_mm >= radius_ + reach * sigma_) return 0;
  if (r_mm <= radius_ - reach * sigma_) return 1;
  const double position = (r_mm - first_) / step_;
  const std::size_t k = std::clamp<std::size_t>(static_cast<std::size_t>(position), 1, values_.size() - 3);
  const double t = position - double(k);
  const double a = values_[k - 1], b = values_[k], c = values_[k + 1], d = values_[k + 2];
  // Cubic Lagrange through four neighbours.
  return -t * (t - 1) * (t - 2) / 6 * a + (t + 1) * (t - 1) * (t - 2) / 2 * b - (t + 1) * t * (t - 2) / 2 * c +
         (t + 1) * t * (t - 1) / 6 * d;
}

Quadrature gauss_hermite(int count) {
  // Newton iteration on orthonormal Hermite functions; then scaled from exp(-x^2) to the unit normal density.
  Quadrature q{std::vector<double>(std::size_t(count)), std::vector<double>(std::size_t(count))};
  double z = 0;
  const int half = (count + 1) / 2;
  std::vector<double> roots;
  for (int i = 0; i < half; ++i) {
    if (i == 0) z = std::sqrt(2.0 * count + 1) - 1.85575 * std::pow(2.0 * count + 1, -1.0 / 6);
    else if (i == 1) z -= 1.14 * std::pow(count, 0.426) / z;
    else if (i == 2) z = 1.86 * z - 0.86 * roots[0];
    else if (i == 3) z = 1.91 * z - 0.91 * roots[1];
    else z = 2 * z - roots[std::size_t(i - 2)];
    double derivative = 1;
    for (int iteration = 0; iteration < 100; ++iteration) {
      double p1 = std::pow(std::numbers::pi, -0.25), p2 = 0;
      for (int j = 0; j < count; ++j) {
        const double p3 = p2;
        p2 = p1;
        p1 = z * std::sqrt(2.0 / (j + 1)) * p2 - std::sqrt(double(j) / (j + 1)) * p3;
      }
      derivative = std::sqrt(2.0 * count) * p2;
      const double change = p1 / derivative;
      z -= change;
      if (std::abs(change) < 1e-15) break;
    }
    roots.push_back(z);
    const double weight = 2.0 / (derivative * derivative) / std::sqrt(std::numbers::pi);
    q.nodes[std::size_t(i)] = z * std::numbers::sqrt2;
    q.nodes[std::size_t(count - 1 - i)] = -z * std::numbers::sqrt2;
    q.weights[std::size_t(i)] = q.weights[std::size_t(count - 1 - i)] = weight;
  }
  return q;
}

Quadrature gauss_legendre_unit(int count) {
  Quadrature q{std::vector<double>(std::size_t(count)), std::vector<double>(std::size_t(count))};
  for (int i = 0; i < (count + 1) / 2; ++i) {
    double z = std::cos(std::numbers::pi * (i + 0.75) / (count + 0.5)), derivative = 1;
    for (int iteration = 0; iteration < 100; ++iteration) {
      double p1 = 1, p2 = 0;
      for (int j = 0; j < count; ++j) {
        const double p3 = p2;
        p2 = p1;
        p1 = ((2.0 * j + 1) * z * p2 - j * p3) / (j + 1);
      }
      derivative = count * (z * p1 - p2) / (z * z - 1);
      const double change = p1 / derivative;
      z -= change;
      if (std::abs(change) < 1e-15) break;
    }
    const double weight = 1.0 / ((1 - z * z) * derivative * derivative);
    q.nodes[std::size_t(i)] = -0.5 * z;
    q.nodes[std::size_t(count - 1 - i)] = 0.5 * z;
    q.weights[std::size_t(i)] = q.weights[std::size_t(count - 1 - i)] = weight;
  }
  return q;
}

}  // namespace iqgate::phantom
