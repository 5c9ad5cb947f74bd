// A11: contrast to noise, statistical low-contrast detectability, and which rods of a low-contrast module show.
#include <Eigen/Dense>
#include <algorithm>
#include <boost/math/distributions/students_t.hpp>
#include <cmath>
#include <map>
#include <numbers>

#include "iqgate/measure/localisation.hpp"
#include "iqgate/measure/metrics.hpp"
#include "iqgate/measure/noise_correlation.hpp"

namespace iqgate::measure {
namespace {

// ---- contrast to noise ratio

struct Level {
  double mean = 0, se = 0, sd = 0, n_variance = 0;
};

bool level_of(const Job& job, std::size_t s, const Region& region, Level& level, std::string& reason) {
  const RegionVoxels voxels = region_voxels(region, job.grid());
  if (!voxels.good()) {
    reason = "region " + region.name + ": " + voxels.reason;
    return false;
  }
  const compute::Moments m = job.backend->region_moments(*job.scans[s].volume, voxels.mask);
  if (m.n < 30) {
    reason = "region " + region.name + " holds fewer than 30 voxels";
    return false;
  }
  const NoiseCorrelation c = noise_correlation(job.scans[s].volume->host(), voxels.mask);
  level = {m.mean, c.residual_sd / std::sqrt(c.n_eff_mean(double(m.n))), std::sqrt(m.variance),
           c.n_eff_variance(double(m.n))};
  return true;
}

void one_cnr(const Job& job, std::size_t s, const std::string& where, const Region& rod, const Region& background,
             Results& results) {
  Level a, b;
  std::string reason;
  if (!level_of(job, s, rod, a, reason) || !level_of(job, s, background, b, reason))
    return results.skip("cnr", where, reason);
  const double contrast = a.mean - b.mean, se = std::hypot(a.se, b.se);
  const auto add = [&](const char* variant, double noise, double noise_share, const char* method) {
    Measurement m = measurement("cnr", variant, where, std::abs(contrast) / noise, "1");
    m.se = std::hypot(se / noise, m.value * noise_share);
    m.ci95 = symmetric_interval(m.value, *m.se);
    m.ci95->low = std::max(0.0, m.ci95->low);
    m.method = method;
    m.standard = "ACR CT; definition A11";
    m.flags = {"ci_scope=within_scan"};
    if (contrast < 0) m.flags.push_back("rod_below_background");
    results.add(std::move(m));
  };
  add("background", b.sd, 1 / std::sqrt(2 * std::max(b.n_variance - 1, 1.0)), "|A - B| / SD of the background region");
  const double n = a.n_variance + b.n_variance;
  add("pooled", std::sqrt(0.5 * (a.sd * a.sd + b.sd * b.sd)), 1 / std::sqrt(2 * std::max(n - 2, 1.0)),
      "|A - B| / sqrt of the mean of both variances");
  Measurement m = measurement("contrast_hu", "", where, contrast, "HU");
  m.se = se;
  m.ci95 = symmetric_interval(contrast, se);
  m.method = "mean of the rod region minus mean of the background region";
  m.flags = {"ci_scope=within_scan"};
  results.add(std::move(m));
}

void run_cnr(const Job& job, const std::vector<Region>& regions, Results& results) {
  if (job.unit() != "HU") return results.skip("cnr", "scan", "the values are not HU");
  std::map<std::string, std::map<std::string, const Region*>> folders;
  for (const Region& region : regions) folders[folder_of(region.name)][own_name(region.name)] = &region;
  for (std::size_t s = 0; s < job.scans.size(); ++s)
    for (const auto& [folder, members] : folders) {
      const std::string where = job.prefix(s) + (folder.empty() ? "scan" : folder);
      const auto rod = members.find("rod"), background = members.find("background");
      if (rod == members.end() || background == members.end())
        results.skip("cnr", where, "needs one region named rod and one named background in one folder of names");
      else one_cnr(job, s, where, *rod->second, *background->second, results);
    }
}

// ---- statistical low-contrast detectability

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

// ---- rods

struct Rod {
  const Region* region = nullptr;
  double ring_mm = 0, angle = 0, contrast = 0, se = 0, freedom = 0, p = 1;
  std::string reason;
};

std::optional<double> disc_mean(const Job& job, std::size_t s, const Region& like, Vec3 center_mm) {
  Region disc = like;
  disc.center_mm = center_mm;
  const RegionVoxels voxels = region_voxels(disc, job.grid());
  if (!voxels.good() || voxels.mask.offsets.size() < 4) return std::nullopt;
  return job.backend->region_moments(*job.scans[s].volume, voxels.mask).mean;
}

// Means of discs like this one at 0.75 and 1.25 of the ring's radius, at the angles of all rods: nothing stands there.
struct Controls {
  std::vector<double> radius, angle, value;
};

// SD of one disc's mean from the controls, about the level of each ring and a slope across the phantom.
bool control_spread(const Controls& c, double& sd, double& freedom) {
  const long n = long(c.value.size());
  if (n < 12) return false;
  Eigen::MatrixXd basis(n, 4);
  Eigen::VectorXd values(n);
  for (long k = 0; k < n; ++k) {
    const std::size_t i = std::size_t(k);
    basis.row(k) << 1, c.radius[i] > 0 ? 1 : 0, std::cos(c.angle[i]), std::sin(c.angle[i]);
    values[k] = c.value[i];
  }
  const Eigen::VectorXd rest = values - basis * basis.colPivHouseholderQr().solve(values);
  freedom = double(n - 4);
  sd = std::sqrt(rest.squaredNorm() / freedom);
  return sd > 0;
}

void one_module(const Job& job, std::size_t s, const std::string& where, const std::vector<Region>& regions,
                Results& results) {
  if (!job.phantom_placed)
    return results.skip("rod_contrast_hu", where,
                        "rods are compared round the axis of a placed phantom; none is named");
  const Vec3 e1 = job.placement.rotation.column(0), e2 = job.placement.rotation.column(1),
             axis = job.placement.rotation.column(2);
  std::vector<Rod> rods;
  for (const Region& region : regions) {
    const Vec3 d = region.center_mm - job.placement.translation_mm;
    rods.push_back({&region, std::hypot(dot(d, e1), dot(d, e2)), std::atan2(dot(d, e2), dot(d, e1))});
  }
  std::vector<Rod*> good;
  for (Rod& rod : rods) {
    const Region& region = *rod.region;
    const Vec3 on_axis =
        job.placement.translation_mm + dot(region.center_mm - job.placement.translation_mm, axis) * axis;
    Region core = region;
    core.radius_mm *= 0.8;  // the blurred rim left out
    const auto at = [&](double ring, double angle) {
      return disc_mean(job, s, core, on_axis + (ring * std::cos(angle)) * e1 + (ring * std::sin(angle)) * e2);
    };
    // A quarter of the ring's radius aside, and clear of a rod as wide as this one.
    const double aside = std::max(0.25 * rod.ring_mm, region.radius_mm + core.radius_mm + 2);
    const auto inside = at(rod.ring_mm, rod.angle), inner = at(rod.ring_mm - aside, rod.angle),
               outer = at(rod.ring_mm + aside, rod.angle);
    Controls controls;
    for (const Rod& other : rods)
      for (const int side : {-1, 1})
        if (const auto value = at(rod.ring_mm + side * aside, other.angle)) {
          controls.radius.push_back(side > 0 ? 1 : 0);
          controls.angle.push_back(other.angle);
          controls.value.push_back(*value);
        }
    double sd = 0, freedom = 0;
    if (!inside || !inner || !outer) rod.reason = "not scanned, or too small for the pixel";
    else if (!control_spread(controls, sd, freedom))
      rod.reason = "fewer than 12 places beside the rods to compare with";
    if (!rod.reason.empty()) {
      results.skip("rod_contrast_hu", job.prefix(s) + region.name, rod.reason);
      continue;
    }
    rod.contrast = *inside - 0.5 * (*inner + *outer);
    rod.se = sd * std::sqrt(1.5);
    rod.freedom = freedom;
    const boost::math::students_t t(freedom);
    rod.p = boost::math::cdf(boost::math::complement(t, rod.contrast / rod.se));
    good.push_back(&rod);
  }
  if (good.empty()) return;
  // Benjamini and Hochberg over the module's rods.
  constexpr double q = 0.05;
  std::vector<double> sorted;
  for (const Rod* rod : good) sorted.push_back(rod->p);
  std::sort(sorted.begin(), sorted.end());
  double bound = 0;
  for (std::size_t k = 0; k < sorted.size(); ++k)
    if (sorted[k] <= q * double(k + 1) / double(sorted.size())) bound = sorted[k];
  double seen = 0;
  for (const Rod* rod : good) {
    const bool visible = rod->p <= bound;
    seen += visible;
    Measurement m = measurement("rod_contrast_hu", "", job.prefix(s) + rod->region->name, rod->contrast, "HU");
    m.se = rod->se;
    m.ci95 = symmetric_interval(m.value, rod->se, rod->freedom);
    m.method =
        "mean of the rod's inner 80 % minus the mean of equal discs at 0.75 and 1.25 of its distance from the "
        "axis; error from the scatter of such discs over the module";
    m.standard = "definition A11";
    m.flags = {"ci_scope=within_scan", visible ? "visible" : "not_visible"};
    results.add(std::move(m));
  }
  Measurement m = measurement("rods_visible", "bh_005", where, seen, "1");
  m.method = "rods whose contrast is above zero, one-sided, false discovery rate 5 % over the " +
             std::to_string(good.size()) + " rods of the module";
  m.standard = "Benjamini and Hochberg 1995; definition A11";
  m.flags = {"ordinal"};
  results.add(std::move(m));
}

void run_rods(const Job& job, const std::vector<Region>& regions, Results& results) {
  if (job.unit() != "HU") return results.skip("rod_contrast_hu", "scan", "the values are not HU");
  std::map<std::string, std::vector<Region>> modules;
  for (const Region& region : regions) modules[part_of(region.name)].push_back(region);
  for (std::size_t s = 0; s < job.scans.size(); ++s)
    for (const auto& [module, members] : modules) one_module(job, s, job.prefix(s) + module, members, results);
}

}  // namespace

Metric cnr_metric() {
  return {
      "cnr",
      "Contrast to noise",
      "|A - B| over the SD of the background region (background), or over the pooled SD (pooled); A the region named "
      "rod, B the one named background in the same folder of names.",
      "ACR CT; definition A11",
      {"cnr", "contrast_hu"},
      {"background", "pooled"},
      {},
      {"CT"},
      run_cnr};
}

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

Metric low_contrast_metric() {
  return {
      "low_contrast",
      "Low-contrast rods",
      "Mean of a rod's inner 80 % minus that of equal discs at 0.75 and 1.25 of its distance from the axis; its error "
      "from the scatter of such discs over the module (about ring levels and a slope); visible: above zero, "
      "one-sided, false discovery rate 5 % over the module's rods.",
      "Benjamini and Hochberg 1995; definition A11",
      {"rod_contrast_hu", "rods_visible"},
      {"bh_005"},
      {"rod"},
      {"CT"},
      run_rods};
}

}  // namespace iqgate::measure
