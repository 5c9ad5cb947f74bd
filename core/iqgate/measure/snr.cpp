// A2: signal-to-noise ratio of MR images, every variant its own name.
#include <algorithm>
#include <cmath>
#include <numbers>

#include "iqgate/measure/metrics.hpp"
#include "iqgate/measure/noise_correlation.hpp"
#include "iqgate/measure/rayleigh.hpp"

namespace iqgate::measure {
namespace {

// A magnitude is not Gaussian: Var(s^2) is (kurtosis - 1) / 2 times the Gaussian one. This is one channel; more are
// nearer 1.
constexpr double rayleigh_excess = 1.12;

struct Signal {
  double mean = 0, se = 0;
};

Signal signal_of(const Job& job, const UploadedScan& scan, const compute::Mask& mask) {
  const compute::Moments m = job.backend->region_moments(*scan.volume, mask);
  const NoiseCorrelation c = noise_correlation(scan.volume->host(), mask);
  return {m.mean, c.residual_sd / std::sqrt(c.n_eff_mean(double(m.n)))};
}

// snr = signal / noise; the noise has `freedom` degrees of freedom: interval on the log scale from both parts.
void add_snr(const Job& job, Results& results, const std::string& variant, const std::string& where, Signal signal,
             double noise, double freedom, const std::string& method, const std::string& standard,
             std::vector<std::string> flags) {
  if (!(noise > 0)) return results.skip("snr", where, "variant " + variant + ": the noise estimate is zero");
  const double snr = signal.mean / noise;
  if (snr < 5) flags.push_back("rician_regime");
  flags.push_back("ci_scope=within_scan");
  Measurement m = measurement("snr", variant, where, snr, "1");
  if (freedom >= 2 && signal.mean > 0) {
    const double relative = std::sqrt(1 / (2 * freedom) + std::pow(signal.se / signal.mean, 2));
    m.se = snr * relative;
    m.n_eff = freedom + 1;
    const Interval sd = sd_interval(noise, freedom);
    const double t = normal_quantile(0.975), mean_part = t * signal.se / signal.mean;
    const double low = std::hypot(std::log(sd.high / noise), mean_part),
                 high = std::hypot(std::log(noise / sd.low), mean_part);
    m.ci95 = Interval{snr * std::exp(-low), snr * std::exp(high)};
  }
  m.method = method;
  m.standard = standard;
  m.flags = flags;
  results.add(m);
  // Normalised: SNR / (voxel volume sqrt(N_PE NEX / BW)), BW per pixel.
  const Scan& scan = *job.scans.front().scan;
  double bandwidth = 0, averages = 0, steps = 0;
  const Grid& grid = job.grid();
  if (scan.tag_number("PixelBandwidth", bandwidth) && scan.tag_number("NumberOfAverages", averages) &&
      scan.tag_number("NumberOfPhaseEncodingSteps", steps) && bandwidth > 0 && averages > 0 && steps > 0) {
    double thickness = 0;
    if (!scan.tag_number("SliceThickness", thickness) || !(thickness > 0)) return;
    const double volume = grid.pixel_area_mm2() * thickness,
                 factor = 1 / (volume * std::sqrt(steps * averages / bandwidth));
    m.name = "snr_norm";
    m.value *= factor;
    if (m.se) *m.se *= factor;
    if (m.ci95) m.ci95 = Interval{m.ci95->low * factor, m.ci95->high * factor};
    m.method += "; per voxel volume (mm3) and sqrt(N_PE NEX / bandwidth per pixel), nominal slice thickness";
    m.flags.push_back("nominal_slice_thickness");
    results.add(std::move(m));
  }
}

void two_scans(const Job& job, const RegionVoxels& region, const std::string& where, Results& results) {
  const std::vector<std::size_t> repeats = job.repeats();
  const UploadedScan &one = job.scans[repeats[0]], &two = job.scans[repeats[1]];
  const Volume r = scan_difference(one, two);
  const auto uploaded = job.backend->upload(r.view());
  const compute::Moments m = job.backend->region_moments(*uploaded, region.mask);
  const NoiseCorrelation c = noise_correlation(r.view(), region.mask);
  const double freedom = c.n_eff_variance(double(m.n)) - 1;
  const Signal first = signal_of(job, one, region.mask), second = signal_of(job, two, region.mask);
  const double noise = std::sqrt(m.variance / 2);
  std::vector<std::string> flags = region.flags;
  add_snr(job, results, "nema_ms1_m1", where, first, noise, freedom,
          "mean of scan 1 over SD of the difference / sqrt 2", "NEMA MS 1 method 1", flags);
  add_snr(job, results, "dietrich_diff", where,
          {0.5 * (first.mean + second.mean), 0.5 * std::hypot(first.se, second.se)}, noise, freedom,
          "mean of both scans over SD of the difference / sqrt 2", "Dietrich 2007", flags);
  // Method 2: steps between neighbours along rows of the difference, robust against drift and ripple.
  double squares = 0;
  std::size_t steps = 0;
  const auto& offsets = region.mask.offsets;
  for (std::size_t k = 1; k < offsets.size(); ++k)
    if (offsets[k] == offsets[k - 1] + 1 && offsets[k] % r.grid.size.x != 0) {
      const double d = double(r.values[offsets[k]]) - double(r.values[offsets[k - 1]]);
      squares += d * d;
      ++steps;
    }
  if (steps > 1) {
    if (std::abs(c.rho_x1) > 0.05) flags.push_back("m2_correlated");
    // Steps share pixels: Var of the mean of their squares is 3/2 that of independent ones (white noise).
    add_snr(job, results, "nema_ms1_m2", where, first, std::sqrt(squares / (2 * double(steps))) / std::numbers::sqrt2,
            double(steps) / 1.5, "steps between neighbouring pixels of the difference along rows", "NEMA MS 1 method 2",
            flags);
  }
}

// Pixel-wise temporal SD over at least 20 repeats about a linear trend.
void many_scans(const Job& job, const RegionVoxels& region, const std::string& where, Results& results) {
  const std::vector<std::size_t> repeats = job.repeats();
  const std::size_t n = repeats.size();
  if (n < 20) return results.skip("snr", where, "variant dietrich_mult: needs 20 repeats, has " + std::to_string(n));
  double sum = 0, squares = 0;
  const double middle = 0.5 * double(n - 1);
  double denominator = 0;
  for (std::size_t t = 0; t < n; ++t) denominator += (double(t) - middle) * (double(t) - middle);
  for (const std::size_t o : region.mask.offsets) {
    double mean = 0, slope = 0, rest = 0;
    for (std::size_t t = 0; t < n; ++t) {
      const double v = job.scans[repeats[t]].scan->volume.values[o];
      mean += v / double(n);
      slope += (double(t) - middle) * v / denominator;
    }
    for (std::size_t t = 0; t < n; ++t) {
      const double d = job.scans[repeats[t]].scan->volume.values[o] - mean - slope * (double(t) - middle);
      rest += d * d;
    }
    const double ratio = mean / std::sqrt(rest / double(n - 2));
    if (!std::isfinite(ratio))
      return results.skip("snr", where, "variant dietrich_mult: a pixel does not vary over time");
    sum += ratio;
    squares += ratio * ratio;
  }
  const double count = double(region.mask.offsets.size()), snr = sum / count;
  const double variance = std::max(0.0, squares / count - snr * snr) / (count - 1);
  Measurement m = measurement("snr", "dietrich_mult", where, snr, "1");
  m.se = std::sqrt(variance);
  m.ci95 = log_interval(snr, *m.se);
  m.n_eff = count;
  m.method = "mean over the region of temporal mean / SD about a linear trend";
  m.standard = "Dietrich 2007";
  m.flags = region.flags;
  m.flags.push_back("ratio_bias_3_over_4n");
  results.add(std::move(m));
}

// S minus its 9 x 9 box mean, at the pixels whose whole window lies in the region.
void smoothed_subtraction(const Job& job, std::size_t s, const RegionVoxels& region, const std::string& where,
                          Results& results) {
  const Scan& scan = *job.scans[s].scan;
  const Size3 size = scan.volume.grid.size;
  const VolumeView v = job.scans[s].volume->host();
  Volume noise{scan.volume.grid, Voxels(scan.volume.values.size(), 0.0f)};
  std::vector<char> member(noise.values.size(), 0);
  for (const std::size_t o : region.mask.offsets) member[o] = 1;
  compute::Mask whole;
  for (const std::size_t o : region.mask.offsets) {
    const std::size_t x = o % size.x, y = o / size.x % size.y, z = o / (size.x * size.y);
    if (x < 4 || y < 4 || x + 4 >= size.x || y + 4 >= size.y) continue;
    double mean = 0;
    int inside = 0;
    for (std::size_t b = y - 4; b <= y + 4; ++b)
      for (std::size_t a = x - 4; a <= x + 4; ++a) {
        mean += v(a, b, z);
        inside += member[(z * size.y + b) * size.x + a];
      }
    if (inside < 81) continue;
    noise.values[o] = static_cast<float>(v(x, y, z) - mean / 81);
    whole.offsets.push_back(o);
  }
  if (whole.offsets.size() < 100)
    return results.skip("snr", where,
                        "variant smoothed_subtraction: fewer than 100 pixels have their 9 x 9 window in the region");
  const auto uploaded = job.backend->upload(noise.view());
  const compute::Moments m = job.backend->region_moments(*uploaded, whole);
  const NoiseCorrelation c = noise_correlation(noise.view(), whole);
  const double freedom = c.n_eff_variance(double(m.n)) - 1;
  std::vector<std::string> flags = region.flags;
  if (std::abs(c.rho_x1) > 0.1) flags.push_back("correlated_noise_lost");  // the box takes its slow part away
  flags.push_back("white_noise_low_0.6_pct");  // the box keeps 1/81 of the noise: SD sqrt(80/81) s
  add_snr(job, results, "smoothed_subtraction", where, signal_of(job, job.scans[s], region.mask), std::sqrt(m.variance),
          freedom, "SD of the image minus its 9 x 9 box mean", "McCann 2013", flags);
}

// Air regions in the frequency-encode direction, free of ghosts.
void background(const Job& job, std::size_t s, const RegionVoxels& region, const Region& air, const std::string& where,
                Results& results) {
  const UploadedScan& scan = job.scans[s];
  const RegionVoxels voxels = region_voxels(air, job.grid());
  if (!voxels.good())
    return results.skip("snr", where,
                        "variants nema_ms1_m4, acr: background region " + air.name + ": " + voxels.reason);
  const compute::Moments m = job.backend->region_moments(*scan.volume, voxels.mask);
  const VolumeView v = scan.volume->host();
  std::size_t zeros = 0;
  for (const std::size_t o : voxels.mask.offsets) zeros += v.values[o] == 0;
  const int channels = job.settings.receive_channels;
  std::vector<std::string> flags = region.flags;
  if (channels == 0) flags.push_back("channel_count_unknown");
  // Negative values: not a magnitude image, so no Rayleigh factor applies.
  if (m.minimum < 0) flags.push_back("background_not_magnitude");
  if (channels == 0 || m.minimum < 0 || double(zeros) > 0.01 * double(m.n)) flags.push_back("background_noise_invalid");
  const NoiseCorrelation c = noise_correlation(v, voxels.mask);
  const double freedom = (c.n_eff_variance(double(m.n)) - 1) / rayleigh_excess, sd = std::sqrt(m.variance);
  const Signal signal = signal_of(job, scan, region.mask);
  const double factor = background_sd_factor(channels == 0 ? 1 : channels);
  add_snr(
      job, results, "nema_ms1_m4", where, signal, sd / factor, freedom,
      "SD of a background region over the factor of " + std::to_string(channels == 0 ? 1 : channels) + " channel(s)",
      "NEMA MS 1 method 4", flags);
  add_snr(job, results, "acr", where, signal, sd, freedom, "signal over SD of a background region, factor 1",
          "ACR MRI QC manual", flags);
  add_snr(job, results, "acr_ratio_0655", where, signal, sd / 0.655, freedom,
          "signal over SD of a background region / 0.655", "ACR MRI QC manual", flags);
}

// Method 3: a scan without excitation, given by its role.
void noise_scan(const Job& job, std::size_t noise, const RegionVoxels& region, const std::string& where,
                Results& results) {
  const compute::Moments m = job.backend->region_moments(*job.scans[noise].volume, region.mask);
  const NoiseCorrelation c = noise_correlation(job.scans[noise].volume->host(), region.mask);
  const int channels = std::max(1, job.settings.receive_channels);
  std::vector<std::string> flags = region.flags;
  if (job.settings.receive_channels == 0) flags.push_back("channel_count_unknown");
  add_snr(job, results, "nema_ms1_m3", where, signal_of(job, job.scans[noise == 0 ? 1 : 0], region.mask),
          std::sqrt(m.variance) / background_sd_factor(channels), (c.n_eff_variance(double(m.n)) - 1) / rayleigh_excess,
          "SD of a scan without excitation over the magnitude factor", "NEMA MS 1 method 3", flags);
}

void run(const Job& job, const std::vector<Region>& regions, Results& results) {
  std::optional<std::size_t> noise;
  for (std::size_t s = 0; job.scans.size() > 1 && s < job.scans.size(); ++s)
    if (job.scans[s].scan->role == "noise") noise = s;
  for (const Region& region : regions) {
    if (region.kind == "background") continue;
    const RegionVoxels voxels = region_voxels(region, job.grid());
    if (!voxels.good() || voxels.mask.offsets.size() < 100) {
      results.skip("snr", region.name, voxels.good() ? "the region holds fewer than 100 voxels" : voxels.reason);
      continue;
    }
    if (noise) noise_scan(job, *noise, voxels, region.name, results);
    else results.skip("snr", region.name, "variant nema_ms1_m3: needs a scan without excitation (--role noise=PATH)");
    if (job.repeats().size() >= 2) two_scans(job, voxels, region.name, results);
    else
      results.skip("snr", region.name,
                   "variants nema_ms1_m1, nema_ms1_m2, dietrich_diff: need a second scan on the same grid that is a "
                   "repeat (echoes and inversion times are not)");
    many_scans(job, voxels, region.name, results);
    for (std::size_t s = 0; s < std::min<std::size_t>(job.scans.size(), 2); ++s) {
      if (noise && s == *noise) continue;
      const std::string where = job.prefix(s) + region.name;
      smoothed_subtraction(job, s, voxels, where, results);
      bool any = false;
      for (const Region& air : job.regions)
        if (air.kind == "background") {
          background(job, s, voxels, air, where + "/" + air.name, results);
          any = true;
        }
      if (!any) results.skip("snr", where, "variants nema_ms1_m4, acr: no background region is given");
    }
  }
}

}  // namespace

double background_sd_factor(int channels) {
  // Chi distribution of 2n degrees of freedom: mean sqrt2 Gamma(n + 1/2) / Gamma(n), variance 2n - mean^2.
  const double n = channels;
  const double mean = std::numbers::sqrt2 * std::exp(std::lgamma(n + 0.5) - std::lgamma(n));
  return std::sqrt(2 * n - mean * mean);
}

Metric snr_metric() {
  return {"snr",
          "Signal-to-noise ratio",
          "Mean signal over the noise SD, each estimate its own variant: two scans (nema_ms1_m1, nema_ms1_m2, "
          "dietrich_diff), a scan without excitation (nema_ms1_m3, role noise), a background region (nema_ms1_m4, acr, "
          "acr_ratio_0655), "
          "20 or more repeats (dietrich_mult), one image (smoothed_subtraction). snr_norm = snr / (voxel volume "
          "sqrt(N_PE NEX / bandwidth per pixel)).",
          "NEMA MS 1, MS 6, MS 9; AAPM 100; Dietrich 2007; McCann 2013",
          {"snr", "snr_norm"},
          {"nema_ms1_m1", "nema_ms1_m2", "nema_ms1_m3", "nema_ms1_m4", "dietrich_diff", "dietrich_mult", "acr",
           "acr_ratio_0655", "smoothed_subtraction"},
          {"uniform"},
          {"MR"},
          run};
}

}  // namespace iqgate::measure
