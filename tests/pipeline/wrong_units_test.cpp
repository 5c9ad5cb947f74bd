// Lengths and times told in another unit than the standard's: refused, because a phantom is as large as it is, and no
// echo comes in microseconds.
#include "iqgate/base/error.hpp"
#include "iqgate/locate/registration.hpp"
#include "iqgate/pipeline/job.hpp"
#include "iqgate/report/volume_writer.hpp"
#include "support/support.hpp"

namespace iqgate::pipeline {
namespace {

// The same voxels under another claim of their spacing.
Scan claimed(const Scan& scan, Vec3 factor) {
  Scan other = scan;
  Vec3& spacing = other.volume.grid.spacing_mm;
  spacing = {spacing.x * factor.x, spacing.y * factor.y, spacing.z * factor.z};
  other.volume.grid = test::centred_grid(other.volume.grid.size, spacing);
  return other;
}

struct Whole {
  const char* phantom;
  Size3 size;
  Vec3 spacing_mm, shift_mm;
};

// Pixels of 1.2 by 0.96 mm, the whole phantom and air at both ends: centimetres, metres and micrometres for
// millimetres in the slice, between slices, or in both; rows for columns.
TEST(WrongUnits, OfLengthsAreSeenByThePhantomsSize) {
  for (const Whole& w : {Whole{"water_cylinder", {190, 236, 48}, {1.2, 0.96, 4}, {1, -2, 3}},
                         Whole{"catphan_504", {190, 236, 100}, {1.2, 0.96, 2}, {1, -2, 27}}}) {
    const phantom::Model model = test::shipped(w.phantom);
    compute::RenderJob job;
    job.grid = test::centred_grid(w.size, w.spacing_mm);
    job.psf_sigma_mm = {0.8, 0.8, 1};
    job.pose.translation_mm = w.shift_mm;
    job.noise = {.kind = compute::NoiseKind::white, .sd = 6, .seed = 5};
    const Scan scan = test::ct_scan(model, job);
    EXPECT_NO_THROW(locate::locate_phantom(scan, model)) << w.phantom;
    for (const double factor : {0.001, 0.1, 10.0, 1000.0})
      for (const Vec3 f : {Vec3{factor, factor, 1}, {1, 1, factor}, {factor, factor, factor}}) {
        const std::string code = test::refusal([&] { locate::locate_phantom(claimed(scan, f), model); });
        EXPECT_TRUE(code == "phantom_not_found" || code == "wrong_phantom" || code == "fov_truncated")
            << w.phantom << ' ' << f.x << ' ' << f.z << ": \"" << code << '"';
      }
    const std::string swapped = test::refusal([&] { locate::locate_phantom(claimed(scan, {0.8, 1.25, 1}), model); });
    EXPECT_TRUE(swapped == "phantom_not_found" || swapped == "wrong_phantom") << w.phantom << ": \"" << swapped << '"';
  }
}

// CT values as they are stored, 1024 up and without a word of rescaling: whatever is said of them, it is no pass.
TEST(WrongUnits, RawValuesForHounsfieldUnitsDoNotPass) {
  compute::RenderJob job;
  job.grid = test::centred_grid({200, 200, 12}, {1.15, 1.15, 3});
  job.psf_sigma_mm = {0.8, 0.8, 1};
  job.noise = {.kind = compute::NoiseKind::white, .sd = 8, .seed = 5};
  Scan scan = test::ct_scan(test::shipped("water_cylinder"), job);
  for (float& v : scan.volume.values) v += 1024;
  test::TemporaryFolder folder;
  report::write_volume(scan, report::VolumeFormat::dicom, folder.path("scan"), "s", {.uid_seed = "w"});
  Request r;
  r.paths = {folder.path("scan")};
  r.phantom = "water_cylinder";
  r.backend = compute::BackendChoice::cpu;
  r.settings.bootstrap_draws = 20;
  bool refused = false;
  try {
    EXPECT_NE(run_job(r, choose_scans(r).groups.at(0)).judgement.overall, judge::Overall::pass);
  } catch (const InputError&) {
    refused = true;
  }
  std::printf("raw values were %s\n", refused ? "refused" : "measured, and did not pass");
}

}  // namespace
}  // namespace iqgate::pipeline
