#include "iqgate/phantom/model.hpp"

#include <fstream>
#include <iterator>

#include "iqgate/base/atomic_file.hpp"
#include "iqgate/base/json.hpp"
#include "iqgate/pipeline/data_files.hpp"
#include "support/support.hpp"

namespace iqgate::phantom {
namespace {

TEST(PhantomFiles, AllShippedOnesAreRead) {
  const auto names = pipeline::shipped_phantoms();
  EXPECT_GE(names.size(), 8u);
  for (const std::string& name : names) {
    const Model model = test::shipped(name);
    EXPECT_EQ(model.name, name);
    EXPECT_FALSE(model.features.empty()) << name;
    EXPECT_EQ(model.digest.size(), 64u);
  }
}

TEST(PhantomFiles, EveryFaultNamesFileAndKey) {
  test::TemporaryFolder folder;
  std::ifstream stream(std::string(IQGATE_SOURCE_DIR) + "/phantoms/edge_block.json");
  const std::string good(std::istreambuf_iterator<char>(stream), {});
  const std::string path = folder.path("p.json");
  const std::vector<std::pair<std::string, std::string>> faults{
      {"\"title\"", "\"titel\""},
      {"\"source\": \"this digital object\"}", "\"sauce\": \"x\"}"},
      {"\"kind\": \"box\"", "\"kind\": \"cone\""},
      {"\"material\": \"acrylic\"", "\"material\": \"cheese\""},
      {"\"inside\": \"body\"", "\"inside\": \"nothing\""},
      {"\"radius_mm\": 90", "\"radius_mm\": 0"},
      {"iqgate.phantom/1", "iqgate.phantom/7"},
      {"\"size_mm\": [60, 60, 80]", "\"size_cm\": [6, 6, 8]"}};
  for (const auto& [from, to] : faults) {
    std::string bad = good;
    ASSERT_NE(bad.find(from), std::string::npos) << from;
    bad.replace(bad.find(from), from.size(), to);
    write_file_atomically(path, bad);
    try {
      read_model(path);
      ADD_FAILURE() << to << " was accepted";
    } catch (const UsageError& error) {
      EXPECT_NE(std::string(error.what()).find("p.json"), std::string::npos);
    }
  }
}

TEST(PhantomFiles, FeaturesFollowThePlacement) {
  const Model model = test::shipped("water_cylinder");
  Placement placement;
  placement.rotation = rotation_from_degrees(0, 0, 90);
  placement.translation_mm = {10, 20, 30};
  placement.radius_mm = 107.5;
  for (const Region& region : place_features(model, placement, "CT"))
    if (region.name == "uniformity/right") {
      EXPECT_NEAR(region.center_mm.x, 10, 1e-9);
      EXPECT_NEAR(region.center_mm.y, 20 + 0.66 * 107.5, 1e-9);
      EXPECT_NEAR(region.radius_mm, 0.113 * 107.5, 1e-9);
    }
  EXPECT_TRUE(place_features(test::shipped("uniform_sphere"), placement, "NM").empty());
}

}  // namespace
}  // namespace iqgate::phantom
