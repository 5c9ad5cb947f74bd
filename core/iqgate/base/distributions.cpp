#include "iqgate/base/distributions.hpp"

#include <boost/math/distributions/chi_squared.hpp>
#include <boost/math/distributions/fisher_f.hpp>
#include <boost/math/distributions/non_central_t.hpp>
#include <boost/math/distributions/normal.hpp>
#include <boost/math/distributions/students_t.hpp>
#include <cmath>

namespace iqgate {
namespace {
namespace distribution = boost::math;
}

double normal_quantile(double p) { return distribution::quantile(distribution::normal(), p); }

double normal_above(double z) { return distribution::cdf(distribution::complement(distribution::normal(), z)); }

double student_t_quantile(double p, double freedom) {
  if (!(freedom > 0)) return INFINITY;
  return freedom > 1e6 ? normal_quantile(p) : distribution::quantile(distribution::students_t(freedom), p);
}

double student_t_above(double t, double freedom) {
  if (std::isinf(t)) return t > 0 ? 0 : 1;
  return freedom > 1e6 ? normal_above(t)
                       : distribution::cdf(distribution::complement(distribution::students_t(freedom), t));
}

double noncentral_t_above(double t, double freedom, double noncentrality) {
  if (std::isinf(t)) return t > 0 ? 0 : 1;
  return distribution::cdf(distribution::complement(distribution::non_central_t(freedom, noncentrality), t));
}

double chi_squared_quantile(double p, double freedom) {
  return distribution::quantile(distribution::chi_squared(freedom), p);
}

double chi_squared_above(double chi_squared, double freedom) {
  return distribution::cdf(distribution::complement(distribution::chi_squared(freedom), chi_squared));
}

double fisher_f_above(double ratio, double freedom_of_numerator, double freedom_of_denominator) {
  return distribution::cdf(
      distribution::complement(distribution::fisher_f(freedom_of_numerator, freedom_of_denominator), ratio));
}

}  // namespace iqgate
