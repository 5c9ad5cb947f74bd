#include "iqgate/store/store.hpp"

#include <soci/soci.h>
#include <soci/sqlite3/soci-sqlite3.h>
#include <sys/vfs.h>

#include <algorithm>
#include <ctime>
#include <optional>
#include <random>
#include <tuple>

#include "iqgate/base/atomic_file.hpp"
#include "iqgate/base/error.hpp"
#include "iqgate/base/json.hpp"
#include "iqgate/base/sha256.hpp"
#include "iqgate/base/utc_time.hpp"
#include "iqgate/store/owner.hpp"
#include "iqgate/store/schema.hpp"

namespace iqgate::store {
namespace {

constexpr const char* words[] = {"queued", "running", "done", "failed", "quarantined"};
constexpr std::int64_t lease_s = 120;  // what another machine must wait before it takes a silent one for dead

State state_of(const std::string& text) {
  for (int k = 0; k < 5; ++k)
    if (text == words[k]) return static_cast<State>(k);
  throw OutputError("store", "store", "holds a state of an unknown name: " + text);
}

bool final_state(State s) { return s == State::done || s == State::failed || s == State::quarantined; }

std::int64_t wall_seconds() { return static_cast<std::int64_t>(std::time(nullptr)); }

std::string some_id() {
  std::random_device device;
  std::string seed = own_name() + std::to_string(wall_seconds());
  for (int k = 0; k < 8; ++k) seed += "/" + std::to_string(device());
  return sha256_hex(seed).substr(0, 16);
}

std::map<std::string, std::string> texts_of(const std::string& files) {
  std::map<std::string, std::string> texts;
  if (files.empty()) return texts;
  const json::Value value = json::parse(files, "store", ErrorKind::output);
  if (value.object())
    for (const json::Member& m : *value.object()) texts[m.key] = m.value.string() ? *m.value.string() : "";
  return texts;
}

// All that a settled scan says. Measurements in order of name, as they are read back; SQLite keeps -0 as 0.
std::string seal_of(const std::string& key, const Outcome& o, const std::string& settled_utc) {
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
  v.set("key", key), v.set("state", std::string(word(o.state))), v.set("code", o.code), v.set("reason", o.reason);
  v.set("overall", o.overall), v.set("warned", o.warned), v.set("exit_code", o.exit_code), v.set("phantom", o.phantom);
  v.set("taken", o.taken), v.set("gate", o.gate), v.set("files", json::object_of(o.files));
  v.set("settled_utc", settled_utc), v.set("measurements", std::move(numbers));
  return sha256_hex(json::write(v, 0));
}

}  // namespace

std::string_view word(State state) { return words[static_cast<int>(state)]; }

bool is_url(const std::string& location) {
  return location.rfind("postgresql://", 0) == 0 || location.rfind("postgres://", 0) == 0;
}

const char* journal_mode(std::int64_t file_system) {
  // NFS, SMB, CIFS, SMB2, 9p, FUSE, Ceph, Lustre, AFS
  for (const std::int64_t shared : {0x6969LL, 0x517BLL, 0xFF534D42LL, 0xFE534D42LL, 0x01021997LL, 0x65735546LL,
                                    0x00C36400LL, 0x0BD00BD0LL, 0x5346414FLL})
    if ((file_system & 0xFFFFFFFFLL) == shared) return "DELETE";
  return "WAL";
}

struct Store::Impl {
  soci::session sql;
  std::string where;  // never with a password
  bool postgres = false;
  std::string owner = own_name();

  Standing enlist_one(const Run& run, const Scan& scan, bool again, const std::string& now);
  std::vector<Measurement> measurements_of(const std::string& key);

  // Runs `work` in one transaction; faults of the database become OutputError.
  template <typename Work>
  auto transaction(Work&& work) {
    try {
      sql << (postgres ? "BEGIN" : "BEGIN IMMEDIATE");
      try {
        if constexpr (std::is_void_v<decltype(work())>) {
          work();
          sql << "COMMIT";
        } else {
          auto result = work();
          sql << "COMMIT";
          return result;
        }
      } catch (...) {
        try {
          sql << "ROLLBACK";
        } catch (const soci::soci_error&) {  // the first fault is the one to tell
        }
        throw;
      }
    } catch (const soci::soci_error& error) {
      fail(error);
    }
  }

  [[noreturn]] void fail(const soci::soci_error& error) const {
    throw OutputError("store", where, std::string("the store cannot be used: ") + error.what(),
                      "check free space, permission, and that the store can be reached");
  }

