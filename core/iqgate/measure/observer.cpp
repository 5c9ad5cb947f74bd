#include "iqgate/measure/observer.hpp"

#include <Eigen/Dense>
#include <algorithm>
#include <boost/math/distributions/non_central_f.hpp>
#include <cmath>
#include <numbers>

#include "iqgate/phantom/closed_form.hpp"

namespace iqgate::measure {
namespace {

constexpr double pi = std::numbers::pi;

double integral(const std::function<double(double)>& integrand, double f_max, double largest_radius) {
  // A disc's spectrum swings with period 1/(2R): sixty-four steps each, 2000 at least.
  const double wanted = f_max * 2 * largest_radius * 64;
  const int n = 2 * std::clamp(static_cast<int>(wanted / 2), 1000, 200000);
  const double step = f_max / n;
  double sum = 0;
  for (int k = 0; k <= n; ++k) sum += (k == 0 || k == n ? 1 : k % 2 ? 4 : 2) * integrand(k * step);
  return sum * step / 3;
}

double radius_of(const Task& task) { return task.kind == Task::Kind::gaussian ? 3 * task.size_mm : 0.5 * task.size_mm; }

double auc_of(double dprime) { return phantom::normal_cdf(dprime / std::numbers::sqrt2); }

}  // namespace

double task_spectrum(const Task& task, double f) {
  if (task.kind == Task::Kind::gaussian)
    return task.contrast_hu * 2 * pi * task.size_mm * task.size_mm *
           std::exp(-2 * pi * pi * task.size_mm * task.size_mm * f * f);
  const double radius = 0.5 * task.size_mm, x = 2 * pi * radius * f;
  const double area = task.contrast_hu * pi * radius * radius;
  const double n = task.kind == Task::Kind::designer ? task.exponent : 0;
  if (x < 1e-4) return area / (n + 1) * (1 - x * x / (4 * (n + 2)));
  return area * std::pow(2, n + 1) * std::tgamma(n + 1) * std::cyl_bessel_j(n + 1, x) / std::pow(x, n + 1);
}

double eye_response(EyeFilter filter, double f, const Viewing& viewing) {
  if (filter == EyeFilter::none) return 1;
  const double on_screen = f * viewing.image_pixel_mm / viewing.display_pixel_mm;
  const double rho = on_screen * viewing.distance_mm * pi / 180;
  if (filter == EyeFilter::burgess) return std::pow(rho, 1.3) * std::exp(-0.040625 * rho * rho);
  const double peak = std::pow(1.5 / (3.22 * 0.68), 1 / 0.68);
  const auto response = [](double r) { return std::pow(r, 1.5) * std::exp(-3.22 * std::pow(r, 0.68)); };
  return response(rho) / response(peak);
}

Detectability npw(const Task& task, const std::function<double(double)>& ttf, const std::function<double(double)>& nps,
                  double f_max, double lowf, EyeFilter filter, const Viewing& viewing) {
  const auto signal = [&](double f) {
    const double w = task_spectrum(task, f) * ttf(f), e = eye_response(filter, f, viewing);
    return 2 * pi * f * w * w * e * e;
  };
  const auto noise = [&](double f) {
    const double e = eye_response(filter, f, viewing);
    return signal(f) * e * e * nps(f);
  };
  const double radius = radius_of(task), top = integral(signal, f_max, radius), bottom = integral(noise, f_max, radius);
  Detectability d;
  if (!(bottom > 0)) return d;
  d.dprime = top / std::sqrt(bottom);
  d.auc = auc_of(d.dprime);
  d.lowf_fraction = lowf > 0 ? integral(signal, std::min(lowf, f_max), radius) / top : 0;
  return d;
}

Detectability pw(const Task& task, const std::function<double(double)>& ttf, const std::function<double(double)>& nps,
                 double f_max, double lowf) {
  const auto integrand = [&](double f) {
    const double w = task_spectrum(task, f) * ttf(f), n = nps(f);
    return n > 0 ? 2 * pi * f * w * w / n : 0.0;
  };
  const double radius = radius_of(task), d2 = integral(integrand, f_max, radius);
  Detectability d;
  d.dprime = std::sqrt(d2);
  d.auc = auc_of(d.dprime);
  d.lowf_fraction = lowf > 0 && d2 > 0 ? integral(integrand, std::min(lowf, f_max), radius) / d2 : 0;
  return d;
}

Hotelling hotelling(const Channels& present, const Channels& absent) {
  Hotelling h;
  h.present = present.size();
  h.absent = absent.size();
  h.channels = present.empty() ? 0 : present.front().size();
  const double n1 = double(h.present), n0 = double(h.absent), p = double(h.channels), n = n0 + n1;
  if (h.channels == 0 || n1 < 3 * p || n0 < 3 * p) {
    h.reason = "fewer than three times as many images in each class as channels";
    return h;
  }
  const long columns = long(h.channels);
  const auto mean_of = [&](const Channels& samples) {
    Eigen::VectorXd mean = Eigen::VectorXd::Zero(columns);
    for (const auto& v : samples) mean += Eigen::Map<const Eigen::VectorXd>(v.data(), columns) / double(samples.size());
    return mean;
  };
  const Eigen::VectorXd m1 = mean_of(present), m0 = mean_of(absent), difference = m1 - m0;
  Eigen::MatrixXd covariance = Eigen::MatrixXd::Zero(columns, columns);
  const auto scatter = [&](const Channels& samples, const Eigen::VectorXd& mean) {
    for (const auto& v : samples) {
      const Eigen::VectorXd d = Eigen::Map<const Eigen::VectorXd>(v.data(), columns) - mean;
      covariance += d * d.transpose() / (n - 2);
    }
  };
  scatter(present, m1);
  scatter(absent, m0);
  const Eigen::LDLT<Eigen::MatrixXd> solver(covariance);
  if (solver.info() != Eigen::Success || !(solver.vectorD().minCoeff() > 1e-12 * solver.vectorD().maxCoeff())) {
    h.reason = "the channels' covariance cannot be inverted";
    return h;
  }
  h.d2_resubstitution = difference.dot(solver.solve(difference));
  const double share = n0 * n1 / n, freedom = n - p - 1;
  h.d2_unbiased = (n - p - 3) / (n - 2) * h.d2_resubstitution - p / share;
  const double f = freedom / (p * (n - 2)) * share * h.d2_resubstitution;
  // The noncentrality whose distribution puts `probability` below f: falling in the noncentrality; by bisection.
  const auto noncentrality = [&](double probability) {
    const auto below = [&](double lambda) {
      return boost::math::cdf(boost::math::non_central_f(p, freedom, lambda), f);
    };
    if (below(0) < probability) return 0.0;
    double low = 0, high = std::max(10.0, 2 * p * f);
    while (below(high) > probability && high < 1e7) high *= 2;
    for (int k = 0; k < 100; ++k) (below(0.5 * (low + high)) > probability ? low : high) = 0.5 * (low + high);
    return 0.5 * (low + high);
  };
  h.dprime_low = std::sqrt(noncentrality(0.975) / share);
  h.dprime_high = std::sqrt(noncentrality(0.025) / share);
  h.good = true;
  return h;
}

}  // namespace iqgate::measure
