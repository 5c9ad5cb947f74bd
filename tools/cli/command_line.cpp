#include "cli/command_line.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "iqgate/pipeline/data_files.hpp"

namespace iqgate::cli {
namespace {

// CLI::Range lets NaN through.
CLI::Validator between(double low, double high) {
  return CLI::Validator(
      [low, high](std::string& text) {
        char* end = nullptr;
        const double value = std::strtod(text.c_str(), &end);
        char message[120];
        std::snprintf(message, sizeof message, "\"%.40s\" is not a number from %g to %g", text.c_str(), low, high);
        return end != text.c_str() && *end == 0 && value >= low && value <= high ? std::string() : message;
      },
      "NUMBER");
}

constexpr const char* overview = R"(iqgate measures phantom scans and says whether a scanner is good enough.

Examples:
  iqgate inspect SCANS/                                   what scans lie there, and are they whole?
  iqgate measure SCANS/ --phantom water_cylinder -o OUT   every test of this phantom, with uncertainty
  iqgate check SCANS/ --phantom water_cylinder -o OUT     the same, judged against limits, with a report
  iqgate batch INCOMING/ --store STORE --phantom auto     every scan of a tree, once, with an index
  iqgate profile build REFERENCE/ --plan plan.json -o profile.json    what the research-grade scanner gives
  iqgate compare SITE/ --reference profile.json           may this scanner run the method?
  iqgate phantoms render water_cylinder -o DEMO           a digital phantom with known truth

Exit codes: 0 done, all limits within; 1 a limit is broken; 2 wrong use; 3 input refused or no verdict;
4 a batch ended with scans not analysed; 5 output; 6 time, memory or a missing device; 70 a fault of the program.)";

void add_common(CLI::App& verb, Options& o) {
  verb.add_flag("-q,--quiet", o.quiet, "no progress, no notes");
  verb.add_option("-j,--jobs", o.jobs, "threads; batch, watch: workers (default: all cores)")
      ->check(CLI::Range(1, 1024));
  verb.add_flag("--json", o.json, "one JSON document on stdout");
  verb.add_flag("--no-color", o.no_color, "no colour (NO_COLOR does the same)");
  verb.add_option("--timeout", o.timeout_s,
                  "seconds after which to stop with exit code 6 (batch, watch: for one scan, 600)")
      ->check(CLI::PositiveNumber);
  verb.add_option("--max-memory", o.max_memory,
                  "limit on the voxels in memory, as 512M or 8G (batch, watch: on all memory of one worker)");
  verb.add_option("-c,--config", "strict JSON file with long option names as keys")->check(CLI::ExistingFile);
}

void add_measure(CLI::App& verb, Options& o, bool judge) {
  add_common(verb, o);
  verb.add_option("PATH", o.paths, "files or folders (DICOM, NIfTI, NRRD, MetaImage, TIFF, HDF5, zip)")->required();
  verb.add_option("--phantom", o.phantom, "name, file (.json, or .csv with a table of inserts or balls) or auto");
  verb.add_option("--pose", o.pose,
                  "parts of the placement given by hand, as x=0,y=-12.5,z=30,pitch=0,yaw=0,roll=90 (mm, degrees); the "
                  "rest is located");
  verb.add_option("--roi", o.roi, "regions file (iqgate.roi/1); then no phantom is needed");
  verb.add_option("--metric", o.metrics, "only this metric (family or output name); may be repeated")
      ->allow_extra_args(false);
  verb.add_option("--series", o.series, "id from iqgate inspect, or all");
  verb.add_option("--role", o.roles, "NAME=PATH: a scan whose role no tag tells (noise...)")->allow_extra_args(false);
  verb.add_option("--spacing", o.spacing_mm, "voxel spacing X Y Z in mm, for files that do not tell")
      ->expected(3)
      ->check(between(1e-4, 1e4));
  verb.add_option("--backend", o.backend, "auto, cpu or cuda")->envname("IQGATE_BACKEND");
  verb.add_option("--context", o.context, "context file (iqgate.context/1): site, operator, baseline...");
  verb.add_option("--tasks", o.tasks, "tasks for detectability, name or file (iqgate.tasks/1)");
  verb.add_option("--seed", o.seed, "seed of the bootstrap")->check(between(0, 1.8e19));
  verb.add_option("--draws", o.draws, "bootstrap draws")->check(CLI::Range(50, 100000));
  verb.add_option("--receive-channels", o.receive_channels, "MR: coil channels combined by sum of squares")
      ->check(CLI::Range(1, 256));
  verb.add_option("--skip-volumes", o.skipped_volumes, "volumes left out at the start of a time series")
      ->check(CLI::Range(0, 1000));
  verb.add_option("--repetition-time", o.repetition_time_s, "seconds between volumes, for files that do not tell")
      ->check(between(1e-3, 1e3));
  verb.add_option("--data-range", o.data_range, "L of SSIM and PSNR against --role reference=PATH (HU: 2000)")
      ->check(between(1e-6, 1e9));
  verb.add_option("--temperature", o.temperature_degc, "of the phantom in degrees C, for relaxation times")
      ->check(between(-20, 60));
  verb.add_flag("--show-names", o.show_names, "name files in messages (their names may be those of people)");
  verb.add_option("-o,--output", o.output, "folder for result.json, result.h5, CSV and report.html");
  verb.add_flag("-n,--dry-run", o.dry_run, "say what would be done");
  if (judge)
    verb.add_option("--limits", o.limits, "limits file or name; may be repeated, the last wins; none: do not judge")
        ->allow_extra_args(false);
}

void add_phantoms(CLI::App& verb, Options& o) {
  verb.require_subcommand(1);
  CLI::App* list = verb.add_subcommand("list", "the phantoms that are shipped");
  add_common(*list, o);
  list->callback([&o] { o.action = "list"; });
  CLI::App* show = verb.add_subcommand("show", "the file of one phantom");
  add_common(*show, o);
  show->add_option("NAME", o.name, "name or file")->required();
  show->callback([&o] { o.action = "show"; });
  CLI::App* render = verb.add_subcommand(
      "render",
      "a digital phantom with its truth.json\n\nExamples:\n  iqgate phantoms render water_cylinder -o DEMO\n  iqgate "
      "phantoms render uniform_cylinder --modality MR --size 256 256 1 --repeats 2 -o MR\n  iqgate phantoms render "
      "edge_block --format nifti --pose 2 -1 5 --noise 5 -o EDGE");
  add_common(*render, o);
  render->add_option("NAME", o.name, "name or file")->required();
  render->add_option("-o,--output", o.output, "folder")->required();
  render->add_option("--format", o.format, "dicom, nifti, metaimage or hdf5");
  render->add_option("--modality", o.modality, "CT, MR or PT (default: the phantom's first)");
  render->add_option("--size", o.size, "voxels X Y Z")->expected(3)->check(between(1, 8192));
  render->add_option("--voxel", o.voxel_mm, "voxel spacing X Y Z in mm")->expected(3)->check(between(1e-3, 100));
  render->add_option("--psf", o.psf_sigma_mm, "blur (Gaussian sigma) X Y Z in mm")
      ->expected(3)
      ->check(between(1e-3, 50));
  render->add_option("--pose", o.pose_deg, "pitch, yaw, roll in degrees")->expected(3)->check(between(-360, 360));
  render->add_option("--shift", o.shift_mm, "shift X Y Z in mm")->expected(3)->check(between(-1e4, 1e4));
  render->add_option("--noise", o.noise_sd, "noise SD in the unit of the values (0: none)")->check(between(0, 1e9));
  render->add_option("--noise-tau", o.noise_tau_mm, "width of a Gaussian noise filter in mm")->check(between(0, 100));
  render->add_option("--channels", o.channels, "MR: receive channels combined by sum of squares")
      ->check(between(1, 256));
  render->add_option("--slice-thickness", o.slice_thickness_mm, "of a box profile in mm; 0: the PSF alone")
      ->check(between(0, 100));
  render->add_option("--distortion", o.distortion_per_mm2, "X Y Z per mm2: what lies at p is drawn at p + that |p|^2 p")
      ->expected(3)
      ->check(between(-1e-4, 1e-4));
  render->add_option("--drift", o.drift_pct, "of a series (--repeats): rise of the signal in % over all of it")
      ->check(between(-50, 50));
  render->add_option("--fluctuation", o.fluctuation_pct, "of a series: SD of its volumes' signal in %")
      ->check(between(0, 50));
  render->add_option("--ghost", o.ghost_pct, "copy of the signal in %, half the image away along phase encoding")
      ->check(between(0, 100));
  render->add_option("--cupping", o.cupping, "relative change of the signal 100 mm from the middle")
      ->check(between(-0.9, 10));
  render->add_option("--seed", o.seed, "seed of the noise")->check(between(0, 1.8e19));
  render->add_option("--repeats", o.repeats, "scans with independent noise")->check(between(1, 1000));
  render->add_flag("--enhanced", o.enhanced, "one Enhanced multi-frame DICOM file");
  render->add_flag("--aperture", o.aperture, "average over the pixel");
  render->callback([&o] { o.action = "render"; });
}

void add_gate(CLI::App& app, Options& o) {
  CLI::App* profile = app.add_subcommand(
      "profile",
      "reference profiles: what a research-grade scanner gives, and by how much a site may be worse\n\nExamples:\n  "
      "iqgate profile build REFERENCE/ --plan plan.json -o profile.json\n  iqgate profile show profile.json\n  iqgate "
      "profile diff old.json new.json");
  profile->require_subcommand(1);
  CLI::App* build = profile->add_subcommand("build", "from repeated results of the reference scanner");
  add_common(*build, o);
  build->add_option("RESULT", o.paths, "results of measure or check, or folders of them")->required();
  build->add_option("--plan", o.plan, "plan file (iqgate.plan/1): gate metrics, margins, error rates")->required();
  build->add_option("-o,--output", o.output, "the profile's file")->required();
  build->callback([&o] { o.action = "build"; });
  CLI::App* show = profile->add_subcommand("show", "a profile as a table");
  add_common(*show, o);
  show->add_option("PROFILE", o.paths, "file")->required()->expected(1);
  show->callback([&o] { o.action = "show"; });
  CLI::App* diff = profile->add_subcommand("diff", "what differs between two profiles");
  add_common(*diff, o);
  diff->add_option("PROFILES", o.paths, "two files")->required()->expected(2);
  diff->callback([&o] { o.action = "diff"; });

  CLI::App* compare = app.add_subcommand(
      "compare",
      "may this scanner run the method? GO, NO-GO or INCONCLUSIVE against a reference profile\n\nExamples:\n  iqgate "
      "compare SITE/ --reference profile.json --log decisions.jsonl -o OUT\n  iqgate compare scan1/ scan2/ scan3/ "
      "--reference profile.json --json\n\nExit codes: 0 GO; 1 NO-GO; 3 INCONCLUSIVE, or a GO that is provisional");
  add_common(*compare, o);
  compare->add_option("RESULT", o.paths, "results of the site, or folders of them")->required();
  compare->add_option("--reference", o.reference, "profile file (iqgate.profile/1)")->required();
  compare->add_option("--log", o.log, "decision log: looks are counted in it, and this one is added");
  compare->add_option("--pairs", o.pairs, "pairs file (iqgate.pairs/1): reference results of the same raw data");
  compare->add_flag("--force", o.force, "compare under differing conditions (never a GO or NO-GO)");
  compare->add_option("--context", o.context, "context file (iqgate.context/1)");
  compare->add_option("--seed", o.seed, "seed of the planning of scans")->check(between(0, 1.8e19));
  compare->add_option("-o,--output", o.output, "folder for comparison.json");

  CLI::App* trend = app.add_subcommand("trend",
                                       "control charts of many results, per scanner, phantom and "
                                       "protocol\n\nExamples:\n  iqgate trend NIGHTS/ -o TREND\n  "
                                       "iqgate trend NIGHTS/ --metric noise_sd_hu --events service.json --rules "
                                       "nelson\n\nExit codes: 0 in control; 1 an "
                                       "alarm at the newest point of a chart");
  add_common(*trend, o);
  trend->add_option("RESULT", o.paths, "results, or folders of them")->required();
  trend->add_option("--metric", o.metrics, "chart this number (default: those with a limit); may be repeated")
      ->allow_extra_args(false);
  trend->add_option("--rules", o.rules, "western_electric or nelson");
  trend->add_option("--baseline", o.baseline_points, "points that the limits come from (at least 20)")
      ->check(CLI::Range(20, 10000));
  trend->add_option("--events", o.events, "events file (iqgate.events/1): services, new baselines");
  trend->add_option("-o,--output", o.output, "folder for trend.json and trend.html");

  CLI::App* exported = app.add_subcommand(
      "export",
      "a result in a form that a department already reads\n\nExamples:\n  iqgate export OUT --to xlsx -o result.xlsx\n "
      " "
      "iqgate export OUT --to sr -o result.dcm\n  iqgate export NIGHT/ --to prometheus -o iqgate.prom");
  add_common(*exported, o);
  exported->add_option("RESULT", o.paths, "results, or folders of them (several: junit and prometheus only)")
      ->required();
  exported->add_option("--to", o.export_format, "csv, xlsx, junit, prometheus, qatrack, sr or dicom-pdf")->required();
  exported->add_option("--collection", o.collection, "qatrack: URL of the unit's test collection");
  exported->add_option("-o,--output", o.output, "file; without it texts go to stdout");

  CLI::App* verify = app.add_subcommand(
      "verify",
      "checks a decision log, a result folder, a dossier or a store for later changes\n\nExamples:\n  iqgate verify "
      "decisions.jsonl\n  iqgate verify DOSSIER/ --log decisions.jsonl\n\nExit codes: 0 unchanged; 5 changed");
  add_common(*verify, o);
  verify->add_option("PATH", o.paths, "logs (.jsonl), result folders, dossiers, stores")->required();
  verify->add_option("--log", o.log, "the log that a dossier speaks of");
  verify->add_option("--results", o.results, "folder of the results of a store that is a database");
}

void add_batch(CLI::App& verb, Options& o) {
  add_common(verb, o);
  verb.add_option("ROOT", o.paths, "folders with scans")->required();
  verb.add_option("--store", o.store, "folder for the history and all results, or postgresql://... (then --results)")
      ->required();
  verb.add_option("--results", o.results, "folder for the results, where the store is a database");
  verb.add_option("--rules", o.rules_file, "rules file (iqgate.rules/1): which phantom and limits belong to a scan");
  verb.add_option("--phantom", o.phantom, "without rules: name, file or auto (default)");
  verb.add_option("--limits", o.limits, "without rules: judge by these; may be repeated")->allow_extra_args(false);
  verb.add_option("--metric", o.metrics, "without rules: only this metric; may be repeated")->allow_extra_args(false);
  verb.add_option("--context", o.context, "context file (iqgate.context/1): site, operator, baseline...");
  verb.add_option("--backend", o.backend, "auto, cpu or cuda (one worker holds the device)")->envname("IQGATE_BACKEND");
  verb.add_option("--retry", o.retries, "times that a scan is tried again after time, memory or a killed worker")
      ->check(CLI::Range(0, 10));
  verb.add_flag("--again", o.again, "try again what failed or is quarantined");
  verb.add_flag("--show-names", o.show_names, "tell the paths of scans (they may hold names of people)");
  verb.add_option("--expect", o.expect, "SCANNER@24h: raise the alarm when nothing came from it; may be repeated")
      ->allow_extra_args(false);
  verb.add_option("--on-fail", o.on_fail,
                  "command and its arguments, run without a shell when the exit code is not 0; "
                  "gets JSON on its standard input");
  verb.add_option("--prom", o.prom, "also write the Prometheus text there");
  verb.add_option("--junit", o.junit, "also write the JUnit file there");
  verb.add_option("--keep-days", o.keep_days, "pictures and reports of older results go; every number stays")
      ->check(between(1, 1e5));
  verb.add_option("--worker", o.worker, "")->group("");
}

void add_batches(CLI::App& app, Options& o) {
  CLI::App* batch = app.add_subcommand(
      "batch",
      "measures a tree of scans, each once, and files the results; broken off at any point, it goes on when called "
      "again\n\nExamples:\n  iqgate batch INCOMING/ --store STORE --phantom catphan_504 --limits ct_catphan_manual\n  "
      "iqgate batch INCOMING/ --store STORE --rules rules.json --expect \"Aera@24h\" --on-fail /opt/qa/mail.sh\n  "
      "iqgate "
      "batch INCOMING/ --store STORE --shard 3/8 --json\n\nExit codes: of the scans of this run; 4 some were not "
      "analysed; 3 no scan was found");
  add_batch(*batch, o);
  batch->add_option("--shard", o.shard, "K/N: only this part of the scans, for many machines on one store");
  batch->add_flag("--all", o.all, "the exit code counts what earlier runs settled, too");
  batch->add_flag("-n,--dry-run", o.dry_run, "say what would be done");
  CLI::App* watch =
      app.add_subcommand("watch",
                         "measures what arrives in a folder, when it has come to rest (each entry of the folder is a "
                         "delivery, and holds whole "
                         "series); SIGTERM stops it, and it goes on when called again\n\nExamples:\n  iqgate watch "
                         "INCOMING/ --store STORE --rules rules.json\n  iqgate watch INCOMING/ --store "
                         "STORE --phantom acr_mri_large --marker DONE --once");
  add_batch(*watch, o);
  watch->add_option("--quiet-time", o.quiet_s, "seconds without a change after which a delivery is whole")
      ->check(between(0.1, 86400));
  watch->add_option("--marker", o.marker, "a file of this name in a delivery says that it is whole");
  watch->add_option("--rescan", o.rescan_s, "seconds between looks at the whole folder (network shares tell nothing)")
      ->check(between(0.1, 86400));
  watch->add_flag("--once", o.once, "end when all that lies there is measured");
  app.add_subcommand("worker", "")->group("");
}

std::string suggestion(const std::string& wrong, const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* verb : app.get_subcommands([](const CLI::App*) { return true; }))
    names.push_back(verb->get_name());
  for (const CLI::Option* option : app.get_options())
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  const std::string near = pipeline::nearest_name(wrong, names);
  return near.empty() ? "" : "did you mean " + near + "?";
}

