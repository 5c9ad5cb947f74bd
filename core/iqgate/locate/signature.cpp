#include "iqgate/locate/signature.hpp"

#include <algorithm>
#include <cmath>
#include <complex>
#include <numbers>

#include "iqgate/base/parallel_guard.hpp"

namespace iqgate::locate {
namespace {

constexpr double pi = std::numbers::pi;
constexpr double least_overlap = 0.8;  // of what scan and model can share
constexpr double apart_deg = 20, apart_mm = 15;
constexpr double plateau = 0.02;  // scores as near as this are the same place along the axis

using Complex = std::complex<float>;

// Correlation over all turns for one place along the axis: `same` without, `reversed` with the angles reversed. Planes
// count nearly alike, however strong what they show: by the inverse of their variation, with `floor` added, so that
// noise and faint streaks in many planes do not outweigh the inserts of a few.
struct Turns {
  bool valid = false;
  std::vector<double> same, reversed;
};

Turns correlate(const Rings& scan, const Rings& model, double shift_mm, int direction, double least_planes,
                double noise_power, double floor) {
  const std::size_t n = scan.radius_mm.size();
  const double first = model.z_mm.front(), step = model.z_mm.size() > 1 ? model.z_mm[1] - model.z_mm[0] : 1;
  std::vector<Complex> same(harmonics), reversed(harmonics);
  // What the scan shows beyond the model's ends counts against it; what the model holds beyond the scan does not.
  double ss = 0, mm = 0, planes = 0;
  for (std::size_t p = 0; p < scan.z_mm.size(); ++p) {
    const double at = (direction * (scan.z_mm[p] - shift_mm) - first) / step;
    const long k = std::lround(at);
    const bool inside = k >= 0 && k < long(model.z_mm.size());
    const double power = inside ? model.square[std::size_t(k)] : 0, weight = 1 / (scan.square[p] + power + floor);
    ss += weight * std::max(0.0, scan.square[p] - noise_power);
    if (!inside) continue;
    planes += 1;
    mm += weight * power;
    for (std::size_t r = 0; r < n; ++r) {
      const Complex* a = &scan.spectrum[(p * n + r) * harmonics];
      const Complex* b = &model.spectrum[(std::size_t(k) * n + r) * harmonics];
      const float w = static_cast<float>(scan.radius_mm[r] * weight);
      for (int h = 1; h < harmonics; ++h) {
        const float ar = w * a[h].real(), ai = w * a[h].imag(), br = b[h].real(), bi = b[h].imag();
        same[std::size_t(h)] += Complex(ar * br + ai * bi, ai * br - ar * bi);
        reversed[std::size_t(h)] += Complex(ar * br - ai * bi, ai * br + ar * bi);
      }
    }
  }
  Turns turns;
  if (planes < least_planes || planes < 1) return turns;
  if (!(ss > 1e-12) || !(mm > 1e-12)) return turns;
  turns.valid = true;
  const auto curve = [&](const std::vector<Complex>& x) {
    std::vector<double> values(angles);
    for (int b = 0; b < angles; ++b) {
      double sum = 0;
      for (int h = 1; h < harmonics; ++h) {
        const double phase = 2 * pi * ((b * h) % angles) / angles;
        sum += 2 * (x[std::size_t(h)].real() * std::cos(phase) - x[std::size_t(h)].imag() * std::sin(phase));
      }
      values[std::size_t(b)] = sum / angles / std::sqrt(ss * mm);
    }
    return values;
  };
  turns.same = curve(same);
  turns.reversed = curve(reversed);
  return turns;
}

double apart(double a_deg, double b_deg) {
  const double d = std::abs(std::remainder(a_deg - b_deg, 360));
  return d;
}

struct Scored {
  double shift_mm;
  bool over, mirrored;
  std::vector<double> turns;
};

double roll_of(const Scored& s, double step) {
  const double beta = 360.0 * step / angles;
  return std::remainder(s.mirrored ? beta + 180 : beta, 360);
}

// The part of the model that should be seen, and is least: lowest correlation of a window of the model along its axis
// whose own variation stands above the noise.
double least_part(const Rings& scan, const Rings& model, const Match& match, double noise) {
  constexpr double window_mm = 10, stands_out = 6;
  const std::size_t n = scan.radius_mm.size();
  const double first = model.z_mm.front(), step = model.z_mm.size() > 1 ? model.z_mm[1] - model.z_mm[0] : 1;
  const double beta = (match.mirrored ? match.roll_deg + 180 : match.roll_deg) * pi / 180;
  const bool reverse = match.over != match.mirrored;
  const std::size_t windows = static_cast<std::size_t>(double(model.z_mm.size()) * step / window_mm) + 1;
  std::vector<double> product(windows), seen(windows), held(windows), planes(windows);
  for (std::size_t p = 0; p < scan.z_mm.size(); ++p) {
    const long k = std::lround(((match.over ? -1 : 1) * (scan.z_mm[p] - match.shift_mm) - first) / step);
    if (k < 0 || k >= long(model.z_mm.size())) continue;
    const std::size_t w = std::min(windows - 1, static_cast<std::size_t>(double(k) * step / window_mm));
    double sum = 0;
    for (std::size_t r = 0; r < n; ++r)
      for (int h = 1; h < harmonics; ++h) {
        const std::complex<double> a = scan.spectrum[(p * n + r) * harmonics + std::size_t(h)],
                                   b = model.spectrum[(std::size_t(k) * n + r) * harmonics + std::size_t(h)];
        sum += 2 * scan.radius_mm[r] * (a * (reverse ? b : std::conj(b)) * std::polar(1.0, h * beta)).real() / angles;
      }
    product[w] += sum;
    seen[w] += scan.square[p];
    held[w] += model.square[std::size_t(k)];
    planes[w] += 1;
  }
  double least = 1;
  for (std::size_t w = 0; w < windows; ++w) {
    if (planes[w] == 0 || held[w] < stands_out * noise * planes[w] || held[w] < 1e-9) continue;
    const double own = std::max(seen[w] - noise * planes[w], 0.05 * seen[w]);
    least = std::min(least, product[w] / std::sqrt(own * held[w]));
  }
  return least;
}

}  // namespace

MatchResult match_signature(const Scan& scan, const phantom::Model& model, const Placement& body) {
  MatchResult result;
  const double radius = body.radius_mm.value_or(model.body.radius_mm);
  const Rings drawn_rings =
      model_rings(model, modality_of(scan, model), std::min(0.93 * radius, 0.95 * model.body.radius_mm));
  const Rings seen = scan_rings(scan, body, drawn_rings.radius_mm);
  if (seen.z_mm.empty()) return result;
  const double noise = noise_power(seen);
  const double floor =
      std::max(10 * noise, 0.1 * *std::max_element(drawn_rings.square.begin(), drawn_rings.square.end()));
  const double model_low = drawn_rings.z_mm.front(), model_high = drawn_rings.z_mm.back();
  const double scan_low = seen.z_mm.front(), scan_high = seen.z_mm.back();
  const double planes_per_mm = seen.z_mm.size() > 1 ? double(seen.z_mm.size() - 1) / (scan_high - scan_low) : 0;
  const double shared = std::min(double(seen.z_mm.size()), 1 + planes_per_mm * (model_high - model_low));
  const double least_planes = std::max(1.0, least_overlap * shared);
  std::vector<Scored> scored;
  const double reach = 0.5 * ((scan_high - scan_low) + (model_high - model_low)) + plane_step_mm;
  for (const int direction : {1, -1}) {
    const double middle = 0.5 * (scan_low + scan_high) - direction * 0.5 * (model_low + model_high);
    for (double shift = middle - reach; shift <= middle + reach; shift += plane_step_mm)
      for (const bool mirrored : {false, true}) scored.push_back({shift, direction < 0, mirrored, {}});
  }
  parallel_for(scored.size() / 2, [&](std::size_t pair) {
    const std::size_t k = 2 * pair;
    Turns turns = correlate(seen, drawn_rings, scored[k].shift_mm, scored[k].over ? -1 : 1, least_planes, noise, floor);
    if (!turns.valid) return;
    // Over: the angles run backwards; a mirror turns that round.
    scored[k].turns = scored[k].over ? turns.reversed : turns.same;
    scored[k + 1].turns = scored[k].over ? turns.same : turns.reversed;
  });
  const auto best_in = [](const Scored& s) {
    return s.turns.empty() ? -1.0 : *std::max_element(s.turns.begin(), s.turns.end());
  };
  const Scored* best = nullptr;
  const auto search = [&](bool mirrored) {
    const Scored* found = nullptr;
    for (const Scored& s : scored)
      if (s.mirrored == mirrored && !s.turns.empty() && (!found || best_in(s) > best_in(*found))) found = &s;
    return found;
  };
  const Scored *plain = search(false), *mirror = search(true);
  if (!plain) return result;
  result.mirrored = mirror ? best_in(*mirror) : -1;
  best = mirror && result.mirrored > best_in(*plain) + 0.05 ? mirror : plain;
  const auto turns = [&](const Scored& s, long k) { return s.turns[std::size_t((k + angles) % angles)]; };
  const long top = std::max_element(best->turns.begin(), best->turns.end()) - best->turns.begin();
  const double a = turns(*best, top - 1), b = turns(*best, top), c = turns(*best, top + 1);
  const double bend = a - 2 * b + c;
  result.best = {b, roll_of(*best, double(top) + (bend < 0 ? 0.5 * (a - c) / bend : 0)), best->shift_mm, best->over,
                 best->mirrored};
  // A row of places that score alike: the one nearest to where the body's ends put it, and no answer.
  double low = best->shift_mm, high = best->shift_mm;
  std::vector<const Scored*> row;
  for (const Scored& s : scored)
    if (s.over == best->over && s.mirrored == best->mirrored && !s.turns.empty()) row.push_back(&s);
  std::sort(row.begin(), row.end(), [](const Scored* x, const Scored* y) { return x->shift_mm < y->shift_mm; });
  const long at = std::find(row.begin(), row.end(), best) - row.begin();
  const auto flat = [&](long k) {
    return k >= 0 && k < long(row.size()) && turns(*row[std::size_t(k)], top) > b - plateau;
  };
  for (long k = at; flat(k); --k) low = row[std::size_t(k)]->shift_mm;
  for (long k = at; flat(k); ++k) high = row[std::size_t(k)]->shift_mm;
  result.place_along_axis = high - low <= 2 * plane_step_mm + 6;
  // Where the body's own middle lies in the model: its drawn shape, seen end for end where it is turned over.
  const double middle = model.shapes.empty() ? 0 : model.shapes.front().center_mm.z,
               at_ends = best->over ? middle : -middle;
  if (!result.place_along_axis) result.best.shift_mm = std::clamp(at_ends, low, high);
  for (const Scored& s : scored) {
    if (s.mirrored != best->mirrored || s.turns.empty()) continue;
    for (int k = 0; k < angles; ++k) {
      const bool other_turn = s.over != best->over || apart(roll_of(s, k), result.best.roll_deg) > apart_deg;
      const bool other_place = s.shift_mm < low - apart_mm || s.shift_mm > high + apart_mm;
      if (other_turn || other_place) result.runner_up = std::max(result.runner_up, s.turns[std::size_t(k)]);
    }
  }
  result.least_part = least_part(seen, drawn_rings, result.best, noise);
  return result;
}

Placement apply(const Placement& body, const Match& match) {
  Placement placed = body;
  const double roll = match.roll_deg * pi / 180;
  const Vec3 u = std::cos(roll) * body.rotation.column(0) + std::sin(roll) * body.rotation.column(1);
  const Vec3 axis = match.over ? -1.0 * body.rotation.column(2) : body.rotation.column(2);
  placed.rotation = Mat3::from_columns(u, cross(axis, u), axis);
  placed.translation_mm = body.translation_mm + match.shift_mm * body.rotation.column(2);
  placed.mirrored = match.mirrored;
  return placed;
}

}  // namespace iqgate::locate
