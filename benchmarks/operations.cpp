// Each operation of the CPU backend at a few sizes, with the bytes it must move at least. Compare ratios within one
// run: absolute times of a shared machine mean little.
#include <benchmark/benchmark.h>

#include <numeric>

#include "cases.hpp"
#include "iqgate/compute/backend.hpp"
#include "iqgate/compute/render.hpp"
#include "iqgate/compute/stream_row.hpp"

namespace {

using namespace iqgate;

const Volume& volume_of(std::size_t n) {
  static std::map<std::size_t, Volume> volumes;
  Volume& v = volumes[n];
  if (v.values.empty()) {
    compute::RenderJob job;
    job.grid.size = {n, n, n};
    job.noise = {.kind = compute::NoiseKind::white, .sd = 10, .seed = 1};
    phantom::Model model;
    model.background = "x";
    model.materials = {{"x", "", {{"ct_number_hu", 50}}}};
    v = compute::render(model, job);
  }
  return v;
}

void finish(benchmark::State& state, std::size_t voxels) {
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations()) *
                          static_cast<std::int64_t>(voxels * sizeof(float)));
  state.counters["Mvoxel/s"] = benchmark::Counter(double(voxels) * 1e-6, benchmark::Counter::kIsIterationInvariantRate);
}

void edge_profile(benchmark::State& state) {
  const std::size_t n = std::size_t(state.range(0));
  const auto backend = compute::cpu_backend();
  const auto uploaded = backend->upload(volume_of(n).view());
  const compute::EdgeProfileJob job = benchmarks::radial_bins(n);
  for (auto _ : state) benchmark::DoNotOptimize(backend->edge_profile(*uploaded, job));
  finish(state, n * n * n);
}

void region_moments(benchmark::State& state) {
  const std::size_t n = std::size_t(state.range(0));
  const auto backend = compute::cpu_backend();
  const auto uploaded = backend->upload(volume_of(n).view());
  compute::Mask mask;
  mask.offsets.resize(n * n * n);
  std::iota(mask.offsets.begin(), mask.offsets.end(), 0);
  for (auto _ : state) benchmark::DoNotOptimize(backend->region_moments(*uploaded, mask));
  finish(state, n * n * n);
}

void local_statistics(benchmark::State& state) {
  const std::size_t n = std::size_t(state.range(0));
  const auto backend = compute::cpu_backend();
  const auto uploaded = backend->upload(volume_of(n).view());
  for (auto _ : state)
    benchmark::DoNotOptimize(
        backend->local_statistics(*uploaded, {.slices = n, .half_x = 4, .half_y = 4, .high = 100}));
  finish(state, n * n * n);
}

void power_spectrum(benchmark::State& state) {
  const std::size_t n = std::size_t(state.range(0));
  const auto backend = compute::cpu_backend();
  const auto uploaded = backend->upload(volume_of(n).view());
  const compute::PowerSpectrumJob job = benchmarks::cubes(n, 8, compute::Precision::twofold);
  for (auto _ : state) benchmark::DoNotOptimize(backend->power_spectrum(*uploaded, job));
  finish(state, job.corners.size() * 64 * 64 * 64);
}

void disc_search(benchmark::State& state) {
  const std::size_t n = std::size_t(state.range(0));
  const auto backend = compute::cpu_backend();
  const auto uploaded = backend->upload(volume_of(n).view());
  const compute::DiscSearchJob job{.center_x = 0.5 * double(n),
                                   .center_y = 0.5 * double(n),
                                   .large_radius_mm = 0.4 * double(n),
                                   .disc_radius_mm = 5.642};
  for (auto _ : state) benchmark::DoNotOptimize(backend->disc_search(*uploaded, job));
  finish(state, n * n);
}

// Whole-volume operations; output buffers are used again, as they are between steps of a run.
template <class Work>
void on_volume(benchmark::State& state, const Work& work, std::size_t bytes_a_voxel) {
  const std::size_t n = std::size_t(state.range(0));
  const auto backend = compute::cpu_backend();
  const auto uploaded = backend->upload(volume_of(n).view());
  for (auto _ : state) work(*backend, *uploaded);
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations()) *
                          static_cast<std::int64_t>(n * n * n * bytes_a_voxel));
  state.counters["Mvoxel/s"] =
      benchmark::Counter(double(n * n * n) * 1e-6, benchmark::Counter::kIsIterationInvariantRate);
}

