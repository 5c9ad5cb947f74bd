#include "iqgate/measure/catalogue.hpp"
#include "support/support.hpp"

namespace iqgate::measure {
namespace {

// Crossing rods of 45 degrees on one scanner; the peer (hazen, its own test) gives distances from the nominal place,
// without sign, of the sorted slices 10 to 49, counted from slice 28, with rods in whole and third pixels: 0.3 mm.
TEST(SlicePositionScan, MeetsThePeer) {
  IQGATE_NEED_DATA("hazen/slicepos_canon_galan_3t");
  const std::vector<double> peer{1.49,   1.35,   1.29,  1.12,  0.928, 0.885,  0.729, 0.557, 0.531, 0.635,
                                 0.0882, 0.437,  0.215, 0.238, 0.196, 0.0415, 0.117, 0.131, 0,     0.194,
                                 0.361,  0.0941, 0.424, 0.265, 0.446, 0.464,  0.587, 0.646, 0.607, 0.779,
                                 1.07,   0.88,   0.94,  0.948, 1.23,  1.29,   1.58,  1.41,  1.71,  1.95};
  const std::vector<Scan> scans = test::scans_of("hazen/slicepos_canon_galan_3t");
  ASSERT_EQ(scans.size(), 1u);
  const Grid& grid = scans.front().volume.grid;
  Region rods = test::box("rods", "rod_pair", grid.middle_mm() - 2.0 * grid.direction.column(0), {40, 110, 150});
  rods.in_plane = grid.direction.column(0);
  rods.normal = grid.direction.column(2);
  rods.nominal["angle_deg"] = 45;
  const Results r = measure_all(test::make_job(scans, {rods}), {"angled_rods"});
  ASSERT_EQ(r.curves.size(), 1u);
  const Curve& curve = r.curves.front();
  std::map<int, double> error;
  for (std::size_t k = 0; k < curve.x.values.size(); ++k) error[int(curve.x.values[k]) - 1] = curve.y.values[k];
  for (int k = 0; k < 40; ++k) {
    ASSERT_TRUE(error.count(10 + k)) << k;
    EXPECT_NEAR(std::abs(error[10 + k] - error[28]), peer[std::size_t(k)], 0.3) << 10 + k;
  }
}

// Plates of tan 0.2; the peer's MATLAB reference is 5.48 +- 0.1 mm, its trapezoid's shoulders in place of half levels.
TEST(SliceWidthScan, MeetsThePeer) {
  IQGATE_NEED_DATA("hazen/slicewidth_siemens_avanto");
  const std::vector<Scan> scans = test::scans_of("hazen/slicewidth_siemens_avanto");
  const Grid& grid = scans.front().volume.grid;
  std::vector<Region> plates;
  for (const auto& [name, x, y] : {std::tuple{"plates/upper", -1.5, -29.5}, {"plates/lower", 1.5, 30.5}}) {
    Region r = test::box(name, "plate", grid.middle_mm() + x * grid.direction.column(0) + y * grid.direction.column(1),
                         {76, 20, 1});
    r.in_plane = grid.direction.column(0);
    r.normal = grid.direction.column(2);
    r.nominal["angle_deg"] = 11.31;
    plates.push_back(r);
  }
  const Results r = measure_all(test::make_job(scans, plates), {"plates"});
  EXPECT_NEAR(test::value_of(r, "slice_width_mm", "geometric_mean"), 5.48, 0.1);
}

}  // namespace
}  // namespace iqgate::measure
