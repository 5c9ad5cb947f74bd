#include "iqgate/measure/decay_fit.hpp"

#include <algorithm>
#include <cmath>

namespace iqgate::measure {
namespace {

constexpr double shortest_ms = 1, longest_ms = 20000;
constexpr int grid = 160;

// Least squares of y = c0 [+ c1] basis at one time constant: with a constant or without.
struct Linear {
  double constant = 0, factor = 0, square = 0;
};

Linear linear_fit(const std::vector<double>& t, const std::vector<double>& y, double tau, bool constant) {
  const double n = double(t.size());
  double e = 0, ee = 0, s = 0, es = 0, ss = 0;
  for (std::size_t k = 0; k < t.size(); ++k) {
    const double x = std::exp(-t[k] / tau);
    e += x, ee += x * x, s += y[k], es += x * y[k], ss += y[k] * y[k];
  }
  Linear f;
  if (constant) {
    const double d = n * ee - e * e;
    if (!(d > 1e-14 * n * ee)) return {0, 0, INFINITY};
    f.factor = (n * es - e * s) / d;
    f.constant = (s - f.factor * e) / n;
  } else {
    f.factor = es / ee;
  }
  for (std::size_t k = 0; k < t.size(); ++k) {
    const double rest = y[k] - f.constant - f.factor * std::exp(-t[k] / tau);
    f.square += rest * rest;
  }
  return f;
}

struct Best {
  double tau = 0;
  Linear fit;
  bool inside = false;
};

// Grid in the logarithm, then golden sections about its best place.
Best search(const std::vector<double>& t, const std::vector<double>& y, bool constant) {
  const double low = std::log(shortest_ms), step = (std::log(longest_ms) - low) / grid;
  int top = 0;
  double least = INFINITY;
  for (int k = 0; k <= grid; ++k)
    if (const double s = linear_fit(t, y, std::exp(low + k * step), constant).square; s < least) least = s, top = k;
  Best best;
  best.inside = top > 0 && top < grid;
  double a = low + (top - 1) * step, b = low + (top + 1) * step;
  constexpr double golden = 0.6180339887498949;
  double x = b - golden * (b - a), z = a + golden * (b - a);
  double fx = linear_fit(t, y, std::exp(x), constant).square, fz = linear_fit(t, y, std::exp(z), constant).square;
  for (int k = 0; k < 60; ++k) {
    if (fx < fz) b = z, z = x, fz = fx, x = b - golden * (b - a), fx = linear_fit(t, y, std::exp(x), constant).square;
    else a = x, x = z, fx = fz, z = a + golden * (b - a), fz = linear_fit(t, y, std::exp(z), constant).square;
  }
  best.tau = std::exp(0.5 * (a + b));
  best.fit = linear_fit(t, y, best.tau, constant);
  return best;
}

// From the curvature of the sum of squares by the time constant, the linear parts following.
DecayFit finished(const Best& best, const std::vector<double>& t, const std::vector<double>& y, bool constant) {
  DecayFit f{best.tau, best.fit.constant, best.fit.factor};
  const double freedom = double(t.size()) - (constant ? 3 : 2);
  if (freedom < 1) return f;
  const double h = 1e-3 * best.tau;
  const double second = (linear_fit(t, y, best.tau + h, constant).square - 2 * best.fit.square +
                         linear_fit(t, y, best.tau - h, constant).square) /
                        (h * h);
  if (second > 0) f.se_ms = std::sqrt(2 * best.fit.square / freedom / second);
  return f;
}

}  // namespace

std::optional<DecayFit> fit_inversion_recovery(const std::vector<double>& ti_ms, const std::vector<double>& signal) {
  if (ti_ms.size() < 4 || ti_ms.size() != signal.size()) return std::nullopt;
  Best best;
  best.fit.square = INFINITY;
  std::vector<double> used, signs = signal;
  for (std::size_t negative = 0; negative <= ti_ms.size(); ++negative) {
    if (negative > 0) signs[negative - 1] = -signs[negative - 1];
    const Best found = search(ti_ms, signs, true);
    // A recovery rises: the factor of the exponential is negative.
    if (found.fit.factor < 0 && found.fit.square < best.fit.square) best = found, used = signs;
  }
  if (!best.inside) return std::nullopt;
  DecayFit f = finished(best, ti_ms, used, true);
  f.b = -f.b;
  return f;
}

std::optional<DecayFit> fit_saturation_recovery(const std::vector<double>& tr_ms, const std::vector<double>& signal) {
  if (tr_ms.size() < 4 || tr_ms.size() != signal.size()) return std::nullopt;
  const Best best = search(tr_ms, signal, true);
  if (!best.inside || !(best.fit.factor < 0)) return std::nullopt;
  DecayFit f = finished(best, tr_ms, signal, true);
  f.b = -f.b;
  return f;
}

std::optional<DecayFit> fit_echo_decay(const std::vector<double>& te_ms, const std::vector<double>& signal,
                                       bool offset) {
  if (te_ms.size() < (offset ? 4u : 3u) || te_ms.size() != signal.size()) return std::nullopt;
  const Best best = search(te_ms, signal, offset);
  if (!best.inside || !(best.fit.factor > 0)) return std::nullopt;
  DecayFit f = finished(best, te_ms, signal, offset);
  std::swap(f.a, f.b);
  return f;
}

}  // namespace iqgate::measure
