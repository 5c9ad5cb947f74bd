#include "iqgate/locate/landmarks.hpp"

#include <algorithm>
#include <cmath>

#include "iqgate/base/parallel_guard.hpp"
#include "iqgate/compute/resample.hpp"
#include "iqgate/locate/marks.hpp"
#include "iqgate/locate/rings.hpp"
#include "iqgate/locate/rings_finish.hpp"

namespace iqgate::locate {
namespace {

// What the body's fit is trusted to at best: inserts need not sit in the middle of their housing.
constexpr double body_center_mm = 0.5, body_axis_deg = 0.1, assumed_axis_deg = 0.3;

void module_rolls(const std::vector<Rod>& rods, const std::vector<Shift>& shifts, Placement& pose) {
  std::vector<std::string> names;
  for (const Rod& rod : rods)
    if (std::find(names.begin(), names.end(), rod.module) == names.end()) names.push_back(rod.module);
  for (const std::string& name : names) {
    double top = 0, bottom = 0;
    std::vector<std::size_t> seen;
    for (const Shift& s : shifts) {
      if (s.mark >= rods.size() || rods[s.mark].module != name || s.direction.z != 0) continue;
      const double arm = arm_of_roll(s), w = 1 / (s.se * s.se);
      top += w * arm * s.value;
      bottom += w * arm * arm;
      if (std::find(seen.begin(), seen.end(), s.mark) == seen.end()) seen.push_back(s.mark);
    }
    if (seen.size() >= 3 && bottom > 0)
      pose.modules.push_back({name, top / bottom / degree, 1 / std::sqrt(bottom) / degree});
  }
}

// Near the rim, in every slice: the middle may hold an insert.
double contrast_of_body(const Scan& scan, const Placement& pose) {
  if (scan.value_unit == "HU") return 1000;
  const Grid& grid = scan.volume.grid;
  const Vec3 axis = pose.rotation.column(2), normal = grid.direction.column(2);
  const double r = 0.9 * pose.radius_mm.value_or(50);
  std::vector<float> values;
  for (std::size_t z = 0; z < grid.size.z; ++z) {
    const Vec3 d = grid.to_mm({0, 0, double(z)}) - pose.translation_mm;
    const double height = std::abs(dot(axis, normal)) > 0.1 ? dot(d, normal) / dot(axis, normal) : 0;
    for (int a = 0; a < 36; ++a) {
      const Vec3 mm = pose.translation_mm + height * axis + (r * std::cos(a * 10 * degree)) * pose.rotation.column(0) +
                      (r * std::sin(a * 10 * degree)) * pose.rotation.column(1);
      const float v = compute::linear_value(scan.volume.view(), grid.to_index(mm), NAN);
      if (!std::isnan(v)) values.push_back(v);
    }
  }
  return std::abs(median_of(std::move(values)));
}

}  // namespace

int refine_on_landmarks(const Scan& scan, const phantom::Model& model, Placement& placement) {
  const std::string modality = modality_of(scan, model);
  const std::vector<Rod> rods = rods_of(model, modality);
  const std::vector<Face> faces = faces_of(model, modality);
  const double contrast = contrast_of_body(scan, placement);
  const auto has = [&](const char* flag) {
    return std::find(placement.flags.begin(), placement.flags.end(), flag) != placement.flags.end();
  };
  const double tilt =
      has("axis_assumed") ? assumed_axis_deg : std::hypot(body_axis_deg, placement.axis_se_deg.value_or(0));
  const double across = std::hypot(body_center_mm, placement.center_se_mm.value_or(0));
  const Step prior_se{across, across, 1e3, tilt * degree, tilt * degree, 10};
  Step back{};  // to where the body was
  Placement pose = placement;
  std::vector<Shift> shifts;
  Fit fit;
  std::size_t took_part = 0;
  for (int round = 0; round < 4; ++round) {
    std::vector<std::vector<Shift>> own(rods.size() + faces.size());
    parallel_for(own.size(), [&](std::size_t k) {
      if (k < rods.size()) look_at_rod(scan, pose, rods[k], k, contrast, own[k]);
      else look_at_face(scan, pose, faces[k - rods.size()], k, contrast, own[k]);
    });
    shifts.clear();
    took_part = 0;
    for (const auto& list : own) {
      took_part += std::any_of(list.begin(), list.end(), [](const Shift& s) { return s.direction.z == 0; });
      shifts.insert(shifts.end(), list.begin(), list.end());
    }
    if (took_part < 2) return static_cast<int>(took_part);
    fit = fit_shifts(shifts, back, prior_se);
    move(pose, fit.step);
    for (std::size_t d = 0; d < 6; ++d) back[d] -= fit.step[d];
    const Step& f = fit.step;
    if (norm({f[0], f[1], f[2]}) < 1e-3 && norm({f[3], f[4], f[5]}) < 1e-5) break;
  }
  pose.center_se_mm = std::hypot(fit.se[0], fit.se[1]) / std::numbers::sqrt2;
  pose.axis_se_deg = std::hypot(fit.se[3], fit.se[4]) / std::numbers::sqrt2 / degree;
  pose.roll_se_deg = fit.se[5] / degree;
  if (fit.ends) pose.axial_se_mm = fit.se[2];
  module_rolls(rods, shifts, pose);
  placement = pose;
  return static_cast<int>(took_part);
}

}  // namespace iqgate::locate
