#pragma once
// Results that lie in files, read back.
#include <string>
#include <vector>

#include "iqgate/base/json.hpp"
#include "iqgate/judge/record.hpp"

namespace iqgate::report {

/// The document of a result.json, or of the folder that holds it; throws InputError where it is none.
json::Value read_result(const std::string& path);
/// The same as the judging stage sees it. `source`: a short name for messages.
judge::Record record_of(const json::Value& result, const std::string& source);
/// Throws InputError where a result.h5 beside it was written with another text: the result was changed, or mixed.
void check_against_hdf5(const std::string& result_file);
/// Measurements of a result.json, as a baseline for relative limits.
std::vector<Measurement> read_measurements(const std::string& path);

}  // namespace iqgate::report
