// The machine's speed: each operation meets a closed-form truth first, then is timed beside a copy of the same volume.
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <thread>

#include "cli/options.hpp"
#include "iqgate/base/atomic_file.hpp"
#include "iqgate/base/error.hpp"
#include "iqgate/base/json.hpp"
#include "iqgate/compute/stream_row.hpp"
#include "iqgate/pipeline/bench_cases.hpp"
#include "iqgate/pipeline/data_files.hpp"
#include "iqgate/pipeline/job.hpp"
#include "iqgate/read/find_scans.hpp"
#include "iqgate/read/scan_source.hpp"

namespace iqgate::cli {
namespace {

struct Timing {
  std::string name, fault;
  std::vector<double> seconds;  // of each repetition
  double cpu_s = 0;             // of one, over all threads
  double bytes = 0;             // moved at least, a repetition

  double median_s() const {
    std::vector<double> sorted = seconds;
    std::sort(sorted.begin(), sorted.end());
    return sorted.empty() ? 0 : sorted[sorted.size() / 2];
  }
  double gb_per_s() const { return seconds.empty() ? 0 : bytes / median_s() * 1e-9; }
};

double seconds_of(const std::function<void()>& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// Once to warm up, then at least `repetitions` and 0.2 s.
Timing timed(const std::string& name, double bytes, std::size_t repetitions, const std::function<void()>& work) {
  Timing t{.name = name, .bytes = bytes};
  work();
  double total = 0;
  const std::clock_t start = std::clock();
  while (t.seconds.size() < repetitions || (total < 0.2 && t.seconds.size() < 100)) {
    t.seconds.push_back(seconds_of(work));
    total += t.seconds.back();
  }
  t.cpu_s = double(std::clock() - start) / CLOCKS_PER_SEC / double(t.seconds.size());
  return t;
}

Timing timed_copy(const Volume& from, std::size_t repetitions) {
  Voxels to(from.values.size());
  const std::size_t plane = from.grid.size.x * from.grid.size.y, slices = from.grid.size.z;
  return timed("copy", double(from.values.size()) * 8, repetitions, [&] {
#pragma omp parallel for schedule(static)
    for (std::size_t z = 0; z < slices; ++z)
      compute::stream_row(to.data() + z * plane, from.values.data() + z * plane, plane);
  });
}

bool is_wanted(const Options& options, const std::string& name) {
  return options.metrics.empty() ||
         std::find(options.metrics.begin(), options.metrics.end(), name) != options.metrics.end();
}

void check_names(const Options& options) {
  std::vector<std::string> known;
  for (const pipeline::BenchCase& c : pipeline::bench_cases()) known.push_back(c.name);
  for (const std::string& name : options.metrics)
    if (std::find(known.begin(), known.end(), name) == known.end()) {
      const std::string near = pipeline::nearest_name(name, known);
      throw UsageError("unknown_operation", "--operation", "\"" + name + "\" is not an operation that is timed",
                       near.empty() ? "see iqgate bench --dry-run" : "did you mean " + near + "?");
    }
}

json::Value context_json(const compute::BackendInfo& backend, std::size_t n) {
  std::time_t now = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&now, &parts);
  char date[32];
  std::strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%SZ", &parts);
  json::Value c;
  c.set("date", date);
  c.set("executable", "iqgate bench");
  c.set("num_cpus", std::size_t(std::thread::hardware_concurrency()));
  // As Google Benchmark has it: whether assertions were on; the whole build type stands under software_build.
#ifdef NDEBUG
  c.set("library_build_type", "release");
#else
  c.set("library_build_type", "debug");
#endif
  c.set("backend", backend.name);
  c.set("device", backend.device);
  c.set("processor", compute::cpu_backend()->info().device);
  c.set("voxels_a_side", n);
  for (const auto& [key, value] : pipeline::software_record()) c.set("software_" + key, value);
  return c;
}

json::Value timing_json(const Timing& t, double copy_gb_per_s, std::size_t n) {
  json::Value v;
  v.set("name", t.name + "/" + std::to_string(n));
  v.set("run_name", t.name + "/" + std::to_string(n));
  v.set("run_type", "aggregate");
  v.set("aggregate_name", "median");
  v.set("repetitions", t.seconds.size());
  v.set("iterations", std::size_t{1});
  v.set("real_time", 1e3 * t.median_s());
  v.set("cpu_time", 1e3 * t.cpu_s);
  v.set("time_unit", "ms");
  v.set("real_time_min", 1e3 * *std::min_element(t.seconds.begin(), t.seconds.end()));
  if (t.bytes > 0) {
    v.set("bytes_per_second", 1e9 * t.gb_per_s());
    v.set("share_of_copy", t.gb_per_s() / copy_gb_per_s);
  }
  return v;
}

long peak_mib() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss / 1024;
}

// A scan from its file through one pass of operations under the memory limit.
int bench_scan(const Options& options) {
  read::IntakeLimits limits;
  limits.max_scan_bytes = std::uint64_t{1} << 50;  // nothing is read whole
  const auto headers = read::find_scans(options.paths, limits);
  int code = exit_input;
  json::Array scans;
  for (const read::ScanHeader& h : headers) {
    const auto source = h.usable ? read::open_source(h) : nullptr;
    json::Value v;
    v.set("id", h.id);
    if (!source) {
      const std::string why =
          h.usable ? "slices_not_alone: its format gives no slices alone" : h.code + ": " + h.reason;
      v.set("reason", why);
      std::fprintf(stderr, "iqgate: scan %s is not timed: %s\n", h.id.c_str(), why.c_str());
      scans.push_back(std::move(v));
      continue;
    }
    const Size3 size = source->size();
    const double bytes = double(size.count()) * sizeof(float);
    Voxels slice(size.x * size.y);
    const double read_s = seconds_of([&] {
      for (std::size_t z = 0; z < size.z; ++z) source->read(z, 1, slice.data());
    });
    compute::VolumeStatisticsPass statistics(size);
    compute::LocalMapPass maps(size, source->spacing_mm(), {.half = {7, 7, 7}}, {});
    compute::SlabOperation* const both[] = {&statistics, &maps};
    const double all_s =
        seconds_of([&] { compute::run_in_slabs(*source, nullptr, both, parse_bytes(options.max_memory)); });
    const compute::VolumeStatistics s = statistics.finish();
    const double local_sd = maps.finish().sd_summary->mean;
    code = exit_ok;
    v.set("bytes_as_float", bytes);
    v.set("read_s", read_s);
    v.set("statistics_and_local_maps_15_s", all_s);
    v.set("peak_memory_mib", std::size_t(peak_mib()));
    v.set("mean", s.mean);
    v.set("sd", s.sd);
    v.set("local_sd_mean", local_sd);
    if (!options.json)
      std::printf(
          "scan %s, %zu x %zu x %zu: read alone %.3f s; read, statistics and local maps of 15 voxels %.3f s; "
          "peak memory %ld MiB of %s\n  mean %.9g, SD %.9g, mean local SD %.9g %s\n",
          h.id.c_str(), size.x, size.y, size.z, read_s, all_s, peak_mib(), options.max_memory.c_str(), s.mean, s.sd,
          local_sd, h.value_unit.c_str());
    scans.push_back(std::move(v));
  }
  if (options.json) {
    json::Value v;
    v.set("schema", "iqgate.bench_scans/1");
    v.set("scans", std::move(scans));
    std::printf("%s\n", json::write(v).c_str());
  }
  if (headers.empty()) std::fprintf(stderr, "iqgate: no scan is found there\n");
  return code;
}

}  // namespace

