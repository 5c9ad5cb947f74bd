#include <fstream>

#include "iqgate/base/error.hpp"
#include "iqgate/phantom/model.hpp"
#include "support/support.hpp"

namespace iqgate::phantom {
namespace {

std::string written(const test::TemporaryFolder& folder, const std::string& text) {
  const std::string path = folder.path("grid.csv");
  std::ofstream(path) << text;
  return path;
}

std::string rows(int count) {
  std::string text = "# a site's own grid\nid,x_mm,y_mm,z_mm,diameter_mm\n";
  for (int k = 0; k < count; ++k)
    text +=
        "p" + std::to_string(k) + "," + std::to_string(20 * (k % 5)) + "," + std::to_string(20 * (k / 5)) + ",-3.5,8\n";
  return text;
}

TEST(PointTable, BecomesAPhantomOfControlPoints) {
  const test::TemporaryFolder folder;
  const Model model = read_model(written(folder, rows(15)));
  EXPECT_EQ(model.body.kind, BodyKind::points);
  ASSERT_EQ(model.features.size(), 15u);
  EXPECT_EQ(model.features[7].region.kind, "control_point");
  EXPECT_DOUBLE_EQ(model.features[7].region.center_mm.x, 40);
  EXPECT_DOUBLE_EQ(model.features[7].region.center_mm.z, -3.5);
  EXPECT_DOUBLE_EQ(model.features[7].region.radius_mm, 4);
}

TEST(PointTable, NamesTheLineThatIsWrong) {
  const test::TemporaryFolder folder;
  const auto refused = [&](const std::string& text, const char* part) {
    try {
      read_model(written(folder, text));
      ADD_FAILURE() << "was read: " << text;
    } catch (const UsageError& error) {
      EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << error.what();
    }
  };
  refused(rows(5), "fewer than 12");
  refused(rows(15) + "p3,1,2,3,8\n", "line 18");
  refused(rows(15) + "q,1,2,three,8\n", "three");
  refused(rows(15) + "q,1,2,3,-8\n", "diameter");
  refused(rows(15) + "q,1,2,3\n", "cells");
  refused("id,x,y,z,d\n", "header");
}

TEST(Model, RepeatsAShape) {
  const test::TemporaryFolder folder;
  const std::string head =
      R"({"schema":"iqgate.phantom/1","name":"r","title":"r","source":"r","modalities":["MR"],"background":"air",
"body":{"kind":"none"},"materials":[{"name":"air","mr_signal":0,"source":"s"}],"features":[],"shapes":[
{"name":"row","kind":"box","material":"air","center_mm":[1,0,0],"size_mm":[2,2,1],"repeat":)";
  const std::string path = folder.path("r.json");
  std::ofstream(path) << head + R"({"count":3,"shift_mm":[5,0,0],"grow_mm":[0,1,0]}}]})";
  const Model model = read_model(path);
  ASSERT_EQ(model.shapes.size(), 3u);
  EXPECT_EQ(model.shapes[2].name, "row_3");
  EXPECT_DOUBLE_EQ(model.shapes[2].center_mm.x, 11);
  EXPECT_DOUBLE_EQ(model.shapes[2].size_mm.y, 4);
  for (const char* wrong :
       {R"({"count":0,"shift_mm":[5,0,0]}}]})", R"({"count":3,"shift_mm":[5,0,0],"grow_mm":[0,-1,0]}}]})",
        R"({"count":1e9,"shift_mm":[5,0,0]}}]})"}) {
    std::ofstream(path, std::ios::trunc) << head + wrong;
    EXPECT_THROW(read_model(path), UsageError) << wrong;
  }
}

}  // namespace
}  // namespace iqgate::phantom
