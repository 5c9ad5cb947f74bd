// A1: statistics of a region and the shares of voxels that it takes, against their closed forms.
#include "support/support.hpp"

namespace iqgate::measure {
namespace {

using test::disc;
using test::measure_one;
using test::painted;
using test::value_of;

TEST(RegionStatistics, RampHasItsMeanAndVariance) {
  // v = a + b x + c y in a disc: mean a, variance (b^2 + c^2) R^2 / 4; 0.5 % for R >= 20 pixels.
  for (const Vec3 spacing : {Vec3{1, 1, 5}, Vec3{0.7, 0.9, 5}}) {
    const Scan scan = painted({160, 160, 1}, spacing, [](Vec3 p) { return 100 + 0.5 * p.x - 0.25 * p.y; });
    const Results r = measure_one(scan, disc("d", "uniform", {0, 0, 0}, 40), "roi");
    EXPECT_NEAR(value_of(r, "roi_mean"), 100, 1e-5);  // float voxels: 1e-7 relative
    EXPECT_NEAR(std::pow(value_of(r, "roi_sd"), 2) / ((0.25 + 0.0625) * 1600 / 4), 1, 0.005);
    EXPECT_NEAR(value_of(r, "roi_area_mm2") / (M_PI * 1600), 1, 0.005);
    EXPECT_NEAR(value_of(r, "roi_median"), 100, 0.3);
  }
}

// Shares are exact, so the sum of the weights is the area itself: 2e-7, for the weights are floats.
TEST(RegionStatistics, SharesOfPixelsGiveTheExactArea) {
  const Scan scan = painted({90, 80, 5}, {0.8, 1.1, 2}, [](Vec3 p) { return 100 + 0.5 * p.x - 0.25 * p.y; });
  Region ellipse = disc("e", "uniform", {1.3, -0.4, 0}, 0), box = ellipse, star = ellipse, rod = ellipse;
  ellipse.shape = RegionShape::ellipse;
  ellipse.size_mm = {31, 17, 0};
  ellipse.in_plane = {std::cos(0.4), std::sin(0.4), 0};
  box.shape = RegionShape::box;
  box.size_mm = {23, 11, 0};
  box.in_plane = ellipse.in_plane;
  star.shape = RegionShape::polygon;  // with a hollow: a square of 20 less a triangle of base 20 and height 15
  star.points_mm = {{-10, -10, 0}, {10, -10, 0}, {10, 10, 0}, {0, -5, 0}, {-10, 10, 0}};
  rod = disc("r", "uniform", {0.3, 0.2, 0.4}, 9.7);
  rod.shape = RegionShape::cylinder;
  rod.length_mm = 3;
  const std::pair<Region, double> cases[] = {{disc("left below", "uniform", {-30, 33, 0}, 4), M_PI * 16},
                                             {disc("right above", "uniform", {30, -33, 0}, 4), M_PI * 16},
                                             {disc("small", "uniform", {0.1, 0.2, 0}, 0.3), M_PI * 0.09},
                                             {disc("d", "uniform", {-3.33, 2.71, 0}, 21.3), M_PI * 21.3 * 21.3},
                                             {ellipse, M_PI * 31 * 17 / 4},
                                             {box, 23 * 11},
                                             {star, 400 - 150}};
  for (const auto& [region, area] : cases) {
    const measure::RegionVoxels voxels = measure::region_coverage(region, scan.volume.grid);
    ASSERT_TRUE(voxels.good()) << voxels.reason;
    double sum = 0;
    for (const float w : voxels.mask.weights) sum += w;
    EXPECT_NEAR(sum * 0.8 * 1.1 / area, 1, 2e-7) << region.name << " " << area;
  }
  const measure::RegionVoxels solid = measure::region_coverage(rod, scan.volume.grid);
  double volume = 0;
  for (const float w : solid.mask.weights) volume += w * 0.8 * 1.1 * 2;
  EXPECT_NEAR(volume / (M_PI * 9.7 * 9.7 * 3), 1, 2e-7);
}

// Slices at -8 to 8 mm, from -9 to 9 mm: a rod that reaches beyond either end is told to be clipped, and one whose
// middle lies beyond by more than half a slice is not there.
TEST(RegionStatistics, ARodBeyondTheEndsIsClippedOrNotThere) {
  const Scan scan = painted({60, 40, 9}, {1, 1, 2}, [](Vec3) { return 1.0; });
  const auto voxels = [&](double z, double length) {
    Region rod = disc("r", "uniform", {0, 0, z}, 9);
    if (length > 0) rod.shape = RegionShape::cylinder, rod.length_mm = length;
    return measure::region_voxels(rod, scan.volume.grid);
  };
  using Flags = std::vector<std::string>;
  EXPECT_EQ(voxels(0, 17.9).flags, Flags{});
  EXPECT_EQ(voxels(-1, 17.9).flags, Flags{"clipped_axially"});
  EXPECT_EQ(voxels(1, 17.9).flags, Flags{"clipped_axially"});
  EXPECT_TRUE(voxels(8.9, 0).good());
  EXPECT_TRUE(voxels(-8.9, 0).good());
  for (const double beyond : {9.1, -9.1, 9.9, -9.9, 11.0}) {
    EXPECT_FALSE(voxels(beyond, 0).good()) << beyond;
    const Region flat = disc("r", "uniform", {0, 0, beyond}, 9);
    EXPECT_FALSE(measure::centre_slice(flat, scan.volume.grid)) << beyond;
  }
}

// A rod shorter than two slices covers none of them wholly: its cross-section is what it is all the same, and where it
// stands decides which slices count, also for a rod far from the scan's corner and 1.3 mrad aslant.
TEST(RegionStatistics, ARodBetweenSlicesKeepsItsCrossSection) {
  const Scan scan = painted({60, 60, 9}, {1, 1, 5}, [](Vec3) { return 1.0; });
  for (const double z : {0.0, 1.0, 2.5}) {
    Region rod = disc("rod", "uniform", {0.2, 0.4, z}, 10);
    rod.shape = RegionShape::cylinder;
    rod.length_mm = 4;
    EXPECT_NEAR(measure::region_coverage(rod, scan.volume.grid).area_mm2, M_PI * 100, 1e-9) << z;
    if (z < 2) EXPECT_NEAR(value_of(measure_one(scan, rod, "roi"), "roi_area_mm2", "area"), M_PI * 100, 1e-9);
  }
  Grid grid = test::centred_grid({512, 512, 41}, {1, 1, 1});
  Region rod = disc("rod", "uniform", grid.to_mm({480, 255, 20}), 10);
  rod.shape = RegionShape::cylinder;
  rod.length_mm = 3;
  rod.normal = {std::sin(0.0013), 0, std::cos(0.0013)};
  rod.in_plane = {std::cos(0.0013), 0, -std::sin(0.0013)};
  const measure::RegionVoxels voxels = measure::region_coverage(rod, grid);
  std::vector<double> slices(41, 0.0);
  for (std::size_t k = 0; k < voxels.mask.offsets.size(); ++k)
    slices[voxels.mask.offsets[k] / (512 * 512)] += double(voxels.mask.weights[k]) / (M_PI * 100);
  for (const std::size_t z : {19u, 20u, 21u}) EXPECT_NEAR(slices[z], 1, 0.01) << z;
  // Its ends rise by 10 mm times 1.3 mrad at the rim: at most 0.013 of a slice there, less than half of that in all.
  for (const std::size_t z : {18u, 22u}) EXPECT_LT(slices[z], 0.0065) << z;
  Region flat = disc("flat", "uniform", {0, 0, 0}, 10);
  flat.normal = {std::sin(0.14), 0, std::cos(0.14)};
  flat.in_plane = {std::cos(0.14), 0, -std::sin(0.14)};
  EXPECT_NEAR(value_of(measure_one(scan, flat, "roi"), "roi_area_mm2", "area"), M_PI * 100, 1e-3);
}

TEST(RegionStatistics, SharesOfPixelsGiveTheMomentsOfARamp) {
  // As above by variant area. A pixel counts with the value at its centre, whose mean over the disc differs from the
  // ramp's by the rim's shares only: below 1e-3 of a pixel's step at R = 20 pixels, any shift.
  for (const double shift : {0.0, 0.21, 0.5}) {
    const Scan scan = painted({160, 160, 1}, {0.7, 0.9, 5}, [](Vec3 p) { return 100 + 0.5 * p.x - 0.25 * p.y; });
    const Results r = measure_one(scan, disc("d", "uniform", {shift, -shift, 0}, 20), "roi");
    EXPECT_NEAR(value_of(r, "roi_mean", "area"), 100 + 0.75 * shift, 1e-3);
    EXPECT_NEAR(std::pow(value_of(r, "roi_sd", "area"), 2) / ((0.25 + 0.0625) * 400 / 4), 1, 0.005);
    EXPECT_NEAR(value_of(r, "roi_area_mm2", "area") / (M_PI * 400), 1, 1e-6);
  }
}

// Aslant by up to 10 degrees: the volume is right to what the middle lines miss at both ends, which cancels between the
// two sides of the axis (1e-3 is a tenth of one end's tilt over a pixel).
TEST(RegionStatistics, ARodAslantKeepsItsVolume) {
  const Grid grid = test::centred_grid({60, 60, 30}, {1, 1, 1.5});
  for (const double tilt : {0.01, 0.05, 0.15}) {
    Region rod = disc("rod", "uniform", {0.2, 0.4, 0.3}, 12);
    rod.shape = RegionShape::cylinder;
    rod.length_mm = 17;
    rod.normal = {std::sin(tilt), 0, std::cos(tilt)};
    rod.in_plane = {std::cos(tilt), 0, -std::sin(tilt)};
    const measure::RegionVoxels voxels = measure::region_coverage(rod, grid);
    ASSERT_TRUE(voxels.good()) << voxels.reason;
    double volume = 0;
    for (const float w : voxels.mask.weights) volume += w * 1.5;
    EXPECT_NEAR(volume / (M_PI * 144 * 17), 1, 1e-3) << tilt;
    EXPECT_NEAR(voxels.area_mm2 / (M_PI * 144), 1, 1e-9) << tilt;
  }
}

TEST(RegionStatistics, SharesAreRefusedWhereTheyHaveNoForm) {
  const Scan scan = painted({60, 60, 20}, {1, 1, 1}, [](Vec3) { return 1.0; });
  Region rod = disc("rod", "uniform", {0, 0, 0}, 8);
  rod.shape = RegionShape::cylinder;
  rod.length_mm = 6;
  rod.normal = {std::sin(0.2), 0, std::cos(0.2)};
  rod.in_plane = {std::cos(0.2), 0, -std::sin(0.2)};
  const Results r = measure_one(scan, rod, "roi");
  EXPECT_NE(r.find("roi_mean", "center", "rod"), nullptr);
  EXPECT_EQ(r.find("roi_mean", "area", "rod"), nullptr);
  ASSERT_EQ(r.not_measured.size(), 1u);
  EXPECT_NE(r.not_measured[0].reason.find("aslant"), std::string::npos);
}

TEST(RegionStatistics, RegionsOutsideAreNotMeasured) {
  const Scan scan = painted({50, 50, 3}, {1, 1, 5}, [](Vec3) { return 1.0; });
  for (const Region& r : {disc("x", "uniform", {20, 0, 0}, 10), disc("z", "uniform", {0, 0, 40}, 10),
                          disc("far", "uniform", {900, 0, 0}, 1)}) {
    const Results results = measure_one(scan, r, "roi");
    EXPECT_TRUE(results.measurements.empty()) << r.name;
    EXPECT_FALSE(results.not_measured.empty());
  }
}

TEST(RegionStatistics, ObliqueGridGivesTheSame) {
  compute::RenderJob job;
  job.noise = {.kind = compute::NoiseKind::none};
  const auto model = test::one_shape({.kind = phantom::ShapeKind::sphere, .radius_mm = 20}, 500, 0);
  std::vector<double> means;
  for (const Mat3& direction : {Mat3{}, rotation_from_degrees(0, 90, 0), rotation_from_degrees(20, 30, 40)}) {
    job.grid = test::centred_grid({60, 60, 60}, {1, 1, 1}, direction);
    Region r = disc("b", "uniform", {0, 0, 0}, 12);
    r.shape = RegionShape::sphere;
    means.push_back(value_of(measure_one(test::ct_scan(model, job), r, "roi"), "roi_mean"));
  }
  for (const double m : means) EXPECT_NEAR(m, 500, 1e-3);
}

}  // namespace
}  // namespace iqgate::measure
