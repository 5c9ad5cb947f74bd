// A7: the distortion that a grid of balls was drawn with is found again.
#include "iqgate/locate/registration.hpp"
#include "iqgate/measure/ball_centre.hpp"
#include "iqgate/measure/solid_harmonics.hpp"
#include "support/support.hpp"

namespace iqgate::measure {
namespace {

Scan grid_scan(const phantom::Model& model, compute::RenderJob job) {
  job.quantity = "mr_signal";
  if (job.grid.size.count() == 0) job.grid = test::centred_grid({220, 220, 220}, {1, 1, 1});
  job.psf_sigma_mm = {0.6, 0.6, 0.6};
  return {.id = "grid", .modality = "MR", .value_unit = "1", .volume = compute::render(model, job)};
}

Results measured(const std::vector<Scan>& scans, const phantom::Model& model, const Placement& placement) {
  return measure_all(test::make_job(scans, phantom::place_features(model, placement, "MR")), {"distortion"});
}

TEST(BallCentre, IsRightToAFewHundredthsOfAMillimetre) {
  const phantom::Model ball = test::one_shape({.kind = phantom::ShapeKind::sphere, .radius_mm = 5}, 1000, 0);
  for (const double spacing : {1.0, 1.5, 2.0})
    for (const Vec3 at : {Vec3{0.37, -0.21, 0.44}, Vec3{-0.5, 0.5, 0.1}}) {
      compute::RenderJob job;
      job.grid = test::centred_grid({40, 40, 40}, {spacing, spacing, spacing});
      job.pose.translation_mm = at;
      job.psf_sigma_mm = {0.8, 0.8, 0.8};
      const Scan scan = test::ct_scan(ball, job);
      const BallCentre c = ball_centre(scan.volume.view(), scan.volume.grid, {1.5, -1, 1}, 5, 1, 6);
      ASSERT_TRUE(c.good()) << c.reason;
      EXPECT_LT(norm(c.patient_mm - at), 0.03 * spacing) << spacing;
      job.noise = {.kind = compute::NoiseKind::white, .sd = 50, .seed = 3};  // SNR 20
      const Scan noisy = test::ct_scan(ball, job);
      const BallCentre n = ball_centre(noisy.volume.view(), noisy.volume.grid, {1.5, -1, 1}, 5, 1, 6);
      EXPECT_LT(norm(n.patient_mm - at), 0.03 * spacing + 4 * n.se_mm);
      EXPECT_GT(n.se_mm, 0.001);
    }
}

// The window and the shell about it must lie in the scan on every side.
TEST(BallCentre, AtTheEdgeOfTheScanThereIsNone) {
  const phantom::Model ball = test::one_shape({.kind = phantom::ShapeKind::sphere, .radius_mm = 4}, 1000, 0);
  for (const Vec3 at : {Vec3{14, 0, 0}, {-14, 0, 0}, {0, 14, 0}, {0, -14, 0}, {0, 0, 14}, {0, 0, -14}}) {
    compute::RenderJob job;
    job.grid = test::centred_grid({40, 40, 40}, {1, 1, 1});
    job.pose.translation_mm = at;
    const Scan scan = test::ct_scan(ball, job);
    const BallCentre c = ball_centre(scan.volume.view(), scan.volume.grid, at, 4, 1, 6);
    EXPECT_EQ(c.reason, "it lies at the edge of the scan") << at.x << ' ' << at.y << ' ' << at.z;
  }
}

TEST(SolidHarmonics, AreHarmonicAndFitTheirOwnSum) {
  // The Laplacian of every term vanishes (central differences of polynomials of order 5: rounding only).
  const Vec3 p{0.3, -0.2, 0.5};
  const double h = 1e-3;
  const auto value = [](Vec3 v) { return solid_harmonics(v, 5, 1); };
  const std::vector<double> middle = value(p);
  ASSERT_EQ(middle.size(), 36u);
  for (std::size_t k = 0; k < middle.size(); ++k) {
    double sum = 0, size = 0;
    for (const Vec3 e : {Vec3{h, 0, 0}, Vec3{0, h, 0}, Vec3{0, 0, h}}) {
      const double second = value(p + e)[k] + value(p - e)[k] - 2 * middle[k];
      sum += second, size += std::abs(second);
    }
    EXPECT_LT(std::abs(sum), 1e-3 * size + 1e-9) << k;
  }
  std::vector<Vec3> at, field;
  for (int k = 0; k < 120; ++k) {
    const Vec3 q{100 * std::sin(k * 1.7), 90 * std::cos(k * 2.3), 80 * std::sin(k * 0.9 + 1)};
    at.push_back(q);
    field.push_back({1e-4 * (q.x * q.x - q.y * q.y), 1e-4 * q.x * q.z, 0.3});
  }
  const HarmonicField fit = fit_harmonics(at, field, 5);
  EXPECT_EQ(fit.order, 5);
  EXPECT_LT(fit.rest_rms_mm, 1e-9);
  EXPECT_NEAR(fit.at({40, 20, -30}).x, 1e-4 * (1600 - 400), 1e-9);
}

TEST(DistortionSlow, FieldIsFoundAgain) {
  const phantom::Model model = test::shipped("distortion_grid");
  for (const double noise : {0.0, 50.0}) {
    compute::RenderJob job;
    job.distortion.cubic_per_mm2 = {2e-6, -1e-6, 3e-6};  // 3 mm at 100 mm along z
    if (noise > 0) job.noise = {.kind = compute::NoiseKind::white, .sd = noise, .seed = 8};
    const std::vector<Scan> scans{grid_scan(model, job)};
    const Placement placed = locate::locate_phantom(scans.front(), model);
    const Results r = measured(scans, model, placed);
    const double found = test::value_of(r, "control_points_found");
    EXPECT_EQ(found, double(model.features.size()));
    // The field at the balls, less what a rigid fit over those within 100 mm takes of it: nothing, it is symmetric.
    double square = 0, worst = 0;
    for (const phantom::Feature& f : model.features) {
      const double d = norm(job.distortion.at(f.region.center_mm));
      square += d * d, worst = std::max(worst, d);
    }
    const double tolerance = noise > 0 ? 0.1 : 0.05;
    EXPECT_NEAR(test::value_of(r, "distortion_rms_mm", "", "control_points"), std::sqrt(square / found), tolerance);
    EXPECT_NEAR(test::value_of(r, "distortion_max_mm", "", "control_points"), worst, noise > 0 ? 0.3 : 0.1);
    // A cubic field is no sum of harmonics: what they leave stays below it, and is told.
    EXPECT_LT(test::value_of(r, "distortion_fit_rest_mm"), 0.5 * std::sqrt(square / found));
  }
}

TEST(DistortionSlow, ScaleIsReportedNotFittedAway) {
  const phantom::Model model = test::shipped("distortion_grid");
  compute::RenderJob job;
  job.distortion.scale = {0.01, 0, -0.005};
  job.pose.rotation = rotation_from_degrees(3, -4, 2);
  job.pose.translation_mm = {4, -3, 2};
  const std::vector<Scan> scans{grid_scan(model, job)};
  const Placement placed = locate::locate_phantom(scans.front(), model);
  EXPECT_GT(placed.score, 0.95);
  const Results r = measured(scans, model, placed);
  // In per cent: 1e-4 of the scale, as its definition asks, is 0.01.
  EXPECT_NEAR(test::value_of(r, "affine_scale_x_pct"), 1, 0.02);
  EXPECT_NEAR(test::value_of(r, "affine_scale_y_pct"), 0, 0.02);
  EXPECT_NEAR(test::value_of(r, "affine_scale_z_pct"), -0.5, 0.02);
  EXPECT_NEAR(test::value_of(r, "distortion_max_x_mm"), 0.01 * 94, 0.12);
}

TEST(DistortionSlow, ForwardAndReversePartTheFieldFromTheGradients) {
  const phantom::Model model = test::shipped("distortion_grid");
  compute::RenderJob forward, reverse;
  forward.distortion = {.scale = {0.008, 0, 0}, .cubic_per_mm2 = {0, 0, 2e-6}};  // x by the field, z by gradients
  reverse.distortion = {.scale = {-0.008, 0, 0}, .cubic_per_mm2 = {0, 0, 2e-6}};
  std::vector<Scan> scans{grid_scan(model, forward), grid_scan(model, reverse)};
  scans[0].role = "readout_forward", scans[1].role = "readout_reverse";
  const Placement placed = locate::locate_phantom(scans.front(), model);
  const Results r = measured(scans, model, placed);
  double b0 = 0, gradient = 0;
  const double n = double(model.features.size());
  for (const phantom::Feature& f : model.features) {
    const Vec3 p = f.region.center_mm;
    b0 += std::pow(0.008 * p.x, 2) / n;
    gradient += std::pow(2e-6 * dot(p, p) * p.z, 2) / n;
  }
  EXPECT_NEAR(test::value_of(r, "distortion_b0_rms_mm"), std::sqrt(b0), 0.05);
  EXPECT_NEAR(test::value_of(r, "distortion_gradient_rms_mm"), std::sqrt(gradient), 0.05);
}

TEST(DistortionSlow, OtherPhantomsAndMissingBallsAreTold) {
  const phantom::Model model = test::shipped("distortion_grid");
  phantom::Model holed = model;
  holed.shapes.erase(holed.shapes.begin() + 40, holed.shapes.begin() + 46);
  const std::vector<Scan> scans{grid_scan(holed, {})};
  const Placement placed = locate::locate_phantom(scans.front(), model);
  const Results r = measured(scans, model, placed);
  EXPECT_EQ(test::value_of(r, "control_points_found"), double(model.features.size()) - 6);
  EXPECT_EQ(std::count_if(r.not_measured.begin(), r.not_measured.end(),
                          [](const NotMeasured& m) { return m.name == "control_point"; }),
            6);
  EXPECT_EQ(test::refusal([&] { locate::locate_phantom(scans.front(), test::shipped("magphan_165")); }),
            "phantom_not_found");
}

TEST(Distortion, PointsInAPlaneTellNoScaleAcrossIt) {
  phantom::Model plate = test::shipped("distortion_grid");
  std::erase_if(plate.shapes, [](const phantom::Shape& s) { return s.inside != "background" && s.center_mm.z != 0; });
  std::erase_if(plate.features, [](const phantom::Feature& f) { return f.region.center_mm.z != 0; });
  compute::RenderJob job;
  job.grid = test::centred_grid({220, 220, 40}, {1, 1, 1});
  const std::vector<Scan> scans{grid_scan(plate, job)};
  const Results r = measured(scans, plate, {});
  EXPECT_LT(test::value_of(r, "distortion_rms_mm", "", "control_points"), 0.05);
  EXPECT_EQ(r.find("affine_scale_x_pct"), nullptr);
}

// A ball is looked for within its own diameter of its place, nearer than its neighbours are: one that lies farther off
// is not found, and a body beside one moves nothing.
TEST(Distortion, ABallIsLookedForWithinItsDiameter) {
  std::vector<Region> regions;
  for (const double x : {-40.0, 0.0, 40.0})
    for (const double y : {-40.0, 0.0, 40.0})
      for (const double z : {-40.0, 0.0, 40.0}) {
        regions.push_back(test::disc("b/" + std::to_string(regions.size()), "control_point", {x, y, z}, 4));
        regions.back().shape = RegionShape::sphere;
      }
  // The middle ball moved along x, and a body beside it or not.
  Volume volume;
  const auto scanned = [&](double moved, bool body, double noise = 0) {
    phantom::Model model = test::one_shape({.kind = phantom::ShapeKind::sphere, .radius_mm = 4}, 1000, 0);
    const phantom::Shape ball = model.shapes.front();
    model.shapes.clear();
    const auto put = [&](const std::string& name, Vec3 at) {
      model.shapes.push_back(ball);
      model.shapes.back().name = name, model.shapes.back().center_mm = at;
    };
    for (const Region& r : regions) put(r.name, norm(r.center_mm) == 0 ? Vec3{moved, 0, 0} : r.center_mm);
    if (body) put("body", {13.5, 0, 0});
    compute::RenderJob job;
    job.grid = test::centred_grid({112, 112, 112}, {1, 1, 1});
    if (noise > 0) job.noise = {.kind = compute::NoiseKind::white, .sd = noise, .seed = 3};
    Scan scan = test::ct_scan(model, job);
    scan.modality = "MR", scan.value_unit = "1";
    volume = scan.volume;
    const std::vector<Scan> scans{scan};
    return measure_all(test::make_job(scans, regions), {"distortion"});
  };
  const auto largest = [](const Results& r) { return test::value_of(r, "distortion_max_mm", "", "control_points"); };
  const double still = largest(scanned(0, false));
  EXPECT_LT(still, 0.05);
  EXPECT_NEAR(largest(scanned(0, true)), still, 1e-6);
  // One point far off the others does not move the phantom's place.
  EXPECT_NEAR(largest(scanned(7, false)), 7, 0.05);
  EXPECT_EQ(test::value_of(scanned(9, false), "control_points_found"), 26);
  // One of 27 lies beyond the 95th percentile (27 x 0.05 = 1.35 points do). The largest has the error of its own
  // centroid, three coordinates of it.
  const Results noisy = scanned(5, false, 20);
  EXPECT_EQ(test::value_of(noisy, "control_points_found"), 27);
  EXPECT_LT(test::value_of(noisy, "distortion_p95_mm", "", "control_points"), 0.5);
  const BallCentre c = ball_centre(volume.view(), volume.grid, {0, 0, 0}, 4, 1, 8);
  ASSERT_TRUE(c.good()) << c.reason;
  EXPECT_NEAR(*noisy.find("distortion_max_mm", "", "control_points")->se / (std::sqrt(3.0) * c.se_mm), 1, 0.01);
}

TEST(Distortion, BallsInEachOtherAreRefused) {
  const phantom::Model model = test::shipped("distortion_grid");
  std::vector<Region> regions = phantom::place_features(model, {}, "MR");
  regions.push_back(regions.front());
  regions.back().name = "again";
  const std::vector<Scan> scans{test::painted(
      {40, 40, 40}, {6, 6, 6}, [](Vec3) { return 1.0; }, "MR")};
  const Results r = measure_all(test::make_job(scans, regions), {"distortion"});
  EXPECT_TRUE(r.measurements.empty());
  EXPECT_NE(r.not_measured.front().reason.find("lie in each other"), std::string::npos);
}

}  // namespace
}  // namespace iqgate::measure
