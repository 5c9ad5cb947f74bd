#include <cstdio>

#include "cli/options.hpp"
#include "iqgate/base/atomic_file.hpp"
#include "iqgate/base/error.hpp"
#include "iqgate/judge/profile_build.hpp"
#include "iqgate/report/profile_table.hpp"
#include "iqgate/report/result_file.hpp"

namespace iqgate::cli {
namespace {

int build(const Options& options) {
  const judge::Profile plan = judge::read_plan(options.plan);
  std::vector<judge::Record> records;
  for (const std::string& file : result_files(options.paths)) {
    report::check_against_hdf5(file);
    records.push_back(report::record_of(report::read_result(file), result_name(file)));
  }
  const judge::BuiltProfile built = judge::build_profile(plan, records);
  const json::Value document = judge::profile_json(built.profile);
  write_file_atomically(options.output, json::write(document) + "\n");
  if (!options.quiet)
    for (const std::string& note : built.notes) std::fprintf(stderr, "iqgate: note: %s\n", note.c_str());
  if (options.json) std::printf("%s\n", json::write(document).c_str());
  else std::printf("%s", report::profile_table(judge::read_profile(options.output)).c_str());
  return exit_ok;
}

}  // namespace

int run_profile(const Options& options) {
  if (options.action == "build") return build(options);
  const judge::Profile first = judge::read_profile(options.paths[0]);
  if (options.action == "show") {
    json::Value document = json::parse_file(options.paths[0], ErrorKind::usage);
    if (!first.sealed) document.set("digest", first.digest);
    std::printf("%s", options.json ? (json::write(document) + "\n").c_str() : report::profile_table(first).c_str());
    return exit_ok;
  }
  const std::vector<std::string> lines = report::profile_differences(first, judge::read_profile(options.paths[1]));
  if (options.json) {
    std::printf("%s\n", json::write(json::Value(json::array_of(lines))).c_str());
  } else {
    for (const std::string& line : lines) std::printf("%s\n", line.c_str());
    if (lines.empty()) std::printf("the profiles are equal\n");
  }
  return exit_ok;
}

}  // namespace iqgate::cli
