// ACR MRI phantoms of eighteen scans of three vendors: found without help, slices assigned by content, published
// values of hazen 2.0.0 (its own test suite) met or their difference explained.
#include <map>

#include "iqgate/pipeline/job.hpp"
#include "iqgate/read/find_scans.hpp"
#include "support/support.hpp"

namespace iqgate::measure {
namespace {

using test::value_of;

report::Document document_of(const std::string& set) {
  static std::map<std::string, report::Document> done;
  if (const auto found = done.find(set); found != done.end()) return found->second;
  pipeline::Request request;
  request.paths = {test::data_folder() + "/" + set};
  request.phantom = "auto";
  for (const read::ScanHeader& h : read::find_scans(request.paths))
    if (h.usable && h.is_scan) return done[set] = pipeline::run_job(request, {h});
  throw std::runtime_error("no scan in " + set);
}

struct Found {
  const char* set;
  const char* phantom;  // by eye: a grid of squares in slice 5, or a plate with nine holes
  double roll_deg;      // of the long bar's edges, by hand
};
const Found sets[] = {{"hazen/acr_ge_artist_1.5t_t1", "acr_mri_large_plate", -0.57},
                      {"hazen/acr_ge_signa_1.5t_t1", "acr_mri_large_plate", -0.06},
                      {"hazen/acr_ge_signa_artist_1.5t_t1", "acr_mri_large_plate", -0.06},
                      {"hazen/acr_ge_signa_artist_1.5t_t2", "acr_mri_large_plate", -0.06},
                      {"hazen/acr_ge_signa_hdxt_1.5t_512", "acr_mri_large", -0.21},
                      {"hazen/acr_philips_achieva_1.5t", "acr_mri_large", -0.19},
                      {"hazen/acr_philips_achieva_3t", "acr_mri_large", 0.57},
                      {"hazen/acr_philips_dstream_3t_a", "acr_mri_large", 0.42},
                      {"hazen/acr_philips_dstream_3t_b", "acr_mri_large", 0.65},
                      {"hazen/acr_siemens_aera_1.5t_t1", "acr_mri_large_plate", 0.08},
                      {"hazen/acr_siemens_aera_1.5t_t2", "acr_mri_large_plate", 0.08},
                      {"hazen/acr_siemens_skyra_3t", "acr_mri_large", -1.03},
                      {"hazen/acr_siemens_skyra_3t_repeat", "acr_mri_large", -1.03},
                      {"hazen/acr_siemens_skyra_3t_t2", "acr_mri_large", -0.02},
                      {"hazen/acr_siemens_sola_1.5t_mtf", "acr_mri_large_plate", 9.45},
                      {"hazen/acr_siemens_sola_1.5t_t1_enhanced", "acr_mri_large_plate", -1.53},
                      {"hazen/acr_siemens_solafit_1.5t_b", "acr_mri_large", -0.19},
                      {"linaqa/mr_acr_ge_mr750w_3t_a", "acr_mri_large", -0.9}};

TEST(AcrMriScansSlow, EveryPhantomIsFoundWithItsBuildTurnAndSlices) {
  IQGATE_NEED_DATA("hazen/acr_siemens_skyra_3t");
  for (const Found& expected : sets) {
    const report::Document d = document_of(expected.set);
    EXPECT_EQ(d.phantom_name, expected.phantom) << expected.set;
    const Placement& p = *d.placement;
    EXPECT_NEAR(degrees_from_rotation(p.rotation).z, expected.roll_deg, 0.2) << expected.set;
    // In all of them slice 1 is the lowest along the normal: the phantom's origin lies at slice 0, to half a gap.
    EXPECT_NEAR(d.scans.front().grid.to_index(p.translation_mm).z, 0, 0.5) << expected.set;
    EXPECT_FALSE(p.mirrored);
  }
}

struct Row {
  const char* set;
  const char* name;
  const char* where;
  double peer, tolerance;
};

void expect_rows(const std::vector<Row>& rows) {
  for (const Row& row : rows)
    EXPECT_NEAR(value_of(document_of(std::string("hazen/") + row.set).results, row.name, "", row.where), row.peer,
                row.tolerance)
        << row.set << " " << row.name << " " << row.where;
}

// The peer counts whole pixels between two edges: each end is right to half a pixel, 0.98 mm for both; 1.1 with the
// rounding of its phantom centre. On diagonals it counts in an image turned by 45 degrees: two pixels.
TEST(AcrMriScansSlow, Diameters) {
  IQGATE_NEED_DATA("hazen/acr_siemens_skyra_3t");
  const char *h = "diameter_h_mm", *v = "diameter_v_mm", *d = "diameter_d45_mm", *e = "diameter_d135_mm";
  const char *one = "slice_1/diameters", *five = "slice_5/diameters";
  expect_rows({{"acr_siemens_skyra_3t", h, one, 191.41, 1.1},
               {"acr_siemens_skyra_3t", h, five, 191.41, 1.1},
               {"acr_siemens_skyra_3t", d, five, 191.41, 2},
               {"acr_siemens_skyra_3t", e, five, 191.41, 2},
               {"acr_siemens_aera_1.5t_t1", h, one, 189.45, 1.1},
               {"acr_siemens_aera_1.5t_t1", v, one, 190.43, 1.1},
               {"acr_siemens_aera_1.5t_t1", h, five, 190.43, 1.1},
               {"acr_siemens_aera_1.5t_t1", v, five, 191.41, 1.1},
               {"acr_siemens_aera_1.5t_t1", d, five, 189.45, 2},
               {"acr_siemens_aera_1.5t_t1", e, five, 189.45, 2},
               {"acr_siemens_aera_1.5t_t2", h, one, 189.45, 1.1},
               {"acr_siemens_aera_1.5t_t2", v, five, 191.41, 1.1},
               {"acr_siemens_skyra_3t_t2", h, one, 192.38, 1.1},
               {"acr_siemens_skyra_3t_t2", v, one, 192.38, 1.1},
               {"acr_siemens_skyra_3t_t2", h, five, 191.41, 1.1},
               {"acr_siemens_skyra_3t_t2", v, five, 191.41, 1.1},
               {"acr_siemens_sola_1.5t_t1_enhanced", h, one, 190.43, 1.1},
               {"acr_siemens_sola_1.5t_t1_enhanced", v, one, 189.45, 1.1},
               {"acr_siemens_sola_1.5t_t1_enhanced", h, five, 189.45, 1.1},
               {"acr_siemens_sola_1.5t_t1_enhanced", v, five, 190.43, 1.1},
               {"acr_siemens_sola_1.5t_t1_enhanced", d, five, 191.41, 2},
               {"acr_siemens_sola_1.5t_t1_enhanced", e, five, 189.45, 2},
               {"acr_ge_signa_hdxt_1.5t_512", h, one, 190.93, 0.6},
               {"acr_ge_signa_hdxt_1.5t_512", h, five, 190.42, 0.6},
               {"acr_ge_signa_hdxt_1.5t_512", d, five, 190.43, 1.4},
               {"acr_ge_signa_hdxt_1.5t_512", e, five, 189.41, 1.4},
               {"acr_ge_artist_1.5t_t1", h, one, 190.44, 1.1},
               {"acr_ge_artist_1.5t_t1", v, one, 190.44, 1.1},
               {"acr_ge_artist_1.5t_t1", h, five, 190.44, 1.1},
               {"acr_ge_artist_1.5t_t1", v, five, 190.44, 1.1},
               {"acr_ge_artist_1.5t_t1", d, five, 189.46, 2},
               {"acr_ge_artist_1.5t_t1", e, five, 191.41, 2},
               {"acr_philips_achieva_3t", h, one, 190.43, 1.1},
               {"acr_philips_achieva_3t", v, one, 189.45, 1.1},
               {"acr_philips_achieva_3t", h, five, 190.43, 1.1},
               {"acr_philips_achieva_3t", v, five, 189.45, 1.1},
               {"acr_philips_achieva_3t", d, five, 189.45, 2},
               {"acr_philips_achieva_3t", e, five, 189.45, 2}});
  // An air bubble fills the top of these two: the peer measures to its surface (187.5, 188.9 and 189.41 mm), which is
  // no wall of the phantom. Not measured here, and said so.
  for (const char* set : {"acr_siemens_skyra_3t", "acr_ge_signa_hdxt_1.5t_512"})
    for (const char* where : {one, five})
      EXPECT_EQ(document_of(std::string("hazen/") + set).results.find(v, "", where), nullptr) << set << where;
}

// The peer finds the ends of the bars by whole pixels of a smoothed profile: half a pixel at each, 0.98 mm.
TEST(AcrMriScansSlow, SlicePositions) {
  IQGATE_NEED_DATA("hazen/acr_siemens_skyra_3t");
  const char *name = "bar_difference_mm", *one = "slice_1/wedges", *last = "slice_11/wedges";
  expect_rows({{"acr_siemens_skyra_3t", name, one, -0.59, 0.98},
               {"acr_siemens_skyra_3t", name, last, -1.56, 0.98},
               {"acr_ge_signa_hdxt_1.5t_512", name, one, 0.51, 0.98},
               {"acr_philips_achieva_3t", name, one, 1.37, 0.98},
               {"acr_philips_achieva_3t", name, last, -3.12, 0.98},
               {"acr_philips_dstream_3t_a", name, one, 2.15, 0.98},
               {"acr_philips_dstream_3t_a", name, last, -2.15, 0.98},
               {"acr_philips_dstream_3t_b", name, one, 3.12, 0.98},
               {"acr_philips_dstream_3t_b", name, last, -0.78, 0.98},
               {"acr_siemens_solafit_1.5t_b", name, one, -1.17, 0.98},
               {"acr_siemens_solafit_1.5t_b", name, last, -2.54, 0.98}});
  // The peer says 4.47 for slice 11 of this ghosted scan. By eye both bars end within a pixel of each other there
  // (tips 62.9 and 62.5 mm from the middle), which is what is measured here.
  EXPECT_NEAR(value_of(document_of("hazen/acr_ge_signa_hdxt_1.5t_512").results, name, "", last), 0.33, 0.5);
}

// The peer takes, of seven lines through each ramp, the one whose thickness is nearest to what the header says, and as
// half level that between the least and the largest value of a line, which noise raises: lengths differ by a few mm.
TEST(AcrMriScansSlow, SliceThickness) {
  IQGATE_NEED_DATA("hazen/acr_siemens_skyra_3t");
  for (const auto& [set, peer] : {std::pair{"acr_philips_achieva_3t", 5.36},
                                  {"acr_philips_achieva_1.5t", 5.05},
                                  {"acr_philips_dstream_3t_a", 5.12},
                                  {"acr_philips_dstream_3t_b", 5.49},
                                  {"acr_ge_signa_1.5t_t1", 5.65}}) {
    const Results& r = document_of(std::string("hazen/") + set).results;
    EXPECT_NEAR(value_of(r, "slice_thickness_mm", "acr"), peer, 0.45) << set;
    // The ramps and the wedges tell the place of the slice by different inserts, glued to about half a millimetre.
    EXPECT_NEAR(value_of(r, "slice_offset_mm", "ramps"), value_of(r, "slice_position_error_mm", "", "slice_1/wedges"),
                1)
        << set;
  }
  // 5.89 by the peer: its first and last crossing take in the slots' water at the bar's far ends (seen at 85 mm).
  // Bars of 46 and 47 mm between their own half levels, measured by hand too, make 4.65.
  EXPECT_NEAR(value_of(document_of("hazen/acr_siemens_skyra_3t").results, "slice_thickness_mm", "acr"), 4.65, 0.1);
}

TEST(AcrMriScansSlow, UniformityAndGhosting) {
  IQGATE_NEED_DATA("hazen/acr_siemens_skyra_3t");
  // The peer's large region lies about the phantom's middle, ours 5 mm below it (away from the bubble): at the peer's
  // place the numbers agree; shading at 3 T makes the places differ by up to 4 %.
  for (const auto& [set, peer] : {std::pair{"acr_philips_achieva_3t", 80.66},
                                  {"acr_ge_signa_artist_1.5t_t1", 92.03},
                                  {"acr_siemens_skyra_3t", 67.49},
                                  {"acr_ge_signa_hdxt_1.5t_512", 83.78}}) {
    const report::Document d = document_of(std::string("hazen/") + set);
    const std::vector<Scan> scans = test::scans_of(std::string("hazen/") + set);
    for (Region region : d.results.regions)
      if (region.name == "slice_7/uniform") {
        region.center_mm = region.center_mm - 5.0 * d.placement->rotation.column(1);
        region.metrics = {"piu"};
        const Results centred = measure_all(test::make_job(scans, {region}), {});
        EXPECT_NEAR(value_of(centred, "piu_pct", "acr"), peer, 0.4) << set;
      }
  }
  // Air regions of other size and place: the noise of 0.1 %, and ghosts that are not even.
  EXPECT_NEAR(value_of(document_of("hazen/acr_siemens_skyra_3t").results, "psg_pct"), 0.035, 0.15);
  EXPECT_NEAR(value_of(document_of("hazen/acr_ge_signa_hdxt_1.5t_512").results, "psg_pct"), 0.485, 0.4);
}

TEST(AcrMriScansSlow, Resolution) {
  IQGATE_NEED_DATA("hazen/acr_siemens_skyra_3t");
  for (const auto& [set, ul, lr] : {std::tuple{"acr_siemens_skyra_3t", 0.9, 0.9},
                                    {"acr_philips_achieva_3t", 1.0, 1.0},
                                    {"acr_ge_signa_hdxt_1.5t_512", 0.9, 0.9}}) {
    const Results& r = document_of(std::string("hazen/") + set).results;
    EXPECT_EQ(value_of(r, "hc_resolution_ul_mm"), ul) << set;
    EXPECT_EQ(value_of(r, "hc_resolution_lr_mm"), lr) << set;
  }
}

// Another statistic, and the 1.5 mm discs are 1.5 pixels: totals within 4 of the peer's. It grants 10 of 10 in all
// slices of one 3 T scan where 3 discs of slice 8 lie below our level.
TEST(AcrMriScansSlow, LowContrastSpokes) {
  IQGATE_NEED_DATA("hazen/acr_siemens_skyra_3t");
  expect_rows({{"acr_ge_signa_artist_1.5t_t1", "lcod_spokes", "slice_8/discs", 7, 1},
               {"acr_ge_signa_artist_1.5t_t1", "lcod_spokes", "slice_9/discs", 9, 1},
               {"acr_ge_signa_artist_1.5t_t1", "lcod_spokes", "slice_10/discs", 10, 1},
               {"acr_ge_signa_artist_1.5t_t1", "lcod_spokes", "slice_11/discs", 10, 1},
               {"acr_ge_signa_artist_1.5t_t1", "lcod_total", "scan", 36, 2},
               {"acr_ge_artist_1.5t_t1", "lcod_total", "scan", 38, 2},
               {"acr_siemens_aera_1.5t_t1", "lcod_total", "scan", 38, 2},
               {"acr_philips_achieva_3t", "lcod_total", "scan", 40, 4}});
  // The discs' contrasts are the phantom's own: 1.4, 2.5, 3.6 and 5.1 %, less in slices that lie off their sheets.
  const double nominal[] = {1.4, 2.5, 3.6, 5.1};
  for (const char* set : {"acr_ge_artist_1.5t_t1", "acr_siemens_skyra_3t", "acr_philips_dstream_3t_b"})
    for (int k = 0; k < 4; ++k)
      EXPECT_NEAR(value_of(document_of(std::string("hazen/") + set).results, "lcod_contrast_pct", "",
                           "slice_" + std::to_string(8 + k) + "/discs"),
                  nominal[k], 0.12 * nominal[k] + 0.15)
          << set << k;
  // Its slices lie 4 mm off their places (bars of -5 and -7 mm, beyond the limit): the sheets are half missed.
  const Results& off = document_of("hazen/acr_ge_signa_artist_1.5t_t2").results;
  EXPECT_LT(value_of(off, "bar_difference_mm", "", "slice_11/wedges"), -5);
  EXPECT_LT(value_of(off, "lcod_contrast_pct", "", "slice_11/discs"), 3.5);
}

TEST(AcrMriLocaliser, LengthBetweenTheEnds) {
  IQGATE_NEED_DATA("hazen/acr_philips_achieva_3t_sag");
  pipeline::Request request;
  request.paths = {test::data_folder() + "/hazen/acr_philips_achieva_3t_sag"};
  request.phantom = "acr_mri_localiser";
  const report::Document d = pipeline::run_job(request, read::find_scans(request.paths));
  // 146.48 by the peer, in whole pixels of 0.977 mm; 147.1 by hand at half levels; the phantom is 148 mm long.
  EXPECT_NEAR(value_of(d.results, "length_ss_mm"), 146.48, 0.98);
  EXPECT_NEAR(value_of(d.results, "length_ss_mm"), 147.1, 0.3);
}

TEST(StabilityScan, MeetsThePeerInItsOwnVariant) {
  IQGATE_NEED_DATA("fmriqa/mr_fmri_stability");
  const std::vector<Scan> scans = test::scans_of("fmriqa/mr_fmri_stability");
  ASSERT_EQ(scans.size(), 200u);
  // The peer's square is centred on the pixel next to the phantom's centroid: (38, 40).
  Region region = test::disc("middle", "time_series", scans[0].volume.grid.to_mm({38, 40, 0}), 10);
  const std::vector<Scan>& all = scans;
  Job job = test::make_job(all, {region});
  job.settings.repetition_time_s = 3;
  const Results r = measure_all(job, {"stability"});
  const std::tuple<const char*, const char*, double> rows[] = {
      {"signal_mean", "fbirn", 2561.3309855928906}, {"percent_fluctuation_pct", "order3_n1", 0.24977091718316002},
      {"drift_pct", "raw", 2.0613574051157357},     {"drift_pct", "order3", 1.4237377326902045},
      {"snr_static", "fbirn", 141.28051494097912},  {"sfnr", "order3_n1", 136.95312268049457},
      {"rdc_px", "order3_n1", 2.835793582979524},   {"series_outlier", "whole_slice_order3", 2.660084231130477}};
  for (const auto& [name, variant, peer] : rows)
    EXPECT_NEAR(value_of(r, name, variant) / peer, 1, 1e-6) << name << " " << variant;
  // Its standard deviation, 6.3974599, is that of the fluctuation.
  EXPECT_NEAR(value_of(r, "percent_fluctuation_pct", "order3_n1") * value_of(r, "signal_mean") / 100, 6.397459894811835,
              1e-5);
  // Its spectral outlier (5.12) and its largest background (1.746 %) have no definition in print that gives them.
}

}  // namespace
}  // namespace iqgate::measure
