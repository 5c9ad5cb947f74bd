#pragma once
// The database behind a store: session, transactions, rows. Internal to this folder; SOCI goes no further.
#include <soci/soci.h>

#include <string>
#include <type_traits>
#include <vector>

#include "iqgate/store/owner.hpp"
#include "iqgate/store/store.hpp"

namespace iqgate::store {

State state_of(const std::string& word);
/// done, failed or quarantined.
bool final_state(State s);
/// Names and digests from the text that a row holds.
std::map<std::string, std::string> texts_of(const std::string& files);
/// SHA-256 of all that a settled scan says.
std::string seal_of(const Scan& scan, const Outcome& outcome, const std::string& settled_utc);

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

  [[noreturn]] void fail(const soci::soci_error& error) const;

  void open_sqlite(const std::string& folder);

  void migrate();

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

  void insert_measurements(const std::string& key, const std::vector<Measurement>& list);
};

}  // namespace iqgate::store