// The yardstick: a copy into pages that are there.
void copy(benchmark::State& state) {
  const std::size_t n = std::size_t(state.range(0));
  const Volume& from = volume_of(n);
  Voxels to(n * n * n);
  const std::size_t plane = n * n;
  for (auto _ : state) {
#pragma omp parallel for schedule(static)
    for (std::size_t z = 0; z < n; ++z)
      compute::stream_row(to.data() + z * plane, from.values.data() + z * plane, plane);
    benchmark::DoNotOptimize(to.data());
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations()) * static_cast<std::int64_t>(n * plane * 8));
}

void volume_statistics(benchmark::State& state) {
  on_volume(
      state, [](auto& b, auto& v) { benchmark::DoNotOptimize(b.volume_statistics(v, {})); }, 4);
}

void percentiles(benchmark::State& state) {
  on_volume(
      state,
      [](auto& b, auto& v) {
        benchmark::DoNotOptimize(b.volume_statistics(v, {1, 50, 99}));
      },
      8);
}

void local_maps(benchmark::State& state) {
  const std::size_t half = std::size_t(state.range(1)) / 2;
  compute::LocalMaps maps;
  on_volume(
      state,
      [&](auto& b, auto& v) {
        b.local_maps(v, {.half = {half, half, half}}, true, maps);
      },
      12);
}

void local_map_summaries(benchmark::State& state) {
  compute::LocalMaps maps;
  on_volume(
      state,
      [&](auto& b, auto& v) {
        b.local_maps(v, {.half = {7, 7, 7}}, false, maps);
      },
      4);
}

void gaussian(benchmark::State& state) {
  Voxels out;
  on_volume(
      state,
      [&](auto& b, auto& v) {
        b.gaussian(v, {2, 2, 2, 4}, out);
      },
      8);
}

void median(benchmark::State& state) {
  Voxels out;
  on_volume(
      state, [&](auto& b, auto& v) { b.median(v, out); }, 8);
}

void similarity(benchmark::State& state) {
  on_volume(
      state, [](auto& b, auto& v) { benchmark::DoNotOptimize(b.similarity(v, v, {.data_range = 2000})); }, 8);
}

void components(benchmark::State& state) {
  VoxelArray<std::int32_t> labels;
  on_volume(
      state,
      [&](auto& b, auto& v) {
        b.components(v, {50, 1000, compute::Connectivity::faces}, &labels);
      },
      8);
}

void render(benchmark::State& state) {
  const std::size_t n = std::size_t(state.range(0));
  compute::RenderJob job;
  job.grid.size = {n, n, n};
  job.pose.translation_mm = {0.5 * double(n), 0.5 * double(n), 0.5 * double(n)};
  job.psf_sigma_mm = {0.8, 0.8, 0.8};
  phantom::Model model;
  model.background = "x";
  model.materials = {{"x", "", {{"ct_number_hu", -1000}}}, {"y", "", {{"ct_number_hu", 0}}}};
  model.shapes = {{.name = "body",
                   .material = "y",
                   .inside = "background",
                   .radius_mm = 0.4 * double(n),
                   .length_mm = 0.8 * double(n)}};
  for (auto _ : state) benchmark::DoNotOptimize(compute::render(model, job));
  finish(state, n * n * n);
}

BENCHMARK(edge_profile)->Arg(64)->Arg(128)->Arg(256)->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK(region_moments)->Arg(64)->Arg(128)->Arg(256)->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK(local_statistics)->Arg(64)->Arg(128)->Arg(256)->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK(power_spectrum)->Arg(128)->Arg(256)->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK(disc_search)->Arg(256)->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK(copy)->Arg(128)->Arg(256)->Arg(512)->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK(volume_statistics)->Arg(64)->Arg(128)->Arg(256)->Arg(512)->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK(percentiles)->Arg(64)->Arg(128)->Arg(256)->Arg(512)->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK(local_maps)->ArgsProduct({{64, 128, 256, 512}, {7, 15, 31}})->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK(local_map_summaries)->Arg(256)->Arg(512)->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK(gaussian)->Arg(64)->Arg(128)->Arg(256)->Arg(512)->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK(median)->Arg(64)->Arg(128)->Arg(256)->Arg(512)->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK(similarity)->Arg(64)->Arg(128)->Arg(256)->Arg(512)->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK(components)->Arg(64)->Arg(128)->Arg(256)->Arg(512)->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK(render)->Arg(128)->Arg(256)->Arg(512)->UseRealTime()->Unit(benchmark::kMillisecond);

}  // namespace
