#pragma once
#include <optional>
#include <string>

#include "iqgate/base/json.hpp"
#include "iqgate/judge/profile.hpp"
#include "iqgate/store/store.hpp"

namespace iqgate::batch {

/// What the worker's answer and the result that it left in `folder` come to; compared with `reference` where one is
/// given (comparison.json is added). Throws OutputError where the files are not those that the worker wrote.
store::Outcome outcome_of(const json::Value& reply, const std::string& folder,
                          const std::optional<judge::Profile>& reference);

}  // namespace iqgate::batch
