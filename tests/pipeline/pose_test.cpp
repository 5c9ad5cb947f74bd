// Parts of a placement given by hand.
#include "iqgate/base/error.hpp"
#include "iqgate/pipeline/job.hpp"
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

}  // namespace
}  // namespace iqgate::pipeline
