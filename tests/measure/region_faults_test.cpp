// Regions that reach where the metric's model does not hold: a number from there would look right. Each must be
// refused, flagged, or measured inside only.
#include <cmath>

#include "support/support.hpp"

namespace iqgate::measure {
namespace {

using phantom::ShapeKind;
using test::value_of;

bool has_flag(const Results& r, const std::string& name, const std::string& flag) {
  return std::any_of(r.measurements.begin(), r.measurements.end(), [&](const Measurement& m) {
    return m.name == name && std::find(m.flags.begin(), m.flags.end(), flag) != m.flags.end();
  });
}

std::string reasons(const Results& r) {
  std::string all;
  for (const NotMeasured& n : r.not_measured) all += n.reason + "\n";
  return all;
}

compute::RenderJob job_of(Size3 size, Vec3 spacing, Vec3 psf, double noise, std::uint64_t seed = 1,
                          Vec3 shift_mm = {}) {
  compute::RenderJob job;
  job.grid = test::centred_grid(size, spacing);
  job.psf_sigma_mm = psf;
  job.pose.translation_mm = shift_mm;
  if (noise > 0) job.noise = {.kind = compute::NoiseKind::white, .sd = noise, .seed = seed};
  return job;
}

// White noise of SD 10 inside a sphere, far from it in the air: 64 boxes at least, so 10 within 3 %.
TEST(NpsBoxes, StayInsideASphereAndACylinderOnItsSide) {
  const Scan ball = test::ct_scan(test::one_shape({.kind = ShapeKind::sphere, .radius_mm = 85}, 0, -1000),
                                  job_of({128, 128, 128}, {1.6, 1.6, 1.6}, {0.5, 0.5, 0.5}, 10));
  Region sphere = test::disc("s", "uniform", {0, 0, 0}, 78);
  sphere.shape = RegionShape::sphere;
  const Results r = test::measure_one(ball, sphere, "nps");
  EXPECT_NEAR(value_of(r, "noise_from_nps_hu", "2d_poly2"), 10, 0.3);
  EXPECT_NEAR(value_of(r, "noise_from_nps_hu", "3d_poly2"), 10, 0.3);

  phantom::Shape lying{.kind = ShapeKind::cylinder, .radius_mm = 80, .length_mm = 150};
  lying.axis = {0, 1, 0};
  const Scan side =
      test::ct_scan(test::one_shape(lying, 0, -1000), job_of({128, 128, 128}, {1.6, 1.6, 1.6}, {0.5, 0.5, 0.5}, 10));
  Region region = test::disc("c", "uniform", {0, 0, 0}, 60, 100);
  region.normal = {0, 1, 0};
  const Results lying_down = test::measure_one(side, region, "nps");
  EXPECT_NEAR(value_of(lying_down, "noise_from_nps_hu", "2d_poly2"), 10, 0.3);
}

TEST(NpsBoxes, GivenOnesFollowTheirAxes) {
  const Scan ball = test::ct_scan(test::one_shape({.kind = ShapeKind::sphere, .radius_mm = 85}, 0, -1000),
                                  job_of({128, 128, 8}, {1.6, 1.6, 1.6}, {0.5, 0.5, 0.5}, 10));
  // 50 mm by 100 mm beside the centre: inside only when the long side lies along y.
  Region region = test::box("side/a", "nps_box", {40, 0, 0}, {100, 50, 0});
  region.in_plane = {0, 1, 0};
  EXPECT_NEAR(value_of(test::measure_one(ball, region, "nps"), "noise_from_nps_hu", "2d_poly2"), 10, 0.6);
  const double a = 20 * M_PI / 180;
  region.in_plane = {std::cos(a), std::sin(a), 0};
  const Results turned = test::measure_one(ball, region, "nps");
  EXPECT_TRUE(turned.measurements.empty());
  EXPECT_NE(reasons(turned).find("rows and columns"), std::string::npos) << reasons(turned);
}

// A wire of sigma s in a region of 10 mm: the background ring begins at 7 mm.
TEST(PointMtf, RefusesASpreadThatFillsTheBackground) {
  const auto wire = [](double sigma) {
    return test::measure_one(test::ct_scan(test::one_shape({.kind = ShapeKind::cylinder, .radius_mm = 0.5}, 3000, 0),
                                           job_of({120, 120, 3}, {0.4, 0.4, 2}, {sigma, sigma, 1}, 0.05)),
                             test::disc("wire", "wire", {0, 0, 0}, 10, 4), "mtf_point");
  };
  EXPECT_NE(reasons(wire(3)).find("too wide"), std::string::npos);
  EXPECT_EQ(wire(3).find("mtf50_per_mm"), nullptr);
  const Results near = wire(1.5);  // 4.7 sigma
  EXPECT_TRUE(has_flag(near, "mtf50_per_mm", "spread_truncated"));
  const Results good = wire(0.8);
  EXPECT_FALSE(has_flag(good, "mtf50_per_mm", "spread_truncated"));
}

TEST(PointMtf, NyquistIsReachedForAnyPixel) {
  for (const double pixel : {0.37, 0.4, 0.43}) {
    const Scan scan = test::ct_scan(test::one_shape({.kind = ShapeKind::cylinder, .radius_mm = 0.05}, 30000, 0),
                                    job_of({100, 100, 5}, {pixel, pixel, 2}, {0.4, 0.4, 1}, 0));
    const Results r = test::measure_one(scan, test::disc("wire", "wire", {0, 0, 0}, 10, 8), "mtf_point");
    const double f = 0.5 / pixel, truth = std::exp(-2 * M_PI * M_PI * 0.16 * f * f);
    EXPECT_NEAR(value_of(r, "mtf_at_nyquist", "radial"), truth, 0.01) << pixel;
  }
}

// Two magnitude-free scans of SNR 50, the region close to the rim at 4 mm pixels: the 9 x 9 box must not leave it.
TEST(SnrSmoothedSubtraction, KeepsItsWindowInTheRegion) {
  const auto scan = [](std::uint64_t seed) {
    Scan s = test::ct_scan(test::one_shape({.kind = ShapeKind::cylinder, .radius_mm = 90}, 1000, 0),
                           job_of({64, 64, 1}, {4, 4, 5}, {1, 1, 1}, 20, seed));
    s.modality = "MR";
    s.value_unit = "1";
    return s;
  };
  const Results r = test::measure_one(scan(1), test::disc("centre", "uniform", {0, 0, 0}, 80), "snr");
  const Measurement* m = r.find("snr", "smoothed_subtraction");
  ASSERT_NE(m, nullptr) << reasons(r);
  // SD of 20 from about 600 pixels: 3 % standard error; the definition reads 0.6 % low in noise.
  EXPECT_NEAR(m->value, 50, 6);
  const Results small = test::measure_one(scan(1), test::disc("centre", "uniform", {0, 0, 0}, 30), "snr");
  EXPECT_EQ(small.find("snr", "smoothed_subtraction"), nullptr);
}

// Echoes differ by decay, not by noise: no two-scan estimate may use them.
TEST(Repeats, EchoesAreNotRepeats) {
  std::vector<Scan> echoes;
  for (int k = 0; k < 22; ++k) {
    Scan s =
        test::ct_scan(test::one_shape({.kind = ShapeKind::cylinder, .radius_mm = 90}, 1000 * std::exp(-0.1 * k), 0),
                      job_of({64, 64, 1}, {4, 4, 5}, {1, 1, 1}, 20, std::uint64_t(k) + 1));
    s.modality = "MR";
    s.value_unit = "1";
    s.role = "echo_" + std::to_string(k + 1);
    echoes.push_back(std::move(s));
  }
  const std::vector<Region> regions{test::disc("centre", "uniform", {0, 0, 0}, 80)};
  for (const char* variant : {"nema_ms1_m1", "nema_ms1_m2", "dietrich_diff", "dietrich_mult"})
    EXPECT_EQ(measure_all(test::make_job(echoes, regions), {"snr"}).find("snr", variant), nullptr) << variant;
  EXPECT_EQ(measure_all(test::make_job(echoes, regions), {"nps"}).find("noise_from_nps", "2d_two_scan_diff"), nullptr);
  for (std::size_t k = 0; k < echoes.size(); ++k) echoes[k].role = "repeat_" + std::to_string(k + 1);
  EXPECT_NE(measure_all(test::make_job(echoes, regions), {"snr"}).find("snr", "dietrich_mult"), nullptr);
}

// The rim of a disc and the corner of a block are no straight edges.
TEST(SlantedEdge, ABendOrACornerIsNoStraightEdge) {
  const Scan disc = test::ct_scan(test::one_shape({.kind = ShapeKind::cylinder, .radius_mm = 12.5}, 340, 0),
                                  job_of({100, 100, 8}, {0.8, 0.8, 2}, {0.6, 0.6, 0.6}, 3));
  for (const double height : {10.0, 14.0}) {
    const Results r = test::measure_one(disc, test::box("rim", "edge", {12.5, 0, 0}, {16, height, 10}), "mtf_edge");
    EXPECT_TRUE(r.find("mtf50_per_mm") == nullptr || has_flag(r, "mtf50_per_mm", "edge_not_straight")) << height;
  }
  const Results tall = test::measure_one(disc, test::box("rim", "edge", {12.5, 0, 0}, {16, 14, 10}), "mtf_edge");
  EXPECT_NE(reasons(tall).find("not straight"), std::string::npos) << reasons(tall);
  const Scan block =
      test::ct_scan(test::one_shape({.kind = ShapeKind::box,
                                     .size_mm = {60, 40, 100},
                                     .in_plane = {std::cos(5 * M_PI / 180), std::sin(5 * M_PI / 180), 0}},
                                    120, 0),
                    job_of({128, 128, 8}, {0.8, 0.8, 2}, {0.6, 0.6, 0.6}, 2));
  const Results corner = test::measure_one(block, test::box("c", "edge", {28, 14, 0}, {24, 30, 10}), "mtf_edge");
  EXPECT_EQ(corner.find("mtf50_per_mm"), nullptr) << reasons(corner);
  const Results good = test::measure_one(block, test::box("g", "edge", {30, 0, 0}, {24, 24, 10}), "mtf_edge");
  EXPECT_FALSE(has_flag(good, "mtf50_per_mm", "edge_not_straight"));
  EXPECT_NEAR(value_of(good, "mtf50_per_mm", "iec"), 0.187391 / 0.6, 0.01);
}

// Four pixels to either side of the edge and along it, whatever a pixel is.
TEST(SlantedEdge, NeedsFourPixelsOnEachSide) {
  for (const double pixel : {0.3, 0.8, 2.0}) {
    const double a = 5 * M_PI / 180;
    const Scan scan =
        test::ct_scan(test::one_shape({.kind = ShapeKind::half_space, .axis = {std::cos(a), std::sin(a), 0}}, 500, 0),
                      job_of({96, 96, 3}, {pixel, pixel, 2}, {pixel, pixel, 1}, 1));
    for (const double pixels : {3.0, 7.0}) {
      const Results narrow =
          test::measure_one(scan, test::box("e", "edge", {0, 0, 0}, {2 * pixels * pixel, 30 * pixel, 0}), "mtf_edge");
      EXPECT_EQ(reasons(narrow).find("less than 4 pixels") != std::string::npos, pixels < 4)
          << pixel << ' ' << pixels << reasons(narrow);
      const Results low =
          test::measure_one(scan, test::box("e", "edge", {0, 0, 0}, {30 * pixel, 2 * pixels * pixel, 0}), "mtf_edge");
      EXPECT_EQ(reasons(low).find("less than 4 pixels") != std::string::npos, pixels < 4)
          << pixel << ' ' << pixels << reasons(low);
    }
  }
}

// The insert's own radius counts, not the region's: contrast 340 within 1 %.
TEST(DiscTtf, ContrastIsOfTheInsertNotOfTheRegion) {
  const Scan disc = test::ct_scan(test::one_shape({.kind = ShapeKind::cylinder, .radius_mm = 12.5}, 340, 0),
                                  job_of({128, 128, 30}, {0.8, 0.8, 2}, {0.6, 0.6, 0.6}, 5, 1, {0.23, -0.31, 0}));
  for (const double radius : {10.0, 12.5, 17.0}) {
    const Results r = test::measure_one(disc, test::disc("i", "insert", {0, 0, 0}, radius, 50), "ttf_disc");
    const Measurement* contrast = r.find("ttf_contrast_hu");
    ASSERT_NE(contrast, nullptr) << radius << reasons(r);
    EXPECT_NEAR(contrast->value, 340, 3.4) << radius;
    EXPECT_EQ(has_flag(r, "ttf50_per_mm", "radius_differs_from_region"), radius != 12.5) << radius;
  }
  // Over all slices: 340 / 5 x sqrt(slices), 24 of them in 48 mm, whose first is the fourth of the scan. SD from some
  // 20,000 pixels: 0.5 %.
  const Results all = test::measure_one(disc, test::disc("i", "insert", {0, 0, 0}, 12.5, 48), "ttf_disc");
  EXPECT_NEAR(value_of(all, "cnr_total"), 340 / 5.0 * std::sqrt(24), 0.025 * 340 / 5.0 * std::sqrt(24));
  const Scan block = test::ct_scan(test::one_shape({.kind = ShapeKind::box, .size_mm = {25, 25, 100}}, 340, 0),
                                   job_of({128, 128, 8}, {0.8, 0.8, 2}, {0.6, 0.6, 0.6}, 5, 1, {0.23, -0.31, 0}));
  const Results square = test::measure_one(block, test::disc("i", "insert", {0, 0, 0}, 13, 12), "ttf_disc");
  EXPECT_EQ(square.find("ttf50_per_mm"), nullptr);
  EXPECT_NE(reasons(square).find("not a circle"), std::string::npos) << reasons(square);
}

// Regions of the MR kinds with nominals and sizes that make no sense: never a number, never a crash.
TEST(RegionFaults, OddNominalsGiveNoNumber) {
  const std::vector<Scan> scans{test::painted(
                                    {96, 96, 2}, {1, 1, 5}, [](Vec3) { return 1000.0; }, "MR"),
                                test::painted(
                                    {12, 12, 1}, {30, 30, 5}, [](Vec3 p) { return 1000 + p.x; }, "MR")};
  const std::pair<const char*, std::vector<const char*>> kinds[] = {{"time_series", {"side_px"}},
                                                                    {"diameters", {"directions", "diameter_mm"}},
                                                                    {"ramp_pair", {"slope"}},
                                                                    {"wedge_pair", {}},
                                                                    {"hole_array", {"hole_diameter_mm", "offset_mm"}},
                                                                    {"spokes", {"first_angle_deg", "contrast_pct"}},
                                                                    {"control_point", {"dark"}},
                                                                    {"relaxation", {"t1_ms", "temperature_degc"}},
                                                                    {"ghost_air", {}},
                                                                    {"rod_pair", {"angle_deg"}},
                                                                    {"plate", {"angle_deg"}},
                                                                    {"end_to_end", {}}};
  for (const Scan& scan : scans)
    for (const auto& [kind, keys] : kinds)
      for (const double value : {0.0, -3.0, 1e9, 1e-300, 45.0})
        for (const double size : {1.0, 20.0, 80.0, 9000.0})
          for (const bool round : {false, true}) {
            Region a = round ? test::disc("p/a_ul", kind, {0, 0, 0}, size / 2)
                             : test::box("p/a_ul", kind, {0, 0, 0}, {size, size, 1});
            if (std::string(kind) == "control_point") a.shape = RegionShape::sphere, a.radius_mm = size / 2;
            for (const char* key : keys) a.nominal[key] = value;
            Region b = a;
            b.name = "p/b_lr";
            b.center_mm = {3, 0, 0};
            const std::vector<Scan> one{scan};
            const Results r = measure_all(test::make_job(one, {a, b}), {});
            EXPECT_TRUE(r.measurements.empty())
                << kind << " " << value << " " << size << ": " << r.measurements.front().name;
          }
}

// A body that the gradients draw as an ellipse of 194 by 186 mm: each diameter is its own, none is taken for a bubble.
TEST(Diameters, ADistortedBodyKeepsItsOwn) {
  const Scan scan = test::painted(
      {240, 240, 1}, {1, 1, 5},
      [](Vec3 p) {
        const double inside = 95 * (1 - std::hypot(p.x / 97, p.y / 93));
        return 500 * std::erfc(-inside / 0.8);
      },
      "MR");
  const Results r = test::measure_one(scan, test::disc("d", "diameters", {0, 0, 0}, 95), "diameters");
  EXPECT_NEAR(value_of(r, "diameter_h_mm"), 194, 0.3) << reasons(r);
  EXPECT_NEAR(value_of(r, "diameter_v_mm"), 186, 0.3) << reasons(r);
}

TEST(EndToEnd, NeedsABox) {
  const Scan scan = test::painted(
      {200, 60, 1}, {1, 1, 5}, [](Vec3 p) { return std::abs(p.x) < 74 ? 1000.0 : 0.0; }, "MR");
  Region region = test::box("length", "end_to_end", {0, 0, 0}, {180, 40, 5});
  EXPECT_NEAR(value_of(test::measure_one(scan, region, "end_to_end"), "length_ss_mm"), 147, 1);
  region.shape = RegionShape::ellipse;
  const Results r = test::measure_one(scan, region, "end_to_end");
  EXPECT_TRUE(r.measurements.empty());
  EXPECT_NE(reasons(r).find("no box"), std::string::npos) << reasons(r);
}

}  // namespace
}  // namespace iqgate::measure
