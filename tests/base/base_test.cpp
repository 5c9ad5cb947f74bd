#include <fstream>
#include <numbers>

#include "iqgate/base/atomic_file.hpp"
#include "iqgate/base/random.hpp"
#include "iqgate/base/result.hpp"
#include "iqgate/base/sha256.hpp"
#include "iqgate/base/text_number.hpp"
#include "support/support.hpp"

namespace iqgate {
namespace {

TEST(Sha256, KnownDigests) {  // FIPS 180-4 examples
  EXPECT_EQ(sha256_hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(TextNumber, IsAllOfTheText) {
  for (const char* text : {"1.5", " 1.5", "+1.5 ", "15e-1", "1.50"}) EXPECT_EQ(number_from_text(text), 1.5) << text;
  for (const char* text : {"", " ", "+", "+-1", "1,5", "1.5mm", "1 5", "nan", "inf", "1e999", "0x10", "++1", "1\\2"})
    EXPECT_FALSE(number_from_text(text)) << text;
}

TEST(Philox, KnownAnswers) {  // the known-answer vectors of the Random123 distribution, philox4x32-10
  const Philox4 zero = philox(0, 0, 0);
  EXPECT_EQ(zero.v[0], 0x6627e8d5u);
  EXPECT_EQ(zero.v[1], 0xe169c58du);
  EXPECT_EQ(zero.v[2], 0xbc57ac4cu);
  EXPECT_EQ(zero.v[3], 0x9b00dbd8u);
  const Philox4 ones = philox(~0ull, ~0ull, ~0ull);
  EXPECT_EQ(ones.v[0], 0x408f276du);
  EXPECT_EQ(ones.v[1], 0x41c83b0eu);
  EXPECT_EQ(ones.v[2], 0xa20bc7c6u);
  EXPECT_EQ(ones.v[3], 0x6d5451fdu);
}

TEST(Philox, NormalDeviatesHaveTheRightMoments) {
  double sum = 0, square = 0, fourth = 0;
  const int n = 200000;
  for (int k = 0; k < n; ++k) {
    const NormalPair p = normal_pair(7, 3, std::uint64_t(k));
    for (const double v : {p.first, p.second}) sum += v, square += v * v, fourth += v * v * v * v;
  }
  const double m = 2.0 * n;
  EXPECT_NEAR(sum / m, 0, 5 / std::sqrt(m));
  EXPECT_NEAR(square / m, 1, 5 * std::sqrt(2 / m));
  EXPECT_NEAR(fourth / m, 3, 5 * std::sqrt(96 / m));
}

TEST(AtomicFile, NothingUnderTheFinalNameUnlessWhole) {
  test::TemporaryFolder folder;
  const std::string path = folder.path("result.json");
  write_file_atomically(path, "first");
  EXPECT_THROW(write_atomically(path,
                                [](const std::string& temporary) {
                                  std::ofstream(temporary) << "half";
                                  throw OutputError("x", "y", "z");
                                }),
               OutputError);
  std::string text;
  std::ifstream(path) >> text;
  EXPECT_EQ(text, "first");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path()), {}), 1);
  EXPECT_THROW(write_file_atomically(folder.path("absent/result.json"), "x"), OutputError);
}

TEST(Geometry, IndexAndMillimetresAreInverse) {
  Grid grid{{10, 20, 30}, {0.7, 0.9, 2.5}, {-5, 11, 300}, rotation_from_degrees(12, -7, 33)};
  const Vec3 index{3.25, 17.5, 8.125}, back = grid.to_index(grid.to_mm(index));
  for (int d = 0; d < 3; ++d) EXPECT_NEAR(back[d], index[d], 1e-12);
}

TEST(Geometry, RotationIsYawPitchRoll) {
  // R = Ry(yaw) Rx(pitch) Rz(roll): roll alone turns x towards y.
  const Vec3 x = rotation_from_degrees(0, 0, 90) * Vec3{1, 0, 0};
  EXPECT_NEAR(x.y, 1, 1e-15);
  const Vec3 z = rotation_from_degrees(90, 0, 0) * Vec3{0, 1, 0};
  EXPECT_NEAR(z.z, 1, 1e-15);
  const Vec3 a = rotation_from_degrees(0, 90, 0) * Vec3{0, 0, 1};
  EXPECT_NEAR(a.x, 1, 1e-15);
}

TEST(Geometry, AnglesOfARotationComeBack) {
  for (const Vec3 turn : {Vec3{0, 0, 0}, Vec3{12, -35, 160}, Vec3{-89, 20, -5}}) {
    const Vec3 back = degrees_from_rotation(rotation_from_degrees(turn.x, turn.y, turn.z));
    for (int axis = 0; axis < 3; ++axis) EXPECT_NEAR(back[axis], turn[axis], 1e-9);
  }
}

TEST(Geometry, APerpendicularOfAnyAxis) {
  for (const Vec3 axis : {Vec3{1, 0, 0}, Vec3{-3, 0.2, 0}, Vec3{0, 1, 0}, Vec3{0, 0, 2}, Vec3{1, 1, 1}}) {
    const Vec3 p = any_perpendicular(axis);
    EXPECT_NEAR(dot(p, axis), 0, 1e-12);
    EXPECT_NEAR(norm(p), 1, 1e-12);
    EXPECT_NEAR(norm(cross(p, axis)), norm(axis), 1e-12);
  }
  Vec3 v{1, 2, 3};
  v[0] = 4, v[1] = 5, v[2] = 6;
  EXPECT_EQ(v.x * 100 + v.y * 10 + v.z, 456);
}

// A thousandth of the smallest spacing at any corner, in either direction of the grid; another size never.
TEST(Geometry, TheSameGrid) {
  const Grid a{{10, 20, 30}, {0.7, 0.9, 2.5}, {-5, 11, 300}, rotation_from_degrees(12, -7, 33)};
  EXPECT_TRUE(same_grid(a, a));
  Grid b = a;
  b.origin_mm.y += 0.0006;
  EXPECT_TRUE(same_grid(a, b));
  b.origin_mm.y += 0.0002;
  EXPECT_FALSE(same_grid(a, b));
  for (int axis = 0; axis < 3; ++axis) {
    Grid wider = a;
    wider.spacing_mm[axis] += 0.0002;  // times 9 voxels and more
    EXPECT_FALSE(same_grid(a, wider)) << axis;
  }
  Grid longer = a;
  longer.size.z = 31;
  EXPECT_FALSE(same_grid(a, longer));
}

TEST(Results, NoNumberThatIsNotFiniteLeaves) {
  Results results;
  Measurement m;
  m.name = "roi_mean";
  m.unit = "HU";
  m.value = NAN;
  results.add(m);
  EXPECT_TRUE(results.measurements.empty());
  ASSERT_EQ(results.not_measured.size(), 1u);
  m.value = 1;
  m.se = INFINITY;
  results.add(m);
  EXPECT_FALSE(results.measurements.at(0).se.has_value());
  m.unit = "furlong";
  EXPECT_THROW(results.add(m), std::logic_error);
}

TEST(Regions, FileIsStrict) {
  test::TemporaryFolder folder;
  const auto file = [&](const std::string& text) {
    const std::string path = folder.path("r.json");
    write_file_atomically(path, text);
    return path;
  };
  const std::string good =
      R"({"schema": "iqgate.roi/1", "frame": "volume", "regions": [{"name": "a", "kind": "uniform", "shape": "disc", "center_mm": [1, 2, 3], "radius_mm": 5}]})";
  const RegionFile read = read_region_file(file(good));
  ASSERT_EQ(read.regions.size(), 1u);
  const Grid grid = test::centred_grid({11, 11, 11}, {2, 2, 2});
  EXPECT_NEAR(to_patient(read, grid)[0].center_mm.z, 3, 1e-12);
  for (const auto& [from, to] : {std::pair{"radius_mm\": 5", "radius_mm\": -5"},
                                 {"radius_mm\": 5", "radius\": 5"},
                                 {"disc", "blob"},
                                 {"[1, 2, 3]", "[1, 2]"},
                                 {"roi/1", "roi/9"},
                                 {"volume", "moon"}}) {
    std::string bad = good;
    bad.replace(bad.find(from), std::string(from).size(), to);
    EXPECT_THROW(read_region_file(file(bad)), UsageError) << to;
  }
}

}  // namespace
}  // namespace iqgate
