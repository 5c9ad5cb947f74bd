#include "iqgate/store/database.hpp"

#include <soci/sqlite3/soci-sqlite3.h>
#include <sys/vfs.h>

#include <chrono>
#include <thread>

#include "iqgate/base/atomic_file.hpp"
#include "iqgate/base/error.hpp"
#include "iqgate/store/schema.hpp"

namespace iqgate::store {
namespace {
constexpr int most_tries = 1200;  // a minute
}  // namespace

const char* journal_mode(std::int64_t file_system) {
  // ext2 to ext4, XFS, Btrfs, tmpfs, overlayfs, ZFS, F2FS: one host sees them. Of any other it is not known.
  for (const std::int64_t local :
       {0xEF53LL, 0x58465342LL, 0x9123683ELL, 0x01021994LL, 0x794C7630LL, 0x2FC12FC1LL, 0xF2F52010LL})
    if ((file_system & 0xFFFFFFFFLL) == local) return "WAL";
  return "DELETE";
}

void Store::Impl::open_sqlite(const std::string& folder) {
  make_folder(folder);
  const std::string file = folder + "/iqgate.sqlite";
  struct statfs system {};
  const std::int64_t type = ::statfs(folder.c_str(), &system) == 0 ? static_cast<std::int64_t>(system.f_type) : 0;
  sql.open(soci::sqlite3, "db=\"" + file + "\" timeout=60");
  // Of several processes that open a new store, all but one are told at once that it is locked: no waiting here.
  std::string mode;
  for (int tries = 0;; ++tries) try {
      sql << std::string("PRAGMA journal_mode=") + journal_mode(type), soci::into(mode);
      break;
    } catch (const soci::soci_error& error) {
      if (tries == most_tries || std::string(error.what()).find("locked") == std::string::npos) throw;
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
  sql << "PRAGMA synchronous=FULL";
  if (mode != (journal_mode(type)[0] == 'W' ? "wal" : "delete"))
    throw OutputError("store", where, "its journal cannot be that of this file system (it is " + mode + ")",
                      "end the programs that hold it open from another machine");
}

void Store::Impl::migrate() {
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

void Store::Impl::insert_measurements(const std::string& key, const std::vector<Measurement>& list) {
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

void Store::Impl::fail(const soci::soci_error& error) const {
  std::string text = error.what();
  // Neither a password nor what a row holds.
  text = text.substr(0, std::min(text.find(" while "), text.find("://")));
  throw OutputError("store", where, "the store cannot be used: " + text,
                    "check free space, permission, and that the store can be reached");
}

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

}  // namespace iqgate::store
