#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "iqgate/batch/rules.hpp"
#include "iqgate/judge/profile.hpp"

namespace iqgate::batch {

/// A rule with what its names stand for on this machine.
struct ResolvedRule {
  Rule rule;
  std::string request_sha256;        ///< of what the worker is asked: it refuses another
  std::string configuration_sha256;  ///< of all that decides its numbers besides scan and program
  std::optional<judge::Profile> reference;
};

struct BatchOptions {
  std::vector<std::string> roots;
  std::string folders_from;  ///< rules see folders below this one; empty: below the roots
  std::vector<ResolvedRule> rules;
  std::string configuration_sha256;  ///< of all rules
  std::string program;               ///< its version
  std::string context_file, backend = "auto";
  std::vector<std::string> worker_command;
  std::string results_folder;  ///< holds results/ and scratch/
  std::size_t jobs = 1, threads_each = 1;
  double timeout_s = 600;
  std::uint64_t max_memory = std::uint64_t{4} << 30;  ///< resident bytes of one worker
  int retries = 1;                                    ///< after time, memory or a killed worker; never for bad data
  std::size_t shard = 1, shards = 1;
  bool again = false;       ///< what failed or is quarantined is tried again
  bool show_names = false;  ///< paths may be told
};

}  // namespace iqgate::batch
