// The order in which voxels are stored, and what is stored beside the phantom, are no part of an image: the same voxels
// by other rows, columns and slices, and with air around them, give the same numbers with the same uncertainties.
#include <cmath>

#include "support/any_phantom.hpp"

namespace iqgate::pipeline {
namespace {

/// `from[a]`: which axis of the volume becomes axis a; `reversed[a]`: run through from its end.
struct Order {
  const char* name;
  int from[3];
  bool reversed[3];
};

Volume reordered(const Volume& v, const Order& order) {
  Volume r;
  const std::size_t size[3] = {v.grid.size.x, v.grid.size.y, v.grid.size.z};
  std::size_t stride[3] = {1, size[0], size[0] * size[1]};
  r.grid.size = {size[order.from[0]], size[order.from[1]], size[order.from[2]]};
  Vec3 start, columns[3];
  for (int a = 0; a < 3; ++a) {
    const int b = order.from[a];
    r.grid.spacing_mm[a] = v.grid.spacing_mm[b];
    start[b] = order.reversed[a] ? double(size[b]) - 1 : 0;
    columns[a] = (order.reversed[a] ? -1.0 : 1.0) * v.grid.direction.column(b);
  }
  r.grid.origin_mm = v.grid.to_mm(start);
  r.grid.direction = Mat3::from_columns(columns[0], columns[1], columns[2]);
  r.values.resize(v.values.size());
  std::size_t at = 0;
  for (std::size_t k = 0; k < r.grid.size.z; ++k)
    for (std::size_t j = 0; j < r.grid.size.y; ++j)
      for (std::size_t i = 0; i < r.grid.size.x; ++i) {
        const std::size_t index[3] = {i, j, k};
        std::size_t source = 0;
        for (int a = 0; a < 3; ++a) {
          const int b = order.from[a];
          source += stride[b] * (order.reversed[a] ? size[b] - 1 - index[a] : index[a]);
        }
        r.values[at++] = v.values[source];
      }
  return r;
}

/// With so many more voxels of one value before and after each axis.
Volume padded(const Volume& v, Size3 before, Size3 after, float value) {
  Volume r;
  r.grid = v.grid;
  r.grid.size = {v.grid.size.x + before.x + after.x, v.grid.size.y + before.y + after.y,
                 v.grid.size.z + before.z + after.z};
  r.grid.origin_mm = v.grid.to_mm({-double(before.x), -double(before.y), -double(before.z)});
  r.values.resize(r.grid.size.count());
  std::fill(r.values.begin(), r.values.end(), value);
  for (std::size_t k = 0; k < v.grid.size.z; ++k)
    for (std::size_t j = 0; j < v.grid.size.y; ++j)
      std::copy_n(v.values.data() + (k * v.grid.size.y + j) * v.grid.size.x, v.grid.size.x,
                  r.values.data() + ((k + before.z) * r.grid.size.y + j + before.y) * r.grid.size.x + before.x);
  return r;
}

/// How near two orders come: 1 for what each voxel takes part in alike.
struct Nearness {
  double of_value = 1e-6, of_se = 0, se_ratio = 1e-5;
};
Nearness nearness(const std::string& name) {
  // Boxes begin at the whole voxel that lies nearest; SEs come from random draws.
  if (name == "nps_at_0_extrap_hu2_mm2") return {0.1, 1.5, 9};
  if (name.starts_with("nps") || name == "noise_from_nps_hu") return {0.02, 1.5, 0.9};
  if (name == "cnr_total" || name == "insert_diameter_mm" || name == "ttf_contrast_hu") return {2e-3};
  // Sectors of a rim begin at the image's own x, laid into the rim's plane.
  if (name.starts_with("mtf") || name.starts_with("ttf") || name.starts_with("fw")) return {1e-6, 0.5, 1.5};
  if (name == "piu_noise_bias_pct") return {0.05};  // simulated
  return {};
}

/// What a direction of the image is called in the other order.
std::string renamed(std::string text, const Order& order) {
  const auto exchange = [&](const std::string& a, const std::string& b) {
    if (const std::size_t at = text.find(a); at != text.npos) text.replace(at, a.size(), b);
    else if (const std::size_t there = text.find(b); there != text.npos) text.replace(there, b.size(), a);
  };
  if (order.from[0] == 1) {
    if (text == "x" || text == "y") return text == "x" ? "y" : "x";
    exchange("_h_", "_v_");
    if (text.starts_with("scale_")) exchange("_x_", "_y_");
  } else if (order.reversed[0] != order.reversed[1]) {
    exchange("_d45_", "_d135_");
  }
  return text;
}

void expect_whole(const Results& r, const std::string& what) {
  for (const Curve& c : r.curves) {
    EXPECT_FALSE(c.x.values.empty()) << what << ' ' << c.name;
    EXPECT_EQ(c.y.values.size(), c.x.values.size()) << what << ' ' << c.name << ' ' << c.where;
    for (const auto* band : {&c.ci95_lo, &c.ci95_hi})
      EXPECT_TRUE(band->empty() || band->size() == c.x.values.size()) << what << ' ' << c.name << ' ' << c.where;
  }
  for (const Map& m : r.maps) EXPECT_EQ(m.values.size(), m.width * m.height) << what << ' ' << m.name;
}

void expect_same(const Results& a, const Results& b, const Order& order, const std::string& phantom) {
  for (const Measurement& m : a.measurements) {
    const std::string text = phantom + " " + order.name + ": " + m.name + " [" + m.variant + "] " + m.where;
    // About the image's own x; where white noise has no peak; where a curve in noise need not end above 2 %.
    if (m.name == "streak_angle_deg" || m.name == "nps_peak_per_mm" || m.name == "ttf02_per_mm") continue;
    const Measurement* n = b.find(renamed(m.name, order), renamed(m.variant, order), m.where);
    if (!n) {
      ADD_FAILURE() << text << " is missing";
      continue;
    }
    const Nearness near = nearness(m.name);
    const double sign = m.name == "slice_position_offset_mm" && order.reversed[2] ? -1 : 1;
    EXPECT_NEAR(sign * n->value, m.value,
                near.of_value * std::abs(m.value) + (near.of_se + 1e-6) * m.se.value_or(0) + 1e-9)
        << text;
    EXPECT_EQ(n->se.has_value(), m.se.has_value()) << text;
    if (n->se && m.se) EXPECT_NEAR(*n->se, *m.se, near.se_ratio * *m.se + 1e-9) << text << " (SE)";
  }
}

class VoxelOrder : public ::testing::TestWithParam<std::string> {};

TEST_P(VoxelOrder, RowsColumnsAndSlices) {
  const test::AnyPhantom w = test::any_phantom(GetParam(), 6);
  const Results plain = test::measured(w, w.scan.volume);
  EXPECT_FALSE(plain.measurements.empty());
  expect_whole(plain, GetParam());
  for (const Order& order : {Order{"turned by half", {0, 1, 2}, {true, true, false}},
                             Order{"rows for columns", {1, 0, 2}, {false, false, true}},
                             Order{"slices from the other end", {0, 1, 2}, {true, false, true}}})
    expect_same(plain, test::measured(w, reordered(w.scan.volume, order)), order, GetParam());
}

// Air around the image, unlike on each side. The middle of the image, about which rings lie, moves with it, and so does
// what is measured in the air.
TEST_P(VoxelOrder, AirAround) {
  const test::AnyPhantom w = test::any_phantom(GetParam(), 6);
  const Results plain = test::measured(w, w.scan.volume);
  const Volume wide = padded(w.scan.volume, {3, 8, 2}, {12, 5, 1}, w.scan.volume.values.front());
  Results other = test::measured(w, wide);
  const auto moves = [](const Measurement& m) {
    return m.name.starts_with("ring_") || m.name.starts_with("streak_") || m.method.find("background") != m.method.npos;
  };
  Results left;
  for (const Measurement& m : plain.measurements)
    if (!moves(m)) left.measurements.push_back(m);
  expect_same(left, other, {"more air", {0, 1, 2}, {}}, GetParam());
}

// Phantom and slices turned together about any axis: an oblique scan, whose voxels are the same. Displacements are told
// along the scanner's axes, and a line through the image keeps no patient's name.
TEST_P(VoxelOrder, ScannedObliquely) {
  const test::AnyPhantom upright = test::any_phantom(GetParam(), 6);
  const Results plain = test::measured(upright, upright.scan.volume);
  Results left;
  for (const Measurement& m : plain.measurements)
    if (!m.name.starts_with("distortion") && !m.name.starts_with("affine")) left.measurements.push_back(m);
  for (const Vec3 angles : {Vec3{17, 0, 0}, Vec3{0, -25, 8}, Vec3{30, 12, -40}}) {
    const Mat3 turn = rotation_from_degrees(angles.x, angles.y, angles.z);
    test::AnyPhantom turned = upright;
    turned.job.pose.rotation = turn * upright.job.pose.rotation;
    turned.job.pose.translation_mm = turn * upright.job.pose.translation_mm;
    Volume volume = upright.scan.volume;
    volume.grid.direction = turn * volume.grid.direction;
    volume.grid.origin_mm = turn * volume.grid.origin_mm;
    expect_same(left, test::measured(turned, volume), {"oblique", {0, 1, 2}, {}}, GetParam());
  }
}

INSTANTIATE_TEST_SUITE_P(Small, VoxelOrder, ::testing::Values("uniform_sphere", "insert_discs", "edge_block", "bead"),
                         [](const auto& info) { return info.param; });
INSTANTIATE_TEST_SUITE_P(EachLong, VoxelOrder, ::testing::ValuesIn(test::phantoms_of_one_scan()),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace iqgate::pipeline
