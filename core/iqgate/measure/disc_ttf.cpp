// B3: task transfer function from the rim of a circular insert (Richard 2012; AAPM 233).
#include <algorithm>
#include <cmath>
#include <numbers>

#include "iqgate/measure/edge_response.hpp"
#include "iqgate/measure/metrics.hpp"

namespace iqgate::measure {
namespace {

constexpr int fit_sectors = 32, resample_sectors = 24;

// The direction at the middle of sector s of n, for sectors that are equal in diamond angle.
void sector_direction(int s, int n, double& x, double& y) {
  const double t = 4 * (s + 0.5) / n;
  const double part = t - std::floor(t);
  switch (static_cast<int>(t)) {
    case 0: x = 1 - part, y = part; break;
    case 1: x = -part, y = 1 - part; break;
    case 2: x = part - 1, y = -part; break;
    default: x = part, y = part - 1; break;
  }
  const double length = std::hypot(x, y);
  x /= length;
  y /= length;
}

struct Insert {
  Vec3 centre, axis, along;  // volume frame
  double radius_mm = 0, inner_mm = 0, outer_mm = 0, half_length_mm = 0;
  double rim_rms_mm = 0;  // of the rim's position in sectors about the fitted circle
};

compute::EdgeProfileJob profile_job(const Insert& insert, const RegionVoxels& voxels, const Grid& grid, double bin_mm,
                                    int sectors) {
  compute::EdgeProfileJob job{
      .shape = compute::EdgeShape::cylinder, .origin = insert.centre, .axis = insert.axis, .along = insert.along};
  job.first_mm = insert.inner_mm;
  job.bin_mm = bin_mm;
  job.bins = static_cast<int>((insert.outer_mm - insert.inner_mm) / bin_mm);
  job.half_third_mm = insert.half_length_mm;
  job.sectors = sectors;
  // The axis may be tilted: the box must hold the disc in every slice.
  const double lean =
      norm(Vec3{insert.axis.x, insert.axis.y, 0}) * (voxels.last_slice - voxels.first_slice) * grid.spacing_mm.z;
  set_box(job, grid, insert.centre, insert.outer_mm + lean, 2);
  job.low[2] = voxels.first_slice;
  job.high[2] = voxels.last_slice + 1;
  return job;
}

// Centre by the rim's position in sectors (by area, linear in the values): r = R + a cos + b sin.
bool refine_centre(const Job& job, const compute::DeviceVolume& volume, const RegionVoxels& voxels, double pixel_mm,
                   Insert& insert) {
  const compute::EdgeProfileJob pj = profile_job(insert, voxels, job.grid(), pixel_mm, fit_sectors);
  if (pj.bins < 8) return false;
  const BlockedProfile profile = blocked(job.backend->edge_profile(volume, pj), pj, BlockBy::sector);
  std::vector<double> esf;
  if (!mean_profile(profile, {}, esf)) return false;
  const std::size_t n = esf.size(), fifth = std::max<std::size_t>(2, n / 5);
  double low = 0, high = 0;
  for (std::size_t k = 0; k < fifth; ++k) low += esf[k] / double(fifth), high += esf[n - 1 - k] / double(fifth);
  if (high == low) return false;
  double sxx = 0, syy = 0, sxy = 0, sxr = 0, syr = 0, sx = 0, sy = 0, sr = 0, srr = 0, count = 0;
  for (int s = 0; s < fit_sectors; ++s) {
    std::vector<int> only(profile.blocks, 0);
    only[std::size_t(s)] = 1;
    std::vector<double> strip;
    if (!mean_profile(profile, only, strip)) continue;
    double r = pj.first_mm;
    for (const double value : strip) r += (high - value) / (high - low) * pixel_mm;
    double x, y;
    sector_direction(s, fit_sectors, x, y);
    count += 1, sx += x, sy += y, sr += r, srr += r * r, sxx += x * x, syy += y * y, sxy += x * y, sxr += x * r,
        syr += y * r;
  }
  if (count < 0.75 * fit_sectors) return false;
  sxx -= sx * sx / count, syy -= sy * sy / count, sxy -= sx * sy / count, sxr -= sx * sr / count,
      syr -= sy * sr / count;
  const double determinant = sxx * syy - sxy * sxy;
  const double a = (sxr * syy - syr * sxy) / determinant, b = (syr * sxx - sxr * sxy) / determinant;
  if (!std::isfinite(a) || !std::isfinite(b) || std::hypot(a, b) > 0.5 * insert.radius_mm) return false;
  const double rest = srr - sr * sr / count - a * sxr - b * syr;
  insert.rim_rms_mm = std::sqrt(std::max(0.0, rest) / (count - 3));
  insert.centre = insert.centre + a * insert.along + b * cross(insert.axis, insert.along);
  return true;
}

struct Levels {
  double contrast = 0, noise = 0;
};

// Means well inside and outside the rim, and the SD of pixels in the background within one slice.
Levels levels_of(const VolumeView& v, const RegionVoxels& voxels, const Insert& insert, double margin_mm) {
  double in_n = 0, in_sum = 0, out_n = 0, out_sum = 0, out_square = 0;
  const double inner = std::max(insert.radius_mm - margin_mm, 0.3 * insert.radius_mm),
               outer = std::min(insert.radius_mm + margin_mm, 0.5 * (insert.radius_mm + insert.outer_mm));
  const long reach_x = long(insert.outer_mm / v.spacing_mm.x) + 1, reach_y = long(insert.outer_mm / v.spacing_mm.y) + 1;
  const long cx = std::lround(insert.centre.x / v.spacing_mm.x), cy = std::lround(insert.centre.y / v.spacing_mm.y);
  for (std::size_t z = voxels.first_slice; z <= voxels.last_slice; ++z)
    for (long y = std::max(0L, cy - reach_y); y <= std::min(long(v.size.y) - 1, cy + reach_y); ++y)
      for (long x = std::max(0L, cx - reach_x); x <= std::min(long(v.size.x) - 1, cx + reach_x); ++x) {
        const Vec3 d =
            Vec3{double(x) * v.spacing_mm.x, double(y) * v.spacing_mm.y, double(z) * v.spacing_mm.z} - insert.centre;
        const double h = dot(d, insert.axis), r = norm(d - h * insert.axis);
        const double value = v(std::size_t(x), std::size_t(y), z);
        if (r < inner) in_n += 1, in_sum += value;
        else if (r > outer && r < insert.outer_mm) out_n += 1, out_sum += value, out_square += value * value;
      }
  if (in_n < 3 || out_n < 10) return {};
  const double mean = out_sum / out_n;
  return {in_sum / in_n - mean, std::sqrt(std::max(0.0, out_square / out_n - mean * mean))};
}

void one_region(const Job& job, std::size_t s, const Region& region, Results& results) {
  const std::string where = job.prefix(s) + region.name;
  const Grid& grid = job.grid();
  if (region.shape != RegionShape::disc && region.shape != RegionShape::cylinder)
    return results.skip("ttf50_per_mm", where, "the region of an insert must be a disc or a cylinder");
  const double pixel_mm = std::max(grid.spacing_mm.x, grid.spacing_mm.y);
  Insert insert;
  insert.radius_mm = region.radius_mm;
  const auto outer = region.nominal.find("outer_radius_mm");
  insert.outer_mm =
      outer != region.nominal.end() ? outer->second : region.radius_mm + std::clamp(region.radius_mm, 8.0, 15.0);
  insert.inner_mm = std::max(0.0, region.radius_mm - 15);
  Region whole = region;
  whole.radius_mm = insert.outer_mm;
  const RegionVoxels voxels = region_voxels(whole, grid);
  if (!voxels.good()) return results.skip("ttf50_per_mm", where, voxels.reason);
  if (region.radius_mm < 4 * pixel_mm)
    return results.skip("ttf50_per_mm", where, "the insert's radius is below 4 pixels");
  insert.centre = to_volume_frame(grid, region.center_mm);
  insert.axis = direction_in_volume(grid, region.normal);
  if (std::abs(insert.axis.z) < cos_10_deg)
    return results.skip("ttf50_per_mm", where, "the insert's axis lies more than 10 degrees from the slice normal");
  if (voxels.first_slice == voxels.last_slice) {
    insert.axis = {0, 0, 1};
    insert.centre.z = double(voxels.first_slice) * grid.spacing_mm.z;
  }
  insert.along = any_perpendicular(insert.axis);
  insert.half_length_mm = std::max(half_length_mm(region), 0.5 * grid.spacing_mm.z) + 1e-9;
  const compute::DeviceVolume& volume = *job.scans[s].volume;
  for (int pass = 0; pass < 5; ++pass)
    if (!refine_centre(job, volume, voxels, pixel_mm, insert))
      return results.skip("ttf50_per_mm", where, "no round rim is seen at the region's radius");
  const compute::EdgeProfileJob pj = profile_job(insert, voxels, grid, 0.1 * pixel_mm, resample_sectors);
  const BlockedProfile profile = blocked(job.backend->edge_profile(volume, pj), pj, BlockBy::sector);
  const double nyquist = 1 / (2 * pixel_mm);
  const Response response = edge_response(profile, {}, {.window = Window::tukey}, 2 * nyquist);
  if (!response.good) return results.skip("ttf50_per_mm", where, response.reason);
  insert.radius_mm = response.centre_mm;
  const Levels levels = levels_of(volume.host(), voxels, insert, std::max(3 * pixel_mm, 1.5 * response.rise_15_85_mm));
  const double slices = double(voxels.last_slice - voxels.first_slice + 1);
  const double cnr = levels.noise > 0 ? std::abs(levels.contrast) / levels.noise : 1e9,
               cnr_total = cnr * std::sqrt(slices);
  if (!(std::abs(levels.contrast) > 0) || cnr_total < 3)
    return results.skip("ttf50_per_mm", where, "contrast to noise over all slices is below 3");
  // Position noise of a sector: pixel sqrt(bins / pixels in a bin) / CNR.
  const double per_bin = std::max(1.0, 2 * std::numbers::pi * insert.radius_mm / fit_sectors / pixel_mm * slices),
               rim_noise = pixel_mm * std::sqrt((insert.outer_mm - insert.inner_mm) / pixel_mm / per_bin) / cnr;
  // A square leaves its mean circle by 10 % of the radius (rms): half a pixel from 5 pixels on.
  if (insert.rim_rms_mm > 0.5 * pixel_mm && insert.rim_rms_mm > 4 * rim_noise)
    return results.skip("ttf50_per_mm", where, "the rim is not a circle about one centre");
  std::vector<std::string> flags = voxels.flags;
  if (std::abs(insert.radius_mm - region.radius_mm) > 0.1 * region.radius_mm)
    flags.push_back("radius_differs_from_region");
  if (cnr_total < 15) flags.push_back("low_cnr_total");
  else if (cnr_total < 20) flags.push_back("cnr_total_below_20");
  if (response.f50 && insert.radius_mm * (*response.f50) < 10 * f50_sigma)
    flags.push_back("curvature_bias");  // R / sigma below 10
  add_response(job, results,
               {"ttf", "tukey",
                "radial ESF in bins of 0.1 pixel about the refined centre, Tukey window of 15 rise distances, "
                "corrected for difference and bin",
                "AAPM 233; Richard 2012", false},
               where, profile, {.window = Window::tukey}, nyquist, flags);
  add_response(job, results,
               {"ttf", "hann", "as tukey with a Hann window of 15 rise distances (raises f50 by about 1 %)",
                "AAPM 233; Richard 2012", false},
               where, profile, {.window = Window::hann}, nyquist, flags);
  add_response(job, results,
               {"ttf", "monotone", "as tukey after isotonic regression of the ESF, which hides overshoot",
                "AAPM 233; Richard 2012", false},
               where, profile, {.window = Window::tukey, .monotone = true}, nyquist, flags);
  add_response(job, results,
               {"ttf", "exp_tail",
                "no window, the line spread beyond 1 % of its peak replaced by the exponential through 4 to 1 %",
                "AAPM 233; Richard 2012", false},
               where, profile, {.tail = Tail::exponential}, nyquist, flags);
  const auto add = [&](const std::string& name, double value, const std::string& unit) {
    results.add(measurement(name, "", where, value, unit));
  };
  add(job.unit() == "HU" ? "ttf_contrast_hu" : "ttf_contrast", levels.contrast, job.unit());
  if (levels.noise > 0) add("cnr_total", cnr_total, "1");
  add("insert_diameter_mm", 2 * response.centre_mm, "mm");
}

void run(const Job& job, const std::vector<Region>& regions, Results& results) {
  each_region(job, regions, results, one_region);
}

}  // namespace

Metric disc_ttf_metric() {
  return {
      "ttf_disc",
      "Task transfer function of a circular insert",
      "Centre refined on the rim; radial ESF in bins of 0.1 pixel; central difference; window (tukey: Tukey, hann: "
      "Hann, both 15 times the 15-85 % rise); transform; divided by the factors of difference and bin. Contrast "
      "and CNR over all slices stand beside it: for nonlinear reconstruction the TTF holds only there.",
      "AAPM 233; Richard 2012",
      {"ttf50_per_mm", "ttf10_per_mm", "ttf02_per_mm", "ttf_at_nyquist", "ttf_peak", "ttf_peak_f_per_mm",
       "f_nyquist_per_mm", "ttf_contrast_hu", "ttf_contrast", "cnr_total", "insert_diameter_mm", "lsf_tail_fraction"},
      {"tukey", "hann", "monotone", "exp_tail"},
      {"insert"},
      {},
      run};
}

}  // namespace iqgate::measure
