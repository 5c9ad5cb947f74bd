// A7, A8, A9, A12: CT numbers, distances, slice thickness and positions, against closed forms.
#include "support/support.hpp"

namespace iqgate::measure {
namespace {

using test::box;
using test::disc;
using test::painted;
using test::value_of;

constexpr double fwhm_of_sigma = 2.354820, fwtm_of_sigma = 4.291932;

Results measured(const Scan& scan, const std::vector<Region>& regions, const Placement& placement = {}) {
  const std::vector<Scan> scans{scan};
  Job job = test::make_job(scans, regions);
  job.placement = placement;
  return measure_all(job, {});
}

Region with(Region region, const char* metric, std::map<std::string, double> nominal = {}) {
  region.metrics = {metric};
  region.nominal = std::move(nominal);
  return region;
}

// HU = 0.97 nominal - 12 everywhere in four columns: slope and intercept come back, but for the floats of the voxels.
TEST(CtNumber, ALineIsRecovered) {
  const auto nominal_at = [](double x) { return x < -30 ? -1000.0 : x < 0 ? -95.0 : x < 30 ? 120.0 : 955.0; };
  const Scan scan = painted({128, 64, 6}, {1, 1, 2}, [&](Vec3 p) { return 0.97 * nominal_at(p.x) - 12; });
  std::vector<Region> regions;
  for (const double x : {-45.0, -15.0, 15.0, 45.0}) {
    const double nominal = nominal_at(x);
    std::map<std::string, double> known{{"ct_number_hu", nominal}};
    if (x < -30) known["attenuation_per_cm"] = 0.0002;
    if (x > -30 && x < 0) known["attenuation_per_cm"] = 0.19;
    regions.push_back(with(disc("m/" + std::to_string(int(x)), "insert_core", {x, 0, 0}, 8, 6), "ct_number", known));
  }
  const Results r = measured(scan, regions);
  EXPECT_NEAR(value_of(r, "hu_slope", "ols", "m"), 0.97, 1e-7);
  EXPECT_NEAR(value_of(r, "hu_intercept_hu", "ols", "m"), -12, 1e-4);
  EXPECT_NEAR(value_of(r, "hu_r2", "ols", "m"), 1, 1e-9);
  EXPECT_NEAR(value_of(r, "hu_max_residual_hu", "ols", "m"), 0, 1e-3);
  EXPECT_NEAR(value_of(r, "ct_number_error_hu", "", "m/45"), 0.97 * 955 - 12 - 955, 1e-3);
  ASSERT_EQ(r.curves.size(), 1u);
  EXPECT_EQ(r.curves[0].x.values, (std::vector<double>{-1000, -95, 120, 955}));
  for (std::size_t k = 0; k < 4; ++k) EXPECT_NEAR(r.curves[0].y.values[k], 0.97 * r.curves[0].x.values[k] - 12, 1e-3);
  // (0.19 - 0.0002) / (0.97 (-95 + 1000))
  EXPECT_NEAR(value_of(r, "contrast_scale_per_cm_per_hu", "", "m") / (0.1898 / (0.97 * 905)), 1, 1e-6);
}

TEST(CtNumber, TwoNominalValuesMakeNoLine) {
  const Scan scan = painted({64, 64, 4}, {1, 1, 2}, [](Vec3) { return 0.0; });
  const Results r =
      measured(scan, {with(disc("m/a", "insert_core", {-15, 0, 0}, 6), "ct_number", {{"ct_number_hu", 0}}),
                      with(disc("m/b", "insert_core", {15, 0, 0}, 6), "ct_number", {{"ct_number_hu", 9}}),
                      with(disc("m/c", "insert_core", {0, 0, 0}, 6), "ct_number", {{"ct_number_hu", 9}})});
  EXPECT_EQ(r.find("hu_slope"), nullptr);
  EXPECT_NE(r.find("ct_number_hu", "", "m/c"), nullptr);
}

TEST(CtNumber, OneVoxelHasNoInterval) {
  const Scan scan = painted({40, 40, 3}, {0.5, 0.5, 2}, [](Vec3 p) { return p.x; });
  const Results r =
      measured(scan, {with(disc("m/a", "insert_core", {0.25, 0.25, 0}, 0.3), "ct_number", {{"ct_number_hu", 0}})});
  ASSERT_NE(r.find("ct_number_hu"), nullptr);
  EXPECT_FALSE(r.find("ct_number_hu")->ci95.has_value());
}

// A slope of g HU/mm and a placement known to s mm across the axis move the mean by g s, whatever the region.
TEST(CtNumber, ThePlacementsErrorIsPartOfIt) {
  const Scan scan = painted({96, 96, 6}, {0.8, 0.8, 2}, [](Vec3 p) { return 3 * p.x; });
  Placement placement;
  placement.center_se_mm = 0.4;
  const Results r = measured(scan, {with(disc("m/a", "insert_core", {3, 1, 0}, 12, 6), "ct_number")}, placement);
  const Measurement* m = r.find("ct_number_hu");
  ASSERT_NE(m, nullptr);
  // The mask follows in whole voxels: half a pixel of the rim either way, 3 % of what the slope gives.
  EXPECT_NEAR(*m->se_localisation, 1.2, 0.25);
  EXPECT_GT(*m->se, *m->se_localisation);
  EXPECT_FALSE(measured(scan, {with(disc("m/a", "insert_core", {3, 1, 0}, 12, 6), "ct_number")})
                   .find("ct_number_hu")
                   ->se_localisation.value_or(0) > 0);
}

phantom::Model pins(const std::vector<Vec3>& at, double radius_mm, double hu) {
  phantom::Model model = test::one_shape({}, hu, 80);
  model.shapes.clear();
  for (std::size_t k = 0; k < at.size(); ++k) {
    phantom::Shape s;
    s.name = "pin" + std::to_string(k);
    s.material = "inside";
    s.inside = "background";
    s.center_mm = at[k];
    s.radius_mm = radius_mm;
    s.length_mm = 100;
    model.shapes.push_back(s);
  }
  return model;
}

std::vector<Region> pin_regions(const std::vector<Vec3>& at, double scale = 1) {
  std::vector<Region> regions;
  for (std::size_t k = 0; k < at.size(); ++k)
    regions.push_back(with(disc("pins/p" + std::to_string(k), "pin", scale * at[k], 6, 8), "distances"));
  return regions;
}

// Centroids of blurred 3 mm holes at any place between pixels, anisotropic ones too: 0.03 mm (definition H5).
TEST(Distances, PinsAreFoundBetweenPixels) {
  const std::vector<Vec3> at{{-25, -25, 0}, {25.31, -24.77, 0}, {24.63, 25.49, 0}, {-25.17, 24.81, 0}};
  for (const Vec3 spacing : {Vec3{0.9, 0.9, 2}, Vec3{0.45, 0.7, 3}})
    for (const double hu : {-1000.0, 900.0}) {
      compute::RenderJob job;
      job.grid = test::centred_grid({160, 120, 5}, spacing);
      job.psf_sigma_mm = {0.7, 0.7, 0.7};
      const Results r = measured(test::ct_scan(pins(at, 1.5, hu), job), pin_regions(at));
      EXPECT_NEAR(value_of(r, "distance_error_mm", "", "pins/p0-p1"), 0, 0.03) << spacing.x << " " << hu;
      EXPECT_NEAR(value_of(r, "distance_error_mm", "", "pins/p1-p3"), 0, 0.03) << spacing.x << " " << hu;
      EXPECT_NEAR(value_of(r, "scale_x_pct", "", "pins"), 0, 0.06) << spacing.x << " " << hu;
    }
}

// A header that says 0.909 mm where the pixel has 0.9: 1 % too long along x alone.
TEST(Distances, AWrongPixelSizeIsSeen) {
  const std::vector<Vec3> at{{-25, -25, 0}, {25, -25, 0}, {25, 25, 0}, {-25, 25, 0}};
  compute::RenderJob job;
  job.grid = test::centred_grid({120, 120, 5}, {0.9, 0.9, 2});
  job.psf_sigma_mm = {0.7, 0.7, 0.7};
  Scan scan = test::ct_scan(pins(at, 1.5, -1000), job);
  scan.volume.grid = test::centred_grid({120, 120, 5}, {0.909, 0.9, 2});
  const Results r = measured(scan, pin_regions(at));
  EXPECT_NEAR(value_of(r, "scale_x_pct", "", "pins"), 1, 0.06);
  EXPECT_NEAR(value_of(r, "scale_y_pct", "", "pins"), 0, 0.06);
}

// Regions drawn by hand on what is seen tell no distance of the phantom; two objects on a slanted line no scale.
TEST(Distances, DrawnRegionsAndSlantedPairsTellNoScale) {
  const std::vector<Vec3> at{{-40, -20, 0}, {40, 20, 0}};
  compute::RenderJob rendering;
  rendering.grid = test::centred_grid({140, 140, 5}, {0.9, 0.9, 2});
  rendering.psf_sigma_mm = {0.7, 0.7, 0.7};
  const std::vector<Scan> scans{test::ct_scan(pins(at, 1.5, -1000), rendering)};
  Job job = test::make_job(scans, pin_regions(at));
  const Results placed = measure_all(job, {});
  EXPECT_NE(placed.find("distance_error_mm"), nullptr);
  EXPECT_EQ(placed.find("scale_x_pct"), nullptr);
  job.phantom_placed = false;
  const Results drawn = measure_all(job, {});
  EXPECT_NE(drawn.find("distance_mm"), nullptr);
  EXPECT_EQ(drawn.find("distance_error_mm"), nullptr);
}

TEST(Distances, NothingThereIsNotMeasured) {
  const Scan scan = painted({96, 96, 4}, {0.8, 0.8, 2}, [](Vec3) { return 80.0; });
  const Results r = measured(scan, pin_regions({{-20, 0, 0}, {20, 0, 0}}));
  EXPECT_TRUE(r.measurements.empty());
  EXPECT_FALSE(r.not_measured.empty());
}

constexpr double tangent = 0.4244748;  // of 23 degrees

// The trace of a wire in slices of profile SSP(z): SSP(x tan 23) along it, blurred by the PSF s in the plane.
// gaussian: SSP of SD w; else a box of width w. The wire climbs along +x from the middle, moved by `shift_z`.
Scan wire_scan(double spacing_z, double w, bool gaussian, double s, double pixel = 0.5, double shift_z = 0) {
  return painted({std::size_t(60 / pixel), std::size_t(24 / pixel), 21}, {pixel, pixel, spacing_z}, [=](Vec3 p) {
    const double x = p.x - (p.z - shift_z) / tangent, across = std::exp(-p.y * p.y / (2 * s * s));
    if (gaussian) {
      const double v = w * w / (tangent * tangent) + s * s;
      return 50 + 400 * across * std::exp(-x * x / (2 * v));
    }
    const double half = 0.5 * w / tangent;
    return 50 + 200 * across * (std::erf((x + half) / (s * M_SQRT2)) - std::erf((x - half) / (s * M_SQRT2)));
  });
}

Region ramp(const std::string& name = "w/a") {
  return with(box(name, "wire_ramp", {0, 0, 0}, {44, 9, 18}), "slice_thickness_ramp", {{"ramp_angle_deg", 23}});
}

// 1 % or 0.05 mm (definition A8); a Gaussian profile is widened by the PSF along the trace, a box is not.
TEST(SliceThickness, WiresGiveTheProfilesWidth) {
  for (const double sigma : {0.5, 1.0, 2.0})
    for (const double psf : {0.3, 0.8}) {
      const Results r = measured(wire_scan(1, sigma, true, psf), {ramp()});
      const double truth = fwhm_of_sigma * std::hypot(sigma, psf * tangent);
      EXPECT_NEAR(value_of(r, "slice_thickness_mm", "ramp_wires", "w/a"), truth, std::max(0.05, 0.01 * truth))
          << sigma << " " << psf;
      EXPECT_NEAR(value_of(r, "slice_thickness_mm", "catphan_042", "w/a") /
                      value_of(r, "slice_thickness_mm", "ramp_wires", "w/a"),
                  0.42 / tangent, 1e-6);
    }
  for (const double width : {1.5, 2.5, 5.0}) {
    const Results r = measured(wire_scan(1.25, width, false, 0.4), {ramp()});
    EXPECT_NEAR(value_of(r, "slice_thickness_mm", "ramp_wires", "w/a"), width, std::max(0.05, 0.01 * width)) << width;
  }
}

// The phantom lies tilted by 3 degrees about y: the wire meets the slice at 23 + 3 degrees and its trace is shorter.
// With the tilt known the thickness is right; 0.42 is 13 % low then.
TEST(SliceThickness, AKnownTiltIsTakenOut) {
  const double tilted = std::tan(26 * M_PI / 180);
  const Scan scan = painted({120, 48, 21}, {0.5, 0.5, 1}, [&](Vec3 p) {
    const double x = p.x - p.z / tilted, v = 1 / (tilted * tilted) + 0.16;
    return 50 + 400 * std::exp(-p.y * p.y / 0.32) * std::exp(-x * x / (2 * v));
  });
  // The wire climbs along +x; turned by -3 degrees about y it climbs more.
  Region region = ramp();
  region = moved(region, rotation_from_degrees(0, -3, 0), {});
  const Results r = measured(scan, {region});
  const double truth = fwhm_of_sigma * std::hypot(1.0, 0.4 * tilted);
  EXPECT_NEAR(value_of(r, "slice_thickness_mm", "ramp_wires", "w/a"), truth, 0.05);
  EXPECT_LT(value_of(r, "slice_thickness_mm", "catphan_042", "w/a"), 0.9 * truth);
}

// Two wires that climb in opposite directions, `aside` mm along them; each slice shows them at `height` of its place.
Scan two_wires(const std::function<double(double)>& height, double aside) {
  return painted({120, 120, 21}, {0.5, 0.5, 1.1}, [&](Vec3 p) {
    const double there = p.x - aside - height(p.z) / tangent, back = p.x - aside + height(p.z) / tangent;
    const double v = 1 / (tangent * tangent) + 0.16;
    return 50 + 400 * std::exp(-(p.y + 15) * (p.y + 15) / 0.32) * std::exp(-there * there / (2 * v)) +
           400 * std::exp(-(p.y - 15) * (p.y - 15) / 0.32) * std::exp(-back * back / (2 * v));
  });
}

std::pair<Region, Region> two_ramps() {
  Region a = ramp("w/a"), b = ramp("w/b");
  a.center_mm = {0, -15, 0};
  b.center_mm = {0, 15, 0};
  b.in_plane = {-1, 0, 0};
  return {a, b};
}

// Slices that lie 0.1 mm off their places, up and down in turn: the error of the place is 0.1 mm over the root of the
// slices that both wires cross (8 to 21 of them), that of the spacing the slope's.
TEST(SliceThickness, ErrorsOfPlaceAndSpacing) {
  const auto [a, b] = two_ramps();
  const auto jittered = [](double by) {
    return two_wires([by](double z) { return z + (std::lround(z / 1.1 + 10) % 2 ? by : -by); }, 0);
  };
  const Results r = measured(jittered(0.1), {a, b}), still = measured(jittered(0), {a, b});
  const Measurement *place = r.find("slice_position_offset_mm", "", "w"),
                    *spacing = r.find("slice_spacing_mm", "ramp_wires", "w");
  ASSERT_TRUE(place && place->se && spacing && spacing->se);
  EXPECT_GT(*place->se, 0.1 / std::sqrt(21.0));
  EXPECT_LT(*place->se, 0.11 / std::sqrt(6.0));
  // n places a spacing d apart have an SD of d sqrt((n^2 - 1) / 12): of the slope the error is that of the place over
  // it.
  const double spread = 1.1 * *place->se / *spacing->se, n = std::sqrt(12 * spread * spread / 1.21 + 1);
  EXPECT_NEAR(n, std::round(n), 0.05);
  EXPECT_GE(n, 7.9);
  EXPECT_LE(n, 21.1);
  EXPECT_LT(*still.find("slice_position_offset_mm", "", "w")->se, 0.1 * *place->se);
}

// Two wires 1.7 mm higher than the placement says, and the phantom 0.8 mm aside along them; slices 1.1 mm apart, which
// a wrong header calls 1 mm.
TEST(SliceThickness, WiresTellThePlaceAndTheSpacing) {
  const Scan right = two_wires([](double z) { return z - 1.7; }, 0.8);
  auto [a, b] = two_ramps();
  const Results r = measured(right, {a, b});
  EXPECT_NEAR(value_of(r, "slice_spacing_mm", "ramp_wires", "w"), 1.1, 0.01);
  EXPECT_NEAR(value_of(r, "slice_position_offset_mm", "", "w"), -1.7, 0.05);
  Scan wrong = right;
  wrong.volume.grid = test::centred_grid(right.volume.grid.size, {0.5, 0.5, 1});
  EXPECT_NEAR(value_of(measured(wrong, {a, b}), "slice_spacing_mm", "ramp_wires", "w"), 1.1, 0.01);
  // One wire alone takes a shift along it for a height: no place then, and no 0.42 for another angle.
  EXPECT_EQ(measured(right, {a}).find("slice_position_offset_mm"), nullptr);
  a.nominal["ramp_angle_deg"] = b.nominal["ramp_angle_deg"] = 45;
  EXPECT_EQ(measured(right, {a, b}).find("slice_thickness_mm", "catphan_042"), nullptr);
  a.nominal["ramp_angle_deg"] = 0;
  EXPECT_TRUE(measured(right, {a}).measurements.empty());
}

// A region narrower than the 2 mm to either side that a profile is the mean of, and one whose wire runs along its
// border.
TEST(SliceThickness, TheRegionsWidthIsKept) {
  const Scan scan = wire_scan(1, 1, true, 0.5);
  const double truth = fwhm_of_sigma * std::hypot(1.0, 0.5 * tangent);
  for (const auto& [width, off] : {std::pair{2.0, 0.0}, {9.0, 4.0}, {9.0, -4.0}}) {
    Region region = ramp();
    region.size_mm.y = width;
    region.center_mm.y = off;
    EXPECT_NEAR(value_of(measured(scan, {region}), "slice_thickness_mm", "ramp_wires", "w/a"), truth, 0.05)
        << width << off;
  }
}

// Either angle decides: the wire's own, and that to the slice as it was scanned.
TEST(SliceThickness, TooFlatAWireIsNoRamp) {
  const Scan scan = wire_scan(1, 1, true, 0.5);
  for (const auto& [nominal, tilt] : {std::pair{1.5, -4.0}, {6.0, 5.0}}) {
    Region region = moved(
        with(box("w/a", "wire_ramp", {0, 0, 0}, {44, 9, 18}), "slice_thickness_ramp", {{"ramp_angle_deg", nominal}}),
        rotation_from_degrees(0, tilt, 0), {});
    const Results r = measured(scan, {region});
    ASSERT_FALSE(r.not_measured.empty()) << nominal;
    EXPECT_NE(r.not_measured.front().reason.find("2 to 80 degrees"), std::string::npos)
        << nominal << r.not_measured.front().reason;
  }
}

TEST(SliceThickness, NoWireIsNoNumber) {
  const Scan scan = painted({96, 48, 9}, {0.5, 0.5, 2}, [](Vec3) { return 50.0; });
  const Results r = measured(scan, {ramp()});
  EXPECT_TRUE(r.measurements.empty());
  ASSERT_EQ(r.not_measured.size(), 1u);
}

Region bead_region() { return with(disc("b", "bead", {0.2, -0.3, 0.1}, 8, 8), "ssp", {{"diameter_mm", 0.28}}); }

// A straight line between samples h apart misses a curve f by up to h^2/8 f'', which moves a crossing by that over f'.
// For a Gaussian of SD s: at half 0.33/s h^2/8 on each side, 0.9 % of the width at h = s/2; at a tenth 1.68/s: 2.5 %.
TEST(SliceProfile, ABeadGivesWidthAtHalfAndAtATenth) {
  for (const double sigma : {1.0, 1.7}) {
    const Scan scan = painted({64, 64, 41}, {0.5, 0.5, 0.5}, [&](Vec3 p) {
      const double x = p.x - 0.2, y = p.y + 0.3, z = p.z - 0.1;
      return 20 + 500 * std::exp(-(x * x + y * y) / (2 * 0.36)) * std::exp(-z * z / (2 * sigma * sigma));
    });
    const Results r = measured(scan, {bead_region()});
    EXPECT_NEAR(value_of(r, "ssp_fwhm_mm") / (fwhm_of_sigma * sigma), 1, 0.01) << sigma;
    EXPECT_NEAR(value_of(r, "ssp_fwtm_mm") / (fwtm_of_sigma * sigma), 1, 0.025) << sigma;
  }
}

TEST(SliceProfile, SlicesTooFarApartAreRefused) {
  const Scan scan = painted({64, 64, 9}, {0.5, 0.5, 3}, [&](Vec3 p) {
    return 20 + 500 * std::exp(-(p.x * p.x + p.y * p.y) / 0.72 - p.z * p.z / 2);
  });
  const Results r = measured(scan, {bead_region()});
  EXPECT_EQ(r.find("ssp_fwhm_mm"), nullptr);
}

}  // namespace
}  // namespace iqgate::measure
