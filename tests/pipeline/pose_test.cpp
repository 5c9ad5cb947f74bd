// Parts of a placement given by hand.
#include "iqgate/base/error.hpp"
#include "iqgate/locate/given_pose.hpp"
#include "iqgate/locate/registration.hpp"
#include "iqgate/pipeline/job.hpp"
#include "iqgate/report/volume_writer.hpp"
#include "support/support.hpp"

namespace iqgate::pipeline {
namespace {

TEST(Pose, AnglesGoThereAndBack) {
  for (const Vec3 a : {Vec3{10, -20, 30}, Vec3{-80, 170, -179}, Vec3{0, 0, 90}}) {
    const Vec3 b = degrees_from_rotation(rotation_from_degrees(a.x, a.y, a.z));
    EXPECT_NEAR(norm(a - b), 0, 1e-9);
  }
}

TEST(Pose, GivenPartsReplaceLocatedOnesAndLoseTheirErrors) {
  Placement p;
  p.rotation = rotation_from_degrees(1, 2, 3);
  p.translation_mm = {4, 5, 6};
  p.center_se_mm = p.axial_se_mm = p.axis_se_deg = p.roll_se_deg = 0.1;
  apply_pose(read_pose("z=-7.5,roll=90"), 100, p);
  EXPECT_EQ(p.translation_mm.z, -7.5);
  EXPECT_EQ(p.translation_mm.x, 4);
  EXPECT_NEAR(norm(degrees_from_rotation(p.rotation) - Vec3{1, 2, 90}), 0, 1e-9);
  EXPECT_FALSE(p.axial_se_mm || p.roll_se_deg);
  EXPECT_TRUE(p.center_se_mm && p.axis_se_deg);
  EXPECT_EQ(p.flags.back(), "pose_given=z+roll");
}

TEST(Pose, FaultsAreRefused) {
  for (const char* text : {"", "x", "x=", "x=1,x=2", "tilt=3", "x=1e", "x=nan", "x=1,,y=2"})
    EXPECT_THROW(read_pose(text), UsageError) << text;
}

// An empty CT reads 0 HU everywhere, as water does. The pose alone makes no scan of a phantom of it.
// A scan that goes on beyond both ends of the phantom: regions "as long as was scanned" end with it. Noise of 10 from
// 10,000 voxels: 0.7 %.
TEST(Pose, RegionsEndWithTheBody) {
  const phantom::Model model = test::shipped("mita_low_contrast");
  compute::RenderJob render;
  render.grid = test::centred_grid({180, 180, 50}, {0.9, 0.9, 2});
  render.psf_sigma_mm = {0.6, 0.6, 1};
  render.pose.translation_mm = {1, -2, 9};
  render.noise = {.kind = compute::NoiseKind::white, .sd = 10, .seed = 4};
  const std::vector<Scan> scans{test::ct_scan(model, render)};
  const Placement placement = locate::locate_phantom(scans.front(), model);
  ASSERT_TRUE(placement.length_mm.has_value());
  EXPECT_NEAR(*placement.length_mm, 60, 1);
  measure::Job job = test::make_job(scans, phantom::place_features(model, placement, "CT"));
  job.placement = placement;
  const Results r = measure::measure_all(job, {"noise", "roi"});
  EXPECT_NEAR(test::value_of(r, "noise_sd_hu", "", "noise"), 10, 0.25);
  EXPECT_NEAR(test::value_of(r, "roi_mean", "center", "noise"), 0, 0.5);
  for (const Region& region : job.regions) {
    EXPECT_NEAR(region.length_mm, 54, 1) << region.name;
    EXPECT_NEAR(region.center_mm.z, 9, 0.5) << region.name;
  }
}

TEST(Pose, NothingIsNotWater) {
  compute::RenderJob job;
  job.grid = test::centred_grid({64, 64, 4}, {4, 4, 5});
  job.noise = {.kind = compute::NoiseKind::white, .sd = 5, .seed = 1};
  Scan scan = test::ct_scan(test::shipped("water_cylinder"), job);
  const auto code_of = [&](const Scan& s) {
    test::TemporaryFolder folder;
    report::write_volume(s, report::VolumeFormat::dicom, folder.path(), "slice", {.uid_seed = "u"});
    Request r;
    r.paths = {folder.path()};
    r.phantom = "water_cylinder";
    r.pose = read_pose("x=0,y=0,z=0,pitch=0,yaw=0,roll=0");
    r.metrics = {"roi_mean"}, r.judge = true;
    r.backend = compute::BackendChoice::cpu;
    try {
      return std::string(judge::word(run_job(r, choose_scans(r).groups.at(0)).judgement.overall));
    } catch (const InputError& error) {
      return error.code;
    }
  };
  EXPECT_EQ(code_of(scan), "pass");
  for (float& v : scan.volume.values) v = 0;
  EXPECT_EQ(code_of(scan), "phantom_not_found");
  phantom::Model unknown = test::shipped("water_cylinder");
  unknown.body.radius_mm = 0;
  EXPECT_NO_THROW(locate::check_given_pose(scan, unknown, {})) << "a body of unknown radius cannot be looked for";
}

}  // namespace
}  // namespace iqgate::pipeline
