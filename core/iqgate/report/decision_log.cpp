#include "iqgate/report/decision_log.hpp"

#include <filesystem>
#include <fstream>
#include <iterator>

#include "iqgate/base/atomic_file.hpp"
#include "iqgate/base/file_bytes.hpp"
#include "iqgate/base/sha256.hpp"

namespace iqgate::report {
namespace {

constexpr const char* schema = "iqgate.decision/1";
const std::string no_digest(64, '0');

std::string line_of(json::Object members) {
  const std::string digest = sha256_hex(json::write(json::Value(members), 0));
  members.push_back({"digest", digest});
  return json::write(json::Value(std::move(members)), 0);
}

std::string digest_of_line(const std::string& line) {
  const json::Value entry = json::parse(line, "log", ErrorKind::output);
  return json::text_at(&entry, "digest");
}

// Empty, or what is wrong with this line.
std::string fault_of(const std::string& line, const LogState& before, json::Value& entry) {
  try {
    entry = json::parse(line, "log", ErrorKind::input);
  } catch (const InputError&) {
    return "is not JSON";
  }
  if (!entry.object() || json::text_at(&entry, "schema") != schema) return "is no entry of a decision log";
  const json::Value* index = entry.find("index");
  if (!index || index->number() != double(before.length + 1))
    return "has not the number " + std::to_string(before.length + 1) + ": an entry was removed, added or moved";
  if (json::text_at(&entry, "previous") != before.last_digest) return "does not follow the entry before it";
  json::Object rest;
  for (const json::Member& m : *entry.object())
    if (m.key != "digest") rest.push_back(m);
  // Compared as text: any other spelling of the same values is a change too.
  if (line_of(std::move(rest)) != line) return "was changed: its digest is not that of its text";
  return {};
}

}  // namespace

CheckedLog check_log(const std::string& text_of_log, const std::optional<LogState>& expected) {
  CheckedLog log;
  log.state.last_digest = no_digest;
  const auto agrees = [&] {
    return !expected || log.state.length != expected->length || log.state.last_digest == expected->last_digest;
  };
  if (!agrees()) log.fault = LogFault{0, "is not the log of the dossier"};
  for (std::size_t at = 0; at < text_of_log.size() && !log.fault;) {
    const std::size_t end = text_of_log.find('\n', at);
    const std::size_t number = log.state.length + 1;
    if (end == std::string::npos) {
      log.fault = LogFault{number, "is cut: it has no end of line"};
      break;
    }
    json::Value entry;
    const std::string line = text_of_log.substr(at, end - at), why = fault_of(line, log.state, entry);
    if (!why.empty()) {
      log.fault = LogFault{number, why};
      break;
    }
    log.state = {number, json::text_at(&entry, "digest")};
    log.entries.push_back(std::move(entry));
    if (!agrees()) log.fault = LogFault{number, "is not the entry that the dossier holds: the log was made anew"};
    at = end + 1;
  }
  if (!log.fault && expected && log.state.length < expected->length)
    log.fault = LogFault{log.state.length + 1, "is missing: the dossier holds " + std::to_string(expected->length) +
                                                   " entries, the log's tail was cut"};
  return log;
}

CheckedLog read_log(const std::string& path, const std::optional<LogState>& expected) {
  return check_log(file_bytes(path), expected);
}

void refuse_broken(const CheckedLog& log, const std::string& path) {
  if (log.fault)
    throw OutputError("broken_log", path, "entry " + std::to_string(log.fault->line) + " " + log.fault->why,
                      "find out what happened to the log (iqgate verify); nothing is added to a broken one");
}

std::size_t next_look(const CheckedLog& log, const std::string& profile_digest, const std::string& profile_name,
                      const std::string& scanner) {
  std::size_t looks = 1;
  for (const json::Value& entry : log.entries)
    if (json::text_at(&entry, "kind") == "comparison" && json::text_at(&entry, "scanner") == scanner &&
        (json::text_at(&entry, "profile_digest") == profile_digest ||
         json::text_at(&entry, "profile_name") == profile_name))
      ++looks;
  return looks;
}

LogState append_decision(const std::string& path, const std::string& at_utc,
                         const std::function<json::Object(const CheckedLog&)>& fields) {
  LogState state;
  append_line(path, [&](const std::string& present) {
    const CheckedLog log = check_log(present);
    refuse_broken(log, path);
    json::Object members{
        {"schema", schema}, {"index", log.state.length + 1}, {"previous", log.state.last_digest}, {"at_utc", at_utc}};
    for (const json::Member& m : fields(log)) members.push_back(m);
    std::string line = line_of(std::move(members));
    state = {log.state.length + 1, digest_of_line(line)};
    return line;
  });
  return state;
}

}  // namespace iqgate::report
