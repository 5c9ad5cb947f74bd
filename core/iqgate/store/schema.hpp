#pragma once
// The tables, as steps that each version adds to the one before. Internal to this folder.
#include <string>
#include <vector>

namespace iqgate::store {

/// Step k brings a store from version k to k + 1. Steps are only ever added.
inline const std::vector<std::vector<std::string>>& schema_steps() {
  static const std::vector<std::vector<std::string>> steps{{
      "CREATE TABLE runs (id TEXT PRIMARY KEY, root_sha256 TEXT NOT NULL, configuration_sha256 TEXT NOT NULL, "
      "program TEXT NOT NULL, started_utc TEXT NOT NULL, finished_utc TEXT)",
      "CREATE TABLE scans (key TEXT PRIMARY KEY, input_sha256 TEXT NOT NULL, configuration_sha256 TEXT NOT NULL, "
      "program TEXT NOT NULL, scan_id TEXT NOT NULL, modality TEXT NOT NULL, scanner TEXT NOT NULL, "
      "rule TEXT NOT NULL, state TEXT NOT NULL, owner TEXT NOT NULL, lease_until BIGINT NOT NULL, "
      "attempts INTEGER NOT NULL, code TEXT NOT NULL, reason TEXT NOT NULL, overall TEXT NOT NULL, "
      "warned INTEGER NOT NULL, exit_code INTEGER NOT NULL, phantom TEXT NOT NULL, taken TEXT NOT NULL, "
      "gate TEXT NOT NULL, files TEXT NOT NULL, seconds DOUBLE PRECISION NOT NULL, reading_seconds DOUBLE PRECISION "
      "NOT "
      "NULL, queued_utc TEXT NOT NULL, settled_utc TEXT NOT NULL, seal TEXT NOT NULL)",
      "CREATE TABLE run_scans (run_id TEXT NOT NULL, key TEXT NOT NULL, pass TEXT NOT NULL, computed INTEGER NOT NULL, "
      "PRIMARY KEY (run_id, key))",
      "CREATE TABLE arrivals (input_sha256 TEXT PRIMARY KEY, scanner TEXT NOT NULL, first_seen_utc TEXT NOT NULL)",
      "CREATE TABLE measurements (key TEXT NOT NULL, name TEXT NOT NULL, variant TEXT NOT NULL, place TEXT NOT NULL, "
      "value DOUBLE PRECISION NOT NULL, unit TEXT NOT NULL, standard_error DOUBLE PRECISION, "
      "ci95_lo DOUBLE PRECISION, ci95_hi DOUBLE PRECISION, PRIMARY KEY (key, name, variant, place))",
      "CREATE INDEX scans_by_state ON scans (state)",
  }};
  return steps;
}

}  // namespace iqgate::store
