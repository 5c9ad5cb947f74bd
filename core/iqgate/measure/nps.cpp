// C1, C2: noise power spectra of uniform regions, in the slice and in three dimensions.
#include <algorithm>
#include <cmath>
#include <map>
#include <numbers>

#include "iqgate/measure/edge_response.hpp"
#include "iqgate/measure/metrics.hpp"
#include "iqgate/measure/noise_correlation.hpp"

namespace iqgate::measure {
namespace {

constexpr double pi = std::numbers::pi;

struct Boxes {
  Size3 box;
  std::vector<Size3> corners;
  std::vector<int> block;
  int blocks = 0;
};

bool box_inside(const Region& region, const Grid& grid, Size3 corner, Size3 box) {
  for (const double x : {double(corner.x) - 0.5, double(corner.x + box.x) - 0.5})
    for (const double y : {double(corner.y) - 0.5, double(corner.y + box.y) - 0.5}) {
      const Vec3 mm = grid.to_mm({x, y, double(corner.z)});
      const double h = dot(mm - region.center_mm, region.normal);
      if (!inside_cross_section(region, mm - (region.shape == RegionShape::sphere ? 0 : h) * region.normal))
        return false;
    }
  return true;
}

// Half-overlapping boxes inside the region: side 64 pixels where at least four fit, else 48, 32, 24.
Boxes place_boxes(const Region& region, const Grid& grid, std::size_t first_slice, std::size_t last_slice,
                  bool three_dimensional) {
  const Vec3 centre = grid.to_index(region.center_mm);
  double reach = 0;
  for (const Vec3 c : corners_mm(region)) reach = std::max(reach, norm(c - region.center_mm));
  const std::size_t slices = last_slice - first_slice + 1;
  for (const std::size_t side : {std::size_t{64}, std::size_t{48}, std::size_t{32}, std::size_t{24}}) {
    Boxes boxes;
    boxes.box = {side, side, 1};
    if (three_dimensional) {
      std::size_t depth = 64;
      while (depth > slices) depth /= 2;
      boxes.box.z = depth;
      if (depth < 16) return {};
    }
    const long step = long(side) / 2;
    const long nx = long(reach / grid.spacing_mm.x / double(step)) + 2,
               ny = long(reach / grid.spacing_mm.y / double(step)) + 2;
    std::map<std::pair<long, long>, int> tiles;
    const std::size_t z_step = three_dimensional ? std::max<std::size_t>(1, boxes.box.z / 2) : 1;
    for (std::size_t z = first_slice; z + boxes.box.z <= last_slice + 1; z += z_step)
      for (long j = -ny; j <= ny; ++j)
        for (long i = -nx; i <= nx; ++i) {
          const long x = std::lround(centre.x) + i * step - long(side) / 2,
                     y = std::lround(centre.y) + j * step - long(side) / 2;
          if (x < 0 || y < 0 || x + long(side) > long(grid.size.x) || y + long(side) > long(grid.size.y)) continue;
          const Size3 corner{std::size_t(x), std::size_t(y), z};
          if (!box_inside(region, grid, corner, boxes.box)) continue;
          boxes.corners.push_back(corner);
          // Blocks of 2 x 2 positions share most of what half-overlapping boxes have in common.
          const auto floor_half = [](long k) { return (k + 1000) / 2; };
          const int tile = tiles.emplace(std::pair{floor_half(i), floor_half(j)}, int(tiles.size())).first->second;
          boxes.block.push_back(tile * 100000 + int(z - first_slice));
        }
    const std::size_t positions = boxes.corners.size();
    if (positions < 4 && side > 24) continue;
    if (positions == 0) return {};
    // Many slices: a block is a slice (or a depth); few: a tile of a slice.
    const bool by_slice = !three_dimensional && slices >= 10;
    std::map<int, int> number;
    for (int& b : boxes.block) b = number.emplace(by_slice ? b % 100000 : b, int(number.size())).first->second;
    boxes.blocks = int(number.size());
    return boxes;
  }
  return {};
}

// A region of shape box is one box; regions of one folder, all boxes, share a spectrum (TG-233: a circle of them).
Boxes given_boxes(const std::vector<Region>& regions, const Grid& grid, std::string& reason) {
  Boxes boxes;
  int tile = 0;
  for (const Region& region : regions) {
    const RegionVoxels voxels = region_voxels(region, grid);
    if (!voxels.good()) {
      reason = "region " + region.name + ": " + voxels.reason;
      return {};
    }
    const Vec3 centre = grid.to_index(region.center_mm);
    const std::size_t nx = std::size_t(std::lround(region.size_mm.x / grid.spacing_mm.x)),
                      ny = std::size_t(std::lround(region.size_mm.y / grid.spacing_mm.y));
    if (boxes.box.x == 0) boxes.box = {nx, ny, 1};
    if (nx != boxes.box.x || ny != boxes.box.y || nx < 16 || ny < 16) {
      reason = "the boxes are not of one size of at least 16 pixels";
      return {};
    }
    const long x = std::lround(centre.x - 0.5 * (double(nx) - 1)), y = std::lround(centre.y - 0.5 * (double(ny) - 1));
    if (x < 0 || y < 0 || x + long(nx) > long(grid.size.x) || y + long(ny) > long(grid.size.y)) {
      reason = "region " + region.name + " reaches outside the scan";
      return {};
    }
    for (std::size_t z = voxels.first_slice; z <= voxels.last_slice; ++z) {
      boxes.corners.push_back({std::size_t(x), std::size_t(y), z});
      boxes.block.push_back(tile++);
    }
  }
  boxes.blocks = tile;
  return boxes;
}

struct Radial {
  std::vector<double> f, nps;
  std::vector<double> bins;  // independent bins (half of the annulus)
};

double folded(std::size_t k, std::size_t n, double spacing) {
  return double(k <= n / 2 ? k : n - k) / (double(n) * spacing);
}

// Mean over annuli of width 1 / (N d), only up to the Nyquist frequency; the zero bin and what detrending took stay out
// of bin 0.
Radial radial_mean(const std::vector<double>& nps, Size3 box, const Grid& grid) {
  const double df = 1 / (double(std::min(box.x, box.y)) * std::max(grid.spacing_mm.x, grid.spacing_mm.y));
  const double nyquist = 1 / (2 * std::max(grid.spacing_mm.x, grid.spacing_mm.y));
  const std::size_t count = static_cast<std::size_t>(nyquist / df + 0.5) + 1;
  Radial r{std::vector<double>(count, 0), std::vector<double>(count, 0), std::vector<double>(count, 0)};
  for (std::size_t y = 0; y < box.y; ++y)
    for (std::size_t x = 0; x < box.x; ++x) {
      if (x == 0 && y == 0) continue;
      const double f = std::hypot(folded(x, box.x, grid.spacing_mm.x), folded(y, box.y, grid.spacing_mm.y));
      if (f > nyquist * (1 + 1e-12)) continue;
      const std::size_t k = static_cast<std::size_t>(f / df + 0.5);
      if (k >= count) continue;
      double plane = 0;
      for (std::size_t z = 0; z < box.z; ++z) plane += nps[(z * box.y + y) * box.x + x];
      r.f[k] += f;
      r.nps[k] += plane;
      r.bins[k] += 0.5;
    }
  Radial kept;
  for (std::size_t k = 1; k < count; ++k)
    if (r.bins[k] > 0) {
      kept.f.push_back(r.f[k] / (2 * r.bins[k]));
      kept.nps.push_back(r.nps[k] / (2 * r.bins[k]));
      kept.bins.push_back(r.bins[k]);
    }
  return kept;
}

struct Scalars {
  double noise = 0, peak = NAN, average = NAN, average_2d = NAN, median = NAN, maximum = 0;
};

Scalars scalars_of(const std::vector<double>& nps, const Radial& r, double bin_volume) {
  Scalars s;
  double total = 0;
  for (const double v : nps) total += v;
  s.noise = std::sqrt(total * bin_volume);
  const std::size_t n = r.nps.size();
  double area = 0, moment = 0, area_2d = 0, moment_2d = 0;
  std::vector<double> cumulative(n, 0);
  for (std::size_t k = 0; k < n; ++k) {
    // Trapezoid on unequal steps; from 0 to the first point the spectrum is taken as it is there.
    const double left = k == 0 ? 0 : 0.5 * (r.f[k] + r.f[k - 1]),
                 right = k + 1 == n ? r.f[k] : 0.5 * (r.f[k] + r.f[k + 1]);
    const double width = right - left;
    area += r.nps[k] * width, moment += r.f[k] * r.nps[k] * width;
    area_2d += r.f[k] * r.nps[k] * width, moment_2d += r.f[k] * r.f[k] * r.nps[k] * width;
    cumulative[k] = area;
  }
  if (area > 0) {
    s.average = moment / area;
    s.average_2d = moment_2d / area_2d;
    for (std::size_t k = 0; k < n; ++k)
      if (cumulative[k] >= 0.5 * area) {
        const double left = k == 0 ? 0 : 0.5 * (r.f[k] + r.f[k - 1]), before = k == 0 ? 0 : cumulative[k - 1];
        s.median = left + (0.5 * area - before) / r.nps[k];
        break;
      }
  }
  if (n >= 5) {
    std::vector<double> smooth(n);
    for (std::size_t k = 0; k < n; ++k)
      smooth[k] = (r.nps[k == 0 ? 0 : k - 1] + r.nps[k] + r.nps[std::min(k + 1, n - 1)]) / 3;
    const std::size_t best =
        static_cast<std::size_t>(std::max_element(smooth.begin() + 1, smooth.end()) - smooth.begin());
    s.maximum = smooth[best];
    s.peak = r.f[best];
    if (best + 1 < n) {
      const double a = smooth[best - 1], b = smooth[best], c = smooth[best + 1], curvature = a - 2 * b + c;
      if (curvature < 0)
        s.peak += std::clamp(0.5 * (a - c) / curvature, -1.0, 1.0) * 0.5 * (r.f[best + 1] - r.f[best - 1]);
    }
  }
  return s;
}

std::string spectrum_unit(const std::string& unit, bool three) {
  const std::string size = three ? "mm3" : "mm2";
  return unit == "HU" ? "HU2 " + size : unit == "Bq/mL" ? "(Bq/mL)2 " + size : size;
}

std::vector<double> combined(const compute::PowerSpectrum& spectrum, const std::vector<int>& times, double scale) {
  std::vector<double> nps(spectrum.spectra.front().size(), 0.0);
  double count = 0;
  for (std::size_t b = 0; b < spectrum.spectra.size(); ++b) {
    const double w = (times.empty() ? 1 : times[b]) * double(spectrum.boxes_in_block[b]);
    if (w == 0) continue;
    count += w;
    for (std::size_t k = 0; k < nps.size(); ++k) nps[k] += w * spectrum.spectra[b][k];
  }
  for (double& v : nps) v *= scale / count;
  return nps;
}

// `power_scale` 1/2 for a difference of two scans.
void measure_set(const Job& job, const compute::DeviceVolume& volume, const std::string& where, const Boxes& boxes,
                 compute::Detrend detrend, const char* variant, double power_scale, std::vector<std::string> flags,
                 Results& results) {
  const Grid& grid = job.grid();
  const bool three = boxes.box.z > 1;
  const compute::PowerSpectrum spectrum = job.backend->power_spectrum(
      volume,
      {.box = boxes.box, .corners = boxes.corners, .block = boxes.block, .blocks = boxes.blocks, .detrend = detrend});
  const double voxel = grid.pixel_area_mm2() * (three ? grid.spacing_mm.z : 1), n = double(boxes.box.count());
  const double scale = power_scale * voxel / n, bin_volume = 1 / (n * voxel);
  const std::vector<double> nps = combined(spectrum, {}, scale);
  // A 2D spectrum of a 3D one is its integral over the axial frequency, not its central plane.
  const double radial_scale = three ? 1 / (double(boxes.box.z) * grid.spacing_mm.z) : 1;
  const auto radial_of = [&](const std::vector<double>& full) {
    Radial r = radial_mean(full, boxes.box, grid);
    for (double& v : r.nps) v *= radial_scale;
    return r;
  };
  const Radial radial = radial_of(nps);
  const Scalars s = scalars_of(nps, radial, bin_volume);
  double variance = 0;
  for (const double v : spectrum.box_variance) variance += power_scale * v / double(spectrum.box_variance.size());
  if (!(variance > 0))
    return results.skip("nps_avg_per_mm", where, std::string("variant ") + variant + ": the region has no noise");
  const std::size_t points = radial.nps.size();
  const BootstrapResult boot = bootstrap_blocks(
      std::size_t(boxes.blocks), job.settings.bootstrap_draws, job.settings.seed, [&](const std::vector<int>& times) {
        const std::vector<double> full = combined(spectrum, times, scale);
        const Radial r = radial_of(full);
        const Scalars q = scalars_of(full, r, bin_volume);
        std::vector<double> out{q.noise, q.peak, q.average, q.average_2d, q.median};
        out.insert(out.end(), r.nps.begin(), r.nps.end());
        return out;
      });
  flags.push_back("ci_scope=within_scan");
  if (boxes.blocks < 6) flags.push_back("few_blocks");
  const bool hu = job.unit() == "HU";
  const std::string full_variant = std::string(three ? "3d_" : "2d_") + variant;
  const auto add = [&](const std::string& name, double value, const std::string& unit, int statistic = -1) {
    if (!std::isfinite(value))
      return results.skip(name, where, "variant " + full_variant + ": the spectrum is too coarse");
    Measurement m = measurement(name, full_variant, where, value, unit);
    if (statistic >= 0 && !boot.se.empty() && std::isfinite(boot.se[std::size_t(statistic)]) && boxes.blocks >= 4) {
      m.se = boot.se[std::size_t(statistic)];
      m.ci95 = log_interval(value, *m.se, double(boxes.blocks) - 1);
      m.n_eff = double(boxes.blocks);
    }
    char method[160];
    std::snprintf(method, sizeof method, "%zu boxes of %zu x %zu x %zu voxels, %d blocks", boxes.corners.size(),
                  boxes.box.x, boxes.box.y, boxes.box.z, boxes.blocks);
    m.method = method;
    m.standard = "AAPM 233; ICRU 87; IEC 62220-1-1";
    m.flags = flags;
    results.add(std::move(m));
  };
  add(hu ? "noise_from_nps_hu" : "noise_from_nps", s.noise, job.unit(), 0);
  add("parseval_ratio", s.noise * s.noise / variance, "1");
  add("nps_peak_per_mm", s.peak, "1/mm", 1);
  add("nps_avg_per_mm", s.average, "1/mm", 2);
  add("nps_avg2d_per_mm", s.average_2d, "1/mm", 3);
  add("nps_median_per_mm", s.median, "1/mm", 4);
  add("nps_n_roi", double(boxes.corners.size()), "1");
  add("nps_lowf_valid_from_per_mm", 2 / (double(boxes.box.x) * grid.spacing_mm.x), "1/mm");
  Curve curve{.name = "nps_radial",
              .where = where + "/" + full_variant,
              .x = {"spatial frequency", "1/mm", radial.f},
              .y = {three ? "NPS (slice)" : "NPS", spectrum_unit(job.unit(), false), radial.nps}};
  for (std::size_t k = 0; k < points && !boot.sorted_draws.empty() && boxes.blocks >= 4; ++k) {
    curve.ci95_lo.push_back(quantile(boot.sorted_draws[5 + k], 0.025));
    curve.ci95_hi.push_back(quantile(boot.sorted_draws[5 + k], 0.975));
  }
  results.curves.push_back(std::move(curve));
  if (three) {
    Curve axial{.name = "nps_axial",
                .where = where + "/" + full_variant,
                .x = {"axial frequency", "1/mm", {}},
                .y = {"NPS integrated over the slice plane", spectrum_unit(job.unit(), true), {}}};
    for (std::size_t z = 0; z <= boxes.box.z / 2; ++z) {
      double plane = 0;
      for (std::size_t k = 0; k < boxes.box.x * boxes.box.y; ++k) plane += nps[z * boxes.box.x * boxes.box.y + k];
      axial.x.values.push_back(folded(z, boxes.box.z, grid.spacing_mm.z));
      axial.y.values.push_back(plane / (double(boxes.box.x * boxes.box.y) * grid.pixel_area_mm2()));
    }
    axial.y.unit = job.unit() == "HU" ? "HU2 mm" : "mm";
    results.curves.push_back(std::move(axial));
  }
}

void run(const Job& job, const std::vector<Region>& regions, Results& results) {
  // Boxes of one folder share a spectrum; any other region has its own.
  std::map<std::string, std::vector<Region>> folders;
  for (const Region& region : regions)
    if (region.shape == RegionShape::box)
      folders[region.name.substr(
                  0, region.name.rfind('/') == std::string::npos ? region.name.size() : region.name.rfind('/'))]
          .push_back(region);
  for (std::size_t s = 0; s < job.scans.size(); ++s) {
    for (const auto& [folder, set] : folders) {
      std::string reason;
      const Boxes boxes = given_boxes(set, job.grid(), reason);
      if (boxes.blocks == 0) results.skip("nps_avg_per_mm", job.prefix(s) + folder, reason);
      else {
        measure_set(job, *job.scans[s].volume, job.prefix(s) + folder, boxes, compute::Detrend::poly2, "poly2", 1, {},
                    results);
        measure_set(job, *job.scans[s].volume, job.prefix(s) + folder, boxes, compute::Detrend::constant, "constant", 1,
                    {}, results);
      }
    }
    for (const Region& region : regions) {
      if (region.shape == RegionShape::box) continue;
      const std::string where = job.prefix(s) + region.name;
      const RegionVoxels voxels = region_voxels(region, job.grid());
      if (!voxels.good()) {
        results.skip("nps_avg_per_mm", where, voxels.reason);
        continue;
      }
      const Boxes flat = place_boxes(region, job.grid(), voxels.first_slice, voxels.last_slice, false);
      if (flat.blocks == 0) {
        results.skip("nps_avg_per_mm", where, "no box of 24 pixels fits into the region");
        continue;
      }
      measure_set(job, *job.scans[s].volume, where, flat, compute::Detrend::poly2, "poly2", 1, voxels.flags, results);
      const Boxes deep = place_boxes(region, job.grid(), voxels.first_slice, voxels.last_slice, true);
      if (deep.blocks > 0)
        measure_set(job, *job.scans[s].volume, where, deep, compute::Detrend::poly2, "poly2", 1, voxels.flags, results);
    }
  }
  if (job.scans.size() < 2) return;
  Volume difference{job.grid(), std::vector<float>(job.scans[0].scan->volume.values.size())};
  for (std::size_t k = 0; k < difference.values.size(); ++k)
    difference.values[k] = job.scans[0].scan->volume.values[k] - job.scans[1].scan->volume.values[k];
  const auto uploaded = job.backend->upload(difference.view());
  for (const Region& region : regions) {
    if (region.shape == RegionShape::box) continue;
    const RegionVoxels voxels = region_voxels(region, job.grid());
    if (!voxels.good()) continue;
    const Boxes flat = place_boxes(region, job.grid(), voxels.first_slice, voxels.last_slice, false);
    if (flat.blocks > 0)
      measure_set(job, *uploaded, region.name, flat, compute::Detrend::constant, "two_scan_diff", 0.5, voxels.flags,
                  results);
  }
}

}  // namespace

Metric nps_metric() {
  return {"nps",
          "Noise power spectrum",
          "NPS = (dx dy / N) mean |DFT(residual)|^2 (3D: times dz) of half-overlapping boxes inside the region, "
          "second-order detrend (poly2), or of the difference of two scans / 2 (two_scan_diff). Radial mean in rings "
          "of 1 / (N d) up to the Nyquist frequency, zero bin left out. "
          "nps_avg = integral f NPS / integral NPS of the radial curve; nps_avg2d weighs by f; noise_from_nps^2 is the "
          "sum over all bins (corners included); parseval_ratio compares it with the variance of the boxes.",
          "AAPM 233; ICRU 87; IEC 62220-1-1",
          {"noise_from_nps_hu", "noise_from_nps", "parseval_ratio", "nps_peak_per_mm", "nps_avg_per_mm",
           "nps_avg2d_per_mm", "nps_median_per_mm", "nps_n_roi", "nps_lowf_valid_from_per_mm"},
          {"2d_poly2", "2d_constant", "2d_two_scan_diff", "3d_poly2"},
          {"uniform", "nps_box"},
          {},
          run};
}

}  // namespace iqgate::measure
