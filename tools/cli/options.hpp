#pragma once
// The options of all verbs, as values: parsed once in command_line.cpp, handed to the verb.
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace iqgate {
class Error;
}

namespace iqgate::cli {

struct Options {
  // common
  bool quiet = false, json = false, dry_run = false, no_color = false, headers_only = false;
  int verbose = 0, jobs = 0;
  std::string output, backend = "auto", context, max_memory = "8G";
  double timeout_s = 0;
  // measure, check, inspect
  std::vector<std::string> paths, metrics, limits, roles;
  std::string phantom, roi, series, pose, tasks;
  std::vector<double> spacing_mm;
  std::uint64_t seed = 1;
  int receive_channels = 0, draws = 500, skipped_volumes = 2;
  double repetition_time_s = 0, data_range = 0;
  std::optional<double> temperature_degc;
  // phantoms
  std::string action, name, format = "dicom", modality;
  std::string report_format = "html";
  std::vector<double> size{256, 256, 32}, voxel_mm{0.9, 0.9, 2.0}, psf_sigma_mm{0.6, 0.6, 0.8}, pose_deg{0, 0, 0},
      shift_mm{0, 0, 0};
  double noise_sd = -1, noise_tau_mm = 0, cupping = 0, drift_pct = 0, fluctuation_pct = 0, ghost_pct = 0,
         slice_thickness_mm = 0;
  std::vector<double> distortion_per_mm2{0, 0, 0};
  int repeats = 1, channels = 0;
  bool enhanced = false, aperture = false;
  // profile, compare, trend, report --dossier, export, verify
  std::string plan, reference, log, pairs, events, comparison, selftest, export_format, collection,
      rules = "western_electric";
  std::size_t baseline_points = 20;
  bool force = false, dossier = false;
  // batch, watch
  std::string store, results, rules_file, shard, prom, junit, worker, marker;
  std::vector<std::string> expect, on_fail;
  int retries = 1;
  double keep_days = 0, quiet_s = 60, rescan_s = 30;
  bool again = false, show_names = false, all = false, once = false;
  // bench (operations stand in `metrics`)
  std::size_t bench_size = 256, repetitions = 3;
};

constexpr int exit_ok = 0, exit_limit_broken = 1, exit_usage = 2, exit_input = 3, exit_incomplete = 4, exit_output = 5,
              exit_resource = 6, exit_internal = 70;

/// A verb: results on stdout, all else on stderr; returns the exit code of the contract.
int run_inspect(const Options& options);
int run_measure(const Options& options, bool judge);
int run_profile(const Options& options);
int run_compare(const Options& options);
int run_verify(const Options& options);
int run_export(const Options& options);
int run_trend(const Options& options);
int run_report(const Options& options);
int run_dossier(const Options& options);
int run_phantoms(const Options& options);
int run_metrics(const Options& options);
int run_selftest(const Options& options);
int run_devices(const Options& options);
int run_bench(const Options& options);
int run_batch(const Options& options);
int run_watch(const Options& options);
/// Hidden: one worker of a batch, on standard input and output.
int run_worker();

/// Progress on stderr: a line that is rewritten on a terminal, plain lines otherwise; silent with -q.
class Progress {
 public:
  explicit Progress(const Options& options);
  void step(const std::string& what);
  void done();

 private:
  bool silent_, terminal_, open_ = false;
};

bool colour_wanted(const Options& options);
/// Bytes from 512M, 8G...; UsageError otherwise.
std::uint64_t parse_bytes(const std::string& text);
/// Result files among the paths: a result.json, a folder that holds one, a folder of such folders (in order of name),
/// or the store of a batch. Throws InputError where there is none.
std::vector<std::string> result_files(const std::vector<std::string>& paths);
/// The folder's own name, by which outputs speak of a result.
std::string result_name(const std::string& result_file);
/// The worse of two exit codes, in the order 70, 5, 6, 4, 3, 1, 0.
int worse(int a, int b);
/// A file that was found below a path of the command line is named by a number: its name may be that of a person. Not
/// with --show-names.
void hide_found_names(const Options& options, Error& error);
int exit_code_of(const std::exception& error);
/// Prints an error as where, why, what to do, with its code; returns the exit code of its kind.
int report_error(const std::exception& error);

/// The arguments with those of a config file (-c FILE) behind them, but for the keys given on the command line.
std::vector<std::string> with_config(std::vector<std::string> args);

}  // namespace iqgate::cli
