#include "iqgate/batch/results.hpp"

#include "iqgate/base/atomic_file.hpp"
#include "iqgate/base/error.hpp"
#include "iqgate/base/sha256.hpp"
#include "iqgate/report/comparison.hpp"
#include "iqgate/report/result_file.hpp"

namespace iqgate::batch {
namespace {

using json::text_at;
using json::Value;

std::map<std::string, std::string> checked_files(const Value& reply, const std::string& folder) {
  std::map<std::string, std::string> files;
  const Value* told = reply.find("files");
  if (told && told->object())
    for (const json::Member& m : *told->object()) {
      const std::string path = folder + "/" + m.key;
      if (!m.value.string() || sha256_file(path) != *m.value.string())
        throw OutputError("cannot_write", path, "is not what the worker wrote", "check the disk");
      files[m.key] = *m.value.string();
    }
  if (!files.count("result.json")) throw OutputError("cannot_write", folder, "the worker left no result.json");
  return files;
}

// One scan against a profile: without a decision log, so never a final GO.
std::string compared(const judge::Profile& profile, const judge::Record& record, const Value& result,
                     const std::string& folder, std::map<std::string, std::string>& files) {
  report::ComparisonDocument document;
  document.profile = profile;
  document.site = {record};
  document.result_sha256 = {files.at("result.json")};
  document.created_utc = text_at(&result, "created_utc");
  try {
    document.comparison = judge::compare(profile, document.site, {});
  } catch (const InputError& error) {
    return "refused: " + error.code;
  }
  const std::string text = json::write(report::comparison_json(document)) + "\n";
  write_file_atomically(folder + "/comparison.json", text);
  files["comparison.json"] = sha256_hex(text);
  return std::string(judge::word(document.comparison.overall));
}

}  // namespace

store::Outcome outcome_of(const Value& reply, const std::string& folder,
                          const std::optional<judge::Profile>& reference) try {
  store::Outcome outcome;
  outcome.state = store::State::done;
  outcome.files = checked_files(reply, folder);
  const Value result = report::read_result(folder);
  const judge::Record record = report::record_of(result, "result");
  outcome.overall = text_at(&reply, "overall");
  outcome.warned = json::flag_at(&reply, "warned");
  outcome.exit_code = static_cast<int>(json::number_at(&reply, "exit_code").value_or(70));
  outcome.phantom = record.phantom, outcome.taken = record.taken;
  outcome.seconds = json::number_at(&reply, "seconds").value_or(0);
  outcome.reading_seconds = json::number_at(&reply, "reading_seconds").value_or(0);
  outcome.measurements = record.measurements;
  if (reference) {
    outcome.gate = compared(*reference, record, result, folder, outcome.files);
    // A comparison that cannot be made is no verdict; one scan that is INCONCLUSIVE is what one scan mostly is.
    if (outcome.gate.rfind("refused", 0) == 0) outcome.exit_code = 3;
    else if (outcome.gate == "NO-GO" && outcome.exit_code == 0) outcome.exit_code = 1;
  }
  return outcome;
} catch (const InputError& error) {  // our own files, not a scan's
  throw OutputError(error.code, folder, error.why, "check the disk");
}

}  // namespace iqgate::batch
