// G1: a second reconstruction of the same phantom, image by image: error, structural similarity, texture of the noise.
#include <algorithm>
#include <cmath>
#include <limits>

#include "iqgate/measure/metrics.hpp"

namespace iqgate::measure {
namespace {

constexpr double hu_span = 2000;  // the range that SSIM and PSNR of CT are told for

// The voxels of the mask; NaN elsewhere, so that no window reaches over its edge.
Volume masked(const VolumeView& from, const Grid& grid, const compute::Mask& mask) {
  Volume volume{grid, Voxels(grid.size.count())};
  std::fill(volume.values.begin(), volume.values.end(), std::numeric_limits<float>::quiet_NaN());
  for (const std::size_t o : mask.offsets) volume.values[o] = from.values[o];
  return volume;
}

void compare_images(const Job& job, const Region& region, Results& results) {
  const RegionVoxels voxels = region_voxels(region, job.grid());
  if (!voxels.good()) return results.skip("ssim", region.name, voxels.reason);
  const double range = job.settings.data_range > 0 ? job.settings.data_range : job.unit() == "HU" ? hu_span : 0;
  if (!(range > 0)) return results.skip("ssim", region.name, "the range of the values is not given (--data-range)");
  const Volume site = masked(job.scans.front().volume->host(), job.grid(), voxels.mask);
  const Volume other = masked(job.reference->registered.view(), job.grid(), voxels.mask);
  const auto a = job.backend->upload(site.view()), b = job.backend->upload(other.view());
  bool first = true;
  for (const auto& [window, variant] : {std::pair{compute::SimilarityJob::Window::uniform, "uniform7"},
                                        {compute::SimilarityJob::Window::gaussian, "gauss11"}}) {
    const compute::Similarity s = job.backend->similarity(*a, *b, {.window = window, .data_range = range});
    if (s.n == 0) return results.skip("ssim", region.name, "the two images share no voxel of the phantom");
    const auto add = [&](const char* name, const char* of, double value, const std::string& unit) {
      Measurement m = measurement(name, of, region.name, value, unit);
      m.method =
          "site less reference, resampled onto the site's grid by both placements; range " + json::number_text(range);
      m.standard = "Wang 2004";
      m.flags = {"reference_resampled"};
      results.add(std::move(m));
    };
    if (first) {
      add("image_rmse", "", s.rmse, job.unit());
      add("image_bias", "", s.mean_difference, job.unit());
      if (s.rmse > 0) add("psnr_db", "", s.psnr_db, "dB");
      else results.skip("psnr_db", region.name, "the images are equal");
    }
    if (s.windows > 0) add("ssim", variant, s.ssim, "1");
    else results.skip("ssim", region.name, std::string("variant ") + variant + ": no window lies in the phantom");
    first = false;
  }
}

// How the variance is spread over the frequencies: f NPS(f), of area 1, on the frequencies of `like`.
std::vector<double> spread(const Curve& nps, const std::vector<double>& at) {
  const std::vector<double>&x = nps.x.values, &y = nps.y.values;
  std::vector<double> density;
  for (const double f : at) {
    const auto above = std::lower_bound(x.begin(), x.end(), f);
    double value = 0;
    if (above == x.end()) value = y.back();
    else if (above == x.begin()) value = y.front();
    else {
      const std::size_t k = static_cast<std::size_t>(above - x.begin());
      value = y[k - 1] + (y[k] - y[k - 1]) * (f - x[k - 1]) / (x[k] - x[k - 1]);
    }
    density.push_back(f * std::max(value, 0.0));
  }
  double area = 0;
  for (std::size_t k = 1; k < at.size(); ++k) area += (density[k] + density[k - 1]) / 2 * (at[k] - at[k - 1]);
  for (double& d : density) d /= area;
  return density;
}

// Each on its own voxels: resampling would change the noise that is looked at.
void compare_textures(const Job& job, Results& results) {
  const Metric nps = nps_metric();
  const auto spectra = [&](const UploadedScan& scan, const std::vector<Region>& all) {
    std::vector<Region> regions;
    for (const Region& r : all)
      if (r.metrics.empty() ? r.kind == "uniform"
                            : std::find(r.metrics.begin(), r.metrics.end(), "nps") != r.metrics.end())
        regions.push_back(r);
    Job own = job;
    own.scans = {scan};
    own.reference.reset();
    Results found;
    if (!regions.empty()) nps.run(own, regions, found);
    return found.curves;
  };
  const std::vector<Curve> site = spectra(job.scans.front(), job.regions);
  const std::vector<Curve> other = spectra(job.reference->scan, job.reference->regions);
  for (const Curve& a : site) {
    if (a.name != "nps_radial" || a.x.values.size() < 4) continue;
    const auto b = std::find_if(other.begin(), other.end(), [&](const Curve& c) {
      return c.name == a.name && c.variant == a.variant && c.where == a.where && c.x.values.size() >= 4;
    });
    if (b == other.end()) continue;
    const double top = std::min(a.x.values.back(), b->x.values.back());
    std::vector<double> at;
    for (const double f : a.x.values)
      if (f <= top) at.push_back(f);
    const std::vector<double> p = spread(a, at), q = spread(*b, at);
    double area = 0;
    for (std::size_t k = 1; k < at.size(); ++k)
      area += (std::abs(p[k] - q[k]) + std::abs(p[k - 1] - q[k - 1])) / 2 * (at[k] - at[k - 1]);
    Measurement m = measurement("noise_texture_distance", a.variant, a.where, area / 2, "1");
    m.method = "half the area between f NPS(f) of both, each of area 1, up to the lower Nyquist frequency";
    m.standard = "total variation; this program's own";
    m.flags = {"above_zero_when_equal"};
    results.add(std::move(m));
  }
}

void run(const Job& job, const std::vector<Region>& regions, Results& results) {
  if (!job.reference) return results.skip("ssim", "scan", "no reference image is given (--role reference=PATH)");
  compare_images(job, regions.front(), results);
  compare_textures(job, results);
}

}  // namespace

Metric image_similarity_metric() {
  return {
      "image_similarity",
      "Similarity of two images",
      "Against another reconstruction of the same phantom (--role reference=PATH), resampled onto the scan's grid by "
      "both placements (linear: its noise gets smoother), inside the phantom: image_rmse = sqrt(mean (x - y)^2), "
      "image_bias = mean (x - y), psnr_db = 20 log10(L / rmse), ssim as mean over the windows that lie inside "
      "(uniform7: 7 voxels a side, n - 1; gauss11: sigma 1.5 voxels, weighted), L = 2000 HU for CT or as given. "
      "noise_texture_distance: half the area between f NPS(f) of both, each of area 1, each on its own voxels: 0 for "
      "one texture (above 0 by the noise of the estimates), 1 for textures that share no frequency.",
      "Wang 2004",
      {"ssim", "psnr_db", "image_rmse", "image_bias", "noise_texture_distance"},
      {"uniform7", "gauss11", "2d_poly2", "2d_image_poly2", "2d_constant", "3d_poly2"},
      {"image"},
      {},
      run};
}

}  // namespace iqgate::measure
