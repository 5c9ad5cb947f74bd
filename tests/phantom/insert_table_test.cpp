// A site's own phantom as a table.
#include <fstream>

#include "iqgate/base/error.hpp"
#include "iqgate/locate/registration.hpp"
#include "support/support.hpp"

namespace iqgate::phantom {
namespace {

constexpr const char* header = "name,x_mm,y_mm,z_mm,diameter_mm,length_mm,ct_number_hu\n";

std::string written(const test::TemporaryFolder& folder, const std::string& text) {
  const std::string path = folder.path("site.csv");
  std::ofstream(path) << text;
  return path;
}

TEST(InsertTable, MakesAPhantomThatIsFoundAndMeasured) {
  const test::TemporaryFolder folder;
  const Model model = read_model(written(folder, std::string(header) + "body,100,0,50,180,100,20\n"
                                                                       "# three rods, none like another\n"
                                                                       "bone,150,0,50,25,80,800\n"
                                                                       "foam,75,43,50,25,80,-700\n"
                                                                       "delrin,75,-43,50,20,80,340\n"));
  EXPECT_EQ(model.name, "site");
  compute::RenderJob job;
  job.grid = test::centred_grid({220, 220, 56}, {1, 1, 2.5});
  job.psf_sigma_mm = {0.7, 0.7, 0.7};
  job.pose.rotation = rotation_from_degrees(3, -2, 77);
  job.pose.translation_mm = {5, -8, 4};
  job.noise = {.kind = compute::NoiseKind::white, .sd = 10, .seed = 2};
  const Scan scan = test::ct_scan(model, job);
  const Placement placement = locate::locate_phantom(scan, model);
  const std::vector<Scan> scans{scan};
  measure::Job measuring = test::make_job(scans, place_features(model, placement, "CT"));
  measuring.placement = placement;
  const Results r = measure_all(measuring, {"ct_number"});
  // SD 10 over 240 voxels a slice and 8 slices: 0.25 HU; the rim lies 3.75 mm from the region, five blurs away.
  EXPECT_NEAR(test::value_of(r, "ct_number_hu", "", "inserts/bone"), 800, 1);
  EXPECT_NEAR(test::value_of(r, "ct_number_hu", "", "inserts/foam"), -700, 1);
  EXPECT_NEAR(test::value_of(r, "hu_slope", "ols", "inserts"), 1, 0.002);
}

TEST(InsertTable, FaultsNameTheirLine) {
  const test::TemporaryFolder folder;
  const std::pair<const char*, const char*> faults[] = {
      {"", "line 0"},
      {"name,x\n", "line 1"},
      {"name,x_mm,y_mm,z_mm,diameter_mm,length_mm,ct_number_hu\nbody,0,0,0,180,100\n", "line 2"},
      {"name,x_mm,y_mm,z_mm,diameter_mm,length_mm,ct_number_hu\nbody,0,0,0,180,100,nan\n", "line 2"},
      {"name,x_mm,y_mm,z_mm,diameter_mm,length_mm,ct_number_hu\nbody,0,0,0,180,100,0\na,0,0,0,-5,10,0\n", "line 3"},
      {"name,x_mm,y_mm,z_mm,diameter_mm,length_mm,ct_number_hu\nbody,0,0,0,180,100,0\na/../b,0,0,0,5,10,0\n", "line 3"},
      {"name,x_mm,y_mm,z_mm,diameter_mm,length_mm,ct_number_hu\nrod,0,0,0,180,100,0\n", "body"},
      {"name,x_mm,y_mm,z_mm,diameter_mm,length_mm,ct_number_hu\nbody,0,0,0,180,100,0\nrod,89,0,0,20,50,0\n",
       "outside"}};
  for (const auto& [text, expected] : faults) {
    try {
      read_model(written(folder, text));
      FAIL() << text;
    } catch (const UsageError& error) {
      EXPECT_NE(std::string(error.what()).find(expected), std::string::npos) << error.what();
    }
  }
}

}  // namespace
}  // namespace iqgate::phantom
