#include "iqgate/locate/roll.hpp"

#include <cmath>
#include <cstdio>
#include <numbers>
#include <vector>

#include "iqgate/base/error.hpp"

namespace iqgate::locate {
namespace {

// Not derived: margins that turned, tilted and mirrored phantoms pass in the tests and a body without inserts does not.
// Turns closer than 20 degrees share inserts with the best one and are no rivals.
constexpr double least_fit = 0.8, least_lead = 0.1, apart_deg = 20;

// Points of a feature in phantom mm, and the value they should show up to a scale and an offset.
struct Target {
  std::vector<Vec3> points_mm;
  double nominal = 0;
};

std::vector<Target> targets_of(const phantom::Model& model, const std::string& modality) {
  Placement identity;
  std::vector<Target> targets;
  for (const Region& region : phantom::place_features(model, identity, modality)) {
    const auto nominal = region.nominal.find("roi_mean");
    if (nominal == region.nominal.end() || region.radius_mm <= 0) continue;
    Target target{{}, nominal->second};
    const Vec3 second = region.second_axis();
    for (const double h : {-0.3, 0.0, 0.3})
      for (int j = -4; j <= 4; ++j)
        for (int i = -4; i <= 4; ++i)
          if (i * i + j * j <= 16)
            target.points_mm.push_back(region.center_mm + h * region.length_mm * region.normal +
                                       (0.25 * i * region.radius_mm) * region.in_plane +
                                       (0.25 * j * region.radius_mm) * second);
    targets.push_back(std::move(target));
  }
  return targets;
}

// Share of the variance of the sampled values that the nominal values explain, with a positive slope. Points outside
// the scan do not count; 0 with fewer than 30.
double fit_of(const Scan& scan, const std::vector<Target>& targets, const Mat3& rotation, Vec3 translation_mm) {
  const Volume& volume = scan.volume;
  double n = 0, sv = 0, svv = 0, sm = 0, smm = 0, svm = 0;
  for (const Target& target : targets)
    for (const Vec3 p : target.points_mm) {
      const Vec3 at = volume.grid.to_index(rotation * p + translation_mm);
      const double x = std::round(at.x), y = std::round(at.y), z = std::round(at.z);
      const Size3 size = volume.grid.size;
      if (x < 0 || y < 0 || z < 0 || x >= double(size.x) || y >= double(size.y) || z >= double(size.z)) continue;
      const double value = volume.values[(std::size_t(z) * size.y + std::size_t(y)) * size.x + std::size_t(x)];
      n += 1, sv += value, svv += value * value, sm += target.nominal, smm += target.nominal * target.nominal;
      svm += value * target.nominal;
    }
  if (n < 30) return 0;
  const double vv = svv - sv * sv / n, mm = smm - sm * sm / n, vm = svm - sv * sm / n;
  return vm > 0 && vv > 0 && mm > 0 ? vm * vm / (vv * mm) : 0;
}

Mat3 turned(const Mat3& rotation, double roll_deg, bool over) {
  const double roll = roll_deg * std::numbers::pi / 180;
  const Vec3 u = std::cos(roll) * rotation.column(0) + std::sin(roll) * rotation.column(1);
  const Vec3 axis = over ? -1.0 * rotation.column(2) : rotation.column(2);
  return Mat3::from_columns(u, cross(axis, u), axis);
}

double apart(double a, double b) {
  const double d = std::abs(std::fmod(a - b, 360));
  return std::min(d, 360 - d);
}

}  // namespace

void find_roll(const Scan& scan, const phantom::Model& model, Placement& placement) {
  const std::vector<Target> targets = targets_of(model, scan.modality);
  if (targets.size() < 3) return;
  const auto fit_at = [&](double roll_deg, bool over) {
    return fit_of(scan, targets, turned(placement.rotation, roll_deg, over), placement.translation_mm);
  };
  double fits[2][360], best = -1, best_roll = 0, rival = 0;
  bool best_over = false;
  for (const bool over : {false, true})
    for (int roll = 0; roll < 360; ++roll)
      if (fits[over][roll] = fit_at(roll, over); fits[over][roll] > best)
        best = fits[over][roll], best_roll = roll, best_over = over;
  for (const bool over : {false, true})
    for (int roll = 0; roll < 360; ++roll)
      if (over != best_over || apart(roll, best_roll) > apart_deg) rival = std::max(rival, fits[over][roll]);
  if (best < least_fit || best - rival < least_lead) {
    char text[200];
    std::snprintf(text, sizeof text,
                  "no single turn about its axis puts the inserts of %s where the scan shows their values (best "
                  "agreement %.2f, next %.2f)",
                  model.name.c_str(), best, rival);
    throw InputError("roll_not_found", "scan " + scan.id, text,
                     "check that this is the phantom, or give regions with --roi");
  }
  // The fit is flat while the regions lie inside their inserts: the middle of that flat part is the angle.
  double weight = 0, sum = 0;
  for (int step = -100; step <= 100; ++step) {
    const double roll = best_roll + 0.1 * step, fit = fit_at(roll, best_over);
    if (fit > best - 0.02) weight += 1, sum += roll;
  }
  if (weight > 0) best_roll = sum / weight;
  placement.rotation = turned(placement.rotation, best_roll, best_over);
  placement.flags.push_back("roll_found");
}

}  // namespace iqgate::locate
