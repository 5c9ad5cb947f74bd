// C1, C2: noise power spectra of uniform regions, in the slice and in three dimensions.
#include <algorithm>
#include <map>

#include "iqgate/measure/metrics.hpp"
#include "iqgate/measure/noise_correlation.hpp"
#include "iqgate/measure/nps_residual.hpp"
#include "iqgate/measure/nps_rings.hpp"
#include "iqgate/measure/nps_spectrum.hpp"

namespace iqgate::measure {
namespace {

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
  measure_nps(job, *job.scans[s].volume, boxes, {.where = where, .variant = "poly2", .slice_sharing = sharing},
              results);
  measure_nps(job, *job.scans[s].volume, boxes,
              {.where = where, .variant = "constant", .detrend = compute::Detrend::constant, .slice_sharing = sharing},
              results);
}

// Boxes in a volume that starts at this slice of the scan.
Boxes shifted(Boxes boxes, std::size_t first_slice) {
  for (Size3& corner : boxes.corners) corner.z -= first_slice;
  return boxes;
}

void measure_region(const Job& job, std::size_t s, const Region& region, Results& results) {
  const std::string where = job.prefix(s) + region.name;
  const RegionVoxels voxels = region_voxels(region, job.grid());
  if (!voxels.good()) return results.skip("nps_avg_per_mm", where, voxels.reason);
  const Boxes flat = place_boxes(region, job.grid(), voxels.first_slice, voxels.last_slice, false);
  if (flat.corners.empty()) return results.skip("nps_avg_per_mm", where, "no box of 24 pixels fits into the region");
  const VolumeView volume = job.scans[s].volume->host();
  const NoiseCorrelation noise = noise_correlation(volume, voxels.mask);
  NpsSet set{.where = where,
             .variant = "poly2",
             .slice_sharing = noise.sum_rho_squared_z,
             .sum_rho_squared = noise.sum_rho_squared,
             .stationarity = true,
             .flags = voxels.flags};
  measure_nps(job, *job.scans[s].volume, flat, set, results);
  if (region.shape == RegionShape::disc || region.shape == RegionShape::cylinder)
    measure_nps_rings(job, s, region, voxels, set, results);
  set.variant = "image_poly2";
  set.detrend = compute::Detrend::none;
  set.stationarity = false;
  const Volume residual = minus_field(volume, job.grid(), voxels);
  measure_nps(job, *job.backend->upload(residual.view()), shifted(flat, voxels.first_slice), set, results);
  const Boxes deep = place_boxes(region, job.grid(), voxels.first_slice, voxels.last_slice, true);
  if (deep.corners.empty())
    results.skip("nps_avg_per_mm", where, "variant 3d_poly2: no box of 24 x 24 x 16 voxels fits into the region");
  else
    measure_nps(job, *job.scans[s].volume, deep, {.where = where, .variant = "poly2", .flags = voxels.flags}, results);
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
    measure_nps(job, *uploaded, flat,
                {.where = region.name,
                 .variant = "two_scan_diff",
                 .detrend = compute::Detrend::constant,
                 .power_scale = 0.5,
                 .slice_sharing = sharing,
                 .flags = voxels.flags},
                results);
  }
}

// Each of three or more scans less the mean of all: what is equal in them is gone.
void measure_ensemble(const Job& job, const std::vector<Region>& regions, Results& results) {
  const std::vector<std::size_t> repeats = job.repeats();
  if (repeats.size() < 3) return;
  const double n = double(repeats.size());
  for (const Region& region : regions) {
    const RegionVoxels voxels = region_voxels(region, job.grid());
    if (region.shape == RegionShape::box || !voxels.good()) continue;
    const Boxes flat =
        shifted(place_boxes(region, job.grid(), voxels.first_slice, voxels.last_slice, false), voxels.first_slice);
    if (flat.corners.empty()) continue;
    const Volume residual = minus_ensemble_mean(job, repeats, voxels);
    const std::size_t slices = voxels.last_slice - voxels.first_slice + 1;
    Boxes all{flat.box, {}};
    for (std::size_t k = 0; k < repeats.size(); ++k)
      for (const Size3 corner : flat.corners) all.corners.push_back({corner.x, corner.y, corner.z + k * slices});
    compute::Mask first;
    for (const std::size_t o : voxels.mask.offsets)
      first.offsets.push_back(o - voxels.first_slice * job.grid().size.x * job.grid().size.y);
    measure_nps(job, *job.backend->upload(residual.view()), all,
                {.where = region.name,
                 .variant = "ensemble_mean",
                 .detrend = compute::Detrend::constant,
                 .power_scale = n / (n - 1),
                 .independent_share = (n - 1) / n,
                 .slice_sharing = noise_correlation(residual.view(), first).sum_rho_squared_z,
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
  measure_ensemble(job, regions, results);
}

}  // namespace

Metric nps_metric() {
  return {
      "nps",
      "Noise power spectrum",
      "NPS = (dx dy / N) mean |DFT(residual)|^2 (3D: times dz) of half-overlapping boxes inside the region, "
      "second-order detrend in each box (poly2) or one in the whole region (image_poly2), of the difference of two "
      "scans / 2 (two_scan_diff), or of n scans less their mean, times n / (n - 1) (ensemble_mean). Radial mean in "
      "rings "
      "of 1 / (N d) up to the Nyquist frequency, zero bin left out. "
      "nps_at_0_extrap: where a straight line through the rings 2 to 6 meets zero. nps_stationarity_p: chi-square test "
      "that boxes which do not overlap have one variance. nps_avg = integral f NPS / integral NPS of the radial curve; "
      "nps_avg2d weighs by f; the poly2 detrend takes "
      "power from the first rings, which raises the means of white noise by up to 2.3 % (boxes of 24 pixels); "
      "noise_from_nps^2 is the sum over all bins (corners included); parseval_ratio compares it with the variance "
      "of the boxes. By radius (poly2_inner, _middle, _outer): boxes of 32 or 24 pixels whose centres lie in the "
      "inner, middle "
      "or outer third of the way out from a disc's axis; noise_outer_over_inner compares them.",
      "AAPM 233; ICRU 87; IEC 62220-1-1",
      {"noise_from_nps_hu", "noise_from_nps", "parseval_ratio", "nps_peak_per_mm", "nps_avg_per_mm", "nps_avg2d_per_mm",
       "nps_median_per_mm", "nps_at_0_extrap_hu2_mm2", "nps_at_0_extrap", "nps_stationarity_p", "nps_n_roi",
       "nps_lowf_valid_from_per_mm", "noise_ring_hu", "noise_ring", "nps_ring_avg_per_mm", "nps_ring_radius_mm",
       "noise_outer_over_inner"},
      {"2d_poly2", "2d_poly2_inner", "2d_poly2_middle", "2d_poly2_outer", "2d_image_poly2", "2d_constant",
       "2d_two_scan_diff", "2d_ensemble_mean", "3d_poly2"},
      {"uniform", "nps_box"},
      {},
      run};
}

}  // namespace iqgate::measure
