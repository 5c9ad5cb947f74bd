#pragma once
// Closed forms of Gaussian-blurred shapes: the truth that digital phantoms are drawn from and metrics are tested with.
// Each is the share (0..1) of the shape at a point, for a unit contrast. sigma 0 means no blur.
#include <vector>

#include "iqgate/base/geometry.hpp"

namespace iqgate::phantom {

/// Cumulative normal distribution.
double normal_cdf(double x);
/// Half space x < 0 seen at x: Phi(-x / sigma).
double blurred_step(double x_mm, double sigma_mm);
/// Slab |x| < length / 2.
double blurred_slab(double x_mm, double length_mm, double sigma_mm);
/// Disc of radius R under a 2D Gaussian at distance r: 1 - Q1(r/sigma, R/sigma) (noncentral chi-square CDF, 2 dof),
/// by quadrature of the Rice density; absolute error below 1e-12.
double blurred_disc(double r_mm, double radius_mm, double sigma_mm);
/// Ball of radius R under a 3D Gaussian at distance r (erf form; series near the centre and for small balls).
double blurred_ball(double r_mm, double radius_mm, double sigma_mm);

/// blurred_disc for many points: tabulated where it is neither 0 nor 1, four-point interpolation, error below 1e-7.
class DiscTable {
 public:
  DiscTable(double radius_mm, double sigma_mm);
  double operator()(double r_mm) const;

 private:
  double radius_, sigma_, first_ = 0, step_ = 1;
  std::vector<double> values_;
};

/// Nodes and weights (sum 1) for the mean over a unit normal variable: sum w f(x).
struct Quadrature {
  std::vector<double> nodes, weights;
};
Quadrature gauss_hermite(int count);
/// For the mean over [-1/2, 1/2].
Quadrature gauss_legendre_unit(int count);

}  // namespace iqgate::phantom
