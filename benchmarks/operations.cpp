// Each operation of the CPU backend at a few sizes, with the bytes it must move at least. Compare ratios within one
// run: absolute times of a shared machine mean little.
#include <benchmark/benchmark.h>

#include "iqgate/compute/render.hpp"
#include "iqgate/compute/stream_row.hpp"
#include "iqgate/pipeline/bench_cases.hpp"

namespace {

using namespace iqgate;

const Volume& volume_of(std::size_t n) {
  static std::map<std::size_t, Volume> volumes;
  Volume& v = volumes[n];
  if (v.values.empty()) v = pipeline::bench_volume(n);
  return v;
}

void moved(benchmark::State& state, double bytes) {
  state.SetBytesProcessed(static_cast<std::int64_t>(double(state.iterations()) * bytes));
}

void operation(benchmark::State& state, const pipeline::BenchCase& c) {
  const std::size_t n = std::size_t(state.range(0));
  const auto backend = compute::cpu_backend();
  const auto uploaded = backend->upload(volume_of(n).view());
  pipeline::BenchBuffers buffers;
  for (auto _ : state) c.run(*backend, *uploaded, buffers);
  if (c.bytes_per_voxel > 0) moved(state, c.bytes_per_voxel * double(n * n * n));
}

// The yardstick: a copy into pages that are there.
void copy(benchmark::State& state) {
  const std::size_t n = std::size_t(state.range(0)), plane = n * n;
  const Volume& from = volume_of(n);
  Voxels to(n * plane);
  for (auto _ : state) {
#pragma omp parallel for schedule(static)
    for (std::size_t z = 0; z < n; ++z)
      compute::stream_row(to.data() + z * plane, from.values.data() + z * plane, plane);
    benchmark::DoNotOptimize(to.data());
  }
  moved(state, 8 * double(n * plane));
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
  moved(state, 4 * double(n * n * n));
}

}  // namespace

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  const auto at_sizes = [](benchmark::internal::Benchmark* b) {
    b->Arg(128)->Arg(256)->Arg(512)->UseRealTime()->Unit(benchmark::kMillisecond);
  };
  at_sizes(benchmark::RegisterBenchmark("copy", copy));
  at_sizes(benchmark::RegisterBenchmark("render", render));
  for (const pipeline::BenchCase& c : pipeline::bench_cases()) {
    if (const std::string fault = c.fault(*compute::cpu_backend()); !fault.empty()) {
      std::fprintf(stderr, "%s is wrong, and not timed: %s\n", c.name.c_str(), fault.c_str());
      return 1;
    }
    at_sizes(benchmark::RegisterBenchmark(c.name.c_str(), [&c](benchmark::State& state) { operation(state, c); }));
  }
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
