// Whole CT phantoms, located and measured as a user would: every truth that the phantom's own file tells.
#include "iqgate/locate/registration.hpp"
#include "iqgate/pipeline/truth.hpp"
#include "support/support.hpp"

namespace iqgate::pipeline {
namespace {

struct Whole {
  phantom::Model model;
  compute::RenderJob job;
  std::vector<Scan> scans;
  Placement placement;
  Results results;
};

Whole measured(const std::string& name, Vec3 turn_deg, Vec3 psf_mm, Vec3 spacing_mm, Size3 size, double noise) {
  Whole w{.model = test::shipped(name)};
  w.job.grid = test::centred_grid(size, spacing_mm);
  w.job.psf_sigma_mm = psf_mm;
  w.job.pose.rotation = rotation_from_degrees(turn_deg.x, turn_deg.y, turn_deg.z);
  w.job.pose.translation_mm = Vec3{1.17, -0.83, 0.4} - w.job.pose.rotation * w.model.shapes.front().center_mm;
  w.job.noise = {.kind = compute::NoiseKind::white, .sd = noise, .seed = 17};
  w.scans = {test::ct_scan(w.model, w.job)};
  w.placement = locate::locate_phantom(w.scans.front(), w.model);
  measure::Job job = test::make_job(w.scans, phantom::place_features(w.model, w.placement, "CT"));
  job.placement = w.placement;
  job.settings.bootstrap_draws = 60;
  w.results = measure_all(job, {});
  return w;
}

// Within the definition's own tolerance and 4 standard errors of the noise; 0.3 HU where the truth is about 0.
void expect_truths(const Whole& w, std::size_t least) {
  std::size_t checked = 0;
  for (const Truth& t : truths(w.model, w.job, "CT")) {
    const Measurement* m = w.results.find(t.name, t.variant, t.where);
    if (!m) {
      std::string reason;
      for (const NotMeasured& n : w.results.not_measured)
        if (n.where == t.where) reason = n.reason;
      ADD_FAILURE() << w.model.name << " " << t.name << " [" << t.variant << "] " << t.where
                    << " is missing: " << reason;
      continue;
    }
    const double allowed = t.tolerance * std::abs(t.value) + 4 * m->se.value_or(0) + (t.unit == "HU" ? 0.3 : 0);
    EXPECT_NEAR(m->value, t.value, allowed) << w.model.name << " " << t.name << " [" << t.variant << "] " << t.where;
    ++checked;
  }
  EXPECT_GE(checked, least) << w.model.name;
}

TEST(WholePhantom, UprightCatphan) {
  const Whole w = measured("catphan_504", {0, 0, 12}, {0.6, 0.6, 1}, {0.7, 0.7, 2}, {320, 320, 84}, 5);
  expect_truths(w, 45);
  // One blur, three objects: bead 1 %, rim 1 % and its curvature, bars 3 %.
  const double bars = test::value_of(w.results, "mtf50_per_mm", "fundamental", "ctp528");
  EXPECT_NEAR(test::value_of(w.results, "ttf50_per_mm", "tukey", "ctp404/rim/teflon") / bars, 1, 0.05);
}

// Nothing of the tilt is left in CT numbers, distances and slice thickness once it is known.
TEST(WholePhantomSlow, TiltedCatphan) {
  const Whole w = measured("catphan_600", {4, -3, -100}, {0.7, 0.7, 0.7}, {0.8, 0.8, 2}, {300, 300, 112}, 5);
  expect_truths(w, 35);
  const double t = std::tan(23 * M_PI / 180);
  EXPECT_NEAR(test::value_of(w.results, "slice_thickness_mm", "ramp_wires", "ctp404/wires"),
              2.354820 * std::hypot(0.7, 0.7 * t), 0.05);
}

TEST(WholePhantomSlow, Acr) {
  const Whole w = measured("acr_ct_464", {0, 2, 33}, {0.6, 0.6, 0.6}, {0.75, 0.75, 1}, {300, 300, 176}, 5);
  expect_truths(w, 12);
  // Noise of 5 HU and rods of 6 HU: contrast to noise 1.2.
  const Measurement* cnr = w.results.find("cnr", "background", "module_2/cnr");
  ASSERT_NE(cnr, nullptr);
  EXPECT_NEAR(cnr->value, 1.2, 4 * *cnr->se);
  EXPECT_NEAR(test::value_of(w.results, "uniformity_hu", "", "module_3/uniformity"), 0, 0.5);
}

// Half of the phantom in the scan: what was scanned is measured, the rest says that it was not scanned.
TEST(WholePhantom, PartsThatWereNotScannedSaySo) {
  const phantom::Model model = test::shipped("catphan_504");
  compute::RenderJob job;
  job.grid = test::centred_grid({240, 240, 36}, {0.95, 0.95, 2});
  job.psf_sigma_mm = {0.7, 0.7, 0.7};
  job.pose.translation_mm = {0, 0, -8};  // from -28 to 44 mm of the phantom
  job.noise = {.kind = compute::NoiseKind::white, .sd = 5, .seed = 3};
  const std::vector<Scan> scans{test::ct_scan(model, job)};
  const Placement placement = locate::locate_phantom(scans.front(), model);
  measure::Job measuring = test::make_job(scans, phantom::place_features(model, placement, "CT"));
  measuring.placement = placement;
  measuring.settings.bootstrap_draws = 60;
  const Results r = measure_all(measuring, {});
  EXPECT_NEAR(test::value_of(r, "ct_number_hu", "", "ctp404/teflon"), 1000, 2);
  EXPECT_EQ(r.find("uniformity_hu"), nullptr);
  const auto said = std::find_if(r.not_measured.begin(), r.not_measured.end(), [](const NotMeasured& n) {
    return n.where.rfind("ctp486", 0) == 0 && n.reason.find("not scanned") != std::string::npos;
  });
  EXPECT_NE(said, r.not_measured.end());
}

}  // namespace
}  // namespace iqgate::pipeline
