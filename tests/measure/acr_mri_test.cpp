// The metrics of the ACR MRI phantom against what it was drawn with.
#include "support/acr_mri.hpp"
#include "iqgate/phantom/closed_form.hpp"

namespace iqgate::measure {
namespace {

// At the true pose: what the metrics make of the image, whatever the localiser.
Results measured(const test::AcrRendered& rendered, const phantom::Model& model, std::vector<std::string> metrics) {
  const std::vector<Scan> scans{rendered.scan};
  Job job = test::make_job(scans, phantom::place_features(model, rendered.job.pose, "MR"));
  job.placement = rendered.job.pose;
  job.placement.radius_mm = 95;
  return measure_all(job, metrics);
}

TEST(AcrMri, SliceThicknessIsThatOfTheProfileForAnyPlaceAndTilt) {
  const phantom::Model model = test::shipped("acr_mri_large");
  struct Case {
    double thickness, z, yaw;
  };
  for (const Case& c :
       {Case{5, 0, 0}, Case{5, 1.2, 0}, Case{5, -1.7, 0}, Case{4, 0.4, 0}, Case{6, 0, 0}, Case{5, 0, 1}}) {
    const auto scan = test::acr_scan(model, {.z_mm = c.z, .yaw_deg = c.yaw, .thickness_mm = c.thickness, .slices = 1});
    const Results r = measured(scan, model, {"ramps"});
    // Half levels of a box profile lie at its ends whatever the blur of PSF and slot. Tolerance of the definition:
    // 0.05 mm, 1 % of the thickness, of which half a thin slice of the rendering (T / 20) on a ramp takes 0.01.
    EXPECT_NEAR(test::value_of(r, "slice_thickness_mm", "exact"), c.thickness, 0.05) << c.z << " " << c.yaw;
    EXPECT_NEAR(test::value_of(r, "slice_offset_mm", "ramps"), c.z, 0.1);
    // A tilt of 1 degree about the ramps' axis lengthens one bar and shortens the other by a factor of (1 +- 10 tan 1
    // degree); the ACR's formula then reads 4.9985, equal lengths' mean 5.16.
    const double a = test::value_of(r, "ramp_length_mm", "upper"), b = test::value_of(r, "ramp_length_mm", "lower");
    if (c.yaw != 0) {
      EXPECT_NEAR(std::max(a, b) / std::min(a, b), 60.68 / 42.50, 0.03);
      EXPECT_NEAR(test::value_of(r, "slice_thickness_mm", "acr"), 4.9985, 0.05);
    } else {
      EXPECT_NEAR(test::value_of(r, "slice_thickness_mm", "acr"), c.thickness, 0.05);
    }
  }
}

TEST(AcrMriSlow, WedgesShowTwiceTheShiftOfTheSlice) {
  for (const char* name : {"acr_mri_large", "acr_mri_large_plate"}) {
    const phantom::Model model = test::shipped(name);
    for (const double z : {0.0, 1.3, -2.1, 3.0}) {
      const auto scan = test::acr_scan(model, {.z_mm = z, .slices = 11});
      const Results r = measured(scan, model, {"wedges"});
      for (const char* where : {"slice_1/wedges", "slice_11/wedges"}) {
        EXPECT_NEAR(test::value_of(r, "bar_difference_mm", "", where), 2 * z, 0.1) << where;
        EXPECT_NEAR(test::value_of(r, "slice_position_error_mm", "", where), z, 0.05) << where;
      }
    }
  }
}

TEST(AcrMriSlow, DiametersAreThoseOfTheBodyInShadingAndTilt) {
  const phantom::Model model = test::shipped("acr_mri_large_plate");
  for (const double shading : {0.0, -0.3, 0.25})
    for (const double roll : {0.0, 9.0}) {
      const auto scan = test::acr_scan(model, {.x_mm = 3.3, .y_mm = -1.7, .roll_deg = roll, .shading = shading});
      const Results r = measured(scan, model, {"diameters"});
      for (const char* where : {"slice_1/diameters", "slice_5/diameters"})
        for (const char* which : {"diameter_h_mm", "diameter_v_mm", "diameter_mean_mm"})
          // A tenth of a pixel: linear interpolation across an edge of 0.6 mm blur.
          EXPECT_NEAR(test::value_of(r, which, "", where), 190, 0.15) << where << " " << shading << " " << roll;
      for (const char* which : {"diameter_d45_mm", "diameter_d135_mm"})
        EXPECT_NEAR(test::value_of(r, which, "", "slice_5/diameters"), 190, 0.2);
      EXPECT_LT(test::value_of(r, "gd_max_pct", "", "slice_1/diameters"), 0.15);
    }
}

TEST(AcrMriSlow, GhostsAreReadAndPlainNoiseCancels) {
  const phantom::Model model = test::shipped("acr_mri_large");
  for (const double ghost : {0.0, 0.01, 0.03}) {
    const auto still = test::acr_scan(model, {.field_mm = 256, .noise = 0.1, .ghost = ghost});
    const Results r = measured(still, model, {"ghosting"});
    // Both air regions above and below lie whole in the shifted copy: top = bottom = ghost x signal.
    EXPECT_NEAR(test::value_of(r, "psg_pct"), 100 * ghost, 0.02 + 0.02 * 100 * ghost) << ghost;
    EXPECT_NEAR(test::value_of(r, "ghost_aapm_pct"), 100 * ghost, 0.02 + 0.02 * 100 * ghost);
  }
  const auto noisy = test::acr_scan(model, {.field_mm = 256, .noise = 10});
  const Results r = measured(noisy, model, {"ghosting"});
  const Measurement* m = r.find("psg_pct");
  ASSERT_TRUE(m && m->se);
  EXPECT_LT(m->value, 3.5 * *m->se);
}

TEST(AcrMri, AirRegionsMoveIntoTheGapOrAreRefused) {
  const phantom::Model model = test::shipped("acr_mri_large");
  const auto near = test::acr_scan(model, {.y_mm = 9, .field_mm = 250, .noise = 0.1, .ghost = 0.02});
  const Results moved = measured(near, model, {"ghosting"});
  EXPECT_NEAR(test::value_of(moved, "psg_pct"), 2, 0.1);
  const auto found = std::find_if(moved.regions.begin(), moved.regions.end(),
                                  [](const Region& r) { return r.name == "slice_7/ghost/bottom"; });
  ASSERT_NE(found, moved.regions.end());
  EXPECT_LT(found->center_mm.y + 0.5 * found->size_mm.y, 125) << "as measured, inside the image";
  // Wherever the phantom lies: clear of the body (not of the signal's region, whose middle lies 5 mm
  // below the body's) and of the border of the image by 2 mm, as far as the body is known.
  for (const auto& [x, y] : {std::pair{-7.0, 4.0}, {0.0, -9.0}}) {
    const auto scan = test::acr_scan(model, {.x_mm = x, .y_mm = y, .field_mm = 250, .noise = 0.1});
    const Results r = measured(scan, model, {"ghosting"});
    const auto region = [&](const std::string& name) {
      return *std::find_if(r.regions.begin(), r.regions.end(),
                           [&](const Region& q) { return q.name == "slice_7/ghost/" + name; });
    };
    const Vec3 centre{x, y, 0};
    for (const auto& [side, axis, sign] :
         {std::tuple{"top", 1, -1}, {"bottom", 1, 1}, {"left", 0, -1}, {"right", 0, 1}}) {
      const Region air = region(side);
      const double from = sign * (air.center_mm[axis] - centre[axis]), border = 125 - sign * centre[axis],
                   half = air.size_mm[axis] / 2;
      EXPECT_GE(from - half, 95 + 2 - 0.6) << side << x << ' ' << y;
      EXPECT_LE(from + half, border - 2 + 0.6) << side << x << ' ' << y;
      EXPECT_GE(2 * half, 8) << side;
    }
  }
  const auto tight = test::acr_scan(model, {.field_mm = 205});
  const Results refused = measured(tight, model, {"ghosting"});
  EXPECT_EQ(refused.find("psg_pct"), nullptr);
  EXPECT_NE(refused.not_measured.front().reason.find("no air"), std::string::npos);
}

TEST(AcrMri, MaskedAirGivesNoGhosting) {
  const phantom::Model model = test::shipped("acr_mri_large");
  const auto masked = test::acr_scan(model, {.field_mm = 256});  // no noise: the air is exactly 0
  const Results r = measured(masked, model, {"ghosting"});
  EXPECT_EQ(r.find("psg_pct"), nullptr);
  EXPECT_NE(r.not_measured.front().reason.find("exactly 0"), std::string::npos);
}

// The scatter of the thickness over noisy scans is what its standard error says, by a factor of 1.6 either way (12
// scans: an SD is known to 20 %).
TEST(AcrMriSlow, ThicknessScattersAsItsStandardErrorSays) {
  const phantom::Model model = test::shipped("acr_mri_large");
  std::vector<double> values;
  double se = 0;
  for (std::uint64_t seed = 1; seed <= 12; ++seed) {
    const auto scan =
        test::acr_scan(model, {.x_mm = 0.3 * double(seed), .thickness_mm = 3, .noise = 20, .slices = 1, .seed = seed});
    const Results r = measured(scan, model, {"ramps"});
    const Measurement* m = r.find("slice_thickness_mm", "acr");
    ASSERT_TRUE(m && m->se);
    values.push_back(m->value);
    se += *m->se / 12;
  }
  double mean = 0, square = 0;
  for (const double v : values) mean += v / 12;
  for (const double v : values) square += (v - mean) * (v - mean) / 11;
  EXPECT_LT(std::sqrt(square), 1.6 * se);
  EXPECT_GT(std::sqrt(square), se / 1.6);
}

TEST(AcrMri, LengthOfALocaliserInShading) {
  const phantom::Model model = test::shipped("acr_mri_localiser");
  for (const double gradient : {0.0, 0.006}) {
    for (const double turn : {0.0, 2.0}) {
      compute::RenderJob job;
      job.grid = test::centred_grid({256, 256, 1}, {0.98, 0.98, 20});
      job.quantity = "mr_signal";
      job.psf_sigma_mm = {0.6, 0.6, 0.6};
      job.shading.gradient_per_mm = {0, gradient, 0};
      job.pose.translation_mm = {5, -9.3, 0};
      job.pose.rotation = rotation_from_degrees(0, 0, turn);
      const std::vector<Scan> scans{
          {.id = "l", .modality = "MR", .value_unit = "1", .volume = compute::render(model, job)}};
      const Results r = measure_all(test::make_job(scans, phantom::place_features(model, {}, "MR")), {"end_to_end"});
      // Along the image, not the phantom: a turn lengthens it by 1 / cos.
      EXPECT_NEAR(test::value_of(r, "length_ss_mm"), 148 / std::cos(turn * M_PI / 180), 0.15)
          << gradient << " " << turn;
    }
  }
}

TEST(AcrMriSlow, HoleModulationFollowsTheBlur) {
  const phantom::Model model = test::shipped("acr_mri_large");
  for (const double sigma : {0.3, 0.45, 0.6}) {
    // Pixels of 0.24 mm: what is sampled is the image itself.
    const auto scan = test::acr_scan(model, {.matrix = 1024, .psf_mm = sigma, .slices = 1});
    const Results r = measured(scan, model, {"hole_arrays"});
    for (const auto& [name, d] : {std::pair{"1_1", 1.1}, {"1_0", 1.0}, {"0_9", 0.9}})
      for (const char* which : {"ul", "lr"}) {
        const std::string where = std::string("slice_1/holes_") + name + "_" + which;
        // The blurred array summed in closed form: a disc under a Gaussian, its value at any distance.
        const phantom::DiscTable disc(d / 2, sigma);
        const auto at = [&, d = d](double u, int line) {
          double sum = 0;
          for (int j = 0; j < 4; ++j)
            for (int k = 0; k < 4; ++k)
              sum += disc(std::hypot(u - ((k - 1.5) * 2 * d + 0.2 * (j - line)), (j - line) * 2 * d));
          return sum;
        };
        double modulation = 0;
        for (int line = 0; line < 4; ++line) {
          double peaks = 0, valleys = 0;
          for (int k = 0; k < 4; ++k) peaks += at((k - 1.5) * 2 * d, line) / 4;
          for (int k = 0; k < 3; ++k) valleys += at((k - 1.0) * 2 * d, line) / 3;
          modulation += (peaks - valleys) / (peaks + valleys) / 4;
        }
        // The other array of the pair shares its corner hole and adds a little; the fit of the place adds its step.
        EXPECT_NEAR(test::value_of(r, "hole_modulation", "", where), modulation, 0.02) << where << " " << sigma;
      }
    const double finest = test::value_of(r, "hc_resolution_ul_mm");
    if (sigma < 0.4) EXPECT_EQ(finest, 0.9);
  }
  const auto coarse = test::acr_scan(model, {.matrix = 1024, .psf_mm = 1.2, .slices = 1});
  const Results r = measured(coarse, model, {"hole_arrays"});
  EXPECT_EQ(r.find("hc_resolution_ul_mm"), nullptr) << "nothing can be resolved at this blur";
}

TEST(AcrMriSlow, SpokesGiveContrastAndCount) {
  const phantom::Model model = test::shipped("acr_mri_large");
  const double nominal[] = {1.4, 2.5, 3.6, 5.1};
  const auto quiet = test::acr_scan(model, {.x_mm = 2.2, .y_mm = 1.1, .roll_deg = 4, .noise = 2});
  const Results r = measured(quiet, model, {"spokes"});
  for (int k = 0; k < 4; ++k) {
    const std::string where = "slice_" + std::to_string(8 + k) + "/discs";
    const Measurement* m = r.find("lcod_contrast_pct", "", where);
    ASSERT_NE(m, nullptr) << where;
    // The mean signal over which it is taken holds the discs too: 30 of them cover 8 % of the insert.
    EXPECT_NEAR(m->value, nominal[k], 0.05 * nominal[k] + 3 * *m->se) << where;
  }
  EXPECT_GE(test::value_of(r, "lcod_spokes", "", "slice_11/discs"), 9);
  // Noise of 6 %: even the largest discs of slice 8 (contrast 1.4 %, 40 pixels: t = 1.5) are lost.
  const auto loud = test::acr_scan(model, {.noise = 60});
  EXPECT_EQ(test::value_of(measured(loud, model, {"spokes"}), "lcod_spokes", "", "slice_8/discs"), 0);
}

// A ring and nothing in it: how often is a disc found? At most 1.25 % of slices, over white and smooth noise.
double false_alarms(int scans, bool smooth) {
  const phantom::Model model = test::shipped("acr_mri_large");
  const Region where = [&] {
    Region r = test::disc("slice_8/discs", "spokes", {0, 0, 0}, 44.5);
    r.nominal = {{"first_angle_deg", -90}, {"contrast_pct", 1.4}};
    return r;
  }();
  int alarms = 0;
  for (int k = 0; k < scans; ++k) {
    compute::RenderJob job;
    job.grid = test::centred_grid({128, 128, 1}, {1, 1, 10});
    job.noise = {.kind = smooth ? compute::NoiseKind::gaussian : compute::NoiseKind::white,
                 .sd = smooth ? 40.0 : 20.0,
                 .tau_mm = 0.6,
                 .seed = std::uint64_t(k) + 77};
    phantom::Model ring = test::one_shape({.kind = phantom::ShapeKind::cylinder, .radius_mm = 44.5}, 1000, 0);
    Scan scan{.id = "r", .modality = "MR", .value_unit = "1", .volume = compute::render(ring, [&] {
                                                                job.quantity = "ct_number_hu";
                                                                job.psf_sigma_mm = {0.6, 0.6, 0.6};
                                                                return job;
                                                              }())};
    const std::vector<Scan> scans_of_one{scan};
    const Results r = measure_all(test::make_job(scans_of_one, {where}), {"spokes"});
    bool any = false;
    // Any disc found at all stands as a spoke with a disc: told by the smallest p, which lcod_discs counts.
    for (const Measurement& m : r.measurements)
      if (m.name == "lcod_discs_found") any = m.value > 0;
    alarms += any;
  }
  return double(alarms) / scans;
}

// 1.25 % are stated: of 100 slices 6 or more would come once in 500 times, of 400 slices 12 or more once in 400.
TEST(AcrMriSlow, EmptySheetsRaiseNoMoreFalseAlarmsThanStated) {
  EXPECT_LT(false_alarms(100, false), 6 / 100.0);
  EXPECT_LT(false_alarms(100, true), 6 / 100.0);
}

TEST(AcrMriLong, EmptySheetsRaiseNoMoreFalseAlarmsThanStated) {
  EXPECT_LT(false_alarms(400, false), 12 / 400.0);
  EXPECT_LT(false_alarms(400, true), 12 / 400.0);
}

}  // namespace
}  // namespace iqgate::measure
