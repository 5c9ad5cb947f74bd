#pragma once
// What a batch's worker process does: one JSON job in, one JSON answer out. It alone opens input files.
#include <functional>

#include "iqgate/base/json.hpp"

namespace iqgate::pipeline {

/// Told of each group that `find` finds, before the answer.
using Part = std::function<void(const json::Value&)>;

/// {"do": "find", "paths": [...], "without": [...], "max_scan_bytes": N} -> a part {"group", "modality", "scanner",
/// "usable", "is_scan", "code", "reason", "paths", "sha256", "tags"} a group (what one `check` would take), then {"ok":
/// true, "seconds"}.
/// {"do": "check", "paths", "group", "phantom", "limits", "metrics", "judge", "context",
/// "configuration" (the digest that the key was made with), "output", "backend",
/// "threads", "max_scan_bytes"} -> {"ok": true, "exit_code", "overall", "warned", "inputs", "files": {name: sha256},
/// "seconds", "reading_seconds"}: the result lies in `output`. A foreseen fault gives {"ok": false, "kind", "code",
/// "reason"}; names of files stand in none of them.
json::Value answer_job(const json::Value& job, const Part& part);

}  // namespace iqgate::pipeline
