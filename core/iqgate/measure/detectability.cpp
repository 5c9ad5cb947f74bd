// C3, D1-D3: noise-equivalent quanta, detectability of tasks, and the channelised Hotelling observer on images.
#include <algorithm>
#include <cmath>
#include <numbers>

#include "iqgate/measure/edge_response.hpp"
#include "iqgate/measure/metrics.hpp"
#include "iqgate/measure/noise_correlation.hpp"
#include "iqgate/measure/nps_boxes.hpp"
#include "iqgate/measure/nps_spectrum.hpp"
#include "iqgate/measure/observer.hpp"

namespace iqgate::measure {
namespace {

constexpr double pi = std::numbers::pi;
constexpr std::size_t draws = 100;  // for the bands of the curves

const Curve* curve_named(const Results& results, const char* name, const char* variant) {
  for (const Curve& c : results.curves)
    if (c.name == name && c.variant == variant) return &c;
  return nullptr;
}

struct NoiseSpectrum {
  Curve curve;
  double lowf_per_mm = 0, relative_se = 0;
  // Flat below the first frequency that detrending leaves alone, the last value beyond the last.
  double operator()(double f) const {
    const double at = std::clamp(f, std::max(lowf_per_mm, curve.x.values.front()), curve.x.values.back());
    return interpolate(curve.x.values, curve.y.values, at);
  }
};

bool noise_of(const Job& job, std::size_t s, const Region& region, NoiseSpectrum& noise, std::string& reason) {
  const RegionVoxels voxels = region_voxels(region, job.grid());
  reason = voxels.reason;
  if (!voxels.good()) return false;
  const Boxes boxes = place_boxes(region, job.grid(), voxels.first_slice, voxels.last_slice, false);
  if (boxes.corners.empty()) {
    reason = "no box of 24 pixels fits into the region";
    return false;
  }
  const NoiseCorrelation c = noise_correlation(job.scans[s].volume->host(), voxels.mask);
  Results own;
  measure_nps(job, *job.scans[s].volume, boxes,
              {.where = region.name, .variant = "poly2", .slice_sharing = c.sum_rho_squared_z}, own);
  const Curve* curve = curve_named(own, "nps_radial", "2d_poly2");
  const Measurement* level = own.find("noise_from_nps_hu");
  const Measurement* low = own.find("nps_lowf_valid_from_per_mm");
  if (!curve || !level || !low || curve->x.values.size() < 4) {
    reason = "the noise power spectrum could not be measured";
    return false;
  }
  noise.curve = *curve;
  noise.lowf_per_mm = low->value;
  noise.relative_se = level->se ? 2 * *level->se / level->value : 0;
  return true;
}

// Until it has first fallen to 1 %: beyond there is noise.
struct Transfer {
  std::vector<double> f, value;
  double operator()(double at) const { return at > f.back() ? 0 : interpolate(f, value, std::max(at, f.front())); }
};
Transfer transfer_of(const std::vector<double>& f, const std::vector<double>& value) {
  Transfer t{f, value};
  const auto end = std::find_if(t.value.begin(), t.value.end(), [](double v) { return v < 0.01; });
  std::fill(end, t.value.end(), 0.0);
  return t;
}

const char* observer_name(int observer) {
  static constexpr const char* names[] = {"npw", "npwe_burgess", "npwe_eckstein", "pw"};
  return names[observer];
}

Detectability observe(int observer, const Task& task, const Transfer& ttf, const NoiseSpectrum& noise, double f_max,
                      const Viewing& viewing) {
  switch (observer) {
    case 0: return npw(task, ttf, noise, f_max, noise.lowf_per_mm);
    case 1: return npw(task, ttf, noise, f_max, noise.lowf_per_mm, EyeFilter::burgess, viewing);
    case 2: return npw(task, ttf, noise, f_max, noise.lowf_per_mm, EyeFilter::eckstein, viewing);
    default: return pw(task, ttf, noise, f_max, noise.lowf_per_mm);
  }
}

void one_insert(const Job& job, std::size_t s, const Region& insert, const NoiseSpectrum& noise, Results& results) {
  const std::string where = job.prefix(s) + insert.name;
  Job own = job;
  own.settings.bootstrap_draws = draws;
  own.scans = {job.scans[s]};
  Results edges;
  disc_ttf_metric().run(own, {insert}, edges);
  const Curve* curve = curve_named(edges, "ttf", "tukey");
  if (!curve)
    return results.skip("dprime_pw", where,
                        edges.not_measured.empty() ? "the task transfer function could not be measured"
                                                   : edges.not_measured.front().reason);
  std::vector<std::string> flags{"ci_scope=within_scan", "nps_flat_below_lowf"};
  if (const Measurement* ttf50 = edges.find("ttf50_per_mm", "tukey"))
    for (const std::string& flag : ttf50->flags)
      if (flag.find("cnr") != std::string::npos || flag == "curvature_bias") flags.push_back("ttf_" + flag);
  const Grid& grid = job.grid();
  const double pixel = std::max(grid.spacing_mm.x, grid.spacing_mm.y), f_max = 1 / (2 * pixel);
  const Viewing viewing{.image_pixel_mm = pixel};  // one pixel of the image on one of the display
  const Transfer ttf = transfer_of(curve->x.values, curve->y.values);
  const bool band = curve->ci95_lo.size() == curve->x.values.size();
  const Transfer low = transfer_of(curve->x.values, band ? curve->ci95_lo : curve->y.values),
                 high = transfer_of(curve->x.values, band ? curve->ci95_hi : curve->y.values);
  for (const Task& task : job.settings.tasks)
    for (int observer = 0; observer < 4; ++observer) {
      const Detectability d = observe(observer, task, ttf, noise, f_max, viewing);
      const double spread = 0.5 *
                            (observe(observer, task, high, noise, f_max, viewing).dprime -
                             observe(observer, task, low, noise, f_max, viewing).dprime) /
                            1.96;
      const std::string stem = observer_name(observer);
      Measurement m = measurement("dprime_" + stem, task.name, where, d.dprime, "1");
      if (band) {
        m.se = std::hypot(spread, 0.5 * noise.relative_se * d.dprime);
        m.ci95 = log_interval(m.value, *m.se);
      }
      m.method = "task " + task.name + ", TTF of this insert, noise power spectrum of " + noise.curve.where +
                 " up to the Nyquist frequency; error from the TTF's band (taken as one) and the noise's level";
      if (observer == 1 || observer == 2) m.method += "; seen from 500 mm, one image pixel on 0.2 mm";
      m.standard = "AAPM 233; definition D1";
      m.flags = flags;
      Measurement auc = m;
      auc.name = "auc_" + stem;
      auc.value = d.auc;
      const auto area = [](double dprime) { return 0.5 * std::erfc(-dprime / 2); };
      if (m.ci95) auc.ci95 = Interval{area(m.ci95->low), area(m.ci95->high)};
      auc.se.reset();
      results.add(std::move(m));
      results.add(std::move(auc));
      if (observer == 3) {
        Measurement share = measurement("dprime_lowf_fraction", task.name, where, d.lowf_fraction, "1");
        share.method = "share of the prewhitened integral below the first frequency that detrending leaves alone";
        results.add(std::move(share));
      }
    }
  // NEQ for the signal of 1000 HU, water against air.
  Curve neq{"neq", "signal_1000_hu", where, {"spatial frequency", "1/mm", {}}, {"NEQ", "1/mm2", {}}, {}, {}};
  for (const double f : noise.curve.x.values) {
    if (f > f_max) break;
    neq.x.values.push_back(f);
    neq.y.values.push_back(1e6 * ttf(f) * ttf(f) / noise(f));
  }
  results.curves.push_back(std::move(neq));
}

void run(const Job& job, const std::vector<Region>& regions, Results& results) {
  if (job.unit() != "HU") return results.skip("dprime_pw", "scan", "the values are not HU");
  for (std::size_t s = 0; s < job.scans.size(); ++s) {
    const auto uniform =
        std::find_if(regions.begin(), regions.end(), [](const Region& r) { return r.kind == "uniform"; });
    if (uniform == regions.end()) {
      results.skip("dprime_pw", job.prefix(s) + "scan", "no region of kind uniform is given for the noise");
      continue;
    }
    NoiseSpectrum noise;
    std::string reason;
    const bool good = noise_of(job, s, *uniform, noise, reason);
    for (const Region& region : regions) {
      if (region.kind != "insert") continue;
      if (good) one_insert(job, s, region, noise, results);
      else results.skip("dprime_pw", job.prefix(s) + region.name, "noise of " + uniform->name + ": " + reason);
    }
  }
}

// ---- channelised Hotelling observer

// Laguerre-Gauss channels of the pixels about a centre; orthonormal in the plane.
std::vector<double> channel_outputs(const VolumeView& v, std::size_t z, Vec3 centre_mm, double radius_mm,
                                    double width_mm, int channels) {
  std::vector<double> out(std::size_t(channels), 0.0);
  const long x0 = std::max(0L, long(std::ceil((centre_mm.x - radius_mm) / v.spacing_mm.x))),
             x1 = std::min(long(v.size.x) - 1, long((centre_mm.x + radius_mm) / v.spacing_mm.x)),
             y0 = std::max(0L, long(std::ceil((centre_mm.y - radius_mm) / v.spacing_mm.y))),
             y1 = std::min(long(v.size.y) - 1, long((centre_mm.y + radius_mm) / v.spacing_mm.y));
  for (long y = y0; y <= y1; ++y)
    for (long x = x0; x <= x1; ++x) {
      const double dx = double(x) * v.spacing_mm.x - centre_mm.x, dy = double(y) * v.spacing_mm.y - centre_mm.y,
                   r2 = dx * dx + dy * dy;
      if (r2 > radius_mm * radius_mm) continue;
      const double t = 2 * pi * r2 / (width_mm * width_mm), value = v(std::size_t(x), std::size_t(y), z);
      const double base = std::numbers::sqrt2 / width_mm * std::exp(-0.5 * t);
      for (int p = 0; p < channels; ++p) out[std::size_t(p)] += base * std::laguerre(unsigned(p), t) * value;
    }
  return out;
}

void one_region(const Job& job, const Region& region, std::size_t present, std::size_t absent, Results& results) {
  const RegionVoxels voxels = region_voxels(region, job.grid());
  if (!voxels.good()) return results.skip("dprime_cho", region.name, voxels.reason);
  const auto width = region.nominal.find("diameter_mm");
  if (width == region.nominal.end())
    return results.skip("dprime_cho", region.name, "the signal's nominal diameter_mm is not given");
  // Neighbouring slices that share noise are no independent images: only every so many-th counts.
  const double shared = noise_correlation(job.scans[absent].volume->host(), voxels.mask).sum_rho_squared_z;
  const std::size_t apart = shared > 1.1 ? static_cast<std::size_t>(std::ceil(shared)) : 1;
  const std::size_t images = (voxels.last_slice - voxels.first_slice) / apart + 1;
  // Six channels, fewer where there are few images: three images a channel at least.
  const int channels = static_cast<int>(std::min<std::size_t>(6, images / 3));
  if (channels < 1) return results.skip("dprime_cho", region.name, "fewer than three images in each class");
  Channels with_signal, without;
  const Vec3 centre = to_volume_frame(job.grid(), region.center_mm);
  for (std::size_t z = voxels.first_slice; z <= voxels.last_slice; z += apart) {
    with_signal.push_back(
        channel_outputs(job.scans[present].volume->host(), z, centre, region.radius_mm, width->second, channels));
    without.push_back(
        channel_outputs(job.scans[absent].volume->host(), z, centre, region.radius_mm, width->second, channels));
  }
  const Hotelling h = hotelling(with_signal, without);
  if (!h.good) return results.skip("dprime_cho", region.name, h.reason);
  const auto add = [&](const char* variant, double d2, const char* method) {
    Measurement m = measurement("dprime_cho", variant, region.name, std::sqrt(std::max(0.0, d2)), "1");
    m.ci95 = Interval{h.dprime_low, h.dprime_high};
    m.n_eff = double(images);
    m.method = method;
    m.standard = "Wunderlich 2015; definition D3";
    m.flags = {"laguerre_gauss_" + std::to_string(channels), "images=" + std::to_string(images)};
    if (apart > 1) m.flags.push_back("every_slice=" + std::to_string(apart));
    if (d2 <= 0) m.flags.push_back("below_zero");
    results.add(std::move(m));
  };
  add("unbiased", h.d2_unbiased,
      "Laguerre-Gauss channels of the signal's width, pooled covariance, bias taken out; exact "
      "interval from the noncentral F distribution");
  add("resubstitution", h.d2_resubstitution, "as unbiased with its bias (too high)");
  Measurement auc = measurement("auc_cho", "unbiased", region.name,
                                0.5 * std::erfc(-0.5 * std::sqrt(std::max(0.0, h.d2_unbiased))), "1");
  auc.ci95 = Interval{0.5 * std::erfc(-0.5 * h.dprime_low), 0.5 * std::erfc(-0.5 * h.dprime_high)};
  auc.method = "Phi(d' / sqrt 2)";
  auc.standard = "Wunderlich 2015; definition D3";
  results.add(std::move(auc));
}

void run_cho(const Job& job, const std::vector<Region>& regions, Results& results) {
  std::optional<std::size_t> present, absent;
  for (std::size_t s = 0; s < job.scans.size(); ++s) {
    if (job.scans[s].scan->role == "signal_present") present = s;
    if (job.scans[s].scan->role == "signal_absent") absent = s;
  }
  for (const Region& region : regions) {
    if (present && absent) one_region(job, region, *present, *absent, results);
    else
      results.skip("dprime_cho", region.name,
                   "needs two scans of the roles signal_present and signal_absent (--role signal_present=PATH ...)");
  }
}

}  // namespace

Metric detectability_metric() {
  return {
      "detectability",
      "Detectability of tasks",
      "d' and AUC of a task (data: contrast, size, shape) from the TTF of each insert and the noise power spectrum of "
      "the uniform region: npw [Int W^2 T^2]^2 / Int W^2 T^2 NPS, npwe with the eye filter of Burgess or of Eckstein "
      "and Saunders, pw Int W^2 T^2 / NPS, over the plane up to the Nyquist frequency; the spectrum flat below the "
      "first frequency that detrending leaves alone, and dprime_lowf_fraction the share of the integral there. Curve "
      "neq: (1000 HU)^2 TTF^2 / NPS.",
      "AAPM 233; Burgess 1994; Eckstein and Saunders",
      {"dprime_npw", "dprime_npwe_burgess", "dprime_npwe_eckstein", "dprime_pw", "auc_npw", "auc_npwe_burgess",
       "auc_npwe_eckstein", "auc_pw", "dprime_lowf_fraction"},
      {},
      {},
      {"CT"},
      run};
}

Metric hotelling_metric() {
  return {
      "cho",
      "Channelised Hotelling observer",
      "Slices (those that do not share noise) of the scans of roles signal_present and signal_absent as images; "
      "Laguerre-Gauss channels of the width "
      "of "
      "nominal diameter_mm (six, fewer where there are fewer than 18 images a class); d^2 = dv' K^-1 dv with the "
      "pooled "
      "covariance K, unbiased d^2 = (N - p - 3) / (N - 2) d^2 - p N / (n1 n0), exact interval from the noncentral F "
      "distribution.",
      "Wunderlich 2015",
      {"dprime_cho", "auc_cho"},
      {"unbiased", "resubstitution"},
      {"cho_signal"},
      {},
      run_cho};
}

}  // namespace iqgate::measure