  void open_sqlite(const std::string& folder) {
    make_folder(folder);
    const std::string file = folder + "/iqgate.sqlite";
    struct statfs system {};
    const std::int64_t type = ::statfs(folder.c_str(), &system) == 0 ? static_cast<std::int64_t>(system.f_type) : 0;
    sql.open(soci::sqlite3, "db=\"" + file + "\" timeout=60");
    std::string mode;
    sql << std::string("PRAGMA journal_mode=") + journal_mode(type), soci::into(mode);
    sql << "PRAGMA synchronous=FULL";
  }

  void migrate() {
    transaction([&] {
      if (postgres) sql << "SELECT pg_advisory_xact_lock(7203471)";
      sql << "CREATE TABLE IF NOT EXISTS schema_version (version INTEGER NOT NULL)";
      int rows = 0, version = 0;
      sql << "SELECT COUNT(*), COALESCE(MAX(version), 0) FROM schema_version", soci::into(rows), soci::into(version);
      const int known = static_cast<int>(schema_steps().size());
      if (version > known)
        throw OutputError("store_newer", where,
                          "was made by a newer program (version " + std::to_string(version) + " of its tables)",
                          "use that program, or another store");
      for (int k = version; k < known; ++k)
        for (const std::string& statement : schema_steps()[static_cast<std::size_t>(k)]) sql << statement;
      if (rows == 0) sql << "INSERT INTO schema_version (version) VALUES (:v)", soci::use(known);
      else if (version < known) sql << "UPDATE schema_version SET version = :v", soci::use(known);
    });
  }

  // A statement that changes rows; how many.
  template <typename... Uses>
  long long change(const std::string& text, Uses&&... uses) {
    soci::statement statement(sql);
    (statement.exchange(uses), ...);
    statement.alloc();
    statement.prepare(text);
    statement.define_and_bind();
    statement.execute(true);
    return statement.get_affected_rows();
  }

