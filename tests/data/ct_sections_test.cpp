// Parts of CT phantoms on real and openly simulated scans.
#include "iqgate/pipeline/job.hpp"
#include "iqgate/read/find_scans.hpp"
#include "support/support.hpp"

namespace iqgate::measure {
namespace {

using test::value_of;

report::Document run(const std::string& set, const std::string& phantom) {
  pipeline::Request request;
  request.paths = {test::data_folder() + "/" + set};
  request.phantom = phantom;
  request.settings.bootstrap_draws = 100;
  return pipeline::run_job(request, read::find_scans(request.paths));
}

// A section of 260 mm; what lies outside the reconstructed circle is stored as -8192 and is no air. actilib's values:
// diameter 260 +- 3 mm, centre (258, 256) +- 1 pixel, noise 10.2 +- 0.2 HU (about its own place, next to ours).
TEST(MercurySection, IsFoundInsideItsPadding) {
  IQGATE_NEED_DATA("actilib/ct_mercury_nps_naeotom");
  const report::Document d = run("actilib/ct_mercury_nps_naeotom", "mercury_4");
  ASSERT_TRUE(d.placement.has_value());
  EXPECT_NEAR(2 * *d.placement->radius_mm, 260, 3);
  const Vec3 centre = d.scans.front().grid.to_index(d.placement->translation_mm);
  EXPECT_NEAR(centre.x, 258, 1);
  EXPECT_NEAR(centre.y, 256, 1);
  EXPECT_NEAR(value_of(d.results, "roi_mean", "center", "uniform/noise/left"), -63.8, 4);
  // 10.2 at the peer's one box, which lies to the left, and 0.62 from box to box by its own count.
  EXPECT_NEAR(value_of(d.results, "noise_from_nps_hu", "2d_poly2", "uniform/nps/left"), 10.2, 0.62);
}

// A uniform section fits several phantoms by its body alone: no guess.
TEST(MercurySection, IsNotGuessed) {
  IQGATE_NEED_DATA("actilib/ct_mercury_nps_naeotom");
  EXPECT_EQ(test::refusal([] { run("actilib/ct_mercury_nps_naeotom", "auto"); }), "phantom_ambiguous");
}

// MITA rods in ten images with and ten without signal, at 100 % and 10 % dose: noise of a tenth of the dose is sqrt(10)
// higher, so d' lower by that. Summed over the rods (contrast times diameter is alike) the ratio of d'^2 is 10, known
// here to about a factor of 3: ten images leave an interval of a third of d' and more on each.
TEST(MitaLowContrast, TheObserverSeesLessAtATenthOfTheDose) {
  IQGATE_NEED_DATA("lcd_ct/ct_mita_lcd_fbp");
  double d2[2] = {0, 0};
  int dose_index = 0;
  for (const char* dose : {"dose_100", "dose_010"}) {
    const std::string folder = test::data_folder() + "/lcd_ct/ct_mita_lcd_fbp/" + dose;
    pipeline::Request request;
    request.paths = {folder};
    request.phantom = "mita_low_contrast";
    request.metrics = {"cho"};
    request.spacing_mm = Vec3{0.645, 0.645, 1};
    request.roles = {{"signal_present", folder + "/signal_present"}, {"signal_absent", folder + "/signal_absent"}};
    const pipeline::Choice choice = pipeline::choose_scans(request);
    ASSERT_EQ(choice.groups.size(), 1u);
    const report::Document d = pipeline::run_job(request, choice.groups.front());
    EXPECT_NEAR(2 * *d.placement->radius_mm, 150, 2);
    EXPECT_NE(std::find(d.placement->flags.begin(), d.placement->flags.end(), "turn_assumed"),
              d.placement->flags.end());
    for (const char* rod : {"rods/d03", "rods/d05", "rods/d07", "rods/d10"})
      d2[dose_index] += std::pow(value_of(d.results, "dprime_cho", "unbiased", rod), 2);
    ++dose_index;
  }
  EXPECT_GT(d2[0], 2 * d2[1]);
  EXPECT_GT(d2[0], 4);
}

}  // namespace
}  // namespace iqgate::measure
