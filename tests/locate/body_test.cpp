#include "iqgate/locate/body.hpp"

#include "support/support.hpp"

namespace iqgate::locate {
namespace {

using phantom::Body;
using phantom::BodyKind;
using phantom::ShapeKind;

Body cylinder_body(double radius, double tolerance = 10) {
  return {.kind = BodyKind::cylinder, .radius_mm = radius, .radius_tolerance_mm = tolerance};
}

compute::RenderJob job_of(Size3 size, Vec3 spacing, double noise, std::uint64_t seed = 1) {
  compute::RenderJob job;
  job.grid = test::centred_grid(size, spacing);
  job.psf_sigma_mm = {0.8, 0.8, 1.0};
  if (noise > 0) job.noise = {.kind = compute::NoiseKind::white, .sd = noise, .seed = seed};
  return job;
}

phantom::Model water(double radius, double length) {
  return test::one_shape({.kind = ShapeKind::cylinder, .radius_mm = radius, .length_mm = length}, 0, -1000);
}

double angle_deg(Vec3 a, Vec3 b) { return std::acos(std::clamp(std::abs(dot(a, b)), 0.0, 1.0)) * 180 / M_PI; }

TEST(LocateCylinder, TruthOfTheDefinition) {  // centre and radius to 0.05 mm, tilt to 0.05 degrees
  compute::RenderJob job = job_of({300, 240, 30}, {0.7, 0.9, 4}, 10);
  job.pose.translation_mm = {13.37 - 10, -7.21, 2};
  job.pose.rotation = rotation_from_degrees(2, 0, 0);
  const Scan scan = test::ct_scan(water(90, 400), job);
  const Placement p = locate_body(scan, cylinder_body(90));
  // The axis is what is known without ends: compare the distance of the true centre from the fitted axis.
  const Vec3 d = job.pose.translation_mm - p.translation_mm, axis = p.rotation.column(2);
  EXPECT_LT(norm(d - dot(d, axis) * axis), 0.05);
  EXPECT_NEAR(*p.radius_mm, 90, 0.05);
  EXPECT_LT(angle_deg(axis, job.pose.rotation.column(2)), 0.05);
  EXPECT_GT(p.score, 0.95);
}

TEST(LocateCylinder, AnyOrientationWithItsEnds) {
  for (const auto& [pitch, yaw] : {std::pair{0., 0.}, {90., 0.}, {0., 90.}, {25., -15.}, {70., 10.}}) {
    compute::RenderJob job = job_of({110, 110, 110}, {1.5, 1.5, 1.5}, 20);
    job.pose.translation_mm = {3.3, -4.1, 5.2};
    job.pose.rotation = rotation_from_degrees(pitch, yaw, 0);
    const Scan scan = test::ct_scan(water(40, 90), job);
    const Placement p = locate_body(scan, cylinder_body(40));
    EXPECT_LT(norm(p.translation_mm - job.pose.translation_mm), 0.1) << pitch << " " << yaw;
    EXPECT_NEAR(*p.radius_mm, 40, 0.08);
    EXPECT_LT(angle_deg(p.rotation.column(2), job.pose.rotation.column(2)), 0.15);
    ASSERT_TRUE(p.length_mm.has_value()) << pitch << " " << yaw;
    EXPECT_NEAR(*p.length_mm, 90, 0.3);
  }
}

TEST(LocateCylinder, BubbleTableAndShading) {
  compute::RenderJob job = job_of({240, 240, 12}, {1, 1, 4}, 15);
  phantom::Model model = water(95, 300);
  // A bubble of 5 % of the rim at the top, a table below that touches nothing, an air hole inside.
  model.shapes[0].name = "body";
  model.materials.push_back({"table", "", {{"ct_number_hu", 200}}});
  model.shapes.push_back({.name = "bubble",
                          .material = "outside",
                          .inside = "body",
                          .kind = ShapeKind::cylinder,
                          .center_mm = {0, -88, 0},
                          .radius_mm = 7,
                          .length_mm = 0});
  model.shapes.push_back({.name = "hole",
                          .material = "outside",
                          .inside = "body",
                          .kind = ShapeKind::cylinder,
                          .center_mm = {40, 10, 0},
                          .radius_mm = 8,
                          .length_mm = 0});
  model.shapes.push_back({.name = "table",
                          .material = "table",
                          .inside = "background",
                          .kind = ShapeKind::box,
                          .center_mm = {0, 108, 0},
                          .size_mm = {230, 8, 400},
                          .in_plane = {1, 0, 0}});
  const Placement p = locate_body(test::ct_scan(model, job), cylinder_body(95));
  EXPECT_LT(std::hypot(p.translation_mm.x, p.translation_mm.y), 0.1);
  EXPECT_NEAR(*p.radius_mm, 95, 0.1);
  // MR: signal halved from one side to the other; each edge is found against its own level.
  compute::RenderJob shaded = job_of({240, 240, 12}, {1, 1, 4}, 0);
  shaded.shading.gradient_per_mm = {0.0035, 0, 0};
  const Placement q = locate_body(
      test::ct_scan(test::one_shape({.kind = ShapeKind::cylinder, .radius_mm = 95, .length_mm = 300}, 1000, 0), shaded),
      cylinder_body(95));
  EXPECT_LT(std::hypot(q.translation_mm.x, q.translation_mm.y), 0.1);
}

TEST(LocateCylinder, SingleSliceAssumesItsAxisAndSaysSo) {
  compute::RenderJob job = job_of({256, 256, 1}, {0.9, 0.9, 5}, 10);
  job.pose.translation_mm = {7.7, 3.2, 0};
  const Placement p = locate_body(test::ct_scan(water(100, 300), job), cylinder_body(100));
  EXPECT_NEAR(p.translation_mm.x, 7.7, 0.05);
  EXPECT_NEAR(p.translation_mm.y, 3.2, 0.05);
  EXPECT_NE(std::find(p.flags.begin(), p.flags.end(), "axis_assumed"), p.flags.end());
}

TEST(LocateSphere, CentreRadiusAndKind) {
  compute::RenderJob job = job_of({120, 120, 60}, {1.5, 1.5, 3}, 30);
  job.pose.translation_mm = {-6.3, 4.4, 9.1};
  const Scan scan = test::ct_scan(test::one_shape({.kind = ShapeKind::sphere, .radius_mm = 70}, 0, -1000), job);
  const Placement p = locate_body(scan, {.kind = BodyKind::sphere, .radius_mm = 70, .radius_tolerance_mm = 5});
  EXPECT_LT(norm(p.translation_mm - job.pose.translation_mm), 0.08);
  EXPECT_NEAR(*p.radius_mm, 70, 0.08);
  // A sphere is not taken for a cylinder.
  EXPECT_THROW(locate_body(scan, cylinder_body(70)), InputError);
}

std::string refusal(const Scan& scan, const Body& body) {
  return test::refusal([&] { locate_body(scan, body); });
}

TEST(LocateCylinder, RefusesInsteadOfGuessing) {
  const Scan good = test::ct_scan(water(60, 300), job_of({160, 160, 6}, {1, 1, 4}, 10));
  EXPECT_EQ(refusal(good, cylinder_body(60)), "");
  EXPECT_EQ(refusal(good, cylinder_body(100, 5)), "wrong_phantom");
  // Nothing but noise; nothing at all; a box; a body that fills the field of view; half of the body.
  Scan noise = good;
  compute::RenderJob only_noise = job_of({160, 160, 6}, {1, 1, 4}, 30);
  noise.volume = compute::render(test::one_shape({.kind = ShapeKind::sphere, .radius_mm = 1}, 0, 0), only_noise);
  EXPECT_EQ(refusal(noise, cylinder_body(60)), "phantom_not_found");
  Scan constant = good;
  std::fill(constant.volume.values.begin(), constant.volume.values.end(), 5.0f);
  EXPECT_EQ(refusal(constant, cylinder_body(60)), "phantom_not_found");
  EXPECT_EQ(refusal(test::ct_scan(test::one_shape({.kind = ShapeKind::box, .size_mm = {120, 60, 300}}, 0, -1000),
                                  job_of({160, 160, 6}, {1, 1, 4}, 10)),
                    cylinder_body(60, 40)),
            "phantom_not_found");
  EXPECT_NE(refusal(test::ct_scan(water(300, 300), job_of({160, 160, 6}, {1, 1, 4}, 10)), cylinder_body(300)), "");
  compute::RenderJob half = job_of({160, 160, 6}, {1, 1, 4}, 10);
  half.pose.translation_mm = {80, 0, 0};
  EXPECT_EQ(refusal(test::ct_scan(water(60, 300), half), cylinder_body(60)), "fov_truncated");
}

TEST(LocateCylinder, UncertaintyCoversTheTruth) {
  // Standardised errors of the centre over 40 noisy scans: their rms must be near 1 (within 0.6 to 1.6: the noise of an
  // rms of 80 numbers is 8 %, the jackknife of 20 groups adds 16 %, the rest is systematic).
  double squares = 0;
  int count = 0;
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    compute::RenderJob job = job_of({130, 130, 4}, {1, 1, 4}, 150, seed);
    job.pose.translation_mm = {0.31, -0.47, 0};
    const Placement p = locate_body(test::ct_scan(water(50, 300), job), cylinder_body(50));
    ASSERT_TRUE(p.center_se_mm.has_value());
    for (const double e : {p.translation_mm.x - 0.31, p.translation_mm.y + 0.47})
      squares += std::pow(e / *p.center_se_mm, 2), ++count;
  }
  const double rms = std::sqrt(squares / count);
  EXPECT_GT(rms, 0.6);
  EXPECT_LT(rms, 1.6);
}

}  // namespace
}  // namespace iqgate::locate
