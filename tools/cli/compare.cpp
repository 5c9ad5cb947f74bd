#include <cstdio>
#include <filesystem>

#include "cli/options.hpp"
#include "iqgate/base/atomic_file.hpp"
#include "iqgate/base/error.hpp"
#include "iqgate/base/file_kind.hpp"
#include "iqgate/base/sha256.hpp"
#include "iqgate/base/utc_time.hpp"
#include "iqgate/pipeline/job.hpp"
#include "iqgate/pipeline/request.hpp"
#include "iqgate/report/comparison.hpp"
#include "iqgate/report/decision_log.hpp"
#include "iqgate/report/result_file.hpp"

namespace iqgate::cli {
namespace {

// Pairs that hold: the same raw data reconstructed twice, or one insertion of the phantom. The files name site and
// reference results relative to the pairs file.
std::vector<std::string> read_pairs(const std::string& path, std::vector<std::string>& site) {
  const json::Value document = json::parse_file(path, ErrorKind::usage);
  json::Fields fields(document, path, "", ErrorKind::usage);
  if (fields.text("schema") != "iqgate.pairs/1") fields.fail("schema", "unknown_value", "must be iqgate.pairs/1");
  const std::string reason = fields.text("reason");
  if (reason != "same_raw_data" && reason != "same_insertion")
    fields.fail("reason", "unknown_value", "must be same_raw_data or same_insertion: nothing else makes a pair");
  const std::filesystem::path folder = std::filesystem::path(path).parent_path();
  std::vector<std::string> named, partners;
  for (json::Fields& entry : fields.objects("pairs")) {
    named.push_back(result_files({(folder / entry.text("site")).string()}).front());
    partners.push_back(result_files({(folder / entry.text("reference")).string()}).front());
    entry.done();
  }
  fields.done();
  for (const std::string& file : site) {
    const auto same = [&](const std::string& other) { return std::filesystem::equivalent(file, other); };
    if (std::none_of(named.begin(), named.end(), same))
      throw UsageError("no_partner", path, "names no reference for " + file, "give each site result its partner");
  }
  site = named;
  return partners;
}

json::Object log_fields(const report::CheckedLog& log, const report::ComparisonDocument& document,
                        const std::string& comparison_sha256, const std::string& path) {
  const std::string& scanner = document.site.front().scanner;
  if (report::next_look(log, document.profile.digest, document.profile.name, scanner) != document.look)
    throw OutputError("log_changed", path, "another decision about this scanner was added meanwhile",
                      "compare again: the number of looks is another");
  const auto context = [&](const char* key) {
    const auto found = document.context.find(key);
    return found == document.context.end() ? std::string() : found->second;
  };
  json::Array results;
  for (const std::string& digest : document.result_sha256) results.emplace_back(digest);
  return {{"kind", "comparison"},
          {"scanner", scanner},
          {"profile_name", document.profile.name},
          {"profile_digest", document.profile.digest},
          {"result_sha256", std::move(results)},
          {"partner_sha256", json::array_of(document.partner_sha256)},
          {"comparison_sha256", comparison_sha256},
          {"look", *document.look},
          {"overall", std::string(judge::word(document.comparison.overall))},
          {"provisional", document.comparison.provisional},
          {"operator", context("operator")},
          {"physicist", context("physicist")}};
}

}  // namespace

int run_compare(const Options& options) {
  report::ComparisonDocument document;
  document.profile = judge::read_profile(options.reference);
  document.context = pipeline::read_context(options.context).texts;
  document.software = pipeline::software_record();
  document.created_utc = now_utc();
  std::vector<std::string> files = result_files(options.paths);
  judge::CompareOptions compare;
  compare.force = options.force;
  compare.seed = options.seed;
  if (!options.pairs.empty())
    for (const std::string& file : read_pairs(options.pairs, files))
      report::check_against_hdf5(file),
          compare.paired.push_back(report::record_of(report::read_result(file), result_name(file))),
          document.partner_sha256.push_back(sha256_file(file));
  for (const std::string& file : files) {
    report::check_against_hdf5(file);
    document.site.push_back(report::record_of(report::read_result(file), result_name(file)));
    document.result_sha256.push_back(sha256_file(file));
  }
  if (!options.log.empty()) {
    const report::CheckedLog log = lies_there(options.log) ? report::read_log(options.log) : report::check_log("");
    report::refuse_broken(log, options.log);
    document.look = compare.look =
        report::next_look(log, document.profile.digest, document.profile.name, document.site.front().scanner);
    document.log_before = log.state;
  }
  document.comparison = judge::compare(document.profile, document.site, compare);
  const json::Value value = report::comparison_json(document);
  const std::string text = json::write(value) + "\n";
  if (!options.output.empty()) make_folder(options.output);
  // The log first: a comparison that is not in it was never made.
  if (!options.log.empty())
    report::append_decision(options.log, document.created_utc, [&](const report::CheckedLog& log) {
      return log_fields(log, document, sha256_hex(text), options.log);
    });
  if (!options.output.empty()) write_file_atomically(options.output + "/comparison.json", text);
  if (options.json) std::printf("%s", text.c_str());
  else std::printf("%s", report::comparison_table(value, colour_wanted(options)).c_str());
  switch (document.comparison.overall) {
    case judge::GateWord::go: return document.comparison.provisional ? exit_input : exit_ok;
    case judge::GateWord::no_go: return exit_limit_broken;
    case judge::GateWord::inconclusive: return exit_input;
  }
  return exit_internal;
}

}  // namespace iqgate::cli
