// The store read back, and held against its seals.
#include "iqgate/base/json.hpp"
#include "iqgate/store/database.hpp"

namespace iqgate::store {

void Store::each(const std::string& run_id, const std::function<void(const Entry&)>& visit) {
  try {
    Entry e;
    std::string state, files;
    int warned = 0, computed = 0;
    const std::string from = run_id.empty() ? " FROM scans s ORDER BY s.key"
                                            : " FROM run_scans r JOIN scans s ON s.key = r.key WHERE r.run_id = :run "
                                              "ORDER BY s.key";
    soci::statement rows(impl_->sql);
    for (std::string* column :
         {&e.scan.key, &e.scan.input_sha256, &e.scan.configuration_sha256, &e.scan.program, &e.scan.scan_id,
          &e.scan.modality, &e.scan.scanner, &e.scan.rule, &state, &e.outcome.code, &e.outcome.reason,
          &e.outcome.overall, &e.outcome.phantom, &e.outcome.taken, &e.outcome.gate, &files, &e.settled_utc, &e.seal})
      rows.exchange(soci::into(*column));
    for (double* column : {&e.outcome.seconds, &e.outcome.reading_seconds}) rows.exchange(soci::into(*column));
    for (int* column : {&e.attempts, &warned, &e.outcome.exit_code, &computed}) rows.exchange(soci::into(*column));
    if (!run_id.empty()) rows.exchange(soci::use(run_id));
    rows.alloc();
    rows.prepare(
        "SELECT s.key, s.input_sha256, s.configuration_sha256, s.program, s.scan_id, s.modality, s.scanner, s.rule, "
        "s.state, s.code, s.reason, s.overall, s.phantom, s.taken, s.gate, s.files, s.settled_utc, s.seal, s.seconds, "
        "s.reading_seconds, s.attempts, s.warned, s.exit_code, " +
        std::string(run_id.empty() ? "0" : "r.computed") + from);
    rows.define_and_bind();
    for (bool more = rows.execute(true); more; more = rows.fetch()) {
      e.outcome.state = state_of(state);
      e.outcome.warned = warned != 0;
      e.outcome.files = texts_of(files);
      e.computed = computed != 0;
      visit(e);
    }
  } catch (const soci::soci_error& error) {
    impl_->fail(error);
  }
}

std::vector<Measurement> Store::measurements(const std::string& key) {
  return impl_->transaction([&] { return impl_->measurements_of(key); });
}

void Store::forget_files(Entry entry, const std::vector<std::string>& names) {
  for (const std::string& name : names) entry.outcome.files.erase(name);
  impl_->transaction([&] {
    entry.outcome.measurements = impl_->measurements_of(entry.scan.key);
    const std::string files = json::write(json::object_of(entry.outcome.files), 0),
                      seal = seal_of(entry.scan, entry.outcome, entry.settled_utc);
    impl_->change("UPDATE scans SET files = :f, seal = :z WHERE key = :k", soci::use(files), soci::use(seal),
                  soci::use(entry.scan.key));
  });
}

std::vector<std::string> Store::faults() {
  std::vector<std::string> faults;
  if (!impl_->postgres) {
    std::string answer;
    impl_->transaction([&] { impl_->sql << "PRAGMA integrity_check(1)", soci::into(answer); });
    if (answer != "ok") faults.push_back("the database is damaged: " + answer);
  }
  std::vector<Entry> settled;
  each("", [&](const Entry& e) {
    if (final_state(e.outcome.state)) settled.push_back(e);
  });
  for (Entry& e : settled) {
    e.outcome.measurements = measurements(e.scan.key);
    if (e.seal != seal_of(e.scan, e.outcome, e.settled_utc))
      faults.push_back("the row of scan " + e.scan.key.substr(0, 12) + " was changed");
  }
  return faults;
}

}  // namespace iqgate::store
