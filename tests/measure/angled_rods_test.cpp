// A9: crossing rods tell spacing and place of slices.
#include "support/support.hpp"

namespace iqgate::measure {
namespace {

phantom::Model crossed_rods(double angle_deg) {
  phantom::Model model =
      test::one_shape({.kind = phantom::ShapeKind::cylinder, .radius_mm = 90, .length_mm = 300}, 1000, 0);
  model.shapes.front().name = "body";
  const double a = angle_deg * M_PI / 180;
  for (const double side : {-1.0, 1.0}) {
    phantom::Shape rod;
    rod.name = side < 0 ? "left" : "right";
    rod.inside = "body";
    rod.material = model.background;
    rod.kind = phantom::ShapeKind::cylinder;
    rod.radius_mm = 1.5;
    rod.length_mm = 260;
    rod.center_mm = {4 * side, 0, 0};
    rod.axis = {0, -side * std::sin(a), std::cos(a)};
    rod.in_plane = {1, 0, 0};
    model.shapes.push_back(rod);
  }
  return model;
}

Region where(double angle_deg) {
  Region r = test::box("rods", "rod_pair", {0, 0, 0}, {40, 120, 110});
  r.nominal["angle_deg"] = angle_deg;
  return r;
}

TEST(AngledRods, SpacingAndPlacesOfSlices) {
  for (const double angle : {45.0, 30.0}) {
    compute::RenderJob job;
    job.grid = test::centred_grid({200, 200, 40}, {1, 1, 2.5});
    job.psf_sigma_mm = {0.7, 0.7, 0.7};
    job.noise = {.kind = compute::NoiseKind::white, .sd = 10, .seed = 3};
    Scan scan = test::ct_scan(crossed_rods(angle), job);
    scan.modality = "MR", scan.value_unit = "1";
    Results r = test::measure_one(scan, where(angle), "angled_rods");
    // A centroid of a rod of 3 mm in noise of 1 %: 0.02 mm; over 30 slices far less.
    EXPECT_NEAR(test::value_of(r, "slice_spacing_mm"), 2.5, 0.01) << angle;
    EXPECT_LT(test::value_of(r, "slice_position_error_max_mm"), 0.1);
    // The header says 2.4 mm where it is 2.5: the spacing is told, and slices lie up to 0.1 mm x their number off.
    scan.volume.grid.spacing_mm.z = 2.4;
    scan.volume.grid.origin_mm.z = -0.5 * 39 * 2.4;
    r = test::measure_one(scan, where(angle), "angled_rods");
    EXPECT_NEAR(test::value_of(r, "slice_spacing_mm"), 2.5, 0.02);
    EXPECT_GT(test::value_of(r, "slice_position_error_max_mm"), 1);
  }
}

// The slope's error from what the line leaves, n - 2 degrees of freedom: the curve of places tells both.
TEST(AngledRods, ErrorOfTheSpacingIsThatOfTheSlope) {
  compute::RenderJob job;
  job.grid = test::centred_grid({200, 200, 14}, {1, 1, 5});
  job.psf_sigma_mm = {0.7, 0.7, 0.7};
  job.noise = {.kind = compute::NoiseKind::white, .sd = 40, .seed = 5};
  Scan scan = test::ct_scan(crossed_rods(45), job);
  scan.modality = "MR", scan.value_unit = "1";
  const Results r = test::measure_one(scan, where(45), "angled_rods");
  ASSERT_EQ(r.curves.size(), 1u);
  const std::vector<double>&at = r.curves[0].x.values, &error = r.curves[0].y.values;
  const double n = double(at.size());
  double mx = 0, my = 0, sxx = 0, sxy = 0, rest = 0;
  for (std::size_t k = 0; k < at.size(); ++k) mx += at[k] / n, my += error[k] / n;
  for (std::size_t k = 0; k < at.size(); ++k) sxx += std::pow(at[k] - mx, 2), sxy += (at[k] - mx) * (error[k] - my);
  for (std::size_t k = 0; k < at.size(); ++k) rest += std::pow(error[k] - my - sxy / sxx * (at[k] - mx), 2);
  ASSERT_GE(n, 5);
  EXPECT_NEAR(*r.find("slice_spacing_mm")->se / std::sqrt(rest / (n - 2) / sxx), 1, 1e-9);
}

TEST(AngledRods, RefusesWhatShowsNoRods) {
  compute::RenderJob job;
  job.grid = test::centred_grid({200, 200, 20}, {1, 1, 5});
  job.noise = {.kind = compute::NoiseKind::white, .sd = 10, .seed = 3};
  phantom::Model empty = crossed_rods(45);
  empty.shapes.resize(1);
  Scan scan = test::ct_scan(empty, job);
  const Results r = test::measure_one(scan, where(45), "angled_rods");
  EXPECT_TRUE(r.measurements.empty());
  EXPECT_NE(r.not_measured.front().reason.find("fewer than five slices"), std::string::npos);
  Region wrong = where(45);
  wrong.nominal.clear();
  EXPECT_TRUE(test::measure_one(scan, wrong, "angled_rods").measurements.empty());
}

TEST(Plates, WidthIsThatOfTheDipsInShading) {
  constexpr double angle = 11.31;
  for (const double shading : {0.0, 0.002})
    for (const auto& [upper, lower] : {std::pair{25.0, 25.0}, {22.0, 28.0}}) {
      const auto dip = [](double u, double length) {
        const auto phi = [](double x) { return 0.5 * std::erfc(-x / std::sqrt(2.0)); };
        return phi((u + length / 2) / 1.5) - phi((u - length / 2) / 1.5);
      };
      const double a = upper, b = lower;
      const Scan scan = test::painted(
          {160, 160, 1}, {1, 1, 5},
          [&](Vec3 p) { return (1000 - 300 * (p.y < 0 ? dip(p.x + 2, a) : dip(p.x - 1, b))) * (1 + shading * p.x); },
          "MR");
      std::vector<Region> regions{test::box("p/upper", "plate", {0, -30, 0}, {76, 20, 1}),
                                  test::box("p/lower", "plate", {0, 30, 0}, {76, 20, 1})};
      for (Region& r : regions) r.nominal["angle_deg"] = angle;
      const std::vector<Scan> scans{scan};
      const Results r = measure_all(test::make_job(scans, regions), {"plates"});
      // Half levels of a symmetric edge lie at its middle; linear shading moves them by its own share of the edge.
      const double width = std::sqrt(a * b) * std::tan(angle * M_PI / 180);
      EXPECT_NEAR(test::value_of(r, "slice_width_mm", "geometric_mean"), width, 0.02 + 5 * shading * width) << shading;
    }
  // Slices of 5 mm, the object tilted by t: plates at angle + t and angle - t to the slice.
  for (const double tilt : {0.0, 1.0, -2.0}) {
    const double a = 5 / std::tan((angle + tilt) * M_PI / 180), b = 5 / std::tan((angle - tilt) * M_PI / 180);
    const std::vector<Scan> scans{test::painted(
        {160, 160, 1}, {1, 1, 5},
        [&](Vec3 p) {
          return 1000 - 300 * (std::abs(p.x) < (p.y < 0 ? a : b) / 2 + 0.5
                                   ? std::min(1.0, (p.y < 0 ? a : b) / 2 + 0.5 - std::abs(p.x))
                                   : 0.0);
        },
        "MR")};
    std::vector<Region> regions{test::box("p/upper", "plate", {0, -30, 0}, {76, 20, 1}),
                                test::box("p/lower", "plate", {0, 30, 0}, {76, 20, 1})};
    for (Region& r : regions) r.nominal["angle_deg"] = angle;
    const Results r = measure_all(test::make_job(scans, regions), {"plates"});
    // Edges a pixel wide, read between pixels: 0.2 mm of 25, 0.04 mm of the slice.
    EXPECT_NEAR(test::value_of(r, "slice_width_mm", "exact"), 5, 0.05) << tilt;
  }
  const std::vector<Scan> flat{test::painted(
      {160, 160, 1}, {1, 1, 5}, [](Vec3) { return 1000.0; }, "MR")};
  std::vector<Region> regions{test::box("p/upper", "plate", {0, -30, 0}, {76, 20, 1}),
                              test::box("p/lower", "plate", {0, 30, 0}, {76, 20, 1})};
  for (Region& r : regions) r.nominal["angle_deg"] = angle;
  EXPECT_TRUE(measure_all(test::make_job(flat, regions), {"plates"}).measurements.empty());
}

}  // namespace
}  // namespace iqgate::measure
