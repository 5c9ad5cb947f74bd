// A worker for a peer benchmark: reads a case name a line, answers with JSON lines: the time from input in memory to
// result in memory (buffers for it included) and a number that must agree with the peers'. Data: raw float32 and uint8.
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <functional>
#include <iostream>
#include <map>
#include <sstream>

#include "iqgate/compute/fft.hpp"
#include "iqgate/compute/power_spectrum.hpp"
#include "iqgate/compute/stream_row.hpp"
#include "iqgate/pipeline/bench_cases.hpp"

namespace {

using namespace iqgate;
using compute::whole;

std::string folder = ".";

template <class T>
const VoxelArray<T>& load(const std::string& name, std::size_t count) {
  static std::map<std::string, VoxelArray<T>> files;
  VoxelArray<T>& values = files[name];
  if (values.size() == count) return values;
  values.resize(count);
  std::ifstream in(folder + "/" + name, std::ios::binary);
  if (!in.read(reinterpret_cast<char*>(values.data()), static_cast<std::streamsize>(count * sizeof(T))))
    throw std::runtime_error("cannot read " + name);
  return values;
}

VolumeView volume(const std::string& name, std::size_t n) { return {load<float>(name, n * n * n).data(), {n, n, n}}; }

double mean_of(const Voxels& values, Size3 size) {
  compute::VolumeStatisticsPass pass(size);
  pass.add(whole({values.data(), size}), nullptr);
  return pass.finish().mean;
}

struct Answer {
  double seconds, check;
};

// Times `work`, then asks `check` for the number to compare.
Answer timed(const std::function<void()>& work, const std::function<double()>& check) {
  const auto start = std::chrono::steady_clock::now();
  work();
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return {seconds, check()};
}

using Report = std::function<void(const std::string& peer, Answer answer)>;

void copies(std::size_t n, const Report& report) {
  const VoxelArray<float>& v = load<float>("vol_" + std::to_string(n) + ".f32", n * n * n);
  static Voxels kept;
  kept.assign(v.size(), 0);
  const auto copy = [&](float* to) {
    const std::size_t block = std::size_t{1} << 18;
#pragma omp parallel for schedule(static)
    for (std::size_t from = 0; from < v.size(); from += block)
      compute::stream_row(to + from, v.data() + from, std::min(block, v.size() - from));
  };
  report("iqgate_copy_kept", timed([&] { copy(kept.data()); }, [] { return 0.0; }));
  report("iqgate_copy_fresh", timed(
                                  [&] {
                                    release_kept_voxels();
                                    Voxels fresh(v.size());
                                    copy(fresh.data());
                                  },
                                  [] { return 0.0; }));
}

void bare_transforms(std::size_t count, const Report& report) {
  const compute::RealFft<float> fft({64, 64, 64});
  report("iqgate_fft", timed(
                           [&] {
#pragma omp parallel
                             {
                               const auto in = fft.reals();
                               const auto out = fft.complexes();
                               for (std::size_t k = 0; k < 64 * 64 * 64; ++k) in[k] = float(k % 97) - 48;
#pragma omp for schedule(dynamic)
                               for (std::size_t k = 0; k < count; ++k) fft.run(in.get(), out.get());
                             }
                           },
                           [] { return 0.0; }));
}

void run_case(const std::string& name, const compute::Backend& cpu, const Report& report) {
  std::istringstream parts(name);
  std::string work, what;
  std::getline(parts, work, '_');
  std::getline(parts, what, '_');
  std::size_t n = 0, window = 0;
  parts >> n;
  parts.ignore(1);
  parts >> window;
  const auto vol = [&] { return volume("vol_" + std::to_string(n) + ".f32", n); };
  const auto upload = [&](const VolumeView& v) { return cpu.upload(v); };
  const Size3 cube{n, n, n};
  if (work == "W0" && what == "copy") copies(n, report);
  if (work == "W0" && what.rfind("fft64", 0) == 0) bare_transforms(n, report);
  if (work == "W1" && what == "map") {
    const VolumeView v = vol();
    const std::size_t h = window / 2;
    const compute::LocalMapJob job{.half = {h, h, h}};
    compute::LocalMaps maps;
    report("iqgate",
           timed([&] { cpu.local_maps(*upload(v), job, true, maps); }, [&] { return mean_of(maps.mean, cube); }));
    report("iqgate_summary",
           timed([&] { cpu.local_maps(*upload(v), job, false, maps); }, [&] { return maps.mean_summary->mean; }));
  }
  if (work == "W2") {
    const VolumeView v = vol();
    compute::VolumeStatistics s;
    if (what == "stats")
      report("iqgate", timed([&] { s = cpu.volume_statistics(*upload(v), {}); }, [&] { return s.mean; }));
    if (what == "pct") {
      report("iqgate_exact", timed(
                                 [&] {
                                   s = cpu.volume_statistics(*upload(v), {1, 5, 50, 95, 99});
                                 },
                                 [&] { return s.minimum; }));
      report("iqgate_hist", timed(
                                [&] {
                                  s = cpu.volume_statistics(*upload(v), {});
                                  cpu.volume_histogram(*upload(v), -1024, 1, 4096);
                                },
                                [&] { return s.minimum; }));
    }
  }
  if (work == "W3") {
    const VolumeView v = vol();
    compute::PowerSpectrum p;
    report("iqgate", timed(
                         [&] {
                           p = cpu.power_spectrum(
                               *upload(v), pipeline::half_overlapping_boxes({n, n, n}, 64, compute::Precision::single));
                         },
                         [&] {
                           double sum = 0;
                           for (std::size_t k = 0; k < p.spectra[0].size(); ++k)
                             if (k % 64 < 33) sum += p.spectra[0][k];
                           return sum / (64.0 * 64 * 33) / (64.0 * 64 * 64);
                         }));
  }
  if (work == "W4") {
    const VolumeView v = vol();
    const compute::EdgeProfileJob job = pipeline::radial_bins(n);
    compute::EdgeProfile profile;
    report("iqgate", timed([&] { profile = cpu.edge_profile(*upload(v), job); },
                           [&] {
                             double sum = 0, count = 0;
                             for (std::size_t k = 0; k < profile.sums.size(); ++k)
                               sum += double(profile.sums[k]) / profile.scale, count += double(profile.counts[k]);
                             return sum / count;
                           }));
  }
  if (work == "W5") {
    const VolumeView v = vol();
    Voxels out;
    report("iqgate", timed(
                         [&] {
                           if (what == "gauss") cpu.gaussian(*upload(v), {2, 2, 2, 4}, out);
                           else cpu.median(*upload(v), out);
                         },
                         [&] { return mean_of(out, cube); }));
  }
  if (work == "W6") {
    n = 256;
    const VolumeView a = vol(), b = volume("vol2_256.f32", n);
    compute::Similarity s;
    report("iqgate_w7",
           timed([&] { s = cpu.similarity(*upload(a), *upload(b), {.data_range = 2000}); }, [&] { return s.ssim; }));
    report("iqgate_gauss", timed(
                               [&] {
                                 s = cpu.similarity(
                                     *upload(a), *upload(b),
                                     {.window = compute::SimilarityJob::Window::gaussian, .data_range = 2000});
                               },
                               [&] { return s.ssim; }));
  }
  if (work == "W7") {
    const Size3 size{64, 64, 30};
    const float* values = load<float>("ts_200x30x64x64.f32", 200 * size.count()).data();
    compute::TemporalJob job{.size = size};
    for (std::size_t t = 0; t < 200; ++t) job.frames.push_back(values + t * size.count());
    compute::TemporalMaps maps;
    double median = 0;
    report("iqgate", timed(
                         [&] {
                           cpu.temporal_maps(job, maps);
                           compute::square_series(job, 15, 32, 32, 21);
                           median = cpu.volume_statistics(*upload({maps.sfnr.data(), size}), {50}).percentiles[0];
                           cpu.volume_statistics(*upload({maps.odd_minus_even.data(), size}), {});
                         },
                         [&] { return median; }));
  }
  if (work == "W8") {
    const VolumeView v{load<float>("unif_2048.f32", 2048 * 2048).data(), {2048, 2048, 1}};
    compute::DiscSearch d;
    report("iqgate",
           timed(
               [&] {
                 d = cpu.disc_search(
                     *upload(v),
                     {.center_x = 1023.5, .center_y = 1023.5, .large_radius_mm = 1500, .disc_radius_mm = 46.0});
               },
               [&] { return d.minimum; }));
  }
  if (work == "W9" && what == "snr") {
    n = 256;
    const VolumeView v = vol();
    std::vector<double> snr(1000);
    report("iqgate", timed(
                         [&] {
                           std::vector<double> pixels;
                           for (std::size_t y = 64; y < 164; ++y)
                             for (std::size_t x = 64; x < 164; ++x) pixels.push_back(v(x, y, 128));
#pragma omp parallel for
                           for (std::size_t d = 0; d < snr.size(); ++d) {
                             double sum = 0, square = 0;
                             for (std::size_t k = 0; k < pixels.size(); ++k) {
                               const double p = pixels[compute::drawn_block(1, d, k, pixels.size())];
                               sum += p, square += p * p;
                             }
                             const double mean = sum / double(pixels.size());
                             snr[d] = mean / std::sqrt(square / double(pixels.size()) - mean * mean);
                           }
                           std::sort(snr.begin(), snr.end());
                         },
                         [&] { return snr[25]; }));
  }
  if (work == "W10") {
    const std::uint8_t* mask = load<std::uint8_t>(what + "_" + std::to_string(n) + ".u8", n * n * n).data();
    std::size_t components = 0;
    report("iqgate", timed(
                         [&] {
                           VoxelArray<std::int32_t> labels(n * n * n);
                           compute::LabelPass pass(cube, mask, compute::Connectivity::faces);
                           const compute::Slab slab = whole({nullptr, cube});
                           pass.find().add(slab, nullptr);
                           compute::MemorySinkOf<std::int32_t> sink(labels.data(), n * n);
                           pass.write(sink).add(slab, nullptr);
                           components = pass.components();
                         },
                         [&] { return double(components); }));
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 3 && std::strcmp(argv[1], "--data") == 0) folder = argv[2];
  else if (argc != 1) {
    std::fprintf(stderr, "usage: peer_worker [--data FOLDER] < case names\n");
    return 2;
  }
  const auto cpu = iqgate::compute::cpu_backend();
  for (std::string name; std::getline(std::cin, name);) {
    try {
      run_case(name, *cpu, [&](const std::string& peer, Answer a) {
        std::printf("{\"case\":\"%s\",\"peer\":\"%s\",\"s\":%.6f,\"check\":%.10g}\n", name.c_str(), peer.c_str(),
                    a.seconds, a.check);
      });
    } catch (const std::exception& error) {
      std::fprintf(stderr, "peer_worker: %s: %s\n", name.c_str(), error.what());
    }
    std::printf("{\"case\":\"%s\",\"done\":1}\n", name.c_str());
    std::fflush(stdout);
  }
  return 0;
}
