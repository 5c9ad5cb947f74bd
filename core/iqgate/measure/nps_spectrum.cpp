// The spectrum of one set of boxes and its scalars, with errors by resampling the boxes.
#include "iqgate/measure/nps_spectrum.hpp"

#include <algorithm>
#include <cmath>

#include "iqgate/measure/nps_curve.hpp"
#include "iqgate/measure/nps_stationarity.hpp"

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

struct Spectrum {
  std::vector<double> nps;  // mean over all boxes, normalised
  std::vector<Block> blocks;
  double mean_variance = 0;
  std::vector<double> box_variance;
};

Spectrum measure_spectrum(const Job& job, const compute::DeviceVolume& volume, const Boxes& boxes, const NpsSet& set) {
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
  result.box_variance = raw.box_variance;
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

void add_axial(const Job& job, const NpsSet& set, const std::string& variant, const Boxes& boxes,
               const Spectrum& spectrum, Results& results) {
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

// Variances of boxes that do not overlap, against what their noise explains: p of a chi-square of their logarithms.
void add_stationarity(const Spectrum& spectrum, const Boxes& boxes, const NpsSet& set, const std::string& variant,
                      Results& results) {
  const Stationarity s =
      stationarity(boxes, spectrum.box_variance, set.slice_sharing, set.sum_rho_squared / set.slice_sharing);
  if (!s.reason.empty()) return results.skip("nps_stationarity_p", set.where, "variant " + variant + ": " + s.reason);
  Measurement m = measurement("nps_stationarity_p", variant, set.where, s.p, "1");
  m.method = std::to_string(s.places) + " boxes that do not overlap, chi-square of the logarithms of their variances";
  m.flags = set.flags;
  if (s.p < 0.01) m.flags.push_back("noise_differs_over_the_region");
  results.add(std::move(m));
}

}  // namespace

void measure_nps(const Job& job, const compute::DeviceVolume& volume, const Boxes& boxes, const NpsSet& set,
                 Results& results) {
  const bool three = boxes.box.z > 1, hu = job.unit() == "HU";
  const std::string variant = std::string(three ? "3d_" : "2d_") + set.variant;
  const Spectrum spectrum = measure_spectrum(job, volume, boxes, set);
  if (std::isnan(spectrum.mean_variance))
    return results.skip("nps_avg_per_mm", set.where, "variant " + variant + ": a box holds values that are not finite");
  if (!(spectrum.mean_variance > 0))
    return results.skip("nps_avg_per_mm", set.where, "variant " + variant + ": the region has no noise");
  const Block mean = mean_block(spectrum.blocks, {});
  const NpsScalars s = nps_scalars(mean.radial, mean.power);
  const std::size_t blocks = spectrum.blocks.size();
  const BootstrapResult boot =
      bootstrap_blocks(blocks, job.settings.bootstrap_draws, job.settings.seed, [&](const std::vector<int>& times) {
        const Block draw = mean_block(spectrum.blocks, times);
        const NpsScalars q = nps_scalars(draw.radial, draw.power);
        std::vector<double> out{q.noise, q.peak, q.average, q.average_2d, q.median, q.at_zero};
        out.insert(out.end(), draw.radial.nps.begin(), draw.radial.nps.end());
        return out;
      });
  // Resampling takes boxes as independent; those that overlap, or lie in correlated slices, are fewer.
  const double independent = effective_boxes(boxes) * set.independent_share / set.slice_sharing;
  const double inflation = std::sqrt(double(boxes.corners.size()) / independent);
  std::vector<std::string> flags = set.flags;
  flags.push_back("ci_scope=within_scan");
  const bool interval = independent >= 5 && !boot.se.empty();
  if (!interval) flags.push_back("too_few_boxes_for_an_interval");
  char method[120];
  std::snprintf(method, sizeof method, "%zu boxes of %zu x %zu x %zu voxels, %.1f independent", boxes.corners.size(),
                boxes.box.x, boxes.box.y, boxes.box.z, independent);
  const auto add = [&](const std::string& name, double value, const std::string& unit, int statistic = -1,
                       bool signed_value = false) {
    if (!std::isfinite(value))
      return results.skip(name, set.where, "variant " + variant + ": the spectrum is too coarse");
    Measurement m = measurement(name, variant, set.where, value, unit);
    if (statistic >= 0 && interval && std::isfinite(boot.se[std::size_t(statistic)])) {
      m.se = boot.se[std::size_t(statistic)] * inflation;
      m.ci95 = signed_value ? symmetric_interval(value, *m.se, independent - 1)
                            : log_interval(value, *m.se, independent - 1);
      m.n_eff = independent;
    }
    m.method = method;
    m.standard = "AAPM 233; ICRU 87; IEC 62220-1-1";
    m.flags = flags;
    results.add(std::move(m));
  };
  const auto add_curve = [&](const char* name) {
    Curve curve{.name = name,
                .variant = variant,
                .where = set.where,
                .x = {"spatial frequency", "1/mm", mean.radial.f_per_mm},
                .y = {three ? "NPS (slice)" : "NPS", spectrum_unit(job.unit(), "mm2"), mean.radial.nps}};
    for (std::size_t k = 0; interval && k < mean.radial.nps.size(); ++k) {
      const Interval band = log_interval(mean.radial.nps[k], boot.se[6 + k] * inflation, independent - 1);
      curve.ci95_lo.push_back(band.low);
      curve.ci95_hi.push_back(band.high);
    }
    results.curves.push_back(std::move(curve));
  };
  if (set.ring) {
    add(hu ? "noise_ring_hu" : "noise_ring", s.noise, job.unit(), 0);
    add("nps_ring_avg_per_mm", s.average, "1/mm", 2);
    return add_curve("nps_ring");
  }
  add(hu ? "noise_from_nps_hu" : "noise_from_nps", s.noise, job.unit(), 0);
  add("parseval_ratio", s.noise * s.noise / spectrum.mean_variance, "1");
  add("nps_peak_per_mm", s.peak, "1/mm", 1);
  add("nps_avg_per_mm", s.average, "1/mm", 2);
  add("nps_avg2d_per_mm", s.average_2d, "1/mm", 3);
  add("nps_median_per_mm", s.median, "1/mm", 4);
  add(hu ? "nps_at_0_extrap_hu2_mm2" : "nps_at_0_extrap", s.at_zero, spectrum_unit(job.unit(), "mm2"), 5, true);
  add("nps_n_roi", double(boxes.corners.size()), "1");
  add("nps_lowf_valid_from_per_mm",
      2 / std::min(double(boxes.box.x) * job.grid().spacing_mm.x, double(boxes.box.y) * job.grid().spacing_mm.y),
      "1/mm");
  add_curve("nps_radial");
  if (set.stationarity) add_stationarity(spectrum, boxes, set, variant, results);
  if (three) add_axial(job, set, variant, boxes, spectrum, results);
}

}  // namespace iqgate::measure
