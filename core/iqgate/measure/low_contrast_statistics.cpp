// A11: statistical low-contrast detectability.
#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <numbers>

#include "iqgate/measure/metrics.hpp"
#include "iqgate/measure/noise_correlation.hpp"

namespace iqgate::measure {
namespace {

// Values of a slice about the second-order surface through the region's pixels there.
struct FlatSlice {
  std::vector<double> x, y, value;  // mm
  double middle_x = 0, middle_y = 0;
  Eigen::Matrix<double, 6, 6> inverse = Eigen::Matrix<double, 6, 6>::Zero();  // of the surface's normal equations

  Eigen::Matrix<double, 6, 1> basis(std::size_t k) const {
    const double a = (x[k] - middle_x) / 50, b = (y[k] - middle_y) / 50;
    Eigen::Matrix<double, 6, 1> row;
    row << 1, a, b, a * a, a * b, b * b;
    return row;
  }
};

FlatSlice flattened(const VolumeView& v, const compute::Mask& mask, std::size_t z) {
  FlatSlice f;
  const std::size_t plane = v.size.x * v.size.y;
  double mx = 0, my = 0, n = 0;
  for (const std::size_t o : mask.offsets) {
    if (o / plane != z) continue;
    f.x.push_back(double(o % v.size.x) * v.spacing_mm.x);
    f.y.push_back(double(o / v.size.x % v.size.y) * v.spacing_mm.y);
    f.value.push_back(v.values[o]);
    mx += f.x.back(), my += f.y.back(), n += 1;
  }
  if (n < 12) return {};
  f.middle_x = mx / n, f.middle_y = my / n;
  Eigen::Matrix<double, 6, 6> normal = Eigen::Matrix<double, 6, 6>::Zero();
  Eigen::Matrix<double, 6, 1> right = Eigen::Matrix<double, 6, 1>::Zero();
  for (std::size_t k = 0; k < f.x.size(); ++k)
    normal += f.basis(k) * f.basis(k).transpose(), right += f.value[k] * f.basis(k);
  f.inverse = normal.inverse();
  const Eigen::Matrix<double, 6, 1> fit = f.inverse * right;
  for (std::size_t k = 0; k < f.x.size(); ++k) f.value[k] -= fit.dot(f.basis(k));
  return f;
}

// Means of discs of one diameter that touch, in the square lattice through the region; only discs wholly inside. The
// surface takes a share of the noise of each mean with it: 1 - N b' (B'B)^-1 b is left of its variance, b the mean of
// the surface's terms over the disc's N pixels (white noise); each mean is put back by the root of that.
void disc_means(const FlatSlice& f, Vec3 centre_mm, double region_radius_mm, double diameter_mm, std::size_t pixels,
                std::vector<double>& means) {
  const int reach = static_cast<int>(region_radius_mm / diameter_mm) + 1, side = 2 * reach + 1;
  std::vector<double> sum(std::size_t(side) * std::size_t(side), 0.0), count(sum.size(), 0.0);
  std::vector<Eigen::Matrix<double, 6, 1>> terms(sum.size(), Eigen::Matrix<double, 6, 1>::Zero());
  for (std::size_t k = 0; k < f.value.size(); ++k) {
    const double u = (f.x[k] - centre_mm.x) / diameter_mm, w = (f.y[k] - centre_mm.y) / diameter_mm;
    const double i = std::round(u), j = std::round(w);
    if (std::hypot(u - i, w - j) > 0.5 || std::abs(i) > reach || std::abs(j) > reach) continue;
    if (std::hypot(i, j) * diameter_mm + 0.5 * diameter_mm > region_radius_mm) continue;
    const std::size_t cell = std::size_t(j + reach) * std::size_t(side) + std::size_t(i + reach);
    sum[cell] += f.value[k];
    count[cell] += 1;
    terms[cell] += f.basis(k);
  }
  for (std::size_t c = 0; c < sum.size(); ++c) {
    if (count[c] <= 0.7 * double(pixels)) continue;
    const double left = 1 - terms[c].dot(f.inverse * terms[c]) / count[c];
    if (left > 0.2) means.push_back(sum[c] / count[c] / std::sqrt(left));
  }
}

void run_lcd(const Job& job, const std::vector<Region>& regions, Results& results) {
  if (job.unit() != "HU") return results.skip("lcd_contrast_hu", "scan", "the values are not HU");
  for (std::size_t s = 0; s < job.scans.size(); ++s)
    for (const Region& region : regions) {
      const std::string where = job.prefix(s) + region.name;
      const RegionVoxels voxels = region_voxels(region, job.grid());
      if (!voxels.good()) {
        results.skip("lcd_contrast_hu", where, voxels.reason);
        continue;
      }
      if (region.shape != RegionShape::disc && region.shape != RegionShape::cylinder) {
        results.skip("lcd_contrast_hu", where, "the region must be a disc or a cylinder");
        continue;
      }
      const VolumeView v = job.scans[s].volume->host();
      const NoiseCorrelation c = noise_correlation(v, voxels.mask);
      const Vec3 centre = to_volume_frame(job.grid(), region.center_mm);
      std::vector<FlatSlice> slices;
      for (std::size_t z = voxels.first_slice; z <= voxels.last_slice; ++z)
        slices.push_back(flattened(v, voxels.mask, z));
      for (const int diameter : {2, 3, 5, 7, 10}) {
        const std::string variant = "d" + std::to_string(diameter) + "mm";
        const double pixels = std::numbers::pi * diameter * diameter / 4 / job.grid().pixel_area_mm2();
        std::vector<double> means;
        for (const FlatSlice& f : slices) disc_means(f, centre, region.radius_mm, diameter, std::size_t(pixels), means);
        if (pixels < 4 || means.size() < 25) {
          results.skip(
              "lcd_contrast_hu", where,
              "variant " + variant + (pixels < 4 ? ": a disc holds fewer than 4 pixels" : ": fewer than 25 discs"));
          continue;
        }
        double mean = 0, squares = 0;
        for (const double m : means) mean += m / double(means.size());
        for (const double m : means) squares += (m - mean) * (m - mean);
        const double n = double(means.size()), sd = std::sqrt(squares / (n - 1)), freedom = n / c.sum_rho_squared_z - 1;
        Measurement m = measurement("lcd_contrast_hu", variant, where, 3.29 * sd, "HU");
        m.se = m.value / std::sqrt(2 * std::max(freedom, 1.0));
        const Interval interval = sd_interval(sd, freedom);
        m.ci95 = Interval{3.29 * interval.low, 3.29 * interval.high};
        m.n_eff = freedom + 1;
        m.method =
            "3.29 SD of the means of touching discs of this diameter, about a second-order surface in each slice";
        m.standard = "Chao 2000; Paruccini 2017; definition A11";
        m.flags = {"ci_scope=within_scan"};
        results.add(std::move(m));
      }
    }
}

}  // namespace

Metric lcd_metric() {
  return {"lcd",
          "Statistical low-contrast detectability",
          "3.29 SD of the means of touching discs of a diameter over a uniform region, about a second-order surface in "
          "each "
          "slice: the contrast that is told from the background with 95 % sensitivity and specificity.",
          "Chao 2000; Paruccini 2017",
          {"lcd_contrast_hu"},
          {"d2mm", "d3mm", "d5mm", "d7mm", "d10mm"},
          {},
          {"CT"},
          run_lcd};
}

}  // namespace iqgate::measure
