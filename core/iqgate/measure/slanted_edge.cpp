// B2: slanted edge, ISO 12233 and IEC 62220-1 variants, on any straight edge in the slice plane.
#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <numbers>

#include "iqgate/measure/edge_response.hpp"
#include "iqgate/measure/metrics.hpp"

namespace iqgate::measure {
namespace {

constexpr double to_deg = 180 / std::numbers::pi;

// How far the edge leaves a straight line, from its crossings of strips (the mean over the slices).
struct Straightness {
  double bend_rms_mm = 0, residual_rms_mm = 0;
  double strips = 0, bins = 0, pixels_in_bin = 1;
};

Straightness straightness(const std::vector<double>& u, const std::vector<double>& position) {
  Straightness s;
  s.strips = double(u.size());
  if (u.size() < 4) return s;
  Eigen::MatrixXd design(Eigen::Index(u.size()), 3);
  Eigen::VectorXd values(Eigen::Index(u.size()));
  const double reach = std::max(std::abs(u.front()), std::abs(u.back()));
  for (std::size_t k = 0; k < u.size(); ++k) {
    const double t = u[k] / reach;
    design.row(Eigen::Index(k)) << 1, t, 0.5 * (3 * t * t - 1);
    values[Eigen::Index(k)] = position[k];
  }
  const auto rms = [&](const Eigen::VectorXd& v) { return std::sqrt(v.squaredNorm() / s.strips); };
  const Eigen::VectorXd line = design.leftCols(2) * design.leftCols(2).householderQr().solve(values).eval(),
                        curve = design * design.householderQr().solve(values).eval();
  s.bend_rms_mm = rms(curve - line);
  s.residual_rms_mm = rms(values - line);
  return s;
}

// The edge in the volume frame, and the tilted rectangle about it that fits into the region.
struct Edge {
  Vec3 origin, normal, along;
  double half_distance_mm = 0, half_along_mm = 0;
  double contrast_to_noise = 0;
  Straightness straight;
};

// Direction of the mean gradient: slope of the plane that fits the values best.
Vec3 gradient_direction(const VolumeView& v, const RegionVoxels& voxels, Vec3 u, Vec3 w, Vec3 centre) {
  double suu = 0, suw = 0, sww = 0, su = 0, sw = 0, n = 0, sv = 0, suv = 0, swv = 0;
  for (const std::size_t o : voxels.mask.offsets) {
    const Vec3 p = Vec3{double(o % v.size.x) * v.spacing_mm.x, double(o / v.size.x % v.size.y) * v.spacing_mm.y,
                        double(o / (v.size.x * v.size.y)) * v.spacing_mm.z} -
                   centre;
    const double a = dot(p, u), b = dot(p, w), value = v.values[o];
    n += 1, su += a, sw += b, sv += value, suu += a * a, sww += b * b, suw += a * b, suv += a * value, swv += b * value;
  }
  suu -= su * su / n, sww -= sw * sw / n, suw -= su * sw / n, suv -= su * sv / n, swv -= sw * sv / n;
  const double determinant = suu * sww - suw * suw;
  if (!(determinant > 0)) return u;
  const double gu = (suv * sww - swv * suw) / determinant, gw = (swv * suu - suv * suw) / determinant;
  const Vec3 g = gu * u + gw * w;
  return norm(g) > 0 ? normalised(g) : u;
}

// Largest rectangle, turned by phi, inside one of half sizes hx (across), hy (along).
void inscribe(double hx, double hy, double phi, double& across, double& along) {
  const double c = std::cos(phi), s = std::abs(std::sin(phi)), c2 = c * c - s * s;
  across = along = 0;
  if (c2 > 0.1) across = (hx * c - hy * s) / c2, along = (hy * c - hx * s) / c2;
  if (!(across > 0.3 * hx) || !(along > 0.3 * hy)) across = along = std::min(hx, hy) / (c + s);
}

compute::EdgeProfileJob profile_job(const Edge& edge, const RegionVoxels& voxels, const Grid& grid, double bin_mm,
                                    int sectors) {
  compute::EdgeProfileJob job{
      .shape = compute::EdgeShape::plane, .origin = edge.origin, .axis = edge.normal, .along = edge.along};
  job.bin_mm = bin_mm;
  job.bins = 2 * static_cast<int>(edge.half_distance_mm / bin_mm);
  job.first_mm = -0.5 * job.bins * bin_mm;
  job.half_along_mm = edge.half_along_mm;
  job.half_third_mm = 1e6;
  job.sectors = sectors;
  const double reach = std::hypot(edge.half_distance_mm, edge.half_along_mm);
  set_box(job, grid, edge.origin, reach, 2);
  job.low[2] = voxels.first_slice;
  job.high[2] = voxels.last_slice + 1;
  return job;
}

// Where the edge crosses each strip, by area: linear in the values, so unbiased by noise; then a line through them.
bool refine_edge(const Job& job, const compute::DeviceVolume& volume, const RegionVoxels& voxels, double pixel_mm,
                 Edge& edge) {
  const int strips = std::max(4, static_cast<int>(2 * edge.half_along_mm / (3 * pixel_mm)));
  const compute::EdgeProfileJob pj = profile_job(edge, voxels, job.grid(), pixel_mm, strips);
  if (pj.bins < 8) return false;
  const compute::EdgeProfile p = job.backend->edge_profile(volume, pj);
  const BlockedProfile by_strip = blocked(p, pj, BlockBy::sector_and_slice);
  std::vector<double> esf;
  if (!mean_profile(by_strip, {}, esf)) return false;
  const std::size_t n = esf.size(), fifth = std::max<std::size_t>(2, n / 5);
  double low = 0, high = 0;
  for (std::size_t k = 0; k < fifth; ++k) low += esf[k] / double(fifth), high += esf[n - 1 - k] / double(fifth);
  if (high == low) return false;
  double s = 0, su = 0, sp = 0, suu = 0, sup = 0;
  std::vector<double> slice_position(p.slices, 0), slice_count(p.slices, 0);
  std::vector<double> strip_position(std::size_t(strips), 0), strip_count(std::size_t(strips), 0);
  for (std::size_t b = 0; b < by_strip.blocks; ++b) {
    std::vector<int> only(by_strip.blocks, 0);
    only[b] = 1;
    std::vector<double> strip;
    if (!mean_profile(by_strip, only, strip)) continue;
    double position = pj.first_mm;
    for (const double value : strip) position += (high - value) / (high - low) * pixel_mm;
    const double u = (double(b % std::size_t(strips)) + 0.5) / strips * 2 * edge.half_along_mm - edge.half_along_mm;
    s += 1, su += u, sp += position, suu += u * u, sup += u * position;
    slice_position[b / std::size_t(strips)] += position;
    slice_count[b / std::size_t(strips)] += 1;
    strip_position[b % std::size_t(strips)] += position;
    strip_count[b % std::size_t(strips)] += 1;
  }
  if (s < 4) return false;
  const double slope = (s * sup - su * sp) / (s * suu - su * su), offset = (sp - slope * su) / s;
  if (!std::isfinite(slope) || !std::isfinite(offset) || std::abs(offset) > edge.half_distance_mm) return false;
  std::vector<double> at, mean;
  for (std::size_t k = 0; k < std::size_t(strips); ++k) {
    if (strip_count[k] < double(p.slices)) continue;  // a strip that lacks slices shows the tilt of the stack
    at.push_back((double(k) + 0.5) / strips * 2 * edge.half_along_mm - edge.half_along_mm);
    mean.push_back(strip_position[k] / strip_count[k]);
  }
  edge.straight = straightness(at, mean);
  edge.straight.bins = pj.bins;
  edge.straight.pixels_in_bin = 2 * edge.half_along_mm / strips / pixel_mm * double(p.slices);
  edge.origin = edge.origin + offset * edge.normal;
  Vec3 normal = edge.normal - slope * edge.along;
  // A tilt through the stack: position against slice.
  double zs = 0, zz = 0, zp = 0, pp = 0, zzz = 0;
  for (std::size_t z = 0; z < p.slices; ++z) {
    if (slice_count[z] == 0) continue;
    const double at = (double(z + voxels.first_slice)) * job.grid().spacing_mm.z,
                 value = slice_position[z] / slice_count[z];
    zs += 1, zz += at, pp += value, zzz += at * at, zp += at * value;
  }
  if (zs >= 3) {
    const double tilt = (zs * zp - zz * pp) / (zs * zzz - zz * zz);
    if (std::isfinite(tilt)) normal = normal - tilt * Vec3{0, 0, 1};
  }
  edge.normal = normalised(normal);
  edge.along = normalised(edge.along - dot(edge.along, edge.normal) * edge.normal);
  return true;
}

double contrast_to_noise(const VolumeView& v, const RegionVoxels& voxels, const Edge& edge) {
  double n[2] = {}, sum[2] = {}, square[2] = {};
  for (const std::size_t o : voxels.mask.offsets) {
    const Vec3 p = Vec3{double(o % v.size.x) * v.spacing_mm.x, double(o / v.size.x % v.size.y) * v.spacing_mm.y,
                        double(o / (v.size.x * v.size.y)) * v.spacing_mm.z} -
                   edge.origin;
    const double d = dot(p, edge.normal);
    if (std::abs(d) < 0.6 * edge.half_distance_mm || std::abs(d) > edge.half_distance_mm) continue;
    const int side = d > 0;
    n[side] += 1, sum[side] += v.values[o], square[side] += double(v.values[o]) * v.values[o];
  }
  if (n[0] < 10 || n[1] < 10) return 0;
  const auto variance = [&](int k) { return std::max(0.0, square[k] / n[k] - sum[k] / n[k] * (sum[k] / n[k])); };
  const double noise = std::sqrt(0.5 * (variance(0) + variance(1)));
  return noise > 0 ? std::abs(sum[0] / n[0] - sum[1] / n[1]) / noise : 1e9;
}

void one_region(const Job& job, std::size_t s, const Region& region, Results& results) {
  const std::string where = job.prefix(s) + region.name;
  const Grid& grid = job.grid();
  const RegionVoxels voxels = region_voxels(region, grid);
  if (!voxels.good()) return results.skip("mtf50_per_mm", where, voxels.reason);
  if (!lies_in_slice(region, grid))
    return results.skip("mtf50_per_mm", where, "the region's normal lies more than 10 degrees from the slice normal");
  const compute::DeviceVolume& volume = *job.scans[s].volume;
  const double pixel_mm = std::max(grid.spacing_mm.x, grid.spacing_mm.y);
  const Vec3 u = direction_in_volume(grid, region.in_plane), w = direction_in_volume(grid, region.second_axis());
  Edge edge;
  edge.origin = to_volume_frame(grid, region.center_mm);
  edge.normal = gradient_direction(volume.host(), voxels, u, w, edge.origin);
  edge.normal.z = 0;
  if (!(norm(edge.normal) > 0.1)) return results.skip("mtf50_per_mm", where, "no edge is seen in the region");
  edge.normal = normalised(edge.normal);
  const bool round = region.shape == RegionShape::disc || region.shape == RegionShape::cylinder;
  const double hx = round ? region.radius_mm / std::numbers::sqrt2 : 0.5 * region.size_mm.x,
               hy = round ? hx : 0.5 * region.size_mm.y;
  for (int pass = 0; pass < 4; ++pass) {
    const double cu = std::abs(dot(edge.normal, u)), cw = std::abs(dot(edge.normal, w));
    edge.along = normalised(cross(Vec3{0, 0, 1}, edge.normal));
    if (cu >= cw) inscribe(hx, hy, std::atan2(cw, cu), edge.half_distance_mm, edge.half_along_mm);
    else inscribe(hy, hx, std::atan2(cu, cw), edge.half_distance_mm, edge.half_along_mm);
    // The refined origin may lie off the region's centre; the rectangle must stay inside.
    const double off = std::abs(dot(edge.origin - to_volume_frame(grid, region.center_mm), edge.normal));
    edge.half_distance_mm -= off;
    if (edge.half_distance_mm < 4 * pixel_mm || edge.half_along_mm < 4 * pixel_mm)
      return results.skip("mtf50_per_mm", where,
                          "less than 4 pixels of the region lie on one side of the edge, or along it");
    if (!refine_edge(job, volume, voxels, pixel_mm, edge))
      return results.skip("mtf50_per_mm", where, "no single straight edge is seen in the region");
  }
  edge.contrast_to_noise = contrast_to_noise(volume.host(), voxels, edge);
  if (edge.contrast_to_noise < 3)
    return results.skip("mtf50_per_mm", where, "the edge's contrast is below 3 times the noise");
  const double angle = std::atan2(std::min(std::abs(edge.normal.x), std::abs(edge.normal.y)),
                                  std::max(std::abs(edge.normal.x), std::abs(edge.normal.y))) *
                       to_deg;
  std::vector<std::string> flags = voxels.flags;
  if (!(angle >= 1.5 && angle <= 8) && !(angle >= 43 && angle <= 47)) flags.push_back("edge_angle");
  if (edge.contrast_to_noise < 15) flags.push_back("low_edge_cnr");
  // A bend of rms b blurs like a Gaussian of that sigma: at a blur of half a pixel f50 falls by 0.5 % for 0.05 pixel
  // (the flag) and by 7 % for 0.2 (refused). 0.3 without a bend: a corner or a second edge. Noise of a strip's
  // crossing: pixel sqrt(bins / pixels in a bin) / CNR.
  const Straightness& straight = edge.straight;
  const double strip_noise = pixel_mm * std::sqrt(straight.bins / straight.pixels_in_bin) / edge.contrast_to_noise;
  const bool bent = straight.bend_rms_mm > 4 * strip_noise / std::sqrt(std::max(1.0, straight.strips)),
             ragged = straight.residual_rms_mm > 4 * strip_noise;
  if ((bent && straight.bend_rms_mm > 0.2 * pixel_mm) || (ragged && straight.residual_rms_mm > 0.3 * pixel_mm))
    return results.skip("mtf50_per_mm", where, "the edge is not straight over the region (a bend or a corner)");
  if (bent && straight.bend_rms_mm > 0.05 * pixel_mm) flags.push_back("edge_not_straight");
  // Whole turns of the sampling phase along the edge.
  const double turns = 2 * edge.half_along_mm * std::sin(angle / to_deg) / pixel_mm;
  if (turns >= 1) edge.half_along_mm *= std::floor(turns) / turns;
  Measurement a = measurement("edge_angle_deg", "", where, angle, "deg");
  a.method = "line through the crossings of strips along the edge, to the nearer pixel axis";
  results.add(std::move(a));
  const double nyquist = 1 / (2 * pixel_mm);
  const int sectors = std::clamp(static_cast<int>(2 * edge.half_along_mm / (4 * pixel_mm)), 4, 24);
  const auto profile = [&](double bin) {
    const compute::EdgeProfileJob pj = profile_job(edge, voxels, grid, bin, sectors);
    return blocked(job.backend->edge_profile(volume, pj), pj,
                   sectors >= 10 ? BlockBy::sector : BlockBy::sector_and_slice);
  };
  add_response(job, results,
               {"mtf", "iec", "ESF in bins of 0.1 pixel, no window, corrected for difference and bin", "IEC 62220-1-1"},
               where, profile(0.1 * pixel_mm), {}, nyquist, flags);
  add_response(job, results,
               {"mtf", "exp_tail",
                "as iec, with the line spread beyond 1 % of its peak replaced by the exponential through 4 to 1 %",
                "IEC 62220-1-1", false},
               where, profile(0.1 * pixel_mm), {.tail = Tail::exponential}, nyquist, flags);
  add_response(job, results,
               {"mtf", "iso", "ESF in bins of 0.25 pixel, Tukey window over the region, correction capped at 10",
                "ISO 12233", false},
               where, profile(0.25 * pixel_mm),
               {.window = Window::tukey, .window_width_mm = 2 * edge.half_distance_mm, .largest_correction = 10},
               nyquist, flags);
}

void run(const Job& job, const std::vector<Region>& regions, Results& results) {
  each_region(job, regions, results, one_region);
}

}  // namespace

Metric slanted_edge_metric() {
  return {"mtf_edge",
          "Slanted-edge MTF",
          "Edge found by area in strips along it and a straight line; ESF binned by the distance to the edge (iec: 0.1 "
          "pixel, iso: 0.25 pixel and a Tukey window), central difference, transform, divided by the factors of the "
          "difference and the bin. The result is the presampled MTF, pixel aperture included.",
          "ISO 12233; IEC 62220-1-1",
          {"mtf50_per_mm", "mtf10_per_mm", "mtf02_per_mm", "mtf_at_nyquist", "mtf_peak", "mtf_peak_f_per_mm", "fwhm_mm",
           "fwtm_mm", "f_nyquist_per_mm", "edge_angle_deg", "lsf_tail_fraction"},
          {"iec", "exp_tail", "iso"},
          {"edge"},
          {},
          run};
}

}  // namespace iqgate::measure