int usage_fault(const std::string& why, const std::string& advice) {
  std::fprintf(stderr, "iqgate: error [usage]: command line: %s\n", why.c_str());
  std::fprintf(stderr, "iqgate: what to do: %s\n",
               advice.empty() ? "see iqgate --help, or iqgate VERB --help" : advice.c_str());
  return exit_usage;
}

}  // namespace

Command parse_command_line(const std::vector<std::string>& given, Options& o) {
  CLI::App app{overview, "iqgate"};
  app.require_subcommand(0, 1);
  bool version = false;
  app.add_flag("--version", version, "version (with -v: libraries)");
  app.add_flag("-v,--verbose", o.verbose, "with --version: libraries");
  CLI::App* inspect = app.add_subcommand("inspect",
                                         "lists the scans found, and why one would be refused\n\nExamples:\n  iqgate "
                                         "inspect SCANS/\n  iqgate inspect --json scan.zip");
  add_common(*inspect, o);
  inspect->add_option("PATH", o.paths, "files or folders")->required();
  inspect->add_flag("--show-names", o.show_names, "tell the paths of scans (they may hold names of people)");
  inspect->add_flag("--headers-only", o.headers_only, "read no voxels: faster, no guess which phantom it is");
  CLI::App* measure = app.add_subcommand(
      "measure",
      "reads, locates and measures\n\nExamples:\n  iqgate measure SCANS/ --phantom uniform_cylinder\n  iqgate measure "
      "scan.nii --roi regions.json --metric nps -o OUT\n  iqgate measure SCANS/ --phantom wire --json > result.json");
  add_measure(*measure, o, false);
  CLI::App* check = app.add_subcommand(
      "check",
      "measures, then judges against limits\n\nExamples:\n  iqgate check SCANS/ --phantom water_cylinder -o OUT\n  "
      "iqgate check SCANS/ --phantom uniform_cylinder --limits mr_acr_2018_uniformity --limits site.json -o OUT");
  add_measure(*check, o, true);
  add_gate(app, o);
  add_batches(app, o);
  CLI::App* report = app.add_subcommand(
      "report",
      "makes the HTML (or PDF) report again from a result folder\n\nExamples:\n  "
      "iqgate report OUT\n  iqgate report OUT --format pdf\n  iqgate report --dossier SITE/ --comparison CMP "
      "--log decisions.jsonl --selftest EVIDENCE --format pdf -o DOSSIER");
  add_common(*report, o);
  report->add_option("FOLDER", o.paths, "folders that measure or check wrote with -o")->required();
  report->add_option("--format", o.report_format, "html or pdf");
  report->add_option("-o,--output", o.output, "another folder for the report; the dossier's folder");
  report->add_flag("--dossier", o.dossier, "an evidence pack for governance, of one or more results");
  report->add_option("--comparison", o.comparison, "dossier: folder or file that compare wrote");
  report->add_option("--log", o.log, "dossier: the decision log; its length and last digest go in");
  report->add_option("--selftest", o.selftest, "dossier: folder or file that selftest wrote");
  report->add_option("--context", o.context, "dossier: context file (question, method, claim, certificate...)");
  CLI::App* phantoms = app.add_subcommand("phantoms",
                                          "lists, shows and renders phantoms\n\nExamples:\n  iqgate phantoms list\n  "
                                          "iqgate phantoms render water_cylinder -o DEMO");
  add_phantoms(*phantoms, o);
  CLI::App* metrics = app.add_subcommand(
      "metrics",
      "the catalogue: definition, source, unit, variants\n\nExamples:\n  iqgate metrics\n  iqgate metrics --json");
  add_common(*metrics, o);
  CLI::App* selftest = app.add_subcommand("selftest",
                                          "renders phantoms with known truth here, measures them on each "
                                          "backend\n\nExamples:\n  iqgate selftest\n  iqgate selftest -o EVIDENCE");
  add_common(*selftest, o);
  selftest->add_flag("-v,--verbose", o.verbose, "say how long it took");
  selftest->add_option("--backend", o.backend, "auto, cpu or cuda")->envname("IQGATE_BACKEND");
  selftest->add_option("-o,--output", o.output, "folder for selftest.json");
  selftest->add_option("--seed", o.seed, "seed of the noise")->check(between(0, 1.8e19));
  CLI::App* bench = app.add_subcommand(
      "bench",
      "this machine's speed: every operation is checked against a known truth, then timed beside a copy\n\nExamples:\n "
      " "
      "iqgate bench\n  iqgate bench --size 512 --json > machine.json\n  iqgate bench BIG.nii --max-memory 1G");
  add_common(*bench, o);
  bench->add_option("PATH", o.paths, "time a pass over these scans in slabs instead");
  bench->add_option("--size", o.bench_size, "voxels a side")->check(between(32, 2048));
  bench->add_option("--operation", o.metrics, "only these (--dry-run lists them)");
  bench->add_option("--repetitions", o.repetitions, "timings of each, at least")->check(between(1, 1000));
  bench->add_option("--backend", o.backend, "auto, cpu or cuda")->envname("IQGATE_BACKEND");
  bench->add_flag("--dry-run", o.dry_run, "list the operations");
  bench->add_option("-o,--output", o.output, "folder for bench.json");
  CLI::App* devices = app.add_subcommand("devices", "what can run here\n\nExamples:\n  iqgate devices");
  add_common(*devices, o);

  const std::vector<std::string> args = with_config(given);
  const auto is_verb = [&](const std::string& name) {
    const auto verbs = app.get_subcommands([&](const CLI::App* verb) { return verb->get_name() == name; });
    return !verbs.empty();
  };
  if (!args.empty() && args[0][0] != '-' && !is_verb(args[0]))
    return {"", usage_fault("\"" + args[0] + "\" is not a verb", suggestion(args[0], app))};
  try {
    std::vector<std::string> reversed(args.rbegin(), args.rend());
    app.parse(reversed);
  } catch (const CLI::CallForHelp&) {
    std::printf("%s", app.help().c_str());
    return {"", exit_ok};
  } catch (const CLI::ExtrasError& error) {
    const auto chosen = app.get_subcommands();
    std::string wrong;
    for (const CLI::App* sub : chosen)
      for (const std::string& extra : sub->remaining(true))
        if (wrong.empty()) wrong = extra;
    return {"", usage_fault(error.what(), chosen.empty() ? "" : suggestion(wrong, *chosen.front()))};
  } catch (const CLI::ParseError& error) {
    return {"", usage_fault(error.what(), "")};
  }
  if (version) return {"version", exit_ok};
  const auto chosen = app.get_subcommands();
  if (!chosen.empty()) return {chosen.front()->get_name(), exit_ok};
  std::printf("%s", app.help().c_str());
  return {"", exit_usage};
}

}  // namespace iqgate::cli
