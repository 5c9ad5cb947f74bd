// Plates of the system phantom on three scanners, values of hazen (its own test suite: 2 % and 1 ms).
#include "iqgate/pipeline/job.hpp"
#include "iqgate/read/find_scans.hpp"
#include "support/support.hpp"

namespace iqgate::measure {
namespace {

report::Document document_of(const std::string& set, const char* phantom) {
  pipeline::Request request;
  request.paths = {test::data_folder() + "/hazen/" + set};
  request.phantom = phantom;
  request.metrics = {"relaxometry"};
  return pipeline::run_job(request, read::find_scans(request.paths));
}

void expect_times(const std::string& set, const char* phantom, const char* name, const char* variant,
                  const std::vector<double>& peers, double share) {
  const report::Document d = document_of(set, phantom);
  for (std::size_t k = 0; k < peers.size(); ++k)
    if (peers[k] > 0)
      EXPECT_NEAR(test::value_of(d.results, name, variant, "sphere_" + std::to_string(k + 1)), peers[k],
                  share * peers[k] + 1)
          << set << " sphere " << k + 1;
}

// The peer's model has one amplitude and the repetition time; ours leaves amplitude and inversion free. Where the
// longest inversion time is a third of T1 the data hardly tell the two apart: 3 %.
TEST(RelaxometryScans, T1) {
  IQGATE_NEED_DATA("hazen/relax_t1_plate4_ge_mr450w");
  // Sphere 14 of plate 4 lies 5.7 % above the peer (85.62 ms) here, 20 % on the other scanner (73.16 ms, where the peer
  // disagrees with itself by as much): inversion times begin at 50 ms. Not compared.
  expect_times(
      "relax_t1_plate4_philips_ingenia", "system_phantom_t2_plate", "t1_ms", "roi_signal",
      {2207.79, 1977.82, 1824.62, 1508.57, 1215.05, 986.9, 767.73, 592.15, 443.97, 324.34, 235.42, 162.76, 121.01},
      0.03);
  expect_times(
      "relax_t1_plate5_philips_ingenia", "system_phantom_t1_plate", "t1_ms", "roi_signal",
      {1856.54, 1414.1, 973.43, 706.07, 500.16, 354.23, 251.7, 175.92, 129.89, 91.89, 65.44, 45.51, 32.39, 23.12},
      0.03);
  // Sphere 1: 1688.86 by the peer, less than sphere 2, which it should exceed (2207.79 on the other scanner).
  expect_times("relax_t1_plate4_ge_mr450w", "system_phantom_t2_plate", "t1_ms", "roi_signal",
               {0, 1719.2, 1630.2, 1434.49, 1200.83, 991.49, 774.25, 595.16, 443.76, 325.61, 234.83, 164.16, 121.54},
               0.02);
}

// The peer leaves the first echo out, and so does this variant; with it, times come out up to 25 % longer, flagged.
TEST(RelaxometryScans, T2) {
  IQGATE_NEED_DATA("hazen/relax_t2_plate4_philips_ingenia");
  expect_times("relax_t2_plate4_philips_ingenia", "system_phantom_t2_plate", "t2_ms", "without_first_echo",
               {830.93, 597.3, 437.69, 313.22, 220.64, 157.19, 110.05, 78.48, 55.53, 39.33, 27.2, 18.24, 13.17, 9.38},
               0.02);
  // Spheres 12 to 14 have T2 of 10 to 20 ms, and the second echo comes after them: 5 to 13 % longer than the peer's
  // three-parameter fit. Not compared.
  expect_times("relax_t2_plate4_ge_mr450w", "system_phantom_t2_plate", "t2_ms", "without_first_echo",
               {942.22, 661.83, 464.63, 329.72, 229.59, 163.36, 115.27, 82.77, 58.49, 41.64, 28.69}, 0.03);
}

// This body is no circle (218 x 204 mm: the plate is cut askew, or distorted): refused, not guessed.
TEST(RelaxometryScans, ABodyThatIsNoCircleIsRefused) {
  IQGATE_NEED_DATA("hazen/relax_t1_plate5_siemens_aera");
  EXPECT_EQ(test::refusal([] { document_of("relax_t1_plate5_siemens_aera", "system_phantom_t1_plate"); }),
            "phantom_not_found");
}

}  // namespace
}  // namespace iqgate::measure