int run_bench(const Options& options) {
  check_names(options);
  if (options.dry_run) {
    for (const pipeline::BenchCase& c : pipeline::bench_cases())
      if (is_wanted(options, c.name)) std::printf("%s\n", c.name.c_str());
    return exit_ok;
  }
  if (!options.paths.empty()) return bench_scan(options);
  const auto backend = compute::open_backend(compute::backend_choice(options.backend));
  const std::size_t n = options.bench_size;
  if (double(n) * double(n) * double(n) * 4 * 6 > double(parse_bytes(options.max_memory)))
    throw ResourceError("memory_limit", "--size", "the volume and its results do not fit into --max-memory",
                        "choose a smaller size, or allow more memory");
  Progress progress(options);
  std::vector<Timing> timings;
  bool faulty = false;
  progress.step("rendering " + std::to_string(n) + "^3 voxels");
  const Volume volume = pipeline::bench_volume(n);
  const Timing copy = timed_copy(volume, options.repetitions);
  const auto uploaded = backend->upload(volume.view());
  pipeline::BenchBuffers buffers;
  for (const pipeline::BenchCase& c : pipeline::bench_cases()) {
    if (!is_wanted(options, c.name)) continue;
    progress.step(c.name);
    if (const std::string fault = c.fault(*backend); !fault.empty()) {
      timings.push_back({.name = c.name, .fault = fault});
      faulty = true;
      continue;
    }
    timings.push_back(timed(c.name, c.bytes_per_voxel * double(volume.values.size()), options.repetitions,
                            [&] { c.run(*backend, *uploaded, buffers); }));
  }
  progress.done();
  const compute::BackendInfo info = backend->info();
  json::Array list{timing_json(copy, copy.gb_per_s(), n)}, wrong;
  for (const Timing& t : timings) {
    if (t.fault.empty()) {
      list.push_back(timing_json(t, copy.gb_per_s(), n));
      continue;
    }
    json::Value v;
    v.set("name", t.name);
    v.set("reason", t.fault);
    wrong.push_back(std::move(v));
  }
  json::Value document;
  document.set("context", context_json(info, n));
  document.set("benchmarks", std::move(list));
  document.set("not_timed", std::move(wrong));
  document.set("fallbacks", json::array_of(info.fallbacks));
  if (!options.output.empty()) {
    make_folder(options.output);
    write_file_atomically(options.output + "/bench.json", json::write(document) + "\n");
  }
  if (options.json) {
    std::printf("%s\n", json::write(document).c_str());
    return faulty ? exit_limit_broken : exit_ok;
  }
  std::printf("%s: %s, %zu^3 voxels of float\n", info.name.c_str(), info.device.c_str(), n);
  std::printf("%-28s%12s%12s%12s%10s%8s\n", "operation", "median ms", "fastest ms", "least GB/s", "of copy", "times");
  const auto row = [&](const Timing& t) {
    if (!t.fault.empty()) {
      std::printf("%-28snot timed, for it is wrong: %s\n", t.name.c_str(), t.fault.c_str());
      return;
    }
    char moved[40] = "           -         -";
    if (t.bytes > 0) std::snprintf(moved, sizeof moved, "%12.2f%10.2f", t.gb_per_s(), t.gb_per_s() / copy.gb_per_s());
    std::printf("%-28s%12.3f%12.3f%s%8zu\n", t.name.c_str(), 1e3 * t.median_s(),
                1e3 * *std::min_element(t.seconds.begin(), t.seconds.end()), moved, t.seconds.size());
  };
  row(copy);
  for (const Timing& t : timings) row(t);
  for (const std::string& fallback : info.fallbacks) std::printf("%s\n", fallback.c_str());
  return faulty ? exit_limit_broken : exit_ok;
}

}  // namespace iqgate::cli
