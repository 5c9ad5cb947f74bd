#include "iqgate/pipeline/reference_image.hpp"

#include "iqgate/locate/registration.hpp"
#include "support/support.hpp"

namespace iqgate::pipeline {
namespace {

Scan rendered(const phantom::Model& model, Vec3 turn_deg, Vec3 shift_mm, Vec3 voxel_mm) {
  compute::RenderJob job;
  job.grid = test::centred_grid({240, 240, 24}, voxel_mm);
  job.psf_sigma_mm = {1.5, 1.5, 1.5};
  job.pose.rotation = rotation_from_degrees(turn_deg.x, turn_deg.y, turn_deg.z);
  job.pose.translation_mm = shift_mm;
  return test::ct_scan(model, job);
}

// The same phantom, turned, shifted and on another grid: after registration only interpolation and the error of two
// placements are left, 0.05 mm on edges of 1000 HU over 1.5 mm: 15 HU on the few per cent of voxels near one.
TEST(ReferenceImage, IsLaidOverTheScan) {
  const phantom::Model model = test::shipped("insert_discs");
  std::vector<Scan> scans{rendered(model, {0, 0, 0}, {0, 0, 0}, {0.9, 0.9, 2})};
  Scan reference = rendered(model, {1, -1.5, 37}, {4, -3, 2}, {1, 1, 1.5});
  reference.role = "reference";
  scans.push_back(reference);
  const std::optional<Scan> taken = take_reference(scans);
  ASSERT_TRUE(taken);
  ASSERT_EQ(scans.size(), 1u);
  EXPECT_FALSE(take_reference(scans));
  measure::Job job = test::make_job(scans, {});
  job.placement = locate::locate_phantom(scans[0], model);
  job.phantom_placed = true;
  add_reference(*taken, model, job);
  const Results r = measure::measure_all(job, {"image_similarity"});
  EXPECT_LT(test::value_of(r, "image_rmse"), 8);
  EXPECT_NEAR(test::value_of(r, "image_bias"), 0, 1);
  EXPECT_GT(test::value_of(r, "ssim", "gauss11"), 0.98);
  // Not registered it is another image: the inserts lie elsewhere.
  auto apart = std::make_shared<measure::ReferenceImage>(*job.reference);
  apart->registered.values = scans[0].volume.values;
  const Scan turned = rendered(model, {0, 0, 37}, {4, -3, 0}, {0.9, 0.9, 2});
  apart->registered.values = turned.volume.values;
  job.reference = apart;
  EXPECT_GT(test::value_of(measure::measure_all(job, {"image_similarity"}), "image_rmse"), 60);
}

TEST(ReferenceImage, RefusesWhatCannotBeCompared) {
  const phantom::Model model = test::shipped("insert_discs");
  const std::vector<Scan> scans{rendered(model, {0, 0, 0}, {0, 0, 0}, {0.9, 0.9, 2})};
  measure::Job job = test::make_job(scans, {});
  Scan other = scans[0];
  other.value_unit = "1";
  EXPECT_EQ(test::refusal([&] { add_reference(other, model, job); }), "other_unit");
  phantom::Model bare = model;
  bare.body.kind = phantom::BodyKind::none;
  EXPECT_EQ(test::refusal([&] { add_reference(scans[0], bare, job); }), "no_body");
}

}  // namespace
}  // namespace iqgate::pipeline
