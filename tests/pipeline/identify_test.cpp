// Which phantom it is, and where: whole phantoms at seeded poses, with what goes wrong in scanner rooms.
#include "iqgate/pipeline/identify.hpp"

#include <cstdlib>

#include "iqgate/base/error.hpp"
#include "support/placed_phantom.hpp"

namespace iqgate::pipeline {
namespace {

using test::Defect;

const char* const phantoms[] = {"catphan_504", "acr_ct_464",  "catphan_600",
                                "catphan_503", "catphan_604", "catphan_500"};

struct Count {
  int placed = 0, refused = 0, wrong = 0, off = 0;
};

// A pose is right within 0.2 mm across the axis, 0.2 degrees and 0.3 slices (0.2 mm at least) along it.
void try_one(const std::string& name, std::uint64_t seed, Defect defect, Count& count) {
  const test::PlacedPhantom p = test::placed_phantom(name, seed, defect);
  try {
    const Candidate found = identify_phantom(p.scan);
    if (found.model.name != name) {
      ++count.wrong;
      ADD_FAILURE() << "WRONG PHANTOM " << found.model.name << " for " << p.text;
      return;
    }
    ++count.placed;
    Placement placement = found.placement;
    EXPECT_EQ(placement.mirrored, defect == Defect::mirrored) << p.text;
    if (defect == Defect::mirrored) return;  // where the pose lies is checked by the regions, below
    const test::PoseError e = test::pose_error(placement, p.job);
    const bool right = e.turn_deg <= 0.2 && e.across_mm <= 0.2 && e.along_mm <= std::max(0.2, 0.3 * p.slice_mm);
    count.off += !right;
    EXPECT_TRUE(right) << p.text << ": turn " << e.turn_deg << " deg, across " << e.across_mm << " mm, along "
                       << e.along_mm << " mm, score " << placement.score << " next " << placement.runner_up.value_or(0);
  } catch (const InputError& error) {
    ++count.refused;
    std::printf("refused: %s: %s\n", p.text.c_str(), error.what());
  }
}

TEST(IdentifySlow, PhantomsAreNamedAndPlaced) {
  Count count;
  int k = 0;
  for (const Defect defect :
       {Defect::none, Defect::couch, Defect::bubble, Defect::scale, Defect::cut_end, Defect::mirrored})
    try_one(phantoms[k % 6], std::uint64_t(100 + k), defect, count), ++k;
  EXPECT_EQ(count.wrong, 0);
  EXPECT_GE(count.placed, 5);
}

TEST(IdentifyLong, ThreeHundredPoses) {
  const char* wanted = std::getenv("IQGATE_LONG_POSES");
  const int poses = wanted ? std::atoi(wanted) : 300;
  const char* start = std::getenv("IQGATE_LONG_POSES_FROM");
  const int first = start ? std::atoi(start) : 0;
  Count count;
  for (int k = first; k < first + poses; ++k)
    try_one(phantoms[k % 6], std::uint64_t(1000 + k), static_cast<Defect>((k / 6) % int(Defect::count)), count);
  std::printf("placed %d, refused %d, wrong phantom %d, pose off %d of %d\n", count.placed, count.refused, count.wrong,
              count.off, poses);
  EXPECT_EQ(count.wrong, 0);
  EXPECT_EQ(count.off, 0);
  EXPECT_GE(count.placed, poses * 95 / 100);
}

// A uniform body is one of several: nothing says which.
TEST(Identify, AUniformBodyIsAmbiguous) {
  phantom::Model model = test::shipped("catphan_504");
  model.shapes.resize(1);
  compute::RenderJob job;
  job.grid = test::centred_grid({250, 250, 40}, {1, 1, 2.5});
  job.psf_sigma_mm = {0.7, 0.7, 0.7};
  job.noise = {.kind = compute::NoiseKind::white, .sd = 10, .seed = 4};
  const Scan scan = test::ct_scan(model, job);
  EXPECT_EQ(test::refusal([&] { identify_phantom(scan); }), "phantom_ambiguous");
}

}  // namespace
}  // namespace iqgate::pipeline
