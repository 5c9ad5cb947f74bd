// What has come to rest in a folder that is written to, by a clock of the test's own.
#include "iqgate/batch/deliveries.hpp"

#include <fstream>

#include "support/support.hpp"

namespace iqgate::batch {
namespace {
namespace fs = std::filesystem;

class Arriving : public ::testing::Test {
 protected:
  test::TemporaryFolder folder;
  Deliveries::Clock::time_point start = Deliveries::Clock::now();
  Deliveries::Clock::time_point at(double seconds) const {
    return start + std::chrono::duration_cast<Deliveries::Clock::duration>(std::chrono::duration<double>(seconds));
  }
  void put(const std::string& name, std::size_t bytes) const {
    fs::create_directories(fs::path(folder.path(name)).parent_path());
    std::ofstream(folder.path(name), std::ios::app) << std::string(bytes, 'x');
  }
  static std::vector<std::string> names(const std::vector<Delivery>& deliveries) {
    std::vector<std::string> list;
    for (const Delivery& d : deliveries) list.push_back(d.name);
    return list;
  }
};
using Names = std::vector<std::string>;

TEST_F(Arriving, NothingIsTakenWhileItStillGrows) {
  Deliveries deliveries(folder.path(), 60, "");
  put("a/1.dcm", 10);
  for (int k = 0; k < 50; ++k) {  // fifty slow copies of one file
    EXPECT_TRUE(deliveries.at_rest(at(50.0 * k)).empty()) << k;
    put("a/1.dcm", 1);
  }
  EXPECT_TRUE(deliveries.at_rest(at(2500)).empty());
  EXPECT_TRUE(deliveries.at_rest(at(2559.9)).empty());
  EXPECT_EQ(names(deliveries.at_rest(at(2560.1))), Names{"a"});
}

TEST_F(Arriving, ANewFileDeepInsideStartsTheTimeAnew) {
  Deliveries deliveries(folder.path(), 60, "");
  put("a/study/series/1.dcm", 10);
  deliveries.at_rest(at(0));
  put("a/study/series/2.dcm", 10);
  EXPECT_TRUE(deliveries.at_rest(at(59)).empty());
  EXPECT_TRUE(deliveries.at_rest(at(118)).empty());
  EXPECT_EQ(names(deliveries.at_rest(at(119.1))), Names{"a"});
}

TEST_F(Arriving, WhatIsSettledComesAgainOnlyWhenItChanged) {
  Deliveries deliveries(folder.path(), 10, "");
  put("a/1.dcm", 10);
  put("loose.nii", 10);
  deliveries.at_rest(at(0));
  const auto ready = deliveries.at_rest(at(11));
  EXPECT_EQ(names(ready), (Names{"", "a"}));
  for (const Delivery& d : ready) deliveries.settled(d);
  EXPECT_FALSE(deliveries.pending());
  EXPECT_TRUE(deliveries.at_rest(at(100)).empty());
  put("a/2.dcm", 10);
  deliveries.at_rest(at(101));
  EXPECT_TRUE(deliveries.pending());
  EXPECT_EQ(names(deliveries.at_rest(at(112))), Names{"a"});
}

TEST_F(Arriving, AMarkerSaysThatItIsWhole) {
  Deliveries deliveries(folder.path(), 1e5, "DONE");
  put("a/1.dcm", 10);
  put("b/1.dcm", 10);
  EXPECT_TRUE(deliveries.at_rest(at(0)).empty());
  put("b/DONE", 0);
  EXPECT_EQ(names(deliveries.at_rest(at(1))), Names{"b"});
}

TEST_F(Arriving, AMarkerSpeaksForWhatWasThereBeforeIt) {
  Deliveries deliveries(folder.path(), 60, "DONE");
  put("b/1.dcm", 10);
  put("b/DONE", 0);
  const auto ready = deliveries.at_rest(at(0));
  ASSERT_EQ(names(ready), Names{"b"});
  deliveries.settled(ready.front());
  put("b/2.dcm", 10);
  fs::last_write_time(folder.path("b/2.dcm"), fs::last_write_time(folder.path("b/DONE")) + std::chrono::seconds(1));
  EXPECT_TRUE(deliveries.at_rest(at(1)).empty());
  EXPECT_EQ(names(deliveries.at_rest(at(62))), Names{"b"});
}

TEST_F(Arriving, AFolderThatGoesIsForgotten) {
  Deliveries deliveries(folder.path(), 10, "");
  put("a/1.dcm", 10);
  deliveries.at_rest(at(0));
  fs::remove_all(folder.path("a"));
  EXPECT_TRUE(deliveries.at_rest(at(20)).empty());
  EXPECT_FALSE(deliveries.pending());
}

}  // namespace
}  // namespace iqgate::batch
