// B1: MTF from a wire or a bead: the transform of the background-subtracted point spread about its own centre.
#include <algorithm>
#include <cmath>
#include <complex>
#include <functional>
#include <numbers>
#include <optional>

#include "iqgate/measure/metrics.hpp"
#include "iqgate/measure/noise_correlation.hpp"
#include "iqgate/measure/transfer_curve.hpp"

namespace iqgate::measure {
namespace {

constexpr double pi = std::numbers::pi;

struct Point {
  double x, y;   // mm from the centre of its slice
  double value;  // background subtracted, tapered
  double taper;
  std::size_t slice;
};

struct SliceSpread {
  std::size_t slice = 0;
  double cx = 0, cy = 0;  // volume frame, mm
  double background = 0, peak = 0, noise = 0, background_pixels = 0;
};

// Pixels of a slice within `reach` of a place, with their position.
template <class Visit>
void each_pixel(const VolumeView& v, std::size_t z, double x0, double y0, double reach_mm, Visit&& visit) {
  const long x_low = std::max(0L, long(std::floor((x0 - reach_mm) / v.spacing_mm.x))),
             x_high = std::min(long(v.size.x) - 1, long(std::ceil((x0 + reach_mm) / v.spacing_mm.x)));
  const long y_low = std::max(0L, long(std::floor((y0 - reach_mm) / v.spacing_mm.y))),
             y_high = std::min(long(v.size.y) - 1, long(std::ceil((y0 + reach_mm) / v.spacing_mm.y)));
  for (long y = y_low; y <= y_high; ++y)
    for (long x = x_low; x <= x_high; ++x)
      visit(double(x) * v.spacing_mm.x, double(y) * v.spacing_mm.y, double(v(std::size_t(x), std::size_t(y), z)));
}

// Background and noise from the annulus 0.7 to 1 region radius; then the centroid of what stands clear of the noise,
// in a window that follows it.
bool centre_in_slice(const VolumeView& v, std::size_t z, double x0, double y0, double radius_mm, SliceSpread& s) {
  s.slice = z;
  s.cx = x0;
  s.cy = y0;
  const double inner = 0.7 * radius_mm;
  double sum = 0, square = 0;
  each_pixel(v, z, x0, y0, radius_mm, [&](double x, double y, double value) {
    const double r = std::hypot(x - x0, y - y0);
    if (r > inner && r <= radius_mm) s.background_pixels += 1, sum += value, square += value * value;
  });
  if (s.background_pixels < 12) return false;
  s.background = sum / s.background_pixels;
  s.noise = std::sqrt(std::max(0.0, square / s.background_pixels - s.background * s.background));
  for (int pass = 0; pass < 40; ++pass) {
    double weight = 0, wx = 0, wy = 0;
    s.peak = 0;
    each_pixel(v, z, x0, y0, inner, [&](double x, double y, double value) {
      const double w = value - s.background;
      if (std::hypot(x - s.cx, y - s.cy) > inner - std::hypot(s.cx - x0, s.cy - y0) || std::abs(w) < 4 * s.noise)
        return;
      weight += w, wx += w * x, wy += w * y;
      if (std::abs(w) > std::abs(s.peak)) s.peak = w;
    });
    if (weight == 0) return false;
    const double nx = wx / weight, ny = wy / weight;
    if (std::hypot(nx - x0, ny - y0) > 0.5 * inner) return false;
    const double shift = std::hypot(nx - s.cx, ny - s.cy);
    s.cx = nx;
    s.cy = ny;
    if (shift < 1e-4 * v.spacing_mm.x) break;
  }
  return true;
}

// How far the spread reaches: to where its radial mean (bins of a pixel, all slices) drowns in the noise twice running,
// and at least 6 standard deviations of its core; never beyond `limit_mm`.
struct Reach {
  double mm = 0;
  double wanted_mm = 0;  // 6 standard deviations of the core
  bool drowned = false;
};

Reach spread_reach(const VolumeView& v, const std::vector<SliceSpread>& slices, double limit_mm) {
  const double bin = std::max(v.spacing_mm.x, v.spacing_mm.y);
  std::vector<double> sum(static_cast<std::size_t>(limit_mm / bin) + 2, 0), count = sum;
  double noise = 0;
  for (const SliceSpread& s : slices) {
    noise = std::max(noise, s.noise);
    each_pixel(v, s.slice, s.cx, s.cy, limit_mm, [&](double x, double y, double value) {
      const std::size_t k = static_cast<std::size_t>(std::hypot(x - s.cx, y - s.cy) / bin);
      if (k < sum.size()) sum[k] += value - s.background, count[k] += 1;
    });
  }
  double half_at = limit_mm, drowned = limit_mm;
  const auto mean = [&](std::size_t k) { return count[k] > 0 ? std::abs(sum[k] / count[k]) : 0; };
  const auto lost = [&](std::size_t k) { return mean(k) <= 2 * noise / std::sqrt(std::max(count[k], 1.0)); };
  double peak = 0;
  for (std::size_t k = 0; k < sum.size(); ++k) peak = std::max(peak, mean(k));
  for (std::size_t k = 1; k < sum.size(); ++k)
    if (mean(k) < 0.5 * peak) {
      half_at = bin * (double(k) + 0.5 - (0.5 * peak - mean(k)) / std::max(mean(k - 1) - mean(k), 1e-12));
      break;
    }
  for (std::size_t k = 1; k + 1 < sum.size(); ++k)
    if (lost(k) && lost(k + 1)) {
      drowned = bin * double(k);
      break;
    }
  const double wanted = 6 * half_at / 1.177410;
  return {std::clamp(std::max(1.25 * drowned, wanted), std::min(4 * bin, limit_mm), limit_mm), wanted,
          drowned < limit_mm};
}

double object_factor(const std::string& kind, double diameter_mm, double f) {
  const double x = pi * f * diameter_mm;
  if (x < 1e-3) return 1;
  return kind == "bead" ? 3 * (std::sin(x) - x * std::cos(x)) / (x * x * x) : 2 * std::cyl_bessel_j(1.0, x) / x;
}

struct Noise {
  double sd = 0;                   // of a pixel, with the inflation of correlated noise
  double background_variance = 0;  // of the subtracted background, in units of sd^2
};

// which: 0 radial, 1 along x, 2 along y. M(f) = sum p g(f) / sum p, with g = J0 or exp. Standard error from white noise
// in each pixel and in the background: M is linear in the values but for its denominator.
TransferCurve transform(const std::vector<Point>& points, const std::vector<double>& f, int which, const Noise& noise,
                        const std::function<double(double)>& object) {
  TransferCurve c;
  c.frequency_per_mm = f;
  double total = 0;
  for (const Point& p : points) total += p.value;
  if (total == 0) {
    c.reason = "the point spread has no area";
    return c;
  }
  c.value.assign(f.size(), 0);
  c.se.assign(f.size(), 0);
#pragma omp parallel for schedule(dynamic, 4)
  for (std::size_t k = 0; k < f.size(); ++k) {
    const double w = 2 * pi * f[k];
    const auto kernel = [&](const Point& p) -> std::complex<double> {
      return which == 0 ? std::cyl_bessel_j(0.0, w * std::hypot(p.x, p.y))
                        : std::polar(1.0, -w * (which == 1 ? p.x : p.y));
    };
    std::complex<double> sum = 0, taper_kernel = 0;
    double taper = 0, t2 = 0, t2g = 0, t2gg = 0;
    // The noise that counts is the part along the phase of the sum; for J0 and a centred spread that is the real part.
    for (const Point& p : points) {
      const std::complex<double> g = kernel(p);
      sum += p.value * g;
      taper_kernel += p.taper * g;
      taper += p.taper;
      t2 += p.taper * p.taper, t2g += p.taper * p.taper * g.real(), t2gg += p.taper * p.taper * g.real() * g.real();
    }
    const double m = which == 0 ? (sum / total).real() : std::abs(sum / total);
    const double pixels = t2gg - 2 * m * t2g + m * m * t2, offset = taper_kernel.real() - m * taper;
    const double factor = object(f[k]);
    c.value[k] = m / factor;
    c.se[k] = noise.sd * std::sqrt(std::max(0.0, pixels + offset * offset * noise.background_variance)) /
              std::abs(total) / factor;
  }
  c.good = true;
  return c;
}

// Full width of the line spread at a fraction of its peak. The line spread is the cosine transform of the curve, which
// must have faded at the highest frequency: cut off at a value m, it rings by about m.
std::optional<double> line_width(const TransferCurve& c, double fraction) {
  if (std::abs(c.value.back()) > 0.05) return std::nullopt;
  const auto spread = [&](double s) {
    double sum = 0;
    for (std::size_t k = 1; k < c.value.size(); ++k)
      sum += 0.5 * (c.frequency_per_mm[k] - c.frequency_per_mm[k - 1]) *
             (c.value[k] * std::cos(2 * pi * c.frequency_per_mm[k] * s) +
              c.value[k - 1] * std::cos(2 * pi * c.frequency_per_mm[k - 1] * s));
    return sum;
  };
  const double level = fraction * spread(0), step = 0.02 / c.frequency_per_mm.back();
  double before = spread(0);
  for (double s = step; s * frequency_step_per_mm < 0.5; s += step) {
    const double now = spread(s);
    if (now <= level) return 2 * (s - step * (level - now) / (before - now));
    before = now;
  }
  return std::nullopt;
}

void one_region(const Job& job, std::size_t s, const Region& region, Results& results) {
  const std::string where = job.prefix(s) + region.name;
  const Grid& grid = job.grid();
  const RegionVoxels voxels = region_voxels(region, grid);
  if (!voxels.good()) return results.skip("mtf50_per_mm", where, voxels.reason);
  if (!lies_in_slice(region, grid))
    return results.skip("mtf50_per_mm", where, "the region's normal lies more than 10 degrees from the slice normal");
  const double radius =
      region.shape == RegionShape::box ? 0.5 * std::min(region.size_mm.x, region.size_mm.y) : region.radius_mm;
  const VolumeView v = job.scans[s].volume->host();
  const Vec3 start = to_volume_frame(grid, region.center_mm);
  std::vector<SliceSpread> slices;
  for (std::size_t z = voxels.first_slice; z <= voxels.last_slice; ++z)
    if (SliceSpread spread;
        centre_in_slice(v, z, start.x, start.y, radius, spread) && std::abs(spread.peak) > 5 * spread.noise)
      slices.push_back(spread);
  if (slices.empty())
    return results.skip("mtf50_per_mm", where, "no point stands out from its background by 5 times the noise");
  if (region.kind == "bead") {
    // One object: all slices share the centre of the brightest, and their sum is the in-plane projection.
    const auto brightest = std::max_element(
        slices.begin(), slices.end(),
        [](const SliceSpread& a, const SliceSpread& b) { return std::abs(a.peak) < std::abs(b.peak); });
    const double cx = brightest->cx, cy = brightest->cy;
    for (SliceSpread& spread : slices) spread.cx = cx, spread.cy = cy;
  }
  std::vector<std::string> flags = voxels.flags;
  std::vector<Point> points;
  double peak = 0, largest = -INFINITY, noise_sd = 0, background_pixels = 0;
  const double limit_mm = 0.7 * radius;
  const Reach spread_out = spread_reach(v, slices, limit_mm);
  const double reach = spread_out.mm;
  // Below 4 standard deviations the background annulus lies in the spread itself.
  if (spread_out.wanted_mm > 1.5 * limit_mm)
    return results.skip("mtf50_per_mm", where,
                        "the spread is too wide for the region: 0.7 of its radius is less than 4 standard deviations");
  if (spread_out.wanted_mm > limit_mm || !spread_out.drowned) flags.push_back("spread_truncated");
  for (std::size_t i = 0; i < slices.size(); ++i) {
    const SliceSpread& spread = slices[i];
    peak = std::max(peak, std::abs(spread.peak));
    noise_sd = std::max(noise_sd, spread.noise);
    background_pixels += spread.background_pixels;
    each_pixel(v, spread.slice, spread.cx, spread.cy, reach, [&](double x, double y, double value) {
      const double dx = x - spread.cx, dy = y - spread.cy, r = std::hypot(dx, dy);
      if (r > reach) return;
      largest = std::max(largest, value);
      const double taper = r < 0.8 * reach ? 1 : 0.5 + 0.5 * std::cos(pi * (r / reach - 0.8) / 0.2);
      points.push_back({dx, dy, (value - spread.background) * taper, taper, i});
    });
  }
  if (job.unit() == "HU" && largest >= 3070) flags.push_back("saturated");
  if (peak < 20 * noise_sd) flags.push_back("low_peak_to_noise");
  const double pixel = std::max(grid.spacing_mm.x, grid.spacing_mm.y), nyquist = 1 / (2 * pixel);
  std::vector<double> f;
  for (int k = 0; frequency_step_per_mm * k < nyquist - 1e-9; ++k) f.push_back(frequency_step_per_mm * k);
  f.push_back(nyquist);
  const auto nominal = region.nominal.find("diameter_mm");
  if (nominal == region.nominal.end()) flags.push_back("object_size_not_corrected");
  const auto object = [&](double at) {
    return nominal == region.nominal.end() ? 1 : object_factor(region.kind, nominal->second, at);
  };
  // Past its main lobe the object's transform is below 0.13, and what is divided by it is noise.
  if (object(nyquist) < 0.2)
    return results.skip("mtf50_per_mm", where,
                        "the object is too large for the pixel: its own transform falls below 0.2 before the Nyquist "
                        "frequency");
  // Correlated noise: the annulus of the brightest slice tells by how much its sums exceed those of white noise.
  Region annulus = region;
  annulus.shape = RegionShape::disc;
  annulus.radius_mm = radius;
  annulus.length_mm = 0;
  RegionVoxels around = region_voxels(annulus, grid);
  std::erase_if(around.mask.offsets, [&](std::size_t o) {
    return std::hypot(double(o % v.size.x) * v.spacing_mm.x - start.x,
                      double(o / v.size.x % v.size.y) * v.spacing_mm.y - start.y) < reach;
  });
  const double inflation = std::sqrt(std::max(1.0, noise_correlation(v, around.mask).sum_rho));
  const Noise noise{noise_sd * inflation, 1 / background_pixels * double(slices.size())};
  static constexpr const char* variants[] = {"radial", "x", "y"};
  for (int which = 0; which < 3; ++which) {
    TransferCurve curve = transform(points, f, which, noise, object);
    if (curve.good) curve.fwhm_mm = line_width(curve, 0.5), curve.fwtm_mm = line_width(curve, 0.1);
    if (curve.good && !curve.fwhm_mm)
      results.skip("fwhm_mm", where,
                   std::string("variant ") + variants[which] + ": the pixel is too coarse (MTF at Nyquist above 0.05)");
    const auto f50 = first_crossing(curve.frequency_per_mm, curve.value, 0.5);
    std::vector<std::string> own = flags;
    // Pixel larger than FWHM / 2.5 = 0.4413 / f50 / 2.5: one sampling phase is not enough.
    if (f50 && pixel > 0.17652 / *f50 && slices.size() < 4) own.push_back("coarse_sampling");
    add_transfer(
        job, results,
        {"mtf", variants[which],
         which == 0 ? "radial mean of the transform of the background-subtracted spread about its centre; error from "
                      "pixel noise"
                    : "transform of the spread summed across this axis; error from pixel noise",
         "IEC 61223-3-5; ICRU 87", false},
        where, 1, [&](const std::vector<int>&) { return curve; }, nyquist, own);
  }
}

void run(const Job& job, const std::vector<Region>& regions, Results& results) {
  each_region(job, regions, results, one_region);
}

}  // namespace

Metric point_mtf_metric() {
  return {"mtf_point",
          "Wire or bead MTF",
          "Sub-pixel centre in each slice; background (annulus from 0.7 to 1 region radius) subtracted; taper over the "
          "last fifth of its reach (where the radial mean drowns in the noise, at least 6 sigma of the core); MTF(f) = "
          "sum p J0(2 pi f r) / sum p over the pixels of all slices (radial), and the transform along x and y; divided "
          "by the transform of the object (wire disc, bead ball) when nominal diameter_mm is given. fwhm, fwtm: of the "
          "line "
          "spread, the cosine transform of the curve.",
          "IEC 61223-3-5; ICRU 87; Nickoloff 1985",
          {"mtf50_per_mm", "mtf10_per_mm", "mtf02_per_mm", "mtf_at_nyquist", "mtf_peak", "mtf_peak_f_per_mm", "fwhm_mm",
           "fwtm_mm", "f_nyquist_per_mm"},
          {"radial", "x", "y"},
          {"wire", "bead"},
          {},
          run};
}

}  // namespace iqgate::measure
