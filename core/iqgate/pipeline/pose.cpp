#include <algorithm>
#include <charconv>
#include <cmath>

#include "iqgate/base/error.hpp"
#include "iqgate/pipeline/job.hpp"

namespace iqgate::pipeline {
namespace {

struct Part {
  const char* key;
  std::optional<double> GivenPose::*member;
};
constexpr Part parts[] = {{"x", &GivenPose::x_mm},      {"y", &GivenPose::y_mm},
                          {"z", &GivenPose::z_mm},      {"pitch", &GivenPose::pitch_deg},
                          {"yaw", &GivenPose::yaw_deg}, {"roll", &GivenPose::roll_deg}};

[[noreturn]] void refuse(const std::string& part, const std::string& why) {
  throw UsageError("wrong_pose", "--pose", "\"" + part + "\" " + why,
                   "write for example x=0,y=-12.5,z=30,pitch=0,yaw=0,roll=90 (mm and degrees; what is left out is "
                   "located)");
}

}  // namespace

GivenPose read_pose(const std::string& text) {
  GivenPose pose;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t comma = std::min(text.find(',', at), text.size());
    const std::string part = text.substr(at, comma - at);
    at = comma + 1;
    const std::size_t equal = part.find('=');
    if (equal == std::string::npos) refuse(part, "is no key=value");
    double value = 0;
    const char *first = part.data() + equal + 1, *last = part.data() + part.size();
    const auto [end, error] = std::from_chars(first, last, value);
    if (error != std::errc() || end != last || !std::isfinite(value)) refuse(part, "holds no number");
    bool known = false;
    for (const Part& p : parts)
      if (part.compare(0, equal, p.key) == 0) {
        if (pose.*p.member) refuse(part, "is given twice");
        pose.*p.member = value;
        known = true;
      }
    if (!known) refuse(part, "is none of x, y, z, pitch, yaw, roll");
  }
  return pose;
}

void apply_pose(const GivenPose& pose, double nominal_radius_mm, Placement& placement) {
  if (!pose.any()) return;
  Vec3 angles = degrees_from_rotation(placement.rotation);
  std::string flag = "pose_given";
  for (const Part& p : parts)
    if (pose.*p.member) flag += std::string(flag == "pose_given" ? "=" : "+") + p.key;
  placement.translation_mm = {pose.x_mm.value_or(placement.translation_mm.x),
                              pose.y_mm.value_or(placement.translation_mm.y),
                              pose.z_mm.value_or(placement.translation_mm.z)};
  angles = {pose.pitch_deg.value_or(angles.x), pose.yaw_deg.value_or(angles.y), pose.roll_deg.value_or(angles.z)};
  placement.rotation = rotation_from_degrees(angles.x, angles.y, angles.z);
  if (pose.x_mm || pose.y_mm) placement.center_se_mm.reset();
  if (pose.z_mm) placement.axial_se_mm.reset();
  if (pose.pitch_deg || pose.yaw_deg) placement.axis_se_deg.reset();
  if (pose.roll_deg) placement.roll_se_deg.reset(), placement.modules.clear();
  if (!placement.radius_mm && nominal_radius_mm > 0) placement.radius_mm = nominal_radius_mm;
  placement.flags.push_back(std::move(flag));
}

}  // namespace iqgate::pipeline
