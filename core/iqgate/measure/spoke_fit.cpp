#include "iqgate/measure/spoke_fit.hpp"

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <numbers>

namespace iqgate::measure {
namespace {

constexpr double diameters_mm[spokes] = {7.00, 6.39, 5.78, 5.17, 4.55, 3.94, 3.33, 2.72, 2.11, 1.50};
constexpr double ring_mm = 12.7;  // radii of the discs: 1, 2, 3 times this
constexpr double false_discovery = 0.0125;
constexpr double degree = std::numbers::pi / 180;
constexpr double control_radii_mm[] = {19.05, 25.4, 31.75, 38.1};
// Background: a polynomial of order 4, and rings about the middle (the plastic's own ringing), linear between these.
constexpr int polynomial_terms = 15, ring_terms = 25, terms = polynomial_terms + ring_terms;
constexpr double fine_rings_from_mm = 34;

// The pixels that a disc touches and the share of each that it covers, its edge blurred by half a pixel.
struct Template {
  std::vector<Eigen::Index> at;
  std::vector<double> share;
  double dot(const Eigen::VectorXd& v) const {
    double sum = 0;
    for (std::size_t k = 0; k < at.size(); ++k) sum += share[k] * v[at[k]];
    return sum;
  }
  double square() const {
    double sum = 0;
    for (const double s : share) sum += s * s;
    return sum;
  }
};

// Of the disc of this diameter at a radius and angle.
Template disc_template(const InsertPixels& p, double ring, double angle, double diameter_mm) {
  Template t;
  const double u = ring * std::cos(angle), w = ring * std::sin(angle), radius_mm = 0.5 * diameter_mm,
               pixel_mm = p.pixel_mm;
  const double reach = radius_mm + 2 * pixel_mm;
  for (std::size_t k = 0; k < p.u.size(); ++k) {
    const double x = p.u[k] - u, y = p.w[k] - w;
    if (x * x + y * y > reach * reach) continue;
    t.at.push_back(Eigen::Index(k));
    t.share.push_back(0.5 * std::erfc(-(radius_mm - std::hypot(x, y)) / (0.5 * pixel_mm) / std::numbers::sqrt2));
  }
  return t;
}

// Place of a radius among the rings: every 2 mm, every 1 mm near the plastic.
double ring_place(double r) {
  return r < fine_rings_from_mm ? r / 2 : fine_rings_from_mm / 2 + (r - fine_rings_from_mm);
}

Eigen::MatrixXd background(const InsertPixels& p) {
  Eigen::MatrixXd b = Eigen::MatrixXd::Zero(Eigen::Index(p.u.size()), terms);
  for (std::size_t k = 0; k < p.u.size(); ++k) {
    const double x = p.u[k] / p.radius_mm, y = p.w[k] / p.radius_mm;
    Eigen::Index column = 0;
    for (int order = 0; order <= 4; ++order)
      for (int j = 0; j <= order; ++j) b(Eigen::Index(k), column++) = std::pow(x, order - j) * std::pow(y, j);
    // Ring 0 is left to the polynomial's constant.
    const double place = std::min(ring_place(std::hypot(p.u[k], p.w[k])), double(ring_terms));
    const Eigen::Index low = static_cast<Eigen::Index>(place);
    if (low > 0) b(Eigen::Index(k), column + low - 1) = 1 - (place - double(low));
    if (low < ring_terms) b(Eigen::Index(k), column + low) = place - double(low);
  }
  return b;
}

}  // namespace

InsertPixels insert_pixels(const SliceSampler& slice, double u_mm, double w_mm, double radius_mm) {
  InsertPixels p{.radius_mm = radius_mm, .pixel_mm = slice.pixel_mm()};
  const double reach = radius_mm - 2.5;  // clear of the ring
  for (std::size_t y = 0; y < slice.view().size.y; ++y)
    for (std::size_t x = 0; x < slice.view().size.x; ++x) {
      const Vec3 at = slice.point(double(x), double(y));
      const double u = at.x - u_mm, w = at.y - w_mm;
      if (u * u + w * w > reach * reach) continue;
      p.u.push_back(u), p.w.push_back(w), p.value.push_back(slice.view()(x, y, slice.slice()));
    }
  return p;
}

SpokeFit fit_spokes(const InsertPixels& p, double first_angle) {
  const Eigen::Index n = Eigen::Index(p.u.size());
  Eigen::MatrixXd design = Eigen::MatrixXd::Zero(n, terms + spokes * discs);
  design.leftCols(terms) = background(p);
  for (int i = 0; i < spokes; ++i)
    for (int j = 0; j < discs; ++j) {
      const Template t = disc_template(p, ring_mm * (j + 1), first_angle + 36 * degree * i, diameters_mm[i]);
      for (std::size_t k = 0; k < t.at.size(); ++k) design(t.at[k], terms + i * discs + j) = t.share[k];
    }
  const Eigen::Map<const Eigen::VectorXd> y(p.value.data(), n);
  const Eigen::LDLT<Eigen::MatrixXd> normal(
      (design.transpose() * design + 1e-9 * Eigen::MatrixXd::Identity(design.cols(), design.cols())).eval());
  const Eigen::VectorXd beta = normal.solve(design.transpose() * y), rest = y - design * beta;
  const Eigen::MatrixXd inverse = normal.solve(Eigen::MatrixXd::Identity(design.cols(), design.cols()));
  SpokeFit fit;
  fit.noise = std::sqrt(rest.squaredNorm() / double(n - design.cols()));
  fit.level = y.mean();
  for (int i = 0; i < spokes; ++i) {
    // The same template half-way between spokes: what is left there after the fit, in its own standard errors.
    std::vector<double> z;
    for (const double r : control_radii_mm)
      for (int between = 0; between < spokes; ++between) {
        const Template t = disc_template(p, r, first_angle + 36 * degree * (between + 0.5), diameters_mm[i]);
        Eigen::VectorXd shared = Eigen::VectorXd::Zero(design.cols());
        for (std::size_t k = 0; k < t.at.size(); ++k) shared += t.share[k] * design.row(t.at[k]).transpose();
        const double own = t.square() - shared.dot(inverse * shared);  // what the other terms cannot draw
        if (own > 1e-9) z.push_back(t.dot(rest) / (fit.noise * std::sqrt(own)));
      }
    double squares = 0;
    if (z.size() < 10) return {};  // too coarse to tell: no noise, which the caller refuses
    for (const double v : z) squares += v * v;
    // Ringing and filters: a template of many pixels sees more or less of them than white noise of their SD would show.
    const double wider = std::sqrt(squares / double(z.size()));
    for (int j = 0; j < discs; ++j) {
      const Eigen::Index k = terms + i * discs + j;
      fit.beta.push_back(beta[k]);
      fit.t.push_back(beta[k] / (fit.noise * std::sqrt(inverse(k, k)) * wider));
      fit.p.push_back(2 * student_t_above(std::abs(fit.t.back()), double(z.size())));
    }
  }
  return fit;
}

double best_turn(const InsertPixels& p, double first_angle) {
  const Eigen::MatrixXd b = background(p);
  const Eigen::Map<const Eigen::VectorXd> y(p.value.data(), Eigen::Index(p.value.size()));
  const Eigen::VectorXd rest = y - b * b.colPivHouseholderQr().solve(y);
  double best = -INFINITY, turn = 0;
  for (double a = -3; a <= 3 + 1e-9; a += 0.25) {
    double sum = 0;
    for (int i = 0; i < 3; ++i)
      for (int j = 1; j < discs; ++j)
        sum += disc_template(p, ring_mm * (j + 1), first_angle + (a + 36 * i) * degree, diameters_mm[i]).dot(rest);
    if (sum > best) best = sum, turn = a * degree;
  }
  return turn;
}

// Benjamini and Hochberg over all discs, and the sign that holes in a sheet have: brighter.
std::vector<char> found_discs(const SpokeFit& fit) {
  const double limit = passing_p(fit.p, false_discovery);
  std::vector<char> found;
  for (std::size_t k = 0; k < fit.p.size(); ++k) found.push_back(fit.p[k] <= limit && fit.beta[k] > 0);
  return found;
}

int complete_spokes(const std::vector<char>& found) {
  int count = 0;
  for (; count < spokes; ++count)
    for (int j = 0; j < discs; ++j)
      if (!found[std::size_t(count * discs + j)]) return count;
  return count;
}

}  // namespace iqgate::measure
