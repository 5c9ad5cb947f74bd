// C1, C2: noise power spectra of uniform regions, in the slice and in three dimensions.
#include <algorithm>
#include <cmath>
#include <map>

#include "iqgate/measure/metrics.hpp"
#include "iqgate/measure/noise_correlation.hpp"
#include "iqgate/measure/nps_boxes.hpp"
#include "iqgate/measure/nps_curve.hpp"

namespace iqgate::measure {
namespace {

constexpr std::size_t most_spectrum_values = 40'000'000;  // of all blocks: 320 MB

// HU2 mm2, (Bq/mL)2 mm3, or mm2 for values without a unit.
std::string spectrum_unit(const std::string& unit, const std::string& size) {
  return unit == "HU" ? "HU2 " + size : unit == "Bq/mL" ? "(Bq/mL)2 " + size : size;
}

// A block of boxes (one box unless memory forbids): what is resampled. Everything in it is linear in the spectrum.
struct Block {
  double boxes = 0, power = 0;
  RadialNps radial;
};

struct Set {
  std::string where, variant;
  compute::Detrend detrend = compute::Detrend::poly2;
  double power_scale = 1;    // 1/2 for a difference of two scans
  double slice_sharing = 1;  // sum of squared correlations through the slices: fewer independent boxes
  std::vector<std::string> flags;
};

struct Spectrum {
  std::vector<double> nps;  // mean over all boxes, normalised
  std::vector<Block> blocks;
  double mean_variance = 0;
};

Spectrum measure_spectrum(const Job& job, const compute::DeviceVolume& volume, const Boxes& boxes, const Set& set) {
  const Grid& grid = job.grid();
  const bool three = boxes.box.z > 1;
  const double n = double(boxes.box.count()), voxel = grid.pixel_area_mm2() * (three ? grid.spacing_mm.z : 1);
  const double scale = set.power_scale * voxel / n, bin_volume = 1 / (n * voxel);
  // A 2D spectrum of a 3D one is its integral over the axial frequency, not its central plane.
  const double radial_scale = three ? 1 / (double(boxes.box.z) * grid.spacing_mm.z) : 1;
  const std::size_t count = boxes.corners.size(),
                    blocks = std::clamp<std::size_t>(most_spectrum_values / boxes.box.count(), 1, count);
  compute::PowerSpectrumJob power{
      .box = boxes.box, .corners = boxes.corners, .blocks = int(blocks), .detrend = set.detrend};
  for (std::size_t b = 0; b < count; ++b) power.block.push_back(int(b * blocks / count));
  const compute::PowerSpectrum raw = job.backend->power_spectrum(volume, power);
  Spectrum result;
  result.nps.assign(boxes.box.count(), 0.0);
  for (std::size_t b = 0; b < blocks; ++b) {
    std::vector<double> nps = raw.spectra[b];
    Block block{double(raw.boxes_in_block[b]), 0, {}};
    for (std::size_t k = 0; k < nps.size(); ++k) {
      nps[k] *= scale;
      block.power += nps[k] * bin_volume;
      result.nps[k] += nps[k] * block.boxes / double(count);
    }
    block.radial = radial_mean(nps, boxes.box, grid);
    for (double& v : block.radial.nps) v *= radial_scale;
    result.blocks.push_back(std::move(block));
  }
  for (const double v : raw.box_variance) result.mean_variance += set.power_scale * v / double(count);
  return result;
}

// The mean of the blocks, each taken `times` times (empty: once).
Block mean_block(const std::vector<Block>& blocks, const std::vector<int>& times) {
  Block mean{0, 0, blocks.front().radial};
  std::fill(mean.radial.nps.begin(), mean.radial.nps.end(), 0.0);
  for (std::size_t b = 0; b < blocks.size(); ++b) {
    const double w = (times.empty() ? 1 : times[b]) * blocks[b].boxes;
    mean.boxes += w;
    mean.power += w * blocks[b].power;
    for (std::size_t k = 0; k < mean.radial.nps.size(); ++k) mean.radial.nps[k] += w * blocks[b].radial.nps[k];
  }
  mean.power /= mean.boxes;
  for (double& v : mean.radial.nps) v /= mean.boxes;
  return mean;
}

void add_axial(const Job& job, const Set& set, const std::string& variant, const Boxes& boxes, const Spectrum& spectrum,
               Results& results) {
  Curve axial{.name = "nps_axial",
              .variant = variant,
              .where = set.where,
              .x = {"axial frequency", "1/mm", {}},
              .y = {"NPS integrated over the slice plane", spectrum_unit(job.unit(), "mm"), {}}};
  const std::size_t plane = boxes.box.x * boxes.box.y;
  for (std::size_t z = 0; z <= boxes.box.z / 2; ++z) {
    double sum = 0;
    for (std::size_t k = 0; k < plane; ++k) sum += spectrum.nps[z * plane + k];
    axial.x.values.push_back(folded_frequency(z, boxes.box.z, job.grid().spacing_mm.z));
    axial.y.values.push_back(sum / (double(plane) * job.grid().pixel_area_mm2()));
  }
  results.curves.push_back(std::move(axial));
}

void measure_set(const Job& job, const compute::DeviceVolume& volume, const Boxes& boxes, const Set& set,
                 Results& results) {
  const bool three = boxes.box.z > 1, hu = job.unit() == "HU";
  const std::string variant = std::string(three ? "3d_" : "2d_") + set.variant;
  const Spectrum spectrum = measure_spectrum(job, volume, boxes, set);
  if (!(spectrum.mean_variance > 0))
    return results.skip("nps_avg_per_mm", set.where, "variant " + variant + ": the region has no noise");
  const Block mean = mean_block(spectrum.blocks, {});
  const NpsScalars s = nps_scalars(mean.radial, mean.power);
  const std::size_t blocks = spectrum.blocks.size();
  const BootstrapResult boot =
      bootstrap_blocks(blocks, job.settings.bootstrap_draws, job.settings.seed, [&](const std::vector<int>& times) {
        const Block draw = mean_block(spectrum.blocks, times);
        const NpsScalars q = nps_scalars(draw.radial, draw.power);
        std::vector<double> out{q.noise, q.peak, q.average, q.average_2d, q.median};
        out.insert(out.end(), draw.radial.nps.begin(), draw.radial.nps.end());
        return out;
      });
  // Resampling takes boxes as independent; those that overlap, or lie in correlated slices, are fewer.
  const double independent = effective_boxes(boxes) / set.slice_sharing;
  const double inflation = std::sqrt(double(boxes.corners.size()) / independent);
  std::vector<std::string> flags = set.flags;
  flags.push_back("ci_scope=within_scan");
  const bool interval = independent >= 5 && !boot.se.empty();
  if (!interval) flags.push_back("too_few_boxes_for_an_interval");
  char method[120];
  std::snprintf(method, sizeof method, "%zu boxes of %zu x %zu x %zu voxels, %.1f independent", boxes.corners.size(),
                boxes.box.x, boxes.box.y, boxes.box.z, independent);
  const auto add = [&](const std::string& name, double value, const std::string& unit, int statistic = -1) {
    if (!std::isfinite(value))
      return results.skip(name, set.where, "variant " + variant + ": the spectrum is too coarse");
    Measurement m = measurement(name, variant, set.where, value, unit);
    if (statistic >= 0 && interval && std::isfinite(boot.se[std::size_t(statistic)])) {
      m.se = boot.se[std::size_t(statistic)] * inflation;
      m.ci95 = log_interval(value, *m.se, independent - 1);
      m.n_eff = independent;
    }
    m.method = method;
    m.standard = "AAPM 233; ICRU 87; IEC 62220-1-1";
    m.flags = flags;
    results.add(std::move(m));
  };
  add(hu ? "noise_from_nps_hu" : "noise_from_nps", s.noise, job.unit(), 0);
  add("parseval_ratio", s.noise * s.noise / spectrum.mean_variance, "1");
  add("nps_peak_per_mm", s.peak, "1/mm", 1);
  add("nps_avg_per_mm", s.average, "1/mm", 2);
  add("nps_avg2d_per_mm", s.average_2d, "1/mm", 3);
  add("nps_median_per_mm", s.median, "1/mm", 4);
  add("nps_n_roi", double(boxes.corners.size()), "1");
  add("nps_lowf_valid_from_per_mm",
      2 / std::min(double(boxes.box.x) * job.grid().spacing_mm.x, double(boxes.box.y) * job.grid().spacing_mm.y),
      "1/mm");
  Curve curve{.name = "nps_radial",
              .variant = variant,
              .where = set.where,
              .x = {"spatial frequency", "1/mm", mean.radial.f_per_mm},
              .y = {three ? "NPS (slice)" : "NPS", spectrum_unit(job.unit(), "mm2"), mean.radial.nps}};
  for (std::size_t k = 0; interval && k < mean.radial.nps.size(); ++k) {
    const Interval band = log_interval(mean.radial.nps[k], boot.se[5 + k] * inflation, independent - 1);
    curve.ci95_lo.push_back(band.low);
    curve.ci95_hi.push_back(band.high);
  }
  results.curves.push_back(std::move(curve));
  if (three) add_axial(job, set, variant, boxes, spectrum, results);
}

// Regions of shape box, by the folder of their names.
std::map<std::string, std::vector<Region>> box_folders(const std::vector<Region>& regions) {
  std::map<std::string, std::vector<Region>> folders;
  for (const Region& region : regions)
    if (region.shape == RegionShape::box)
      folders[region.name.substr(0, std::min(region.name.size(), region.name.rfind('/')))].push_back(region);
  return folders;
}

void measure_given_boxes(const Job& job, std::size_t s, const std::string& folder, const std::vector<Region>& regions,
                         Results& results) {
  std::string reason;
  const std::string where = job.prefix(s) + folder;
  const Boxes boxes = given_boxes(regions, job.grid(), reason);
  if (boxes.corners.empty()) return results.skip("nps_avg_per_mm", where, reason);
  const double sharing =
      noise_correlation(job.scans[s].volume->host(), region_voxels(regions.front(), job.grid()).mask).sum_rho_squared_z;
  measure_set(job, *job.scans[s].volume, boxes, {.where = where, .variant = "poly2", .slice_sharing = sharing},
              results);
  measure_set(job, *job.scans[s].volume, boxes,
              {.where = where, .variant = "constant", .detrend = compute::Detrend::constant, .slice_sharing = sharing},
              results);
}

void measure_region(const Job& job, std::size_t s, const Region& region, Results& results) {
  const std::string where = job.prefix(s) + region.name;
  const RegionVoxels voxels = region_voxels(region, job.grid());
  if (!voxels.good()) return results.skip("nps_avg_per_mm", where, voxels.reason);
  const Boxes flat = place_boxes(region, job.grid(), voxels.first_slice, voxels.last_slice, false);
  if (flat.corners.empty()) return results.skip("nps_avg_per_mm", where, "no box of 24 pixels fits into the region");
  const double sharing = noise_correlation(job.scans[s].volume->host(), voxels.mask).sum_rho_squared_z;
  measure_set(job, *job.scans[s].volume, flat,
              {.where = where, .variant = "poly2", .slice_sharing = sharing, .flags = voxels.flags}, results);
  const Boxes deep = place_boxes(region, job.grid(), voxels.first_slice, voxels.last_slice, true);
  if (deep.corners.empty())
    results.skip("nps_avg_per_mm", where, "variant 3d_poly2: no box of 24 x 24 x 16 voxels fits into the region");
  else
    measure_set(job, *job.scans[s].volume, deep, {.where = where, .variant = "poly2", .flags = voxels.flags}, results);
}

// The difference of the first two scans: what is equal in both (structure, detrending apart) is gone.
void measure_difference(const Job& job, const std::vector<Region>& regions, Results& results) {
  const std::vector<std::size_t> repeats = job.repeats();
  if (repeats.size() < 2) {
    for (const Region& region : regions)
      results.skip("nps_avg_per_mm", region.name, "variant 2d_two_scan_diff: needs two repeats on the same grid");
    return;
  }
  const Volume difference = scan_difference(job.scans[repeats[0]], job.scans[repeats[1]]);
  const auto uploaded = job.backend->upload(difference.view());
  for (const Region& region : regions) {
    const RegionVoxels voxels = region_voxels(region, job.grid());
    if (region.shape == RegionShape::box || !voxels.good()) continue;
    const Boxes flat = place_boxes(region, job.grid(), voxels.first_slice, voxels.last_slice, false);
    if (flat.corners.empty()) continue;
    const double sharing = noise_correlation(difference.view(), voxels.mask).sum_rho_squared_z;
    measure_set(job, *uploaded, flat,
                {.where = region.name,
                 .variant = "two_scan_diff",
                 .detrend = compute::Detrend::constant,
                 .power_scale = 0.5,
                 .slice_sharing = sharing,
                 .flags = voxels.flags},
                results);
  }
}

void run(const Job& job, const std::vector<Region>& regions, Results& results) {
  const auto folders = box_folders(regions);
  for (std::size_t s = 0; s < job.scans.size(); ++s) {
    for (const auto& [folder, set] : folders) measure_given_boxes(job, s, folder, set, results);
    for (const Region& region : regions)
      if (region.shape != RegionShape::box) measure_region(job, s, region, results);
  }
  measure_difference(job, regions, results);
}

}  // namespace

Metric nps_metric() {
  return {"nps",
          "Noise power spectrum",
          "NPS = (dx dy / N) mean |DFT(residual)|^2 (3D: times dz) of half-overlapping boxes inside the region, "
          "second-order detrend (poly2), or of the difference of two scans / 2 (two_scan_diff). Radial mean in rings "
          "of 1 / (N d) up to the Nyquist frequency, zero bin left out. "
          "nps_avg = integral f NPS / integral NPS of the radial curve; nps_avg2d weighs by f; the poly2 detrend takes "
          "power from the first rings, which raises the means of white noise by up to 2.3 % (boxes of 24 pixels); "
          "noise_from_nps^2 is the sum over all bins (corners included); parseval_ratio compares it with the variance "
          "of the boxes.",
          "AAPM 233; ICRU 87; IEC 62220-1-1",
          {"noise_from_nps_hu", "noise_from_nps", "parseval_ratio", "nps_peak_per_mm", "nps_avg_per_mm",
           "nps_avg2d_per_mm", "nps_median_per_mm", "nps_n_roi", "nps_lowf_valid_from_per_mm"},
          {"2d_poly2", "2d_constant", "2d_two_scan_diff", "3d_poly2"},
          {"uniform", "nps_box"},
          {},
          run};
}

}  // namespace iqgate::measure
