// B4: in-plane and axial transfer function from the surface of a ball (Chen, Richard, Samei 2014).
#include <algorithm>
#include <cmath>

#include "iqgate/measure/edge_response.hpp"
#include "iqgate/measure/metrics.hpp"

namespace iqgate::measure {
namespace {

struct Ball {
  Vec3 centre;  // volume frame
  double radius_mm = 0, background = 0, contrast = 0, noise = 0;
};

template <class Visit>
void each_voxel(const VolumeView& v, Vec3 centre, double reach_mm, Visit&& visit) {
  long low[3], high[3];
  const std::size_t size[3] = {v.size.x, v.size.y, v.size.z};
  for (int d = 0; d < 3; ++d) {
    low[d] = std::max(0L, long(std::floor((centre[d] - reach_mm) / v.spacing_mm[d])));
    high[d] = std::min(long(size[d]) - 1, long(std::ceil((centre[d] + reach_mm) / v.spacing_mm[d])));
  }
  for (long z = low[2]; z <= high[2]; ++z)
    for (long y = low[1]; y <= high[1]; ++y)
      for (long x = low[0]; x <= high[0]; ++x)
        visit(Vec3{double(x) * v.spacing_mm.x, double(y) * v.spacing_mm.y, double(z) * v.spacing_mm.z},
              v(std::size_t(x), std::size_t(y), std::size_t(z)));
}

// Background from the shell 1.6..2 R, centre by the weighted centroid inside 1.6 R, repeated until it rests.
bool find_ball(const VolumeView& v, Ball& ball) {
  for (int pass = 0; pass < 50; ++pass) {
    double shell_n = 0, shell = 0, shell_square = 0, core_n = 0, core = 0;
    each_voxel(v, ball.centre, 2 * ball.radius_mm, [&](Vec3 p, float value) {
      const double r = norm(p - ball.centre);
      if (r > 1.6 * ball.radius_mm && r < 2 * ball.radius_mm)
        shell_n += 1, shell += value, shell_square += double(value) * value;
      if (r < 0.5 * ball.radius_mm) core_n += 1, core += value;
    });
    if (shell_n < 20 || core_n < 5) return false;
    ball.background = shell / shell_n;
    ball.noise = std::sqrt(std::max(0.0, shell_square / shell_n - ball.background * ball.background));
    ball.contrast = core / core_n - ball.background;
    if (ball.contrast == 0) return false;
    double weight = 0;
    Vec3 sum;
    each_voxel(v, ball.centre, 1.6 * ball.radius_mm, [&](Vec3 p, float value) {
      const Vec3 d = p - ball.centre;
      if (norm(d) > 1.6 * ball.radius_mm) return;
      const double w = (value - ball.background) / ball.contrast;
      weight += w;
      sum = sum + w * d;
    });
    if (!(weight > 0)) return false;
    const Vec3 shift = (1 / weight) * sum;
    if (norm(shift) > ball.radius_mm) return false;
    ball.centre = ball.centre + shift;
    if (norm(shift) < 0.002 * v.spacing_mm.x) return true;
  }
  return true;
}

compute::EdgeProfileJob profile_job(const Ball& ball, const Grid& grid, double bin_mm, double cos2_low,
                                    double cos2_high) {
  compute::EdgeProfileJob job{
      .shape = compute::EdgeShape::sphere, .origin = ball.centre, .axis = {0, 0, 1}, .along = {1, 0, 0}};
  job.first_mm = 0.3 * ball.radius_mm;
  job.bin_mm = bin_mm;
  job.bins = static_cast<int>((2 * ball.radius_mm - job.first_mm) / bin_mm);
  job.cos2_low = cos2_low;
  job.cos2_high = cos2_high;
  job.sectors = 20;
  set_box(job, grid, ball.centre, 2 * ball.radius_mm, 3);
  return job;
}

void one_region(const Job& job, std::size_t s, const Region& region, Results& results) {
  const std::string where = job.prefix(s) + region.name;
  const Grid& grid = job.grid();
  if (region.shape != RegionShape::sphere)
    return results.skip("ttf_xy50_per_mm", where, "the region of a ball must be a sphere");
  const double pixel_mm = std::max(grid.spacing_mm.x, grid.spacing_mm.y);
  Region whole = region;
  whole.radius_mm *= 2;
  const RegionVoxels around = region_voxels(whole, grid);
  if (!around.good())
    return results.skip("ttf_xy50_per_mm", where, "the surroundings up to twice the radius: " + around.reason);
  if (std::find(around.flags.begin(), around.flags.end(), "clipped_axially") != around.flags.end())
    return results.skip("ttf_xy50_per_mm", where, "the surroundings up to twice the radius reach outside the scan");
  Ball ball{.centre = to_volume_frame(grid, region.center_mm), .radius_mm = region.radius_mm};
  const compute::DeviceVolume& volume = *job.scans[s].volume;
  if (!find_ball(volume.host(), ball)) return results.skip("ttf_xy50_per_mm", where, "no ball is seen in the region");
  const double cnr = ball.noise > 0 ? std::abs(ball.contrast) / ball.noise : 1e9;
  if (cnr < 1) return results.skip("ttf_xy50_per_mm", where, "the ball's contrast is below the noise");
  struct Cone {
    const char* stem;
    double low, high, spacing;
  };
  // In-plane: |90 - theta| < 30 degrees, cos^2 < 1/4; axial: theta < 30 degrees, cos^2 > 3/4.
  for (const Cone& cone : {Cone{"ttf_xy", 0, 0.25, pixel_mm}, Cone{"ttf_z", 0.75, 1.1, grid.spacing_mm.z}}) {
    std::vector<std::string> flags;
    if (cnr < 5) flags.push_back("low_cnr");
    const bool axial = cone.low > 0;
    // Bins of 0.1 pixel; axial: of 0.05 slice interval where that is larger (the curved surface samples a stack
    // finely).
    const compute::EdgeProfileJob pj =
        profile_job(ball, grid, 0.1 * std::max(pixel_mm, axial ? 0.5 * cone.spacing : pixel_mm), cone.low, cone.high);
    const BlockedProfile profile = blocked(job.backend->edge_profile(volume, pj), pj, BlockBy::sector);
    const double nyquist = 1 / (2 * cone.spacing);
    const Response r = edge_response(profile, {}, {.window = Window::tukey}, 2 * nyquist);
    if (axial && r.good && r.f50 && grid.spacing_mm.z > f50_sigma / *r.f50) flags.push_back("coarse_slice_interval");
    if (r.good && r.f50 && ball.radius_mm * *r.f50 < 10 * f50_sigma) flags.push_back("curvature_bias");
    add_response(job, results,
                 {cone.stem, "cone30",
                  axial ? "ESF of the cone within 30 degrees of the slice normal"
                        : "ESF of the band within 30 degrees of the slice plane",
                  "Chen 2014; AAPM 233", false},
                 where, profile, {.window = Window::tukey}, nyquist, flags);
  }
  Measurement c =
      measurement(job.unit() == "HU" ? "ttf_contrast_hu" : "ttf_contrast", "ball", where, ball.contrast, job.unit());
  results.add(std::move(c));
}

void run(const Job& job, const std::vector<Region>& regions, Results& results) {
  each_region(job, regions, results, one_region);
}

}  // namespace

Metric ball_ttf_metric() {
  return {"ttf_ball",
          "Task transfer function of a ball",
          "Centre by weighted centroid; ESF of the distance from the centre, 0.3 to 2 radii, in bins of 0.1 pixel "
          "(axial: 0.05 slice interval where larger): "
          "band within 30 degrees of the slice plane (ttf_xy), cone within 30 degrees of the slice normal (ttf_z). A "
          "cone mixes both blurs: effective s_z^2 = 0.872 s_z^2 + 0.128 s_xy^2.",
          "Chen, Richard, Samei 2014; AAPM 233",
          {"ttf_xy50_per_mm", "ttf_xy10_per_mm", "ttf_xy02_per_mm", "ttf_xy_at_nyquist", "ttf_z50_per_mm",
           "ttf_z10_per_mm", "ttf_z02_per_mm", "ttf_z_at_nyquist", "ttf_xy_peak", "ttf_xy_peak_f_per_mm", "ttf_z_peak",
           "ttf_z_peak_f_per_mm", "f_nyquist_per_mm", "ttf_contrast_hu", "ttf_contrast"},
          {"cone30", "xy_cone30", "z_cone30", "ball"},
          {"ball"},
          {},
          run};
}

}  // namespace iqgate::measure
