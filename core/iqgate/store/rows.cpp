// What a row says, as values and back.
#include <algorithm>
#include <tuple>

#include "iqgate/base/error.hpp"
#include "iqgate/base/json.hpp"
#include "iqgate/base/sha256.hpp"
#include "iqgate/store/database.hpp"

namespace iqgate::store {
namespace {

constexpr const char* words[] = {"queued", "running", "done", "failed", "quarantined"};

}  // namespace

std::string_view word(State state) { return words[static_cast<int>(state)]; }

State state_of(const std::string& text) {
  for (int k = 0; k < 5; ++k)
    if (text == words[k]) return static_cast<State>(k);
  throw OutputError("store", "store", "holds a state of an unknown name: " + text);
}

bool final_state(State s) { return s == State::done || s == State::failed || s == State::quarantined; }

std::map<std::string, std::string> texts_of(const std::string& files) {
  std::map<std::string, std::string> texts;
  if (files.empty()) return texts;
  const json::Value value = json::parse(files, "store", ErrorKind::output);
  if (value.object())
    for (const json::Member& m : *value.object()) texts[m.key] = m.value.string() ? *m.value.string() : "";
  return texts;
}

// All that a settled scan says. Measurements in order of name, as they are read back; SQLite keeps -0 as 0.
std::string seal_of(const Scan& scan, const Outcome& o, const std::string& settled_utc) {
  json::Array numbers;
  std::vector<const Measurement*> order;
  for (const Measurement& m : o.measurements) order.push_back(&m);
  std::sort(order.begin(), order.end(), [](const Measurement* a, const Measurement* b) {
    return std::tie(a->name, a->variant, a->where) < std::tie(b->name, b->variant, b->where);
  });
  for (const Measurement* m : order)
    numbers.push_back(json::Array{m->name, m->variant, m->where, m->value + 0.0, m->unit, json::Value(m->se),
                                  m->ci95 ? json::Value(m->ci95->low) : json::Value(),
                                  m->ci95 ? json::Value(m->ci95->high) : json::Value()});
  json::Value v;
  v.set("key", scan.key), v.set("input_sha256", scan.input_sha256), v.set("scan_id", scan.scan_id);
  v.set("modality", scan.modality), v.set("scanner", scan.scanner), v.set("rule", scan.rule);
  v.set("configuration_sha256", scan.configuration_sha256), v.set("program", scan.program);
  v.set("state", std::string(word(o.state))), v.set("code", o.code), v.set("reason", o.reason);
  v.set("overall", o.overall), v.set("warned", o.warned), v.set("exit_code", o.exit_code), v.set("phantom", o.phantom);
  v.set("taken", o.taken), v.set("gate", o.gate), v.set("files", json::object_of(o.files));
  v.set("settled_utc", settled_utc), v.set("measurements", std::move(numbers));
  return sha256_hex(json::write(v, 0));
}

}  // namespace iqgate::store
