// H1-H5: whole phantoms in six degrees of freedom.
#include "iqgate/locate/registration.hpp"

#include <chrono>

#include "iqgate/base/error.hpp"
#include "iqgate/locate/body.hpp"
#include "iqgate/read/find_scans.hpp"
#include "iqgate/read/scan_source.hpp"
#include "support/support.hpp"

namespace iqgate::locate {
namespace {

compute::RenderJob job_of(double roll_deg, double pitch_deg = 0) {
  compute::RenderJob job;
  job.grid = test::centred_grid({200, 200, 20}, {1.2, 1.2, 2});
  job.psf_sigma_mm = {0.8, 0.8, 0.8};
  job.pose.rotation = rotation_from_degrees(pitch_deg, 0, roll_deg);
  job.noise = {.kind = compute::NoiseKind::white, .sd = 5, .seed = 1};
  return job;
}

// Means of the cores: -95, 120, 340 and 990 HU by the phantom's file, and SD 5 over hundreds of voxels.
void expect_materials(const Scan& scan, const std::string& what) {
  const phantom::Model model = test::shipped("insert_discs");
  const Placement placement = locate_phantom(scan, model);
  for (const Region& region : phantom::place_features(model, placement, "CT"))
    if (const auto nominal = region.nominal.find("roi_mean"); nominal != region.nominal.end())
      EXPECT_NEAR(test::value_of(test::measure_one(scan, region, "roi"), "roi_mean"), nominal->second, 2)
          << what << " " << region.name;
}

TEST(Registration, NamesTheMaterialsAtAnyTurn) {
  const phantom::Model model = test::shipped("insert_discs");
  for (const double roll : {0.0, 8.0, 90.0, 179.5, -123.0})
    expect_materials(test::ct_scan(model, job_of(roll)), "roll " + std::to_string(roll));
  expect_materials(test::ct_scan(model, job_of(30, 5)), "tilted");
  expect_materials(test::ct_scan(model, job_of(0, 180)), "end for end");
}

// The same patient coordinates, rows stored from the other side.
TEST(Registration, StorageDoesNotTurnThePhantom) {
  Scan scan = test::ct_scan(test::shipped("insert_discs"), job_of(0));
  Volume& v = scan.volume;
  const Volume before = v;
  const Size3 size = v.grid.size;
  for (std::size_t row = 0; row < size.y * size.z; ++row)
    for (std::size_t x = 0; x < size.x; ++x) v.values[row * size.x + x] = before.values[row * size.x + size.x - 1 - x];
  v.grid.origin_mm = before.grid.to_mm({double(size.x - 1), 0, 0});
  v.grid.direction = Mat3::from_columns(-1.0 * before.grid.direction.column(0), before.grid.direction.column(1),
                                        before.grid.direction.column(2));
  expect_materials(scan, "mirrored storage");
  // Without inserts too: "right" is the same side of the object.
  const Placement a = locate_body(scan, test::shipped("insert_discs").body);
  EXPECT_NEAR(a.rotation.column(0).x, 1, 1e-3);
}

std::string refusal(const Scan& scan, const phantom::Model& model) {
  try {
    locate_phantom(scan, model);
  } catch (const InputError& error) {
    return error.code;
  }
  return "";
}

TEST(Registration, RefusesWhatDoesNotFit) {
  const phantom::Model model = test::shipped("insert_discs");
  phantom::Model plain = model;  // the body without its inserts
  plain.shapes.resize(1);
  EXPECT_EQ(refusal(test::ct_scan(plain, job_of(0)), model), "wrong_phantom");
}

struct Pose {
  double pitch, yaw, roll, x, y, z;
};

TEST(Registration, Try) {
  for (const char* name : {"catphan_504", "acr_ct_464"}) {
    const phantom::Model model = test::shipped(name);
    for (const Pose& t : {Pose{0, 0, 0, 0, 0, 0}, Pose{5, -4, 30, 10, -15, 8}, Pose{-9, 8, -120, 3, 18, -20}, Pose{180, 0, 10, 0, 0, 0}}) {
      compute::RenderJob job;
      job.grid = test::centred_grid({280, 280, 70}, {0.9, 0.9, 2.5});
      job.psf_sigma_mm = {0.7, 0.7, 0.7};
      job.pose.rotation = rotation_from_degrees(t.pitch, t.yaw, t.roll);
      const double middle = model.name == "acr_ct_464" ? 60 : -26;
      job.pose.translation_mm = Vec3{t.x, t.y, t.z} - job.pose.rotation * Vec3{0, 0, middle};
      job.noise = {.kind = compute::NoiseKind::white, .sd = 15, .seed = 1};
      const auto t0 = std::chrono::steady_clock::now();
      const Scan scan = test::ct_scan(model, job);
      const auto t1 = std::chrono::steady_clock::now();
      try {
        const Placement p = locate_phantom(scan, model);
        const Mat3 d = p.rotation * job.pose.rotation.transposed();
        const Vec3 a = degrees_from_rotation(d), s = p.translation_mm - job.pose.translation_mm;
        printf("%s render %.2f locate %.3f s: turn %.3f %.3f %.3f shift %.3f %.3f %.3f score %.3f next %.3f se %.3f %.3f %.3f %.3f\n",
               name, std::chrono::duration<double>(t1 - t0).count(),
               std::chrono::duration<double>(std::chrono::steady_clock::now() - t1).count(), a.x, a.y, a.z, s.x, s.y,
               s.z, p.score, p.runner_up.value_or(-1), p.center_se_mm.value_or(-1), p.axial_se_mm.value_or(-1), p.axis_se_deg.value_or(-1), p.roll_se_deg.value_or(-1));
        for (const auto& f : p.flags) printf("   %s\n", f.c_str());
      } catch (const InputError& e) {
        printf("%s: %s\n", name, e.what());
      }
      for (const char* other : {"catphan_503", "catphan_504", "catphan_500", "catphan_600", "catphan_604", "acr_ct_464", "insert_discs"}) {
        if (std::string(other) == name) continue;
        try {
          const Placement p = locate_phantom(scan, test::shipped(other));
          const Vec3 a = degrees_from_rotation(p.rotation);
          printf("   as %s %.3f: %.2f %.2f %.2f, %.2f, mirrored %d\n", other, p.score, a.x, a.y, a.z, p.translation_mm.z, p.mirrored);
        } catch (const InputError& e) {
          printf("   as %s: %s\n", other, e.what());
        }
      }
    }
  }
}

TEST(Registration, TryReal) {
  IQGATE_NEED_DATA("pylinac");
  for (const char* set : {"pylinac/ct_catphan504_varian_obi_a", "catphan404/ct_catphan_elekta_xvi"})
  for (auto& h : read::find_scans({test::data_folder() + "/" + set})) {
    if (!h.usable || !h.is_scan) continue;
    const Scan scan = read::load_scan(h).front();
    for (const char* other : {"catphan_503", "catphan_504", "catphan_500", "catphan_600", "catphan_604", "acr_ct_464", "insert_discs"}) {
      try {
        const auto t1 = std::chrono::steady_clock::now();
        const Placement p = locate_phantom(scan, test::shipped(other));
        const Vec3 a = degrees_from_rotation(p.rotation);
        printf("   as %s %.3f next %.3f: %.3f %.3f %.3f at %.2f %.2f %.2f se %.3f %.3f %.3f %.3f, %.3f s\n", other, p.score, p.runner_up.value_or(-1), a.x, a.y, a.z,
               p.translation_mm.x, p.translation_mm.y, p.translation_mm.z,p.center_se_mm.value_or(-1), p.axial_se_mm.value_or(-1), p.axis_se_deg.value_or(-1), p.roll_se_deg.value_or(-1),
               std::chrono::duration<double>(std::chrono::steady_clock::now() - t1).count());
      } catch (const InputError& e) {
        printf("   as %s: %s\n", other, e.what());
      }
    }
  }
}

// One end in the scan: the nominal length tells the middle (160 mm); its regions must not lie in the air beyond.
TEST(LocateCylinder, OneEndAndTheLengthTellTheMiddle) {
  const phantom::Model model = test::shipped("water_cylinder");
  for (const double shift : {-70.0, 70.0}) {
    compute::RenderJob job = job_of(0);
    job.grid = test::centred_grid({200, 200, 80}, {1.2, 1.2, 2});
    job.pose.translation_mm = {0, 0, shift};
    const Placement p = locate_body(test::ct_scan(model, job), model.body);
    EXPECT_NE(std::find(p.flags.begin(), p.flags.end(), "one_end_seen"), p.flags.end());
    EXPECT_NEAR(p.translation_mm.z, shift, 0.5);
    phantom::Body unknown = model.body;
    unknown.length_mm = 0;
    // Seen from the end (shift -+ 80) to the edge of the scan (-+80): the middle of that.
    EXPECT_NEAR(locate_body(test::ct_scan(model, job), unknown).translation_mm.z, shift < 0 ? -35 : 35, 1);
  }
}

}  // namespace
}  // namespace iqgate::locate
