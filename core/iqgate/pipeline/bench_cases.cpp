#include "iqgate/pipeline/bench_cases.hpp"

#include <algorithm>
#include <numeric>

#include "iqgate/compute/render.hpp"
#include "iqgate/pipeline/bench_truths.hpp"

namespace iqgate::pipeline {
namespace {

using compute::Backend;
using compute::DeviceVolume;

compute::LocalMapJob box_of(std::size_t half) { return {.half = {half, half, half}}; }

}  // namespace

Volume bench_volume(std::size_t n) {
  compute::RenderJob job;
  job.grid.size = {n, n, n};
  job.noise = {.kind = compute::NoiseKind::white, .sd = 10, .seed = 1};
  phantom::Model model;
  model.background = "x";
  model.materials = {{"x", "", {{"ct_number_hu", 50}}}};
  return compute::render(model, job);
}

compute::PowerSpectrumJob half_overlapping_boxes(Size3 volume, std::size_t side, compute::Precision precision) {
  compute::PowerSpectrumJob job{.box = {side, side, side}, .precision = precision};
  for (std::size_t z = 0; z + side <= volume.z; z += side / 2)
    for (std::size_t y = 0; y + side <= volume.y; y += side / 2)
      for (std::size_t x = 0; x + side <= volume.x; x += side / 2) job.corners.push_back({x, y, z});
  job.block.assign(job.corners.size(), 0);
  return job;
}

compute::EdgeProfileJob radial_bins(std::size_t n) {
  const double middle = 0.5 * double(n - 1) + 0.137;
  return {.shape = compute::EdgeShape::sphere,
          .origin = {middle, middle, middle},
          .axis = {0, 0, 1},
          .along = {1, 0, 0},
          .bin_mm = 0.1,
          .bins = int(10 * n),
          .cos2_high = 1.1,
          .high = {n, n, n}};
}

const std::vector<BenchCase>& bench_cases() {
  using V = const DeviceVolume&;
  using B = const Backend&;
  using M = BenchBuffers&;
  static const std::vector<BenchCase> cases{
      {"volume_statistics", 4, [](B b, V v, M) { b.volume_statistics(v, {}); }, statistics_fault},
      {"percentiles", 8,
       [](B b, V v, M) {
         b.volume_statistics(v, {1, 50, 99});
       },
       statistics_fault},
      {"volume_histogram", 4, [](B b, V v, M) { b.volume_histogram(v, 0, 0.1, 1000); }, histogram_fault},
      {"region_moments_of_a_slice", 0,
       [](B b, V v, M) {
         compute::Mask slice;
         slice.offsets.resize(v.host().size.x * v.host().size.y);
         std::iota(slice.offsets.begin(), slice.offsets.end(), 0);
         b.region_moments(v, slice);
       },
       moments_fault},
      {"local_statistics_9", 12,
       [](B b, V v, M) { b.local_statistics(v, {.slices = v.host().size.z, .half_x = 4, .half_y = 4}); },
       local_statistics_fault},
      {"local_maps_7", 12, [](B b, V v, M m) { b.local_maps(v, box_of(3), true, m.maps); }, local_maps_fault},
      {"local_maps_15", 12, [](B b, V v, M m) { b.local_maps(v, box_of(7), true, m.maps); }, local_maps_fault},
      {"local_maps_31", 12, [](B b, V v, M m) { b.local_maps(v, box_of(15), true, m.maps); }, local_maps_fault},
      {"local_map_summary_15", 4, [](B b, V v, M m) { b.local_maps(v, box_of(7), false, m.maps); }, local_maps_fault},
      {"gaussian_2", 8,
       [](B b, V v, M m) {
         b.gaussian(v, {2, 2, 2, 4}, m.volume);
       },
       gaussian_fault},
      {"median_3", 8, [](B b, V v, M m) { b.median(v, m.volume); }, median_fault},
      {"ssim_7", 8, [](B b, V v, M) { b.similarity(v, v, {.data_range = 2000}); }, similarity_fault},
      {"edge_profile", 4, [](B b, V v, M) { b.edge_profile(v, radial_bins(v.host().size.x)); }, edge_profile_fault},
      {"power_spectrum_64", 8 * 4,
       [](B b, V v, M) {
         b.power_spectrum(v, half_overlapping_boxes(v.host().size, std::min<std::size_t>(64, v.host().size.x),
                                                    compute::Precision::single));
       },
       spectrum_fault},
      {"components", 8,
       [](B b, V v, M m) {
         b.components(v, {50, 1000, compute::Connectivity::faces}, &m.labels);
       },
       components_fault},
      {"disc_search_in_a_slice", 0,
       [](B b, V v, M) {
         const double n = double(v.host().size.x);
         b.disc_search(v,
                       {.center_x = 0.5 * n, .center_y = 0.5 * n, .large_radius_mm = 0.4 * n, .disc_radius_mm = 5.642});
       },
       disc_fault},
      {"temporal_maps_64", 64 * 4 + 16,
       [](B b, V v, M m) {
         const compute::TemporalJob job{std::vector<const float*>(64, v.host().values), v.host().size};
         b.temporal_maps(job, m.temporal);
       },
       temporal_fault},
      {"resample", 8,
       [](B b, V v, M m) {
         b.resample(v, {.step_x_mm = {0.8, 0.6, 0}, .step_y_mm = {-0.6, 0.8, 0}, .size = v.host().size}, m.volume);
       },
       resample_fault},
      {"bootstrap_1000", 0,
       [](B b, V v, M) {
         compute::BootstrapJob job{.blocks = 100, .points = 200};
         job.curves.assign(v.host().values, v.host().values + job.blocks * job.points);
         b.bootstrap_curves(job);
       },
       bootstrap_fault}};
  return cases;
}

}  // namespace iqgate::pipeline
