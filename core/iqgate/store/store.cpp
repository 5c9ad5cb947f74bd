#include "iqgate/store/store.hpp"

#include <ctime>
#include <random>

#include "iqgate/base/error.hpp"
#include "iqgate/base/json.hpp"
#include "iqgate/base/sha256.hpp"
#include "iqgate/base/utc_time.hpp"
#include "iqgate/store/database.hpp"

namespace iqgate::store {
namespace {

constexpr std::int64_t lease_s = 600;  // what another machine must wait before it takes a silent one for dead

std::int64_t wall_seconds() { return static_cast<std::int64_t>(std::time(nullptr)); }

std::string some_id() {
  std::random_device device;
  std::string seed = own_name() + std::to_string(wall_seconds());
  for (int k = 0; k < 8; ++k) seed += "/" + std::to_string(device());
  return sha256_hex(seed).substr(0, 16);
}

}  // namespace

bool is_url(const std::string& location) {
  return location.rfind("postgresql://", 0) == 0 || location.rfind("postgres://", 0) == 0;
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

bool Store::finish_run(const Run& run, const std::set<std::string>& found) {
  return impl_->transaction([&] {
    // What was queued by a pass that broke off and is not there any more belongs to no run.
    std::vector<std::string> gone;
    std::string key;
    soci::statement rows = (impl_->sql.prepare << "SELECT r.key FROM run_scans r JOIN scans s ON s.key = r.key WHERE "
                                                  "r.run_id = :r AND s.state = 'queued'",
                            soci::into(key), soci::use(run.id));
    for (bool more = rows.execute(true); more; more = rows.fetch())
      if (!found.count(key)) gone.push_back(key);
    for (const std::string& k : gone)
      impl_->change("DELETE FROM run_scans WHERE run_id = :r AND key = :k", soci::use(run.id), soci::use(k));
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
  std::string state, holder, pass, code;
  long long lease = 0;
  int computed = 0;
  sql << "SELECT state, owner, lease_until, code FROM scans WHERE key = :k", soci::into(state), soci::into(holder),
      soci::into(lease), soci::into(code), soci::use(s.key);
  sql << "SELECT pass, computed FROM run_scans WHERE run_id = :r AND key = :k", soci::into(pass), soci::into(computed),
      soci::use(run.id), soci::use(s.key);
  const bool listed = sql.got_data();
  standing.twice = listed && pass == run.pass;
  standing.computed = listed && computed != 0;
  standing.state = state_of(state);
  // What could not be had at that time says nothing of the scan: it is there now.
  const bool passing = code == "input_changed" || code == "not_found" || code == "cannot_read";
  if ((again || passing) && !standing.twice && !standing.computed &&
      (standing.state == State::failed || standing.state == State::quarantined)) {
    change("UPDATE scans SET state = 'queued', attempts = 0 WHERE key = :k", soci::use(s.key));
    standing.state = State::queued;
  }
  standing.taken = standing.state == State::running && holder != owner && !is_dead(holder, lease, wall_seconds());
  change(
      "INSERT INTO run_scans (run_id, key, pass, computed) VALUES (:r, :k, :p, 0) ON CONFLICT (run_id, key) DO UPDATE "
      "SET "
      "pass = excluded.pass",
      soci::use(run.id), soci::use(s.key), soci::use(run.pass));
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

bool Store::hold(const std::string& key) {
  return impl_->transaction([&] {
    const long long until = wall_seconds() + lease_s;
    return impl_->change("UPDATE scans SET lease_until = :l WHERE key = :k AND owner = :o AND state = 'running'",
                         soci::use(until), soci::use(key), soci::use(impl_->owner)) == 1;
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

bool Store::settle(const Run& run, const Scan& scan, const Outcome& o) {
  return impl_->transaction([&] {
    const std::string& key = scan.key;
    const std::string state(word(o.state)), now = now_utc(), files = json::write(json::object_of(o.files), 0);
    const int warned = o.warned ? 1 : 0;
    const std::string seal = seal_of(scan, o, now);
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

}  // namespace iqgate::store
