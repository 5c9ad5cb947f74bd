#include "iqgate/phantom/closed_form.hpp"

#include <boost/math/distributions/non_central_chi_squared.hpp>

#include "support/support.hpp"

namespace iqgate::phantom {
namespace {

TEST(ClosedForm, DiscIsTheNoncentralChiSquare) {
  // p(r) = CDF of the noncentral chi-square with 2 degrees of freedom, lambda = (r/sigma)^2, at (R/sigma)^2.
  for (const double sigma : {0.3, 0.8, 2.0})
    for (const double radius : {0.05, 2.5, 12.5})
      for (const double r : {0.0, 0.4, 2.3, 2.5, 2.8, 11.9, 12.5, 13.4}) {
        const boost::math::non_central_chi_squared law(2, r * r / (sigma * sigma));
        EXPECT_NEAR(blurred_disc(r, radius, sigma), boost::math::cdf(law, radius * radius / (sigma * sigma)), 1e-10)
            << sigma << " " << radius << " " << r;
      }
}

TEST(ClosedForm, DiscTableAgrees) {
  const DiscTable table(100, 0.6);
  for (double r = 90; r < 110; r += 0.0137) EXPECT_NEAR(table(r), blurred_disc(r, 100, 0.6), 1e-7);
  const DiscTable wire(0.025, 0.5);
  for (double r = 0; r < 6; r += 0.0137) EXPECT_NEAR(wire(r), blurred_disc(r, 0.025, 0.5), 1e-9);
}

// Mean over a Gaussian by brute force, independent of the closed forms.
double ball_by_quadrature(double r, double radius, double sigma) {
  const Quadrature legendre = gauss_legendre_unit(60);
  double sum = 0;
  // Chords along x: at height (y, z) of the ball the blurred chord is a difference of two normal CDFs.
  for (std::size_t a = 0; a < legendre.nodes.size(); ++a)
    for (std::size_t b = 0; b < legendre.nodes.size(); ++b) {
      const double rho = radius * (legendre.nodes[a] + 0.5), phi = 2 * M_PI * (legendre.nodes[b] + 0.5);
      const double y = rho * std::cos(phi), z = rho * std::sin(phi),
                   half = std::sqrt(std::max(0.0, radius * radius - rho * rho));
      const double density = std::exp(-(y * y + z * z) / (2 * sigma * sigma)) / (2 * M_PI * sigma * sigma);
      sum += legendre.weights[a] * legendre.weights[b] * radius * 2 * M_PI * rho * density *
             (normal_cdf((half - r) / sigma) - normal_cdf((-half - r) / sigma));
    }
  return sum;
}

TEST(ClosedForm, BallByIndependentQuadrature) {
  for (const double radius : {0.5, 2.0, 5.0})
    for (const double r : {0.0, 1e-4, 0.3, 1.9, 2.6, 5.5})
      EXPECT_NEAR(blurred_ball(r, radius, 1.0), ball_by_quadrature(r, radius, 1.0), 2e-4) << radius << " " << r;
  // The series for small balls joins the closed form.
  for (const double r : {0.0, 0.5, 1.7}) {
    const double below = blurred_ball(r, 0.0705, 1.0) / std::pow(0.0705, 3),
                 above = blurred_ball(r, 0.0710, 1.0) / std::pow(0.0710, 3);
    EXPECT_NEAR(below / above, 1, 1e-4);
  }
}

TEST(ClosedForm, CatphanBeadOfTheSpecification) {
  // Q_H of spheres under an isotropic Gaussian of FWHM 5 mm: 57.70 % (10 mm), 90.18 % (37 mm).
  const auto recovery = [](double radius, double sigma) {
    double sum = 0;
    const int n = 4000;
    for (int k = 0; k < n; ++k) {
      const double r = (k + 0.5) * radius / n;
      sum += blurred_ball(r, radius, sigma) * r * radius / n;
    }
    return 200 / (radius * radius) * sum;
  };
  EXPECT_NEAR(recovery(5, 5 / 2.354820), 57.70, 0.01);
  EXPECT_NEAR(recovery(18.5, 5 / 2.354820), 90.18, 0.01);
}

TEST(ClosedForm, QuadraturesIntegratePolynomials) {
  const Quadrature h = gauss_hermite(48);
  double w = 0, second = 0, eighth = 0;
  for (std::size_t k = 0; k < h.nodes.size(); ++k)
    w += h.weights[k], second += h.weights[k] * std::pow(h.nodes[k], 2),
        eighth += h.weights[k] * std::pow(h.nodes[k], 8);
  EXPECT_NEAR(w, 1, 1e-12);
  EXPECT_NEAR(second, 1, 1e-12);
  EXPECT_NEAR(eighth, 105, 1e-8);
  const Quadrature l = gauss_legendre_unit(5);
  double x8 = 0;
  for (std::size_t k = 0; k < l.nodes.size(); ++k) x8 += l.weights[k] * std::pow(l.nodes[k], 8);
  EXPECT_NEAR(x8, 2 * std::pow(0.5, 9) / 9, 1e-15);
}

}  // namespace
}  // namespace iqgate::phantom
