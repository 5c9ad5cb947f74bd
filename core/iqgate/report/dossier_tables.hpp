#pragma once
// The tables of the dossier, as values for its page.
#include <string>

#include "iqgate/report/dossier.hpp"

namespace iqgate::report {

/// A member of a document as a short number; a dash where there is none.
std::string number_text(const json::Value& v, std::string_view key);

/// The gate metrics of a comparison, with their answers in words.
json::Array gate_rows(const json::Value& comparison);
json::Array scan_rows(const DossierParts& parts);
/// Limits that are broken or not decided, and what could not be measured: each once, with the scans it is true of.
json::Array trouble_rows(const DossierParts& parts);
/// Decisions about this scanner in the log, oldest first.
json::Array history_rows(const DossierParts& parts);
/// How many numbers of known truth were measured rightly; warns where not all were, or by another `version`.
std::string selftest_sentence(const json::Value& selftest, const std::string& version);
json::Array provenance(const DossierParts& parts);

}  // namespace iqgate::report