  void insert_measurements(const std::string& key, const std::vector<Measurement>& list) {
    change("DELETE FROM measurements WHERE key = :k", soci::use(key));
    Measurement m;
    double se = 0, low = 0, high = 0;
    soci::indicator has_se = soci::i_null, has_ci = soci::i_null;
    soci::statement insert =
        (sql.prepare << "INSERT INTO measurements (key, name, variant, place, value, unit, standard_error, ci95_lo, "
                        "ci95_hi) VALUES (:k, :n, :v, :p, :x, :u, :s, :l, :h) ON CONFLICT DO NOTHING",
         soci::use(key), soci::use(m.name), soci::use(m.variant), soci::use(m.where), soci::use(m.value),
         soci::use(m.unit), soci::use(se, has_se), soci::use(low, has_ci), soci::use(high, has_ci));
    for (const Measurement& each : list) {
      m = each;
      se = m.se.value_or(0), has_se = m.se ? soci::i_ok : soci::i_null;
      low = m.ci95 ? m.ci95->low : 0, high = m.ci95 ? m.ci95->high : 0, has_ci = m.ci95 ? soci::i_ok : soci::i_null;
      insert.execute(true);
    }
  }
};

std::vector<Measurement> Store::Impl::measurements_of(const std::string& key) {
  std::vector<Measurement> list;
  Measurement m;
  double se = 0, low = 0, high = 0;
  soci::indicator has_se = soci::i_null, has_low = soci::i_null, has_high = soci::i_null;
  soci::statement rows =
      (sql.prepare << "SELECT name, variant, place, value, unit, standard_error, ci95_lo, ci95_hi FROM "
                      "measurements WHERE key = :k ORDER BY name, variant, place",
       soci::into(m.name), soci::into(m.variant), soci::into(m.where), soci::into(m.value), soci::into(m.unit),
       soci::into(se, has_se), soci::into(low, has_low), soci::into(high, has_high), soci::use(key));
  for (bool more = rows.execute(true); more; more = rows.fetch()) {
    m.se = has_se == soci::i_ok ? std::optional(se) : std::nullopt;
    m.ci95 = has_low == soci::i_ok && has_high == soci::i_ok ? std::optional(Interval{low, high}) : std::nullopt;
    list.push_back(m);
  }
  return list;
}

Store::Store(const std::string& location) : impl_(std::make_unique<Impl>()) {
  impl_->postgres = is_url(location);
  impl_->where = impl_->postgres ? "the PostgreSQL store" : location;
  try {
    if (impl_->postgres) impl_->sql.open("postgresql", location);
    else impl_->open_sqlite(location);
  } catch (const soci::soci_error& error) {
    impl_->fail(error);
  }
  impl_->migrate();
}

Store::~Store() = default;

Run Store::begin_run(const std::string& root_sha256, const std::string& configuration_sha256,
                     const std::string& program) {
  return impl_->transaction([&] {
    soci::session& sql = impl_->sql;
    Run run;
    run.pass = some_id();
    sql << "SELECT id, started_utc FROM runs WHERE root_sha256 = :r AND configuration_sha256 = :c AND program = :p AND "
           "finished_utc IS NULL ORDER BY started_utc LIMIT 1",
        soci::into(run.id), soci::into(run.started_utc), soci::use(root_sha256), soci::use(configuration_sha256),
        soci::use(program);
    run.resumed = sql.got_data();
    if (run.resumed) return run;
    run.id = some_id();
    run.started_utc = now_utc();
    sql << "INSERT INTO runs (id, root_sha256, configuration_sha256, program, started_utc) VALUES (:i, :r, :c, :p, :s)",
        soci::use(run.id), soci::use(root_sha256), soci::use(configuration_sha256), soci::use(program),
        soci::use(run.started_utc);
    return run;
  });
}

bool Store::finish_run(const Run& run) {
  return impl_->transaction([&] {
    int open = 0;
    impl_->sql << "SELECT COUNT(*) FROM run_scans r JOIN scans s ON s.key = r.key WHERE r.run_id = :r AND s.state IN "
                  "('queued', 'running')",
        soci::into(open), soci::use(run.id);
    if (open > 0) return false;
    const std::string now = now_utc();
    impl_->sql << "UPDATE runs SET finished_utc = :n WHERE id = :r", soci::use(now), soci::use(run.id);
    return true;
  });
}

// One scan of enlist(), inside its transaction.
Standing Store::Impl::enlist_one(const Run& run, const Scan& s, bool again, const std::string& now) {
  change(
      "INSERT INTO scans (key, input_sha256, configuration_sha256, program, scan_id, modality, scanner, rule, state, "
      "owner, lease_until, attempts, code, reason, overall, warned, exit_code, phantom, taken, gate, files, seconds, "
      "reading_seconds, queued_utc, settled_utc, seal) VALUES (:k, :i, :c, :p, :d, :m, :s, :r, 'queued', '', 0, 0, '', "
      "'', '', 0, 0, '', '', '', '', 0, 0, :n, '', '') ON CONFLICT DO NOTHING",
      soci::use(s.key), soci::use(s.input_sha256), soci::use(s.configuration_sha256), soci::use(s.program),
      soci::use(s.scan_id), soci::use(s.modality), soci::use(s.scanner), soci::use(s.rule), soci::use(now));
  change("INSERT INTO arrivals (input_sha256, scanner, first_seen_utc) VALUES (:i, :s, :n) ON CONFLICT DO NOTHING",
         soci::use(s.input_sha256), soci::use(s.scanner), soci::use(now));
  Standing standing;
  std::string state, holder, pass;
  long long lease = 0;
  int computed = 0;
  sql << "SELECT state, owner, lease_until FROM scans WHERE key = :k", soci::into(state), soci::into(holder),
      soci::into(lease), soci::use(s.key);
  sql << "SELECT pass, computed FROM run_scans WHERE run_id = :r AND key = :k", soci::into(pass), soci::into(computed),
      soci::use(run.id), soci::use(s.key);
  const bool listed = sql.got_data();
  standing.twice = listed && pass == run.pass;
  standing.computed = listed && computed != 0;
  standing.state = state_of(state);
  if (again && !standing.twice && !standing.computed &&
      (standing.state == State::failed || standing.state == State::quarantined)) {
    change("UPDATE scans SET state = 'queued', attempts = 0 WHERE key = :k", soci::use(s.key));
    standing.state = State::queued;
  }
  standing.taken = standing.state == State::running && holder != owner && !is_dead(holder, lease, wall_seconds());
  if (listed)
    change("UPDATE run_scans SET pass = :p WHERE run_id = :r AND key = :k", soci::use(run.pass), soci::use(run.id),
           soci::use(s.key));
  else
    change("INSERT INTO run_scans (run_id, key, pass, computed) VALUES (:r, :k, :p, 0)", soci::use(run.id),
           soci::use(s.key), soci::use(run.pass));
  return standing;
}

std::vector<Standing> Store::enlist(const Run& run, const std::vector<Scan>& scans, bool again) {
  return impl_->transaction([&] {
    const std::string now = now_utc();
    std::vector<Standing> standings;
    for (const Scan& scan : scans) standings.push_back(impl_->enlist_one(run, scan, again, now));
    return standings;
  });
}

bool Store::claim(const std::string& key) {
  return impl_->transaction([&] {
    std::string state, owner;
    long long lease = 0;
    impl_->sql << std::string("SELECT state, owner, lease_until FROM scans WHERE key = :k") +
                      (impl_->postgres ? " FOR UPDATE" : ""),
        soci::into(state), soci::into(owner), soci::into(lease), soci::use(key);
    if (!impl_->sql.got_data() || final_state(state_of(state))) return false;
    if (state == "running" && !is_dead(owner, lease, wall_seconds())) return false;
    const long long until = wall_seconds() + lease_s;
    impl_->change("UPDATE scans SET state = 'running', owner = :o, lease_until = :l WHERE key = :k",
                  soci::use(impl_->owner), soci::use(until), soci::use(key));
    return true;
  });
}

void Store::release(const std::string& key, bool failed_attempt) {
  impl_->transaction([&] {
    const int more = failed_attempt ? 1 : 0;
    impl_->change(
        "UPDATE scans SET state = 'queued', owner = '', attempts = attempts + :a WHERE key = :k AND owner = :o AND "
        "state = 'running'",
        soci::use(more), soci::use(key), soci::use(impl_->owner));
  });
}

bool Store::settle(const Run& run, const std::string& key, const Outcome& o) {
  return impl_->transaction([&] {
    const std::string state(word(o.state)), now = now_utc(), files = json::write(json::object_of(o.files), 0);
    const int warned = o.warned ? 1 : 0;
    const std::string seal = seal_of(key, o, now);
    const long long changed = impl_->change(
        "UPDATE scans SET state = :s, owner = '', attempts = attempts + 1, code = :c, reason = :r, overall = :v, "
        "warned = :w, exit_code = :e, phantom = :p, taken = :t, gate = :g, files = :f, seconds = :d, reading_seconds = "
        ":q, settled_utc = :n, seal = :z WHERE key = :k AND owner = :o AND state = 'running'",
        soci::use(state), soci::use(o.code), soci::use(o.reason), soci::use(o.overall), soci::use(warned),
        soci::use(o.exit_code), soci::use(o.phantom), soci::use(o.taken), soci::use(o.gate), soci::use(files),
        soci::use(o.seconds), soci::use(o.reading_seconds), soci::use(now), soci::use(seal), soci::use(key),
        soci::use(impl_->owner));
    if (changed == 0) return false;
    impl_->change("UPDATE run_scans SET computed = 1 WHERE run_id = :r AND key = :k", soci::use(run.id),
                  soci::use(key));
    impl_->insert_measurements(key, o.measurements);
    return true;
  });
}

void Store::renew() {
  impl_->transaction([&] {
    const long long until = wall_seconds() + lease_s;
    impl_->change("UPDATE scans SET lease_until = :l WHERE owner = :o AND state = 'running'", soci::use(until),
                  soci::use(impl_->owner));
  });
}

int Store::attempts(const std::string& key) {
  return impl_->transaction([&] {
    int attempts = 0;
    impl_->sql << "SELECT attempts FROM scans WHERE key = :k", soci::into(attempts), soci::use(key);
    return attempts;
  });
}

State Store::state(const std::string& key) {
  return impl_->transaction([&] {
    std::string state;
    impl_->sql << "SELECT state FROM scans WHERE key = :k", soci::into(state), soci::use(key);
    return state_of(state);
  });
}

std::string Store::last_arrival(const std::string& scanner_part) {
  return impl_->transaction([&] {
    std::string last;
    soci::indicator there = soci::i_null;
    std::string pattern = "%";
    for (const char c : scanner_part) pattern += std::string(c == '%' || c == '_' || c == '\\' ? "\\" : "") + c;
    pattern += "%";
    impl_->sql << "SELECT MAX(first_seen_utc) FROM arrivals WHERE LOWER(scanner) LIKE LOWER(:p) ESCAPE '\\'",
        soci::into(last, there), soci::use(pattern);
    return there == soci::i_ok ? last : std::string();
  });
}

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

void Store::forget_files(const std::string& key, const std::vector<std::string>& names) {
  std::optional<Entry> entry;
  each("", [&](const Entry& e) {
    if (e.scan.key == key) entry = e;
  });
  if (!entry) return;
  for (const std::string& name : names) entry->outcome.files.erase(name);
  impl_->transaction([&] {
    entry->outcome.measurements = impl_->measurements_of(key);
    const std::string files = json::write(json::object_of(entry->outcome.files), 0),
                      seal = seal_of(key, entry->outcome, entry->settled_utc);
    impl_->change("UPDATE scans SET files = :f, seal = :z WHERE key = :k", soci::use(files), soci::use(seal),
                  soci::use(key));
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
    if (e.seal != seal_of(e.scan.key, e.outcome, e.settled_utc))
      faults.push_back("the row of scan " + e.scan.key.substr(0, 12) + " was changed");
  }
  return faults;
}

}  // namespace iqgate::store
