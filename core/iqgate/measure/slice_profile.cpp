// A8: slice sensitivity profile of a bead.
#include <algorithm>
#include <cmath>
#include <numbers>

#include "iqgate/measure/metrics.hpp"
#include "iqgate/measure/point_centre.hpp"
#include "iqgate/measure/profile_width.hpp"

namespace iqgate::measure {
namespace {

void one_region(const Job& job, std::size_t s, const Region& region, Results& results) {
  const std::string where = job.prefix(s) + region.name;
  const Grid& grid = job.grid();
  const PointCentre centre = point_centre(job, s, region, false);
  if (!centre.good) return results.skip("ssp_fwhm_mm", where, centre.reason);
  const VolumeView v = job.scans[s].volume->host();
  const double pixel = std::max(grid.spacing_mm.x, grid.spacing_mm.y);
  const double inner = std::max(2.0, 2.5 * pixel), outer = std::max(region.radius_mm, inner + 2 * pixel);
  const Vec3 at = grid.to_index(centre.patient_mm);
  const long reach_x = long(outer / grid.spacing_mm.x) + 1, reach_y = long(outer / grid.spacing_mm.y) + 1;
  const long cx = std::lround(at.x), cy = std::lround(at.y);
  if (cx - reach_x < 0 || cy - reach_y < 0 || cx + reach_x >= long(v.size.x) || cy + reach_y >= long(v.size.y))
    return results.skip("ssp_fwhm_mm", where, "the region reaches outside the scan");
  // Sum over the bead's surroundings less the ring about it, per slice within 12 mm or twice the region's length.
  const double depth = std::max(12.0, region.length_mm);
  const long low = std::max(0L, std::lround(at.z - depth / grid.spacing_mm.z)),
             high = std::min(long(v.size.z) - 1, std::lround(at.z + depth / grid.spacing_mm.z));
  std::vector<double> profile;
  for (long z = low; z <= high; ++z) {
    double sum = 0, count = 0, ring = 0, ring_count = 0;
    for (long y = cy - reach_y; y <= cy + reach_y; ++y)
      for (long x = cx - reach_x; x <= cx + reach_x; ++x) {
        const double r = std::hypot((double(x) - at.x) * grid.spacing_mm.x, (double(y) - at.y) * grid.spacing_mm.y);
        const double value = v(std::size_t(x), std::size_t(y), std::size_t(z));
        if (r <= inner) sum += value, count += 1;
        else if (r <= outer && r > inner + pixel) ring += value, ring_count += 1;
      }
    profile.push_back(sum - (ring_count > 0 ? ring / ring_count : 0) * count);
  }
  if (profile.size() < 7) return results.skip("ssp_fwhm_mm", where, "not scanned: fewer than 7 slices about the bead");
  const Peak peak = find_peak(profile);
  if (peak.height < 6 * peak.noise)
    return results.skip("ssp_fwhm_mm", where, "the bead does not stand out from the noise along the slices");
  const auto half = full_width(profile, peak, 0.5), tenth = full_width(profile, peak, 0.1);
  if (!half) return results.skip("ssp_fwhm_mm", where, "not scanned: the profile leaves the scan above half its peak");
  if (half->width < 2.5)
    return results.skip("ssp_fwhm_mm", where,
                        "the slices lie too far apart for the profile: fewer than 2.5 of them within its width");
  std::vector<std::string> flags{"ci_scope=within_scan"};
  const auto nominal = region.nominal.find("diameter_mm");
  if (nominal != region.nominal.end() && nominal->second > 0.3 * half->width * grid.spacing_mm.z)
    flags.push_back("bead_not_small");
  const auto add = [&](const char* name, const Width& width, double fraction) {
    Measurement m = measurement(name, "bead", where, width.width * grid.spacing_mm.z, "mm");
    // Noise of one slice's sum over the slope of a Gaussian of this width at the level, on both sides.
    const double sigma = half->width / 2.354820,
                 slope = fraction * peak.height * std::sqrt(2 * std::log(1 / fraction)) / sigma;
    m.se = std::numbers::sqrt2 * peak.noise / slope * grid.spacing_mm.z;
    m.ci95 = symmetric_interval(m.value, *m.se);
    m.method = "sum over the bead less its background in each slice; width between linear crossings";
    m.standard = "IEC 61223-3-5; definition A8";
    m.flags = flags;
    results.add(std::move(m));
  };
  add("ssp_fwhm_mm", *half, 0.5);
  if (tenth) add("ssp_fwtm_mm", *tenth, 0.1);
  else results.skip("ssp_fwtm_mm", where, "not scanned: the profile leaves the scan above a tenth of its peak");
  Curve curve{"slice_sensitivity_profile", "bead", where, {"distance", "mm", {}}, {"relative", "1", {}}, {}, {}};
  for (std::size_t k = 0; k < profile.size(); ++k) {
    curve.x.values.push_back((double(k) - half->middle) * grid.spacing_mm.z);
    curve.y.values.push_back((profile[k] - peak.background) / peak.height);
  }
  results.curves.push_back(std::move(curve));
}

void run(const Job& job, const std::vector<Region>& regions, Results& results) {
  each_region(job, regions, results, one_region);
}

}  // namespace

Metric slice_profile_metric() {
  return {"ssp",
          "Slice sensitivity profile of a bead",
          "Sum over the bead's surroundings less the ring about it, slice by slice; FWHM and FWTM between linear "
          "crossings. "
          "Only where 2.5 slices or more lie within the width.",
          "IEC 61223-3-5; definition A8",
          {"ssp_fwhm_mm", "ssp_fwtm_mm"},
          {"bead"},
          {},
          {},
          run};
}

}  // namespace iqgate::measure
